//! The validation authority: looks for itself whether the client controls a name. It returns verdicts and
//! writes nothing down.

mod caa;
mod connect;
mod dns;
mod dns_01;
mod dns_account_01;
mod dns_persist_01;
mod fetch;
mod http_01;
mod issue_value;
pub mod mail;
mod tls;
mod tls_alpn_01;

use std::net::SocketAddr;

use time::OffsetDateTime;

pub use caa::Issuance;
use dns::Resolver;
use http_01::Http01;
use tls_alpn_01::TlsAlpn01;

use crate::model::{ChallengeKind, Identifier, IssuerNames, Problem, ProblemType};

/// Where a validation looks, and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidationSettings {
    /// The one DNS server that is asked.
    pub resolver: SocketAddr,
    /// Stands in for port 80.
    pub http_port: u16,
    /// Stands in for port 443.
    pub tls_port: u16,
    /// The names that CAA and dns-persist-01 records know the CA by; without one, CAA is not looked at.
    pub issuers: IssuerNames,
}

/// One challenge to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The validation method.
    pub kind: ChallengeKind,
    /// Whose control is to be shown; never with `*.`.
    pub identifier: Identifier,
    /// Whether the wildcard name below the identifier is meant.
    pub wildcard: bool,
    /// Whether all names below it are meant too (RFC 9444).
    pub subdomains: bool,
    /// The challenge's token.
    pub token: String,
    /// What the client must show (RFC 8555 §8.1).
    pub key_authorization: String,
    /// The URL of the account that asks.
    pub account_url: String,
    /// When it asks.
    pub now: OffsetDateTime,
}

/// Why there is no validation authority.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaError {
    /// The resolver could not be set up.
    #[error("could not set up the DNS client")]
    Resolver(#[source] hickory_resolver::net::NetError),
    /// The TLS client could not be set up.
    #[error("could not set up the TLS client")]
    Tls(#[from] rustls::Error),
}

/// Validates challenges.
pub struct ValidationAuthority {
    resolver: Resolver,
    issuers: IssuerNames,
    http_01: Http01,
    tls_alpn_01: TlsAlpn01,
}

impl ValidationAuthority {
    /// Sets the clients up; nothing is sent yet.
    ///
    /// # Errors
    /// [`VaError`] when one can't be.
    pub fn new(settings: &ValidationSettings) -> Result<Self, VaError> {
        let resolver = Resolver::new(settings.resolver).map_err(VaError::Resolver)?;
        Ok(Self {
            issuers: settings.issuers.clone(),
            http_01: Http01::new(resolver.clone(), settings.http_port, settings.tls_port)?,
            tls_alpn_01: TlsAlpn01::new(resolver.clone(), settings.tls_port)?,
            resolver,
        })
    }

    /// Tries the challenge once, and whether CAA allows what it would prove, within a bounded time.
    ///
    /// # Errors
    /// The problem that belongs into the challenge's `error` (RFC 8555 §8), with a detail for people: what was asked,
    /// where, and what came back.
    pub async fn validate(&self, attempt: &Attempt) -> Result<(), Problem> {
        match attempt.kind {
            ChallengeKind::Http01 => self.http_01.validate(attempt).await,
            ChallengeKind::Dns01 => dns_01::validate(&self.resolver, attempt).await,
            ChallengeKind::TlsAlpn01 => self.tls_alpn_01.validate(attempt).await,
            ChallengeKind::DnsAccount01 => dns_account_01::validate(&self.resolver, attempt).await,
            ChallengeKind::DnsPersist01 => {
                dns_persist_01::validate(&self.resolver, attempt, self.issuers.as_slice()).await
            }
            ChallengeKind::EmailReply00 => {
                let detail = "nobody can look for a reply: it comes by mail";
                Err(Problem::new(ProblemType::ServerInternal, detail))
            }
        }?;
        let identifier = match &attempt.identifier {
            Identifier::Dns(name) if attempt.wildcard => Identifier::Dns(format!("*.{name}")),
            identifier => identifier.clone(),
        };
        let account_url = attempt.account_url.clone();
        let issuance = Issuance { identifier, account_url, method: Some(attempt.kind.name()) };
        match self.issuers.as_slice() {
            [] => Ok(()),
            issuers => caa::check(&self.resolver, issuers, &issuance).await,
        }
    }

    /// Whether CAA records allow the issuances (RFC 8659); a CA without a name does not ask.
    ///
    /// # Errors
    /// `caa` when they forbid one, `dns` when they can't be had; with a subproblem for each that is refused
    /// (`compound` when both occur).
    pub async fn check_caa(&self, issuances: Vec<Issuance>) -> Result<(), Problem> {
        match self.issuers.as_slice() {
            [] => Ok(()),
            issuers => caa::check_all(&self.resolver, issuers, issuances).await,
        }
    }
}

/// The DNS name that an attempt is about.
fn domain_name(attempt: &Attempt) -> Result<&str, Problem> {
    match &attempt.identifier {
        Identifier::Dns(name) => Ok(name),
        other => {
            let detail = format!("{} can't show control of {}", attempt.kind, other.value());
            Err(Problem::new(ProblemType::UnsupportedIdentifier, detail))
        }
    }
}

/// Text that somebody else sent, fit to be shown: short, in one line, free of control characters.
fn shown(text: &[u8]) -> String {
    const LENGTH: usize = 100;
    let text = String::from_utf8_lossy(&text[..text.len().min(4 * LENGTH + 4)]).into_owned();
    let mut shown: String =
        text.chars().take(LENGTH).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(LENGTH).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests;
