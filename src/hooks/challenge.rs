//! What hooks are told of a challenge.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

/// The types of challenges that hooks answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChallengeKind {
    /// RFC 8555 §8.3.
    Http01,
    /// RFC 8555 §8.4.
    Dns01,
    /// RFC 8737 §3.
    TlsAlpn01,
}

impl ChallengeKind {
    /// The type's name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http01 => "http-01",
            Self::Dns01 => "dns-01",
            Self::TlsAlpn01 => "tls-alpn-01",
        }
    }
}

impl fmt::Display for ChallengeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A challenge that a hook is to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookChallenge {
    /// Its type.
    pub kind: ChallengeKind,
    /// The name, with the `*.` of a wildcard.
    pub name: String,
    /// The challenge's token.
    pub token: String,
    /// Token and account thumbprint (RFC 8555 §8.1).
    pub key_authorization: String,
    /// Where the TXT record belongs, aliases followed, without the final dot. For dns-01 alone.
    pub record: Option<String>,
}

/// What the server made of a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It accepted it.
    Valid,
    /// It did not; the challenge as a JSON document.
    Invalid(String),
    /// It refused the request for its validation.
    RequestFailed {
        /// The HTTP status.
        status: u16,
        /// The problem, as it is told.
        reason: String,
    },
    /// Nobody knows: the run ended before.
    Unknown,
}

impl HookChallenge {
    /// The name without the `*.` of a wildcard, as authorizations have it.
    pub(super) fn domain(&self) -> &str {
        self.name.strip_prefix("*.").unwrap_or(&self.name)
    }

    /// Where the TXT record belongs, without the final dot.
    pub(super) fn record_name(&self) -> String {
        self.record.clone().unwrap_or_else(|| format!("_acme-challenge.{}", self.domain()))
    }

    /// The digest of the key authorization, as it stands in DNS (RFC 8555 §8.4).
    pub(super) fn digest(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, self.key_authorization.as_bytes()))
    }

    /// The same digest, in hexadecimal with colons.
    pub(super) fn digest_with_colons(&self) -> String {
        let digest = digest(&SHA256, self.key_authorization.as_bytes());
        digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
    }
}

#[cfg(test)]
pub(super) fn example(kind: ChallengeKind, name: &str, token: &str) -> HookChallenge {
    HookChallenge {
        kind,
        name: name.to_owned(),
        token: token.to_owned(),
        key_authorization: format!("{token}.b"),
        record: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_the_key_authorization() {
        // SHA-256 of «a.b», computed with sha256sum.
        let challenge = example(ChallengeKind::Dns01, "*.a.test", "a");
        assert_eq!(challenge.digest(), "LnM23I66h-9HLfVow1SCq_JXXcPl6sDFxiuP-urCyTQ");
        assert!(challenge.digest_with_colons().starts_with("2E:73:36:DC:8E:BA:87:EF:47:2D:F5:68"));
        assert_eq!(challenge.digest_with_colons().len(), 32 * 3 - 1);
        assert_eq!((challenge.domain(), &*challenge.record_name()), ("a.test", "_acme-challenge.a.test"));
    }
}
