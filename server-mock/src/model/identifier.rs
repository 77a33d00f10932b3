//! Identifiers that certificates are issued for (RFC 8555 §7.1.3, RFC 8738, RFC 8823).

use std::net::IpAddr;

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
    /// An e-mail address (RFC 8823).
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

    /// The name below `*.`, if this is a wildcard name.
    #[must_use]
    pub fn wildcard_base(&self) -> Option<&str> {
        match self {
            Self::Dns(name) => name.strip_prefix("*."),
            _ => None,
        }
    }
}
