//! The validation authority: looks for itself whether the client controls a name. It returns verdicts and
//! writes nothing down.

mod dns;
mod fetch;
mod http_01;
pub mod mail;
mod tls;

use std::net::SocketAddr;

use dns::Resolver;
use http_01::Http01;

use crate::model::{ChallengeKind, Identifier, Problem, ProblemType};

/// Where a validation looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValidationSettings {
    /// The one DNS server that is asked.
    pub resolver: SocketAddr,
    /// Stands in for port 80.
    pub http_port: u16,
    /// Stands in for port 443.
    pub tls_port: u16,
}

/// One challenge to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The validation method.
    pub kind: ChallengeKind,
    /// Whose control is to be shown; never a wildcard.
    pub identifier: Identifier,
    /// The challenge's token.
    pub token: String,
    /// What the client must show (RFC 8555 §8.1).
    pub key_authorization: String,
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
    http_01: Http01,
}

impl ValidationAuthority {
    /// Sets the clients up; nothing is sent yet.
    ///
    /// # Errors
    /// [`VaError`] when one can't be.
    pub fn new(settings: &ValidationSettings) -> Result<Self, VaError> {
        let resolver = Resolver::new(settings.resolver).map_err(VaError::Resolver)?;
        Ok(Self { http_01: Http01::new(resolver, settings.http_port, settings.tls_port)? })
    }

    /// Tries the challenge once, within a bounded time.
    ///
    /// # Errors
    /// The problem that belongs into the challenge's `error` (RFC 8555 §8), with a detail for people: what was asked,
    /// where, and what came back.
    pub async fn validate(&self, attempt: &Attempt) -> Result<(), Problem> {
        match attempt.kind {
            ChallengeKind::Http01 => self.http_01.validate(attempt).await,
            ChallengeKind::EmailReply00 => {
                let detail = "nobody can look for a reply: it comes by mail";
                Err(Problem::new(ProblemType::ServerInternal, detail))
            }
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
