//! What a certificate is for (RFC 8555 §7.1.3, RFC 8738).

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A DNS name or an IP address, parsed and normalised.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Identifier {
    /// A DNS name: lower case, A-labels, perhaps beginning with `*.`.
    Dns(DnsName),
    /// An IP address.
    Ip(IpAddr),
}

/// A DNS name as it goes into an order: lower case, A-labels (RFC 5890), no trailing dot, perhaps beginning with `*.`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DnsName(String);

/// Why text is no DNS name.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidName {
    /// It holds nothing.
    #[error("the name is empty")]
    Empty,
    /// IDNA processing or the letters-digits-hyphen rule refused it.
    #[error("{0:?} is not a valid DNS name")]
    Form(String),
    /// A star somewhere else than alone in front.
    #[error("{0:?}: a wildcard is one `*.` at the beginning of a name")]
    Wildcard(String),
    /// More than 253 characters, or a label of more than 63.
    #[error("{0:?} is too long for a DNS name")]
    TooLong(String),
}

impl DnsName {
    /// Reads a name as a user types it: any case, Unicode or A-labels, with or without the final dot.
    ///
    /// # Errors
    /// [`InvalidName`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let trimmed = text.trim().trim_end_matches('.');
        if trimmed.is_empty() {
            return Err(InvalidName::Empty);
        }
        let (prefix, base) = match trimmed.strip_prefix("*.") {
            Some(base) => ("*.", base),
            None => ("", trimmed),
        };
        if base.contains('*') {
            return Err(InvalidName::Wildcard(text.to_owned()));
        }
        let ascii = idna::domain_to_ascii_strict(base).map_err(|_| {
            let too_long =
                base.is_ascii() && (base.len() > 253 || base.split('.').any(|label| label.len() > 63));
            if too_long { InvalidName::TooLong(text.to_owned()) } else { InvalidName::Form(text.to_owned()) }
        })?;
        let name = format!("{prefix}{ascii}");
        if name.len() > 253 {
            return Err(InvalidName::TooLong(text.to_owned()));
        }
        // A top label of digits only would be taken for an IPv4 address by some programs (RFC 1123 §2.1).
        let top = ascii.rsplit('.').next().unwrap_or_default();
        if top.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(InvalidName::Form(text.to_owned()));
        }
        Ok(Self(name))
    }

    /// The name, with its `*.` if it has one.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Identifier {
    /// The type's name on the wire: `dns` or `ip`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Dns(_) => "dns",
            Self::Ip(_) => "ip",
        }
    }

    /// Whether it is a wildcard name, which http-01 can't prove (RFC 8555 §8.3).
    #[must_use]
    pub fn is_wildcard(&self) -> bool {
        matches!(self, Self::Dns(name) if name.0.starts_with("*."))
    }
}

impl Identifier {
    /// The name with its letters instead of A-labels; `None` when it has none.
    #[must_use]
    pub fn unicode(&self) -> Option<String> {
        let Self::Dns(DnsName(name)) = self else { return None };
        let (star, base) = name.strip_prefix("*.").map_or(("", name.as_str()), |base| ("*.", base));
        let (unicode, valid) = idna::domain_to_unicode(base);
        (valid.is_ok() && unicode != base).then(|| format!("{star}{unicode}"))
    }

    /// The name for people: with its letters, and always as it is on the wire, which no two names share.
    #[must_use]
    pub fn shown(&self) -> String {
        self.unicode().map_or_else(|| self.to_string(), |unicode| format!("{unicode} ({self})"))
    }
}

/// Names for people: the first five, and how many more there are.
#[must_use]
pub fn listed(identifiers: &[Identifier]) -> String {
    let mut names: Vec<String> = identifiers.iter().take(5).map(Identifier::shown).collect();
    if identifiers.len() > 5 {
        names.push(format!("and {} more", identifiers.len() - 5));
    }
    names.join(", ")
}

impl FromStr for DnsName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// An IP address where the text is one, a DNS name otherwise.
impl FromStr for Identifier {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim().parse() {
            Ok(address) => Ok(Self::Ip(address)),
            Err(_) => DnsName::parse(text).map(Self::Dns),
        }
    }
}

/// The value on the wire; for an IP address the form of RFC 5952.
impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => f.write_str(&name.0),
            Self::Ip(address) => address.fmt(f),
        }
    }
}

impl Serialize for Identifier {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Identifier {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn international_names_are_shown_both_ways() {
        let shown = |text: &str| text.parse::<Identifier>().unwrap().shown();
        assert_eq!(shown("*.bücher.example"), "*.bücher.example (*.xn--bcher-kva.example)");
        assert_eq!((shown("www.example"), shown("::1")), ("www.example".into(), "::1".into()));
        let names: Vec<Identifier> = (1..=7).map(|n| format!("n{n}.test").parse().unwrap()).collect();
        assert_eq!(listed(&names), "n1.test, n2.test, n3.test, n4.test, n5.test, and 2 more");
    }

    #[test]
    fn names_are_normalised() {
        for (typed, name) in [
            ("WWW.Example.Test.", "www.example.test"),
            ("*.example.test", "*.example.test"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("127.0.0.1", "127.0.0.1"),
            ("2001:DB8:0:0::1", "2001:db8::1"),
        ] {
            assert_eq!(typed.parse::<Identifier>().unwrap().to_string(), name);
        }
    }

    #[test]
    fn bad_names_are_refused() {
        let long = format!("{}.test", "a".repeat(64));
        for bad in
            ["", ".", "a..b", "-a.test", "a b.test", "a.*.test", "*.*.test", "*", "x.999", "a_b.test", &long]
        {
            assert!(bad.parse::<Identifier>().is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn parsing_what_was_printed_changes_nothing(text in "(\\*\\.)?[a-zA-Zäöü0-9.-]{1,40}") {
            if let Ok(identifier) = text.parse::<Identifier>() {
                prop_assert_eq!(identifier.to_string().parse::<Identifier>().unwrap(), identifier);
            }
        }
    }
}
