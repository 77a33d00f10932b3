//! What can go wrong between us and a server.

use std::fmt;
use std::time::Duration;

use crate::core::chain::ChainError;
use crate::core::problem::Problem;

/// A request that brought no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum AcmeError {
    /// The server answered with an error.
    #[error(transparent)]
    Refused(Box<Refusal>),
    /// No answer came.
    #[error("could not reach {url}")]
    Unreachable {
        /// What was asked.
        url: String,
        /// Why there was no answer.
        #[source]
        source: reqwest::Error,
    },
    /// The server's TLS certificate was not accepted.
    #[error("could not trust the server at {url}")]
    Untrusted {
        /// What was asked.
        url: String,
        /// What was wrong with the certificate.
        #[source]
        source: reqwest::Error,
    },
    /// The answer was not what ACME says.
    #[error("the server broke the ACME protocol: {0}")]
    Protocol(String),
    /// An answer of success with nothing in it.
    #[error("{0} was answered with an empty body")]
    Empty(String),
    /// The server has no such resource in its directory.
    #[error("the server at {server} does not offer {resource}")]
    Unsupported {
        /// The directory's URL.
        server: String,
        /// The directory's field, for instance `revokeCert`.
        resource: &'static str,
    },
    /// What should be a directory is something else.
    #[error("{url} is not an ACME directory")]
    NoDirectory {
        /// The URL.
        url: String,
        /// What is there instead.
        found: String,
    },
    /// A server's URL that the user gave and that is not HTTPS (RFC 8555 §6.1).
    #[error("{0} is not an https URL")]
    Insecure(String),
    /// The server said neither yes nor no within the time.
    #[error("{what} is still {state} after {} s", waited.as_secs())]
    StillPending {
        /// The order or authorization.
        what: String,
        /// The state it is in.
        state: &'static str,
        /// How long this run waited.
        waited: Duration,
    },
    /// The order failed for a reason that lies in the order itself.
    #[error("the order failed")]
    OrderFailed(Option<Box<Problem>>),
    /// The certificate that came is not the one ordered.
    #[error("the certificate that the server sent can't be used")]
    Chain(#[from] ChainError),
    /// The key can't sign.
    #[error(transparent)]
    Key(#[from] super::KeyError),
    /// The HTTP client could not be set up.
    #[error("the HTTP client could not be set up")]
    Setup(#[source] reqwest::Error),
}

/// An error answer: what was asked and what the server said.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The request's method.
    pub method: String,
    /// The request's URL.
    pub url: String,
    /// The answer's HTTP status.
    pub status: u16,
    /// The problem document, or what could be made of another body.
    pub problem: Problem,
    /// How long the server asks us to wait before trying again.
    pub retry_after: Option<Duration>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} was answered with status {}", self.method, self.url, self.status)
    }
}

impl std::error::Error for Refusal {}

impl AcmeError {
    /// The problem that the server told, if it told one.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused(refusal) => Some(&refusal.problem),
            Self::OrderFailed(problem) => problem.as_deref(),
            _ => None,
        }
    }

    /// Whether the server refused with this registered error type.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.problem().is_some_and(|problem| problem.is(name))
    }

    /// Whether the ACME server itself gave a definite no: the same request will not fare better a moment later. A
    /// proxy's error page is none.
    #[must_use]
    pub fn is_definite(&self) -> bool {
        let Self::Refused(refusal) = self else { return false };
        let refused =
            (400..500).contains(&refusal.status) && !matches!(refusal.status, 408 | 409 | 425 | 429);
        refused && refusal.problem.name().is_some_and(|name| !matches!(name, "badNonce" | "rateLimited"))
    }

    /// Whether the same request may well succeed a moment later.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.status >= 500 || matches!(refusal.status, 408 | 425 | 429),
            Self::Unreachable { source, .. } => !source.is_redirect(),
            Self::Empty(_) => true,
            _ => false,
        }
    }
}
