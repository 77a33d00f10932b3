//! DNS names in the one form that they are kept and compared in.

use std::{fmt, str::FromStr};

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use serde::{Deserialize, Serialize};

/// A DNS name in A-labels and lower case, without `*.` before it and without a dot at the end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DomainName(String);

/// This is no DNS name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is no DNS name: {reason}")]
pub struct NoDomainName {
    name: String,
    /// For people.
    pub reason: &'static str,
}

impl DomainName {
    /// Parses a name in any case.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(name: &str) -> Result<Self, NoDomainName> {
        let lower = name.to_ascii_lowercase();
        match check(&lower) {
            Ok(()) => Ok(Self(lower)),
            Err(reason) => Err(NoDomainName { name: name.to_owned(), reason }),
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the name, in lower case, is this one or one below it.
    #[must_use]
    pub fn covers(&self, name: &str) -> bool {
        name == self.0 || name.strip_suffix(&self.0).is_some_and(|front| front.ends_with('.'))
    }
}

fn check(name: &str) -> Result<(), &'static str> {
    if name.starts_with("*.") {
        return Err("a label has letters, digits and hyphens, and a wildcard is no part of the name");
    }
    if name.len() > 253 {
        return Err("it has more than 253 characters");
    }
    for label in name.split('.') {
        if label.is_empty() || label.len() > 63 {
            return Err("a label has 1 to 63 characters");
        }
        if !label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err("a label has letters, digits and hyphens");
        }
    }
    let strict = Uts46::new().to_ascii(
        name.as_bytes(),
        AsciiDenyList::STD3,
        Hyphens::CheckFirstLast,
        DnsLength::Verify,
    );
    if !strict.is_ok_and(|ascii| ascii == name) {
        return Err("an internationalised label is wrongly encoded, or a hyphen stands at an end");
    }
    // Such a name is an IPv4 address to whoever takes URLs apart, in one of its many forms.
    match url::Host::parse(name) {
        Ok(url::Host::Domain(_)) => Ok(()),
        _ => Err("its last label is a number"),
    }
}

impl FromStr for DomainName {
    type Err = NoDomainName;

    fn from_str(name: &str) -> Result<Self, NoDomainName> {
        Self::parse(name)
    }
}

impl TryFrom<String> for DomainName {
    type Error = NoDomainName;

    fn try_from(name: String) -> Result<Self, NoDomainName> {
        Self::parse(&name)
    }
}

impl From<DomainName> for String {
    fn from(name: DomainName) -> Self {
        name.0
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept_in_lower_case_and_covers_what_is_below_it() {
        let name = DomainName::parse("Example.Test").unwrap();
        assert_eq!(name.as_str(), "example.test");
        assert!(name.covers("example.test") && name.covers("a.b.example.test"));
        assert!(!name.covers("badexample.test") && !name.covers("test"));
    }

    #[test]
    fn what_is_no_name_is_told_why() {
        for name in ["", "a..b", "*.example.test", "-a.test", "192.0.2.1", "example.test."] {
            let refused = DomainName::parse(name).unwrap_err().to_string();
            assert!(refused.contains(&format!("{name:?}")), "{refused}");
        }
    }
}
