//! Ways to prove control of a name: one file a method, one contract for all.
//!
//! To add a method: a file that implements [`Solver`], a variant in [`Method`] and a line in [`Solvers::of`].

mod handed_over;
mod listener;
mod standalone;
mod tls_alpn;
mod webroot;

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::core::identifier::Identifier;
use crate::core::key_authorization::Token;

use standalone::Standalone;
use tls_alpn::TlsAlpn;
use webroot::Webroot;

/// What must be shown to the server for one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The name, as the authorization has it.
    pub name: String,
    /// The challenge's token.
    pub token: Token,
    /// Token and account thumbprint (RFC 8555 §8.1).
    pub key_authorization: String,
}

/// A way to prove control. Presenting, waiting and cleaning up are apart, so that everything slow starts together.
#[async_trait]
pub trait Solver: Send + Sync {
    /// The challenge type that it answers, as in RFC 8555 §9.7.8.
    fn challenge_type(&self) -> &'static str;

    /// Puts the proof in place. Presenting the same proof twice is fine.
    async fn present(&self, proof: &Proof) -> Result<(), ChallengeError>;

    /// Waits until the server can see it. Most ways show it at once.
    async fn wait_until_visible(&self, _proof: &Proof) -> Result<(), ChallengeError> {
        Ok(())
    }

    /// Takes the proof away again; nothing there is fine.
    async fn clean_up(&self, proof: &Proof) -> Result<(), ChallengeError>;

    /// What the user should look at when the server did not accept the proof.
    fn advice(&self, name: &str) -> String;
}

/// Why a proof could not be put in place or taken away.
#[derive(Debug, thiserror::Error)]
pub enum ChallengeError {
    /// A file or folder in the webroot.
    #[error("could not {action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
    /// The certificate that is to prove could not be made.
    #[error("could not make the certificate for tls-alpn-01")]
    Certificate {
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The address is taken or not ours.
    #[error("could not listen on {address} for the server's validation")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
}

/// A method as the user chose it: the text of `--challenge NAME=METHOD` and of the stored certificate.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// `webroot:DIR`: http-01 by a file in the folder that a web server serves.
    Webroot(PathBuf),
    /// `standalone` or `standalone:ADDR:PORT`: http-01 by our own web server; port 80 on all addresses if not said.
    Standalone(Option<SocketAddr>),
    /// `tls-alpn` or `tls-alpn:ADDR:PORT`: tls-alpn-01 by our own TLS server; port 443 on all addresses if not said.
    TlsAlpn(Option<SocketAddr>),
}

/// Text that names no method.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidMethod {
    /// Not one of the methods.
    #[error("{0:?} is not a method; there are webroot:DIR, standalone[:ADDR:PORT] and tls-alpn[:ADDR:PORT]")]
    Unknown(String),
    /// `webroot` without its folder.
    #[error("webroot needs a folder: webroot:/var/www/html")]
    NoFolder,
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
        }
    }
}

impl Method {
    /// Whether it can prove this name: neither http-01 nor tls-alpn-01 is for wildcards (RFC 8555 §8.3, RFC 8737 §3).
    #[must_use]
    pub fn can_prove(&self, identifier: &Identifier) -> bool {
        match self {
            Self::Webroot(_) | Self::Standalone(_) | Self::TlsAlpn(_) => !identifier.is_wildcard(),
        }
    }
}

/// The solvers of a run. Certificates that use the same method share one, and with it the port it listens on.
#[derive(Default)]
pub struct Solvers(Mutex<HashMap<Method, Arc<dyn Solver>>>);

impl Solvers {
    /// The solver for a method.
    pub fn of(&self, method: &Method) -> Arc<dyn Solver> {
        let mut solvers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || -> Arc<dyn Solver> {
            match method {
                Method::Webroot(folder) => Arc::new(Webroot::new(folder.clone())),
                Method::Standalone(address) => Arc::new(Standalone::new(*address)),
                Method::TlsAlpn(address) => Arc::new(TlsAlpn::new(*address)),
            }
        };
        solvers.entry(method.clone()).or_insert_with(make).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_read_and_written_alike() {
        for text in
            ["webroot:/var/www", "standalone", "standalone:127.0.0.1:5002", "tls-alpn", "tls-alpn:[::1]:443"]
        {
            assert_eq!(text.parse::<Method>().unwrap().to_string(), text);
        }
        assert_eq!("standalone:8080".parse::<Method>().unwrap().to_string(), "standalone:[::]:8080");
        for bad in ["", "webroot", "webroot:", "dns", "standalone:", "standalone:x", "standalone:1.2.3.4"] {
            assert!(bad.parse::<Method>().is_err(), "{bad}");
        }
    }

    #[test]
    fn http_01_proves_no_wildcard() {
        let standalone = Method::Standalone(None);
        assert!(standalone.can_prove(&"a.test".parse().unwrap()));
        assert!(!standalone.can_prove(&"*.a.test".parse().unwrap()));
    }
}
