//! Identifiers that certificates are issued for (RFC 8555 §7.1.3, RFC 8738, RFC 8823).

use std::{borrow::Cow, net::IpAddr};

use icu_normalizer::ComposingNormalizerBorrowed;
use serde::{Deserialize, Serialize};

/// What an order asks for. Values are normalised: names lower case A-labels, addresses in RFC 5952 form.
///
/// On the wire `{"type":"dns","value":"www.example.test"}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "type", content = "value", rename_all = "lowercase")]
pub enum Identifier {
    /// A DNS name; in an order it may begin with `*.`, in an authorization it never does.
    Dns(String),
    /// An IP address (RFC 8738).
    Ip(IpAddr),
    /// An e-mail address (RFC 8823): before the `@` perhaps more than ASCII (RFC 6531), in NFC; after it A-labels.
    Email(String),
}

impl Identifier {
    /// The value without its type.
    #[must_use]
    pub fn value(&self) -> String {
        match self {
            Self::Dns(name) => name.clone(),
            Self::Ip(address) => address.to_string(),
            Self::Email(address) => address.clone(),
        }
    }

    /// As an order names it: with `*.` before it where it stands for the wildcard name.
    #[must_use]
    pub(super) fn ordered(&self, wildcard: bool) -> Self {
        match self {
            Self::Dns(name) if wildcard => Self::Dns(format!("*.{name}")),
            identifier => identifier.clone(),
        }
    }

    /// The name below `*.`, if this is a wildcard name.
    #[must_use]
    pub fn wildcard_base(&self) -> Option<&str> {
        match self {
            Self::Dns(name) => name.strip_prefix("*."),
            _ => None,
        }
    }
}

/// Text in the one form that it is kept and compared in (RFC 6532 §3.1): the same letters can be written in several.
#[must_use]
pub fn nfc(text: &str) -> Cow<'_, str> {
    const NFC: ComposingNormalizerBorrowed<'static> = ComposingNormalizerBorrowed::new_nfc();
    NFC.normalize(text)
}

/// Whether two e-mail addresses are the same, however they are written: case counts for nothing, as with almost
/// every mail server.
#[must_use]
pub fn is_same_mailbox(one: &str, other: &str) -> bool {
    nfc(one).eq_ignore_ascii_case(&nfc(other))
}
