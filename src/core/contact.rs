//! Contact addresses of an account (RFC 8555 §7.3, RFC 6068).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One e-mail address, written with or without `mailto:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact(String);

/// Why text is no contact.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is not one e-mail address")]
pub struct InvalidContact(String);

impl Contact {
    /// The `mailto:` URL for the wire, with the characters escaped that would end or extend it.
    #[must_use]
    pub fn url(&self) -> String {
        let escaped = self.0.replace('%', "%25").replace('?', "%3F").replace('&', "%26").replace('#', "%23");
        format!("mailto:{escaped}")
    }
}

impl FromStr for Contact {
    type Err = InvalidContact;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidContact(text.to_owned());
        let address = text.trim();
        let address = address.strip_prefix("mailto:").unwrap_or(address);
        let (local, domain) = address.rsplit_once('@').ok_or_else(invalid)?;
        let plain =
            |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, ',' | '<' | '>' | '@' | '"');
        let good_domain = domain.contains(|c: char| c.is_alphanumeric()) && !domain.contains(['?', '%', '/']);
        if local.is_empty() || !good_domain || !local.chars().all(plain) || !domain.chars().all(plain) {
            return Err(invalid());
        }
        Ok(Self(address.to_owned()))
    }
}

impl fmt::Display for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Contact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Contact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_become_mailto_urls() {
        assert_eq!("admin@example.test".parse::<Contact>().unwrap().url(), "mailto:admin@example.test");
        assert_eq!("mailto:a+b@example.test".parse::<Contact>().unwrap().url(), "mailto:a+b@example.test");
        for bad in ["", "admin", "@x.test", "a@", "a@x,b@y", "a@x?subject=hi", "A <a@x.test>", "a b@x.test"] {
            assert!(bad.parse::<Contact>().is_err(), "{bad:?}");
        }
    }
}
