//! What the owner of an EAB key allows its clients.

use std::net::IpAddr;

use serde::{Deserialize, Deserializer, Serialize, de::Error};
use time::{OffsetDateTime, format_description::well_known::Rfc3339, serde::rfc3339};

use super::{DomainName, EmailAddress, Identifier, identifier::is_same_mailbox};

/// A name that may be ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, try_from = "NameDocument")]
pub enum NameRight {
    /// A DNS name.
    Dns {
        /// The name itself.
        dns: DomainName,
        /// And all names below it.
        subdomains: bool,
        /// And `*.` before each.
        wildcard: bool,
    },
    /// An e-mail address.
    Email {
        /// The address.
        email: EmailAddress,
    },
    /// An IP address.
    Ip {
        /// The address.
        ip: IpAddr,
    },
}

/// What a name may look like in JSON, so that an error tells which part of it is wrong.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NameDocument {
    dns: Option<DomainName>,
    subdomains: Option<bool>,
    wildcard: Option<bool>,
    email: Option<EmailAddress>,
    ip: Option<IpAddr>,
}

/// This is no name, or more than one.
#[derive(Debug, thiserror::Error)]
#[error(
    "a name is {{\"dns\":\"…\",\"subdomains\":bool,\"wildcard\":bool}}, {{\"email\":\"…\"}} or {{\"ip\":\"…\"}}"
)]
struct NoName;

impl TryFrom<NameDocument> for NameRight {
    type Error = NoName;

    fn try_from(document: NameDocument) -> Result<Self, NoName> {
        let NameDocument { dns, subdomains, wildcard, email, ip } = document;
        match (dns, email, ip) {
            (Some(dns), None, None) => Ok(Self::Dns {
                dns,
                subdomains: subdomains.unwrap_or_default(),
                wildcard: wildcard.unwrap_or_default(),
            }),
            (None, Some(email), None) if subdomains.or(wildcard).is_none() => Ok(Self::Email { email }),
            (None, None, Some(ip)) if subdomains.or(wildcard).is_none() => Ok(Self::Ip { ip }),
            _ => Err(NoName),
        }
    }
}

impl NameRight {
    /// Whether it covers the identifier.
    #[must_use]
    pub fn covers(&self, identifier: &Identifier) -> bool {
        match (self, identifier) {
            (Self::Dns { dns, subdomains, wildcard }, Identifier::Dns(name)) => {
                let base = name.strip_prefix("*.");
                if base.is_some() && !wildcard {
                    return false;
                }
                let base = base.unwrap_or(name);
                if *subdomains { dns.covers(base) } else { base == dns.as_str() }
            }
            (Self::Email { email }, Identifier::Email(address)) => is_same_mailbox(email.as_str(), address),
            (Self::Ip { ip }, Identifier::Ip(address)) => ip == address,
            _ => false,
        }
    }
}

/// The access rights of an EAB key, as the owner sets them in the web UI.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rights {
    /// Server certificates (DNS names and IP addresses).
    pub server: bool,
    /// Client certificates (e-mail addresses).
    pub client: bool,
    /// Revoking certificates.
    pub revoke: bool,
    /// The names; empty means all verified names of the owner (and no IP address).
    pub names: Vec<NameRight>,
    /// Only names of which the owner has a certificate already, the same set of them.
    pub renew_only: bool,
    /// How many accounts may be made with the key; without it any number.
    pub max_accounts: Option<u32>,
    /// How many certificates may be issued to them; without it any number.
    pub max_certificates: Option<u32>,
    /// When the rights end, and the latest end of a certificate.
    #[serde(serialize_with = "rfc3339::option::serialize", deserialize_with = "date")]
    pub not_after: Option<OffsetDateTime>,
}

/// What keeps a request from being granted, and can be changed in the web UI; named as in the JSON of [`Rights`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// [`Rights::server`].
    Server,
    /// [`Rights::client`].
    Client,
    /// [`Rights::revoke`].
    Revoke,
    /// [`Rights::names`].
    Names,
    /// [`Rights::renew_only`].
    RenewOnly,
    /// [`Rights::max_accounts`].
    MaxAccounts,
    /// [`Rights::max_certificates`].
    MaxCertificates,
    /// [`Rights::not_after`].
    NotAfter,
    /// No right of the key: what the owner has verified with CAcert.
    Owner,
}

impl Default for Rights {
    /// Server certificates for all the owner's names, one account.
    fn default() -> Self {
        Self {
            server: true,
            client: false,
            revoke: true,
            names: Vec::new(),
            renew_only: false,
            max_accounts: Some(1),
            max_certificates: None,
            not_after: None,
        }
    }
}

/// A date of RFC 3339, or none; the error repeats what was given.
fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<OffsetDateTime>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let date = OffsetDateTime::parse(&text, &Rfc3339);
    date.map(Some).map_err(|_| D::Error::custom(format!("{text:?} is no date such as 2030-01-31T00:00:00Z")))
}

impl Rights {
    /// Whether the names cover the identifier.
    #[must_use]
    pub fn cover(&self, identifier: &Identifier) -> bool {
        if self.names.is_empty() {
            return !matches!(identifier, Identifier::Ip(_));
        }
        self.names.iter().any(|name| name.covers(identifier))
    }

    /// Whether the names cover a domain with all names below it.
    #[must_use]
    pub fn cover_domain(&self, domain: &str) -> bool {
        let covers = |name: &NameRight| match name {
            NameRight::Dns { dns, subdomains: true, .. } => dns.covers(domain),
            _ => false,
        };
        self.names.is_empty() || self.names.iter().any(covers)
    }

    /// Whether the kind of certificate that the identifier belongs to is allowed.
    #[must_use]
    pub fn allow_kind_of(&self, identifier: &Identifier) -> bool {
        match identifier {
            Identifier::Dns(_) | Identifier::Ip(_) => self.server,
            Identifier::Email(_) => self.client,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json, to_value};

    use super::*;

    fn dns(name: &str) -> Identifier {
        Identifier::Dns(name.into())
    }

    #[test]
    fn the_documented_form_is_read_and_written() {
        let document = json!({
            "server": true, "client": false, "revoke": true,
            "names": [
                {"dns": "example.test", "subdomains": true, "wildcard": false},
                {"email": "alice@example.test"}, {"ip": "192.0.2.1"}
            ],
            "renew_only": false, "max_accounts": 1, "max_certificates": null,
            "not_after": "2030-01-01T00:00:00Z"
        });
        let rights: Rights = from_value(document.clone()).unwrap();
        assert_eq!(to_value(rights).unwrap(), document);
    }

    #[test]
    fn unknown_members_are_refused_and_missing_ones_have_defaults() {
        assert!(from_value::<Rights>(json!({"sever": true})).is_err());
        assert!(from_value::<Rights>(json!({"names": [{"dns": "a.test", "subdomain": true}]})).is_err());
        assert_eq!(from_value::<Rights>(json!({})).unwrap(), Rights::default());
        assert_eq!(from_value::<Rights>(json!({"max_accounts": null})).unwrap().max_accounts, None);
    }

    #[test]
    fn names_cover_exactly_what_they_say() {
        let right = |subdomains, wildcard| NameRight::Dns {
            dns: "Example.test".parse().unwrap(),
            subdomains,
            wildcard,
        };
        assert!(right(false, false).covers(&dns("example.test")));
        assert!(!right(false, false).covers(&dns("www.example.test")));
        assert!(right(true, false).covers(&dns("www.example.test")));
        assert!(!right(true, false).covers(&dns("*.example.test")));
        assert!(right(false, true).covers(&dns("*.example.test")));
        assert!(!right(false, true).covers(&dns("*.www.example.test")));
        assert!(right(true, true).covers(&dns("*.www.example.test")));
        assert!(!right(true, true).covers(&Identifier::Email("a@example.test".into())));
        assert!(!Rights::default().cover(&Identifier::Ip([192, 0, 2, 1].into())));
    }
}
