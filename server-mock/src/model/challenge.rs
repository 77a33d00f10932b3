//! Challenges (RFC 8555 §7.1.5, §8).

use serde::{Deserialize, Serialize};

/// A validation method, by its registered name (RFC 8555 §9.7.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ChallengeKind {
    /// A file on the web server (RFC 8555 §8.3).
    #[serde(rename = "http-01")]
    Http01,
}
