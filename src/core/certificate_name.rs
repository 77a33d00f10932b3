//! The name under which a certificate is kept.

use std::fmt;

use super::identifier::Identifier;

/// A name that is safe as a folder name: lower-case letters, digits, `.`, `-`, `_`, `@`, `+`; not beginning with a
/// dot or a hyphen; at most 200 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CertificateName(String);

/// Why a name can't be one.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "{0:?} can't be the name of a certificate: it may have letters, digits and . - _ @ + and must begin with a letter, a digit or _"
)]
pub struct InvalidCertificateName(String);

impl CertificateName {
    /// Reads a name as a user types it.
    ///
    /// # Errors
    /// [`InvalidCertificateName`] when it isn't safe as a folder name.
    pub fn parse(text: &str) -> Result<Self, InvalidCertificateName> {
        let name = text.to_ascii_lowercase();
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '@' | '+');
        let begins_well = name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        if begins_well && name.len() <= 200 && name.chars().all(allowed) {
            Ok(Self(name))
        } else {
            Err(InvalidCertificateName(text.to_owned()))
        }
    }

    /// The name a certificate gets when the user gives none: its first identifier, with `_` for a wildcard's star
    /// and for the colons of an IPv6 address.
    #[must_use]
    pub fn for_identifier(identifier: &Identifier) -> Self {
        let name = identifier.to_string().replace(['*', ':'], "_");
        Self(name.chars().take(200).collect())
    }

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CertificateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for CertificateName {
    type Err = InvalidCertificateName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_never_leave_their_folder() {
        for bad in ["", ".", "..", "../x", "a/b", "-rf", ".hidden", "a\0", "a b"] {
            assert!(CertificateName::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(CertificateName::parse("WWW.example.test").unwrap().as_str(), "www.example.test");
    }

    #[test]
    fn identifiers_give_names() {
        let name = |text: &str| CertificateName::for_identifier(&text.parse().unwrap()).to_string();
        assert_eq!(name("*.example.test"), "_.example.test");
        assert_eq!(name("2001:db8::1"), "2001_db8__1");
        assert!(CertificateName::parse(&name("::1")).is_ok());
    }
}
