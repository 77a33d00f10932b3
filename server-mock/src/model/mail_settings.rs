//! What the operator of the server decides about challenge mails.

use serde::{Deserialize, Serialize};

use super::TokenJoining;

/// How challenge mails are written and replies are read (RFC 8823 §3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailSettings {
    /// Who sends the challenge mails and gets the replies.
    pub from: String,
    /// The selector of the DKIM key; the domain is that of `from`.
    pub dkim_selector: String,
    /// How many bytes the part of the token has that goes by mail; at least 16.
    pub token_part1_bytes: usize,
    /// How the two parts become one token.
    pub token_joining: TokenJoining,
    /// What the signature of a reply must be like.
    pub reply_signature: ReplySignature,
    /// Whether the challenge mail waits until the client says that it is ready.
    pub send_after_post: bool,
}

/// How strictly the DKIM signature of a reply is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReplySignature {
    /// By the letter of RFC 8823 §3.2: it covers every header field named there, also those that are absent.
    #[default]
    Strict,
    /// As mail providers sign: it covers those that are there, and need not cover the MIME fields.
    Usual,
    /// Not at all: for tests of clients without a domain that signs. Anybody can answer then.
    Off,
}

impl Default for MailSettings {
    /// A first part of 24 bytes: both ways of joining agree then.
    fn default() -> Self {
        Self {
            from: "acme@ca.test".to_owned(),
            dkim_selector: "acme".to_owned(),
            token_part1_bytes: 24,
            token_joining: TokenJoining::default(),
            reply_signature: ReplySignature::default(),
            send_after_post: false,
        }
    }
}
