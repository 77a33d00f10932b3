//! What can go wrong between the generator and a server.

use std::{io, time::Duration};

/// Why a certificate was not issued.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The server took longer than any working server would.
    #[error("hangs: {what} got no answer within {deadline:?}")]
    Hangs {
        /// What was asked.
        what: String,
        /// How long it was given.
        deadline: Duration,
    },
    /// The server said no.
    #[error("refused: {what} was answered with {status}: {body}")]
    Refused {
        /// What was asked.
        what: String,
        /// The HTTP status.
        status: u16,
        /// The problem document, or whatever came instead.
        body: String,
        /// The nonce for the next try.
        nonce: Option<String>,
    },
    /// The answer is not what RFC 8555 says.
    #[error("answered against RFC 8555: {0}")]
    Nonconforming(String),
    /// The connection broke.
    #[error("connection: {0}")]
    Connection(#[from] hyper::Error),
    /// The system did not let us.
    #[error("system: {0}")]
    System(#[from] io::Error),
}

impl Failure {
    /// An answer without something that it must have.
    pub(crate) fn lacks(what: &str, missing: &str) -> Self {
        Self::Nonconforming(format!("{what} lacks {missing}"))
    }
}
