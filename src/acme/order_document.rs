//! What a server says of an order (RFC 8555 §7.1.3).

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::core::identifier::Identifier;
use crate::core::plan::OrderStatus;
use crate::core::problem::{Problem, lenient};

use super::AcmeError;
use super::answer::Answer;
use super::session::understood;

/// An order's document. Unknown members are tolerated.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct OrderDocument {
    pub(super) status: OrderStatus,
    #[serde(default)]
    identifiers: Vec<WireIdentifier>,
    #[serde(default)]
    authorizations: Vec<String>,
    pub(super) finalize: Option<String>,
    pub(super) certificate: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) error: Option<Problem>,
}

/// An identifier, to be compared with others alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
struct WireIdentifier {
    #[serde(rename = "type")]
    kind: String,
    value: String,
}

impl OrderDocument {
    /// Reads an answer.
    pub(super) fn read(url: &str, answer: &Answer) -> Result<Self, AcmeError> {
        understood(url, answer)
    }

    /// Checks that it is an order for these names, as far as it tells.
    ///
    /// # Errors
    /// When it is for others.
    pub(super) fn check_names(&self, url: &str, wanted: &[Identifier]) -> Result<(), AcmeError> {
        let told = self.identifiers.iter().map(|identifier| identifier.value.parse().ok());
        let told: Option<BTreeSet<Identifier>> = told.collect();
        if self.identifiers.is_empty()
            || told.is_some_and(|told| told.iter().eq(&BTreeSet::from_iter(wanted.iter().cloned())))
        {
            return Ok(());
        }
        Err(AcmeError::Protocol(format!("the order at {url} is for other names")))
    }

    /// The URLs of its authorizations, each once.
    pub(super) fn authorizations(&self) -> Vec<String> {
        let mut seen = BTreeSet::new();
        self.authorizations.iter().filter(|url| seen.insert(*url)).cloned().collect()
    }

    /// The same order, as `later` tells it. Names and authorizations never change; what an answer leaves out is as it
    /// was.
    ///
    /// # Errors
    /// When it is not the same order.
    pub(super) fn followed_by(&self, url: &str, later: Self) -> Result<Self, AcmeError> {
        let changed = |what: &str| AcmeError::Protocol(format!("the order at {url} changed its {what}"));
        if !later.identifiers.is_empty() && !same(&self.identifiers, &later.identifiers) {
            return Err(changed("names"));
        }
        if !later.authorizations.is_empty() && !same(&self.authorizations, &later.authorizations) {
            return Err(changed("authorizations"));
        }
        let (identifiers, authorizations) = (self.identifiers.clone(), self.authorizations.clone());
        let finalize = later.finalize.or_else(|| self.finalize.clone());
        Ok(Self { identifiers, authorizations, finalize, ..later })
    }
}

/// Whether both have the same elements, in whatever order.
fn same<T: Ord>(one: &[T], other: &[T]) -> bool {
    one.iter().collect::<BTreeSet<_>>() == other.iter().collect::<BTreeSet<_>>()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn order(authorizations: &[&str]) -> OrderDocument {
        let document = json!({
            "status": "pending", "finalize": "f", "authorizations": authorizations, "x": [],
            "identifiers": [{"type": "dns", "value": "a.test", "x": 1}],
        });
        serde_json::from_value(document).unwrap()
    }

    #[test]
    fn c17_an_authorization_listed_twice_is_one() {
        assert_eq!(order(&["b", "a", "b"]).authorizations(), ["b", "a"]);
    }

    #[test]
    fn c16_c29_the_order_of_arrays_is_nothing_their_content_is() {
        let first = order(&["a", "b"]);
        first.followed_by("u", order(&["b", "a"])).unwrap();
        for other in [&["a"][..], &["a", "c"], &["a", "b", "c"]] {
            assert!(first.followed_by("u", order(other)).is_err());
        }
        let mut renamed = order(&["a", "b"]);
        renamed.identifiers[0].value = "b.test".into();
        assert!(first.followed_by("u", renamed).is_err());
    }

    #[test]
    fn an_order_is_for_the_names_that_were_ordered() {
        let names = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect::<Vec<_>>();
        order(&[]).check_names("u", &names(&["A.test"])).unwrap();
        for other in [&["b.test"][..], &["a.test", "b.test"], &[]] {
            order(&[]).check_names("u", &names(other)).unwrap_err();
        }
    }

    #[test]
    fn what_an_answer_leaves_out_is_as_it_was() {
        let short: OrderDocument = serde_json::from_value(json!({"status": "valid", "error": 7})).unwrap();
        let followed = order(&["a"]).followed_by("u", short).unwrap();
        assert_eq!((followed.authorizations().len(), followed.finalize.as_deref()), (1, Some("f")));
    }
}
