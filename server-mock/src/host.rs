//! The host part of URLs.

use std::{fmt, net::IpAddr, str::FromStr};

use rcgen::SanType;
use serde::{Deserialize, Serialize};

/// How a machine is named in URLs: a DNS name or an address (RFC 3986 §3.2.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Host(url::Host);

/// Text that names no host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither a host name nor an address; an IPv6 address stands in brackets")]
pub struct InvalidHost(String);

impl FromStr for Host {
    type Err = InvalidHost;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        url::Host::parse(text).map(Self).map_err(|_| InvalidHost(text.to_owned()))
    }
}

impl TryFrom<String> for Host {
    type Error = InvalidHost;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Host> for String {
    fn from(host: Host) -> Self {
        host.to_string()
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Host {
    /// The name as a certificate has it.
    pub(crate) fn subject_alternative_name(&self) -> Result<SanType, rcgen::Error> {
        Ok(match &self.0 {
            url::Host::Domain(name) => SanType::DnsName(name.as_str().try_into()?),
            url::Host::Ipv4(address) => SanType::IpAddress(IpAddr::V4(*address)),
            url::Host::Ipv6(address) => SanType::IpAddress(IpAddr::V6(*address)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_read_and_written_alike() {
        for text in ["acme", "ca.test", "192.0.2.1", "[2001:db8::1]"] {
            assert_eq!(text.parse::<Host>().unwrap().to_string(), text);
        }
        for text in ["", "a b", "https://ca.test", "ca.test:1", "2001:db8::1"] {
            assert!(text.parse::<Host>().is_err(), "{text}");
        }
    }
}
