//! Ways to prove names, as the user chooses them and as `certificate.toml` keeps them.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use crate::core::identifier::Identifier;

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
    /// `manual-dns`: dns-01 by records that the user publishes by hand.
    ManualDns,
    /// `manual-http`: http-01 by files that the user puts in place by hand.
    ManualHttp,
}

/// Text that names no method.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidMethod {
    /// Not one of the methods.
    #[error(
        "{0:?} is not a method; there are webroot:DIR, standalone[:ADDR:PORT], tls-alpn[:ADDR:PORT], dns-rfc2136:FILE, manual-dns and manual-http"
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
}

impl FromStr for Method {
    type Err = InvalidMethod;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
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
            Self::ManualDns => f.write_str("manual-dns"),
            Self::ManualHttp => f.write_str("manual-http"),
        }
    }
}

impl Method {
    /// Whether it works by DNS records.
    #[must_use]
    pub fn is_by_dns(&self) -> bool {
        match self {
            Self::DnsRfc2136(_) | Self::ManualDns => true,
            Self::Webroot(_) | Self::Standalone(_) | Self::TlsAlpn(_) | Self::ManualHttp => false,
        }
    }

    /// Whether it can prove this name: wildcards are for DNS alone (RFC 8555 §8.3, RFC 8737 §3), and addresses have no
    /// records to be proven by (RFC 8738 §7).
    #[must_use]
    pub fn can_prove(&self, identifier: &Identifier) -> bool {
        match identifier {
            Identifier::Ip(_) => !self.is_by_dns(),
            Identifier::Dns(_) => self.is_by_dns() || !identifier.is_wildcard(),
        }
    }
}

#[cfg(test)]
mod tests {
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
            "manual-dns",
            "manual-http",
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
}
