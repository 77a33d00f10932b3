//! What can be chosen about a server, by a program that embeds it or in a TOML file.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use serde::{Deserialize, Serialize};

use crate::{
    ca::CaKey,
    faults::Fault,
    host::Host,
    model::{MailSettings, Settings},
};

/// Everything that can be chosen; what a file leaves out has its default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where ACME is served, over TLS. Port 0 here and below takes a free one.
    pub acme: SocketAddr,
    /// Where the admin API, the CRLs and the CA's certificates are served, over plain HTTP.
    pub admin: SocketAddr,
    /// How clients on other machines name this one, in all URLs; without it they have the address that is listened on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<Host>,
    /// Where the built-in test DNS answers, over UDP and TCP.
    pub dns: SocketAddr,
    /// The DNS server that validations ask; the built-in one when absent.
    pub resolver: Option<SocketAddr>,
    /// The port that stands in for 80 when names are validated.
    pub http_port: u16,
    /// The port that stands in for 443 when names are validated.
    pub tls_port: u16,
    /// The address of names that the built-in DNS was told no address for; without it such names do not exist.
    #[serde(with = "default_address")]
    pub dns_default: Option<Ipv4Addr>,
    /// Makes keys, tokens, nonces and serial numbers reproducible, and so guessable.
    pub seed: Option<u64>,
    /// The file that keeps everything, the CA's keys too; without one it is gone when the server ends.
    pub state: Option<PathBuf>,
    /// The SMTP server that challenge mails go out through; without it they are only kept, for the admin API.
    pub smtp: Option<SocketAddr>,
    /// Where replies to challenge mails are taken by SMTP; without it they come through the admin API alone.
    pub mail_listen: Option<SocketAddr>,
    /// The kind of key of the root and the intermediate.
    pub ca_key: CaKey,
    /// Whether a second root certifies the intermediate too, so that certificates can be had with two chains.
    pub alternate_root: bool,
    /// How challenge mails are written and replies are read.
    pub mail: MailSettings,
    /// What the server promises and demands.
    pub policy: Settings,
    /// What goes wrong on purpose, from the start.
    pub faults: Vec<Fault>,
}

impl Default for Config {
    /// The addresses that the program's flags name.
    fn default() -> Self {
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Self {
            acme: local(14000),
            admin: local(15000),
            host: None,
            dns: local(8053),
            resolver: None,
            http_port: 5002,
            tls_port: 5001,
            dns_default: Some(Ipv4Addr::LOCALHOST),
            seed: None,
            state: None,
            smtp: None,
            mail_listen: None,
            ca_key: CaKey::default(),
            alternate_root: false,
            mail: MailSettings::default(),
            policy: Settings::default(),
            faults: Vec::new(),
        }
    }
}

impl Config {
    /// The defaults on free ports of 127.0.0.1: for tests, many of which may run at once. The HTTP and TLS ports of
    /// the validations stay as they are: the test must say where its client answers.
    #[must_use]
    pub fn ephemeral() -> Self {
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self { acme: free, admin: free, dns: free, ..Self::default() }
    }

    /// Reads a TOML document.
    ///
    /// # Errors
    /// When it is no TOML, or has an unknown or unfit entry; the error says where.
    pub fn from_toml(document: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(document)
    }
}

/// An address, or `"none"`: TOML has no null, and leaving the entry out means the default.
mod default_address {
    use std::net::Ipv4Addr;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(
        address: &Option<Ipv4Addr>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match address {
            Some(address) => serializer.collect_str(address),
            None => serializer.serialize_str("none"),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Ipv4Addr>, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "none" => Ok(None),
            address => address.parse().map(Some).map_err(D::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_empty_file_is_the_default() {
        assert_eq!(Config::from_toml("").unwrap(), Config::default());
    }

    #[test]
    fn what_is_written_is_read_again() {
        for dns_default in [None, Some(Ipv4Addr::new(127, 0, 0, 9))] {
            let mut config =
                Config { seed: Some(7), ca_key: CaKey::Rsa2048, dns_default, ..Config::ephemeral() };
            config.policy.order_lifetime = Duration::from_secs(90);
            config.policy.certificate_lifetime = Some(Duration::from_secs(90 * 86_400));
            let text = toml::to_string(&config).unwrap();
            assert_eq!(Config::from_toml(&text).unwrap(), config, "{text}");
        }
    }

    #[test]
    fn a_file_reads_as_documented() {
        let config = Config::from_toml(
            "acme = \"[::1]:14001\"\nhttp_port = 8080\nca_key = \"rsa2048\"\ndns_default = \"none\"\n\
             [policy]\ncertificate_lifetime = \"90d\"\nsigning_delay = \"250ms\"\n",
        )
        .unwrap();
        assert_eq!(config.acme, "[::1]:14001".parse().unwrap());
        assert_eq!((config.http_port, config.ca_key, config.dns_default), (8080, CaKey::Rsa2048, None));
        assert_eq!(config.policy.certificate_lifetime, Some(Duration::from_secs(90 * 86_400)));
        assert_eq!(config.policy.signing_delay, Duration::from_millis(250));
    }

    #[test]
    fn the_readme_shows_every_entry_with_its_default() {
        let readme = include_str!("../README.md");
        let document = readme.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
        let mut config = Config::from_toml(document).unwrap();
        let shown: toml::Table = toml::from_str(document).unwrap();
        let all = toml::Table::try_from(&config).unwrap();
        assert!(all.keys().eq(shown.keys()), "{document}");
        let entries = |table: &toml::Table, name: &str| {
            table[name].as_table().unwrap().keys().cloned().collect::<Vec<_>>()
        };
        for table in ["policy", "mail"] {
            assert_eq!(entries(&all, table), entries(&shown, table));
        }

        assert!(config.resolver.take().is_some() && config.seed.take().is_some());
        assert!(config.state.take().is_some() && config.host.take().is_some());
        let limits = std::mem::take(&mut config.policy.limits);
        assert!(limits.new_accounts.and(limits.new_orders).and(limits.failed_validations).is_some());
        assert!(!std::mem::take(&mut config.policy.blocked_names).is_empty());
        assert!(!std::mem::take(&mut config.faults).is_empty());
        assert!(config.smtp.take().is_some() && config.mail_listen.take().is_some());
        assert!(config.policy.certificate_lifetime.take().is_some());
        assert_eq!(config, Config::default());
    }

    #[test]
    fn misspelt_entries_and_bad_values_are_named() {
        for (text, named) in [
            ("acem = 1", "acem"),
            ("[policy]\norder_lifetme = \"1d\"", "order_lifetme"),
            ("[mail]\ntoken_part1_bytes = 8", "16 to 64 bytes, not 8"),
            ("[mail]\ndkim_selector = \"a.b\"", "\"a.b\" is no DKIM selector"),
        ] {
            let error = Config::from_toml(text).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}
