//! The domain names that DNS records know the CA by.

use serde::{Deserialize, Serialize};

/// The most names that a dns-persist-01 challenge may list (draft-ietf-acme-dns-persist-01).
const NAMES_MAX: usize = 10;

/// Up to ten domain names, in A-labels and lower case, without a dot at the end: `issue` properties of CAA records
/// (RFC 8659) and dns-persist-01 records name the CA by one of them. Without any the CA does not look at CAA.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct IssuerNames(Vec<String>);

/// Why a list names no CA.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssuerNamesError {
    /// There are too many.
    #[error("a CA has at most {NAMES_MAX} names")]
    TooMany,
    /// One is not in the form that records are compared in.
    #[error("{0:?} is no domain name in A-labels and lower case")]
    Name(String),
}

impl IssuerNames {
    /// The names.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Default for IssuerNames {
    fn default() -> Self {
        Self(vec!["cacert.org".to_owned()])
    }
}

impl TryFrom<Vec<String>> for IssuerNames {
    type Error = IssuerNamesError;

    fn try_from(names: Vec<String>) -> Result<Self, IssuerNamesError> {
        if names.len() > NAMES_MAX {
            return Err(IssuerNamesError::TooMany);
        }
        match names.iter().find(|name| !is_normal(name)) {
            Some(name) => Err(IssuerNamesError::Name(name.clone())),
            None => Ok(Self(names)),
        }
    }
}

impl From<IssuerNames> for Vec<String> {
    fn from(names: IssuerNames) -> Self {
        names.0
    }
}

fn is_normal(name: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(inside)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(names: &[&str]) -> Result<IssuerNames, IssuerNamesError> {
        names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>().try_into()
    }

    #[test]
    fn s173_up_to_ten_normal_names() {
        assert_eq!(parse(&["cacert.org"]), Ok(IssuerNames::default()));
        assert!(parse(&[]).unwrap().is_empty());
        parse(&["xn--bcher-kva.example"; 10]).unwrap();
        assert_eq!(parse(&["ca.test"; 11]), Err(IssuerNamesError::TooMany));
        let long = ["a"; 128].join(".");
        for name in
            ["CAcert.org", "cacert.org.", "b\u{fc}cher.test", "", "a..b", "-a.test", "a_b.test", &long]
        {
            assert_eq!(parse(&[name]), Err(IssuerNamesError::Name(name.to_owned())));
        }
    }
}
