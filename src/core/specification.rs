//! What a certificate is to be like.

use serde::{Deserialize, Serialize};

use super::csr::SigningRequest;
use super::identifier::Identifier;
use super::key_type::KeyType;
use super::moment::Moment;

/// What is ordered; whoever wants it otherwise needs another certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Specification {
    /// The names, sorted.
    pub identifiers: Vec<Identifier>,
    /// The kind of key.
    pub key_type: KeyType,
    /// Whether it asks for the TLS feature extension (RFC 7633).
    #[serde(default)]
    pub must_staple: bool,
    /// One of the server's profiles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// When its life is to begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Moment>,
    /// When it is to end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<Moment>,
    /// The request that the user brought; without one we make key and request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csr: Option<SigningRequest>,
}
