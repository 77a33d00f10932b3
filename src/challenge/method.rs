//! Ways to prove names, as the user chooses them and as `certificate.toml` keeps them.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use crate::core::identifier::Identifier;
use crate::hooks::{ChallengeKind, Dialect, UnknownDialect};

/// A method as the user chose it: the text of `--challenge NAME=METHOD` and of the stored certificate.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// `webroot:DIR`: http-01 by a file in the folder that a web server serves.
    Webroot(PathBuf),
    /// `standalone` or `standalone:ADDR:PORT`: http-01 by our own web server; port 80 on all addresses if not said.
    Standalone(Option<SocketAddr>),
    /// `tls-alpn` or `tls-alpn:ADDR:PORT`: tls-alpn-01 by our own TLS server; port 443 on all addresses if not said.
    TlsAlpn(Option<SocketAddr>),
    /// `dns-rfc2136:FILE`: dns-01 by dynamic updates, as the file says.
    DnsRfc2136(PathBuf),
    /// `dns-persist`: dns-persist-01 by records that stand for good, and are only looked at.
    DnsPersist,
    /// `manual-dns`: dns-01 by records that the user publishes by hand.
    ManualDns,
    /// `manual-http`: http-01 by files that the user puts in place by hand.
    ManualHttp,
    /// `dns-hook:CMD`, `http-hook:CMD`, `tls-alpn-hook:CMD`, with a dialect `dns-hook/DIALECT:CMD`: by a program of the
    /// user's.
    Hook {
        /// The type of challenge.
        kind: ChallengeKind,
        /// How the program is called.
        dialect: Dialect,
        /// The program, or what the dialect has in its place.
        command: String,
    },
}

/// Text that names no method.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidMethod {
    /// Not one of the methods.
    #[error(
        "{0:?} is not a method; there are webroot:DIR, standalone[:ADDR:PORT], tls-alpn[:ADDR:PORT], dns-rfc2136:FILE, dns-hook:CMD, http-hook:CMD, dns-persist, manual-dns and manual-http"
    )]
    Unknown(String),
    /// `webroot` without its folder.
    #[error("webroot needs a folder: webroot:/var/www/html")]
    NoFolder,
    /// `dns-rfc2136` without its file.
    #[error("dns-rfc2136 needs a file: dns-rfc2136:/etc/cacert-acme/update.key")]
    NoFile,
    /// Not `ADDR:PORT`.
    #[error("{0:?} is not an address with a port, such as 127.0.0.1:5002 or [::1]:80")]
    Address(String),
    /// A hook without its command.
    #[error("{0} needs a command: {0}:/usr/local/bin/hook")]
    NoCommand(String),
    /// No dialect of hooks.
    #[error(transparent)]
    Dialect(#[from] UnknownDialect),
    /// A dialect whose hooks do not know this type of challenge.
    #[error("hooks of the dialect {dialect} do not answer {kind}; those of {fit} do", fit = fitting(*kind))]
    Unfit {
        /// The dialect.
        dialect: Dialect,
        /// The type of challenge.
        kind: ChallengeKind,
    },
}

impl Method {
    /// Reads `ADDR:PORT`; a port alone means all addresses.
    ///
    /// # Errors
    /// [`InvalidMethod::Address`].
    pub fn parse_address(text: &str) -> Result<SocketAddr, InvalidMethod> {
        let port = text.strip_prefix(':').unwrap_or(text).parse::<u16>();
        let any = |port| SocketAddr::from((std::net::Ipv6Addr::UNSPECIFIED, port));
        port.map(any).or_else(|_| text.parse()).map_err(|_| InvalidMethod::Address(text.to_owned()))
    }

    /// Reads a method; a hook that names no dialect has this one.
    ///
    /// # Errors
    /// [`InvalidMethod`] says what is wrong with it.
    pub fn parse(text: &str, dialect: Option<Dialect>) -> Result<Self, InvalidMethod> {
        let (method, command) = text.split_once(':').unwrap_or((text, ""));
        let (way, named) = method.split_once('/').map_or((method, None), |(way, named)| (way, Some(named)));
        let kind = match way {
            "dns-hook" => ChallengeKind::Dns01,
            "http-hook" => ChallengeKind::Http01,
            "tls-alpn-hook" => ChallengeKind::TlsAlpn01,
            _ => return Self::parse_own(text),
        };
        if command.trim().is_empty() {
            return Err(InvalidMethod::NoCommand(method.to_owned()));
        }
        let dialect = match named {
            Some(named) => named.parse()?,
            None => dialect.unwrap_or_else(|| Dialect::default_for(kind)),
        };
        Self::hook(kind, dialect, command)
    }

    /// A hook for this type of challenge.
    ///
    /// # Errors
    /// [`InvalidMethod::Unfit`] when hooks of this dialect do not know the type.
    pub fn hook(kind: ChallengeKind, dialect: Dialect, command: &str) -> Result<Self, InvalidMethod> {
        if !dialect.kinds().contains(&kind) {
            return Err(InvalidMethod::Unfit { dialect, kind });
        }
        Ok(Self::Hook { kind, dialect, command: command.to_owned() })
    }

    /// This method, and those to try after it where a hook may decline: itself for the other types of challenges.
    #[must_use]
    pub fn and_alternatives(&self) -> Vec<Self> {
        let mut methods = vec![self.clone()];
        if let Self::Hook { kind, dialect, command } = self
            && dialect.may_decline()
        {
            let other = |other: &ChallengeKind| Self::Hook {
                kind: *other,
                dialect: *dialect,
                command: command.clone(),
            };
            methods.extend(dialect.kinds().iter().filter(|other| *other != kind).map(other));
        }
        methods
    }
}

fn fitting(kind: ChallengeKind) -> String {
    let fit = Dialect::names().filter_map(|name| name.parse::<Dialect>().ok());
    fit.filter(|dialect| dialect.kinds().contains(&kind)).map(Dialect::name).collect::<Vec<_>>().join(", ")
}

/// The first part of a hook's text.
fn way(kind: ChallengeKind) -> &'static str {
    match kind {
        ChallengeKind::Dns01 => "dns-hook",
        ChallengeKind::Http01 => "http-hook",
        ChallengeKind::TlsAlpn01 => "tls-alpn-hook",
    }
}

impl FromStr for Method {
    type Err = InvalidMethod;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text, None)
    }
}

impl Method {
    /// Reads a method that needs no hook.
    fn parse_own(text: &str) -> Result<Self, InvalidMethod> {
        let (method, rest) = text.split_once(':').map_or((text, None), |(method, rest)| (method, Some(rest)));
        match (method, rest) {
            ("webroot", Some(folder)) if !folder.is_empty() => Ok(Self::Webroot(folder.into())),
            ("webroot", _) => Err(InvalidMethod::NoFolder),
            ("standalone", None) => Ok(Self::Standalone(None)),
            ("standalone", Some(address)) => Ok(Self::Standalone(Some(Self::parse_address(address)?))),
            ("tls-alpn", None) => Ok(Self::TlsAlpn(None)),
            ("tls-alpn", Some(address)) => Ok(Self::TlsAlpn(Some(Self::parse_address(address)?))),
            ("dns-rfc2136", Some(file)) if !file.is_empty() => Ok(Self::DnsRfc2136(file.into())),
            ("dns-rfc2136", _) => Err(InvalidMethod::NoFile),
            ("dns-persist", None) => Ok(Self::DnsPersist),
            ("manual-dns", None) => Ok(Self::ManualDns),
            ("manual-http", None) => Ok(Self::ManualHttp),
            _ => Err(InvalidMethod::Unknown(text.to_owned())),
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Webroot(folder) => write!(f, "webroot:{}", folder.display()),
            Self::Standalone(None) => f.write_str("standalone"),
            Self::Standalone(Some(address)) => write!(f, "standalone:{address}"),
            Self::TlsAlpn(None) => f.write_str("tls-alpn"),
            Self::TlsAlpn(Some(address)) => write!(f, "tls-alpn:{address}"),
            Self::DnsRfc2136(file) => write!(f, "dns-rfc2136:{}", file.display()),
            Self::DnsPersist => f.write_str("dns-persist"),
            Self::ManualDns => f.write_str("manual-dns"),
            Self::ManualHttp => f.write_str("manual-http"),
            Self::Hook { kind, dialect, command } if *dialect == Dialect::default_for(*kind) => {
                write!(f, "{}:{command}", way(*kind))
            }
            Self::Hook { kind, dialect, command } => write!(f, "{}/{dialect}:{command}", way(*kind)),
        }
    }
}

impl Method {
    /// Whether it works by DNS records.
    #[must_use]
    pub fn is_by_dns(&self) -> bool {
        match self {
            Self::DnsRfc2136(_) | Self::DnsPersist | Self::ManualDns => true,
            Self::Hook { kind, .. } => *kind == ChallengeKind::Dns01,
            Self::Webroot(_) | Self::Standalone(_) | Self::TlsAlpn(_) | Self::ManualHttp => false,
        }
    }

    /// Whether it can prove this name: wildcards are for DNS alone (RFC 8555 §8.3, RFC 8737 §3), and addresses have no
    /// records to be proven by (RFC 8738 §7).
    #[must_use]
    pub fn can_prove(&self, identifier: &Identifier) -> bool {
        self.and_alternatives().iter().any(|method| match identifier {
            Identifier::Ip(_) => !method.is_by_dns(),
            Identifier::Dns(_) => method.is_by_dns() || !identifier.is_wildcard(),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn methods_are_read_and_written_alike() {
        for text in [
            "webroot:/var/www",
            "standalone",
            "standalone:127.0.0.1:5002",
            "tls-alpn",
            "tls-alpn:[::1]:443",
            "dns-rfc2136:/etc/update.key",
            "dns-persist",
            "manual-dns",
            "manual-http",
            "dns-hook:/h a",
            "dns-hook:https://dns.test/",
            "dns-hook/certbot:a :: b",
            "http-hook:/h",
            "http-hook/uacme:/h",
            "tls-alpn-hook:/h",
        ] {
            assert_eq!(text.parse::<Method>().unwrap().to_string(), text);
        }
        assert_eq!("standalone:8080".parse::<Method>().unwrap().to_string(), "standalone:[::]:8080");
        for bad in [
            "",
            "webroot",
            "webroot:",
            "dns",
            "dns-rfc2136:",
            "manual-dns:x",
            "standalone:",
            "standalone:x",
            "standalone:1.2.3.4",
        ] {
            assert!(bad.parse::<Method>().is_err(), "{bad}");
        }
        for bad in ["dns-hook", "dns-hook:", "dns-hook/sh:/h", "http-hook/lego:/h", "http-hook/acme.sh:dns_x"]
        {
            assert!(bad.parse::<Method>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_hook_without_a_dialect_has_the_one_that_is_given() {
        let certbot = Some("certbot".parse().unwrap());
        let read = |text, dialect| Method::parse(text, dialect).unwrap().to_string();
        assert_eq!(read("dns-hook:a b", certbot), "dns-hook/certbot:a b");
        assert_eq!(read("dns-hook/uacme:/h", certbot), "dns-hook/uacme:/h");
        assert_eq!(read("standalone", certbot), "standalone");
    }

    #[test]
    fn a_hook_that_may_decline_has_alternatives() {
        let told = |text: &str| -> Vec<String> {
            let methods = text.parse::<Method>().unwrap().and_alternatives();
            methods.iter().map(ToString::to_string).collect()
        };
        assert_eq!(
            told("http-hook/uacme:/h"),
            ["http-hook/uacme:/h", "dns-hook/uacme:/h", "tls-alpn-hook/uacme:/h"]
        );
        assert_eq!(told("dns-hook:/h"), ["dns-hook:/h"]);
        assert!("http-hook/uacme:/h".parse::<Method>().unwrap().can_prove(&"*.a.test".parse().unwrap()));
    }

    #[test]
    fn wildcards_are_proven_by_dns_and_addresses_are_not() {
        for (name, by_http, by_dns) in
            [("a.test", true, true), ("*.a.test", false, true), ("192.0.2.1", true, false)]
        {
            let identifier = name.parse().unwrap();
            assert_eq!(Method::Standalone(None).can_prove(&identifier), by_http, "{name}");
            assert_eq!(Method::ManualDns.can_prove(&identifier), by_dns, "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_hook_that_is_read_is_written_alike(
            way in "(dns|http|tls-alpn)-hook",
            dialect in proptest::sample::select(Dialect::names().collect::<Vec<_>>()),
            command in any::<String>(),
        ) {
            if let Ok(method) = format!("{way}/{dialect}:{command}").parse::<Method>() {
                prop_assert_eq!(method.to_string().parse::<Method>(), Ok(method));
            }
        }
    }
}
