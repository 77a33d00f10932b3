//! Problem documents as servers send them (RFC 7807, RFC 8555 §6.7).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use super::right::Right;
use super::text::printable;

/// The prefix of the error types that RFC 8555 and its successors register.
const ACME_PREFIX: &str = "urn:ietf:params:acme:error:";

/// So many subproblems are told; who reads on?
const MOST_SUBPROBLEMS: usize = 20;

/// What a server says is wrong. All text in it is safe to print.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The error type, mostly `urn:ietf:params:acme:error:…`.
    #[serde(default, rename = "type", deserialize_with = "safe", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// A short title.
    #[serde(default, deserialize_with = "safe", skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The explanation for people.
    #[serde(default, deserialize_with = "safe", skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The HTTP status as the document repeats it.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// A page the user should visit (RFC 8555 §7.3.3).
    #[serde(default, deserialize_with = "safe", skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// What it concerns, within subproblems (RFC 8555 §6.7.1).
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub identifier: Option<ProblemIdentifier>,
    /// Which right of the key, or of its owner, forbids it: an extension of CAcert's server (RFC 7807 §3.2).
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub right: Option<Right>,
    /// The signature algorithms that the server takes, with `badSignatureAlgorithm` (RFC 8555 §6.2).
    #[serde(default, deserialize_with = "safe_list", skip_serializing_if = "Vec::is_empty")]
    pub algorithms: Vec<String>,
    /// One for each part that failed (RFC 8555 §6.7.1).
    #[serde(default, deserialize_with = "lenient_list", skip_serializing_if = "Vec::is_empty")]
    pub subproblems: Vec<Problem>,
}

/// An identifier as a problem names it; of any type, unlike those we order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProblemIdentifier {
    /// `dns`, `ip`, `email` or something newer.
    #[serde(default, rename = "type", deserialize_with = "safe", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The name or address.
    #[serde(default, deserialize_with = "safe", skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

impl Problem {
    /// A problem for an answer that brought no problem document.
    #[must_use]
    pub fn without_document(status: u16, title: &str) -> Self {
        Self { status: Some(status), title: Some(printable(title).into_owned()), ..Self::default() }
    }

    /// The registered name after `urn:ietf:params:acme:error:`, for instance `badNonce`.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.kind.as_deref()?.strip_prefix(ACME_PREFIX)
    }

    /// Whether it is of this registered type.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.name() == Some(name)
    }

    /// The names that this right refuses, as the subproblems tell them.
    #[must_use]
    pub fn names_refused_by(&self, right: Right) -> Vec<&str> {
        let refused = self.subproblems.iter().filter(|problem| problem.right == Some(right));
        refused.filter_map(|problem| problem.identifier.as_ref()?.value.as_deref()).collect()
    }

    /// The lines that tell it to a person: itself, then one for each subproblem, up to twenty.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let told = self.subproblems.iter().take(MOST_SUBPROBLEMS).map(ToString::to_string);
        let mut lines: Vec<String> = std::iter::once(self.to_string()).chain(told).collect();
        if let Some(more) = self.subproblems.len().checked_sub(MOST_SUBPROBLEMS).filter(|&more| more > 0) {
            lines.push(format!("and {more} more"));
        }
        lines
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(value) = self.identifier.as_ref().and_then(|identifier| identifier.value.as_deref()) {
            write!(f, "{value}: ")?;
        }
        let text = self.detail.as_deref().or(self.title.as_deref()).unwrap_or("no explanation given");
        f.write_str(text)?;
        match (self.name(), self.kind.as_deref()) {
            (Some(name), _) => write!(f, " ({name})"),
            (None, Some(kind)) if kind != "about:blank" => write!(f, " ({kind})"),
            _ => Ok(()),
        }
    }
}

/// A string, made printable; anything else counts as absent.
fn safe<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let value: Option<String> = lenient(deserializer)?;
    Ok(value.map(|text| printable(&text).into_owned()))
}

/// A list of strings, made printable; anything else counts as absent.
fn safe_list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let values: Option<Vec<String>> = lenient(deserializer)?;
    Ok(values.unwrap_or_default().iter().map(|text| printable(text).into_owned()).collect())
}

/// The values that have the right form.
fn lenient_list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Problem>, D::Error> {
    let values: Option<Vec<serde_json::Value>> = lenient(deserializer)?;
    let values = values.unwrap_or_default().into_iter();
    Ok(values.filter_map(|value| serde_json::from_value(value).ok()).collect())
}

/// The value if it has the right form, else nothing: a broken member must not hide the whole document. For use with
/// `#[serde(deserialize_with = …)]`.
///
/// # Errors
/// Those of the deserializer.
pub fn lenient<'de, D: Deserializer<'de>, T: for<'a> Deserialize<'a>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c28_subproblems_are_told_by_name() {
        let problem: Problem = serde_json::from_str(
            r#"{"type":"urn:ietf:params:acme:error:compound","detail":"two names failed","subproblems":[
                {"type":"urn:ietf:params:acme:error:caa","detail":"CAA forbids","identifier":{"type":"dns","value":"a.test"}},
                {"type":"urn:ietf:params:acme:error:dns","detail":"NXDOMAIN","identifier":{"type":"email","value":"a@b.test"}}]}"#,
        )
        .unwrap();
        assert_eq!(
            problem.lines(),
            ["two names failed (compound)", "a.test: CAA forbids (caa)", "a@b.test: NXDOMAIN (dns)"]
        );
    }

    #[test]
    fn members_of_the_wrong_type_are_left_out() {
        let problem: Problem = serde_json::from_str(
            r#"{"type":7,"detail":"x\u001b[0m","status":"403","identifier":7,"subproblems":null}"#,
        )
        .unwrap();
        assert_eq!(problem, Problem { detail: Some("x\u{fffd}[0m".into()), ..Problem::default() });
        let problem: Problem =
            serde_json::from_str(r#"{"detail":"x","subproblems":[7,{"detail":"y"}]}"#).unwrap();
        assert_eq!(problem.lines().len(), 2, "{problem:?}");
    }
}
