//! Challenges (RFC 8555 §8), which live inside authorizations.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Identifier, MailChallenge, Problem};

/// A challenge type that this server can validate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ChallengeKind {
    /// A file on the web server (RFC 8555 §8.3).
    #[serde(rename = "http-01")]
    Http01,
    /// A TXT record (RFC 8555 §8.4).
    #[serde(rename = "dns-01")]
    Dns01,
    /// A certificate of its own on the TLS server (RFC 8737).
    #[serde(rename = "tls-alpn-01")]
    TlsAlpn01,
    /// A TXT record under a label of the account's own (draft-ietf-acme-dns-account-label).
    #[serde(rename = "dns-account-01")]
    DnsAccount01,
    /// A TXT record that stays (draft-ietf-acme-dns-persist).
    #[serde(rename = "dns-persist-01")]
    DnsPersist01,
    /// A reply to a mail (RFC 8823 §3).
    #[serde(rename = "email-reply-00")]
    EmailReply00,
}

impl ChallengeKind {
    /// Every kind, in the order they are offered.
    pub const ALL: &[Self] = &[
        Self::Http01,
        Self::Dns01,
        Self::TlsAlpn01,
        Self::DnsAccount01,
        Self::DnsPersist01,
        Self::EmailReply00,
    ];

    /// The registered name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Http01 => "http-01",
            Self::Dns01 => "dns-01",
            Self::TlsAlpn01 => "tls-alpn-01",
            Self::DnsAccount01 => "dns-account-01",
            Self::DnsPersist01 => "dns-persist-01",
            Self::EmailReply00 => "email-reply-00",
        }
    }

    /// Whether it can prove control of the identifier of an authorization; `beyond_name` when the authorization is
    /// for names below it: what one server answers tells nothing about others (RFC 8555 §8.3, RFC 8737 §3).
    #[must_use]
    pub fn proves(self, identifier: &Identifier, beyond_name: bool) -> bool {
        match self {
            Self::Http01 | Self::TlsAlpn01 => {
                matches!(identifier, Identifier::Dns(_) | Identifier::Ip(_)) && !beyond_name
            }
            // Addresses have no records of their own to be proved by (RFC 8738 §7).
            Self::Dns01 | Self::DnsAccount01 | Self::DnsPersist01 => matches!(identifier, Identifier::Dns(_)),
            Self::EmailReply00 => matches!(identifier, Identifier::Email(_)),
        }
    }

    /// Whether the challenge has a token: dns-persist-01's records name the account instead.
    #[must_use]
    pub fn has_token(self) -> bool {
        self != Self::DnsPersist01
    }
}

impl fmt::Display for ChallengeKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// No challenge is called so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no such challenge type")]
pub struct UnknownKind;

impl FromStr for ChallengeKind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, UnknownKind> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name).ok_or(UnknownKind)
    }
}

/// The states of RFC 8555 §7.1.6, with what each brings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChallengeState {
    /// Waiting for the client.
    Pending,
    /// Being validated.
    Processing,
    /// Validated.
    Valid {
        /// When.
        validated: OffsetDateTime,
    },
    /// Failed for good.
    Invalid {
        /// Why.
        error: Problem,
    },
}

impl ChallengeState {
    /// The status on the wire.
    #[must_use]
    pub fn status(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Valid { .. } => "valid",
            Self::Invalid { .. } => "invalid",
        }
    }
}

/// A challenge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// Its type.
    pub kind: ChallengeKind,
    /// Random, in base64url.
    pub token: String,
    /// How far it is.
    pub state: ChallengeState,
    /// What went wrong at each attempt so far (RFC 8555 §8.2).
    pub failures: Vec<Problem>,
    /// When the next attempt begins by itself, if it waits for that.
    pub retry_at: Option<OffsetDateTime>,
    /// The mail side of an e-mail challenge; `None` for all others.
    pub mail: Option<MailChallenge>,
}

impl Challenge {
    /// A challenge that waits for the client.
    #[must_use]
    pub fn new(kind: ChallengeKind, token: String) -> Self {
        Self { kind, token, state: ChallengeState::Pending, failures: Vec::new(), retry_at: None, mail: None }
    }

    /// Begins an attempt, unless one is going on or none is needed any more.
    pub(super) fn begin(&mut self) -> bool {
        let waits = match self.state {
            ChallengeState::Pending => true,
            ChallengeState::Processing => self.retry_at.is_some(),
            ChallengeState::Valid { .. } | ChallengeState::Invalid { .. } => false,
        };
        if waits {
            self.state = ChallengeState::Processing;
            self.retry_at = None;
        }
        waits
    }

    /// Takes a verdict; a failure is final when there were more than `retries` of them.
    pub(super) fn conclude(&mut self, verdict: Result<(), Problem>, now: OffsetDateTime, retries: usize) {
        match verdict {
            Ok(()) => self.state = ChallengeState::Valid { validated: now },
            Err(error) => {
                self.failures.push(error.clone());
                if self.failures.len() > retries {
                    self.state = ChallengeState::Invalid { error };
                }
            }
        }
    }

    /// What went wrong (RFC 8555 §8): the failure, or all of them as parts of one problem, the latest type first.
    #[must_use]
    pub fn error(&self) -> Option<Problem> {
        let last = self.failures.last()?;
        if self.failures.len() == 1 {
            return Some(last.clone());
        }
        Some(last.clone().with_subproblems(self.failures.clone()))
    }
}
