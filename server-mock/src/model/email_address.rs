//! E-mail addresses in the one form that they are kept in.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{DomainName, identifier::nfc};

/// An e-mail address: its domain in A-labels and lower case; what is before the `@` keeps its case, and may have more
/// than ASCII (RFC 6531 §3.3), in NFC.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

/// This is no e-mail address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{address:?} is no e-mail address: {reason}")]
pub struct NoEmailAddress {
    address: String,
    reason: &'static str,
}

impl EmailAddress {
    /// Parses an address.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(address: &str) -> Result<Self, NoEmailAddress> {
        let refused = |reason| NoEmailAddress { address: address.to_owned(), reason };
        let (local, domain) = address.rsplit_once('@').ok_or_else(|| refused("it has no @"))?;
        let local = nfc(local);
        if !local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atext)) {
            return Err(refused("before the @ are words with single dots between them, not quoted"));
        }
        if local.len() > 64 {
            return Err(refused("before the @ are at most 64 bytes"));
        }
        let domain = DomainName::parse(domain).map_err(|no_name| refused(no_name.reason))?;
        Ok(Self(format!("{local}@{domain}")))
    }

    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// atext of RFC 5322 §3.2.3 and RFC 6532 §3.2, without what can't be seen.
fn is_atext(c: char) -> bool {
    match c.is_ascii() {
        true => c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c),
        false => !c.is_control() && !c.is_whitespace(),
    }
}

impl FromStr for EmailAddress {
    type Err = NoEmailAddress;

    fn from_str(address: &str) -> Result<Self, NoEmailAddress> {
        Self::parse(address)
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = NoEmailAddress;

    fn try_from(address: String) -> Result<Self, NoEmailAddress> {
        Self::parse(&address)
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.0
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
