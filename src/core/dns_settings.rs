//! How DNS is worked with for a certificate: as the user said it, and as renewal needs it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::dns_record::{DNS_01, DNS_ACCOUNT_01, RecordName};
use super::identifier::DnsName;

/// The port of DNS servers.
pub const DNS_PORT: u16 = 53;

/// How long a record is awaited when nobody says.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(300);

/// What `--dns-…` says beside the way to publish; all of it has a default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct DnsSettings {
    /// Who looks names up; this machine's resolvers when empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resolvers: Vec<ResolverAddress>,
    /// Records that stand somewhere else.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<Alias>,
    /// How long a record is awaited; see [`DnsSettings::timeout`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Patience>,
    /// Who must show a record before the server is told to look.
    #[serde(skip_serializing_if = "is_default")]
    pub wait_for: WaitFor,
    /// The challenge to answer; dns-01, or else dns-account-01, when nobody says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub challenge: Option<DnsChallenge>,
    /// The port that zones' servers are asked on; see [`DNS_PORT`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

impl DnsSettings {
    /// Whether nobody said anything.
    #[must_use]
    pub fn is_default(&self) -> bool {
        is_default(self)
    }

    /// How long a record is awaited: five minutes if nobody says.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout.map_or(DEFAULT_TIMEOUT, |Patience(duration)| duration)
    }

    /// The port that zones' servers are asked on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(DNS_PORT)
    }

    /// Where the proof of a name (with or without its `*.`) stands, if the user says so: an alias for just this name
    /// goes before one for all.
    #[must_use]
    pub fn alias(&self, name: &str) -> Option<&RecordName> {
        let base = |name: &str| name.strip_prefix("*.").unwrap_or(name).to_owned();
        let of = |wanted: Option<&str>| {
            let mut aliases = self.aliases.iter();
            aliases.find(|alias| alias.name.as_ref().map(|own| base(own.as_str())).as_deref() == wanted)
        };
        of(Some(&base(name))).or_else(|| of(None)).map(|alias| &alias.target)
    }

    /// The challenge types to look for, the best first.
    #[must_use]
    pub fn challenge_types(&self) -> &'static [&'static str] {
        match self.challenge {
            None => &[DNS_01, DNS_ACCOUNT_01],
            Some(DnsChallenge::Dns01) => &[DNS_01],
            Some(DnsChallenge::DnsAccount01) => &[DNS_ACCOUNT_01],
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Who must show a record before the server is told to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WaitFor {
    /// Every server of the zone.
    #[default]
    Authoritative,
    /// The resolvers alone: where the zone's servers can't be asked from here.
    Resolvers,
    /// Nobody: whoever publishes knows when it is done.
    Nobody,
}

/// A challenge that a TXT record with a token's digest answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
pub enum DnsChallenge {
    /// One place for all accounts (RFC 8555 §8.4).
    #[serde(rename = "dns-01")]
    #[value(name = "dns-01")]
    Dns01,
    /// A place of the account's own (draft-ietf-acme-dns-account-label).
    #[serde(rename = "dns-account-01")]
    #[value(name = "dns-account-01")]
    DnsAccount01,
}

/// Text that is no setting.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidSetting {
    /// No address.
    #[error(
        "{0:?} is not the address of a DNS server, such as 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:53"
    )]
    Resolver(String),
    /// No alias.
    #[error(
        "{0:?} is neither the name of a record nor NAME=RECORD, such as www.example.org=_acme.example.net"
    )]
    Alias(String),
    /// No duration.
    #[error("{0:?} is not a duration from 1s to 24h, such as 90s, 5m or 1h")]
    Duration(String),
}

/// `ADDR` or `ADDR:PORT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ResolverAddress(pub SocketAddr);

impl FromStr for ResolverAddress {
    type Err = InvalidSetting;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let alone = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        let address = alone.parse::<IpAddr>().map(|address| SocketAddr::new(address, DNS_PORT));
        let address = address.or_else(|_| text.parse());
        address.map(Self).map_err(|_| InvalidSetting::Resolver(text.to_owned()))
    }
}

impl fmt::Display for ResolverAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// `NAME=ALIAS`, or `ALIAS` for all names: where the record stands that the server finds by a CNAME.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Alias {
    /// The certificate's name; all of them when absent.
    pub name: Option<DnsName>,
    /// The record's own name.
    pub target: RecordName,
}

impl FromStr for Alias {
    type Err = InvalidSetting;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidSetting::Alias(text.to_owned());
        let (name, target) = match text.split_once('=') {
            Some((name, target)) => (Some(DnsName::parse(name).map_err(|_| invalid())?), target),
            None => (None, text),
        };
        Ok(Self { name, target: RecordName::parse(target).map_err(|_| invalid())? })
    }
}

impl fmt::Display for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{}={}", name.as_str(), self.target),
            None => self.target.fmt(f),
        }
    }
}

/// How long to wait for something, in whole seconds, from one second to a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Patience(pub Duration);

impl FromStr for Patience {
    type Err = InvalidSetting;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidSetting::Duration(text.to_owned());
        let text = text.trim();
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit = match &text[digits.len()..] {
            "" | "s" => 1,
            "m" | "min" => 60,
            "h" => 3600,
            _ => return Err(invalid()),
        };
        let seconds = digits.trim().parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
        match seconds {
            Some(seconds @ 1..=86_400) => Ok(Self(Duration::from_secs(seconds))),
            _ => Err(invalid()),
        }
    }
}

impl fmt::Display for Patience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s", self.0.as_secs())
    }
}

/// These are text in files as on the command line.
macro_rules! serde_as_text {
    ($($type:ty),+) => {$(
        impl Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

serde_as_text!(ResolverAddress, Alias, Patience);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolvers_are_addresses_with_or_without_port() {
        for (typed, address) in [
            ("192.0.2.53", "192.0.2.53:53"),
            ("192.0.2.53:5353", "192.0.2.53:5353"),
            ("2001:db8::53", "[2001:db8::53]:53"),
            ("[2001:db8::53]", "[2001:db8::53]:53"),
            ("[::1]:5353", "[::1]:5353"),
        ] {
            assert_eq!(typed.parse::<ResolverAddress>().unwrap().to_string(), address);
        }
        for bad in ["", "dns.example.org", "192.0.2.53:", "192.0.2.53:x", "[::1", "1.2.3"] {
            assert!(bad.parse::<ResolverAddress>().is_err(), "{bad}");
        }
    }

    #[test]
    fn durations_are_bounded() {
        for (typed, seconds) in [("90", 90), ("90s", 90), ("5m", 300), ("24h", 86_400)] {
            assert_eq!(typed.parse::<Patience>().unwrap().0.as_secs(), seconds, "{typed}");
        }
        for bad in ["", "s", "0", "-1", "1d", "5 m m", "25h", "99999999999999999999h", "1.5h"] {
            assert!(bad.parse::<Patience>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_alias_for_one_name_goes_before_that_for_all() {
        let aliases = ["_all.net.test", "*.a.test=_a.net.test"].map(|text| text.parse().unwrap());
        let settings = DnsSettings { aliases: aliases.into(), ..DnsSettings::default() };
        for (name, alias) in
            [("a.test", "_a.net.test"), ("*.a.test", "_a.net.test"), ("b.a.test", "_all.net.test")]
        {
            assert_eq!(settings.alias(name).unwrap().as_str(), alias);
        }
        assert_eq!(DnsSettings::default().alias("a.test"), None);
        for bad in ["", "a.test=", "=_x.test", "a b=c.test", "a.test=b=c"] {
            assert!(bad.parse::<Alias>().is_err(), "{bad}");
        }
    }

    #[test]
    fn settings_are_read_as_they_were_written() {
        let settings = DnsSettings {
            resolvers: vec!["[::1]:5353".parse().unwrap()],
            aliases: vec!["a.test=_a.net.test".parse().unwrap()],
            timeout: Some("2m".parse().unwrap()),
            wait_for: WaitFor::Resolvers,
            challenge: Some(DnsChallenge::DnsAccount01),
            port: Some(5300),
        };
        for settings in [settings, DnsSettings::default()] {
            let text = toml::to_string(&settings).unwrap();
            assert_eq!(toml::from_str::<DnsSettings>(&text).unwrap(), settings, "{text}");
        }
        assert_eq!(toml::to_string(&DnsSettings::default()).unwrap(), "");
    }
}
