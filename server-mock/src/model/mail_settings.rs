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
    pub dkim_selector: DkimSelector,
    /// How long the part of the token is that goes by mail.
    pub token_part1_bytes: TokenLength,
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

/// The length of a token's part in bytes: from 16, less could be guessed (RFC 8823 §3), to 64, more would not stay on
/// one line of a mail's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "usize", into = "usize")]
pub struct TokenLength(u8);

/// A number of bytes is no length of a token's part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the part of the token that goes by mail has 16 to 64 bytes, not {0}")]
pub struct TokenLengthError(usize);

impl TokenLength {
    /// The number of bytes.
    #[must_use]
    pub fn get(self) -> usize {
        self.0.into()
    }
}

impl Default for TokenLength {
    /// 24 bytes: both ways of joining the parts agree then.
    fn default() -> Self {
        Self(24)
    }
}

impl TryFrom<usize> for TokenLength {
    type Error = TokenLengthError;

    fn try_from(bytes: usize) -> Result<Self, TokenLengthError> {
        let length = u8::try_from(bytes).ok().filter(|length| (16..=64).contains(length));
        length.map(Self).ok_or(TokenLengthError(bytes))
    }
}

impl From<TokenLength> for usize {
    fn from(length: TokenLength) -> Self {
        length.get()
    }
}

/// The name of a DKIM key below `_domainkey`, one DNS label (RFC 6376 §3.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DkimSelector(String);

/// A text is no selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no DKIM selector: that has 1 to 63 letters, digits and hyphens, and neither begins nor ends with a hyphen"
)]
pub struct DkimSelectorError(String);

impl DkimSelector {
    /// The label.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for DkimSelector {
    fn default() -> Self {
        Self("acme".to_owned())
    }
}

impl TryFrom<String> for DkimSelector {
    type Error = DkimSelectorError;

    fn try_from(label: String) -> Result<Self, DkimSelectorError> {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let inner = !label.starts_with('-') && !label.ends_with('-');
        if (1..=63).contains(&label.len()) && label.bytes().all(known) && inner {
            Ok(Self(label))
        } else {
            Err(DkimSelectorError(label))
        }
    }
}

impl From<DkimSelector> for String {
    fn from(selector: DkimSelector) -> Self {
        selector.0
    }
}

impl Default for MailSettings {
    fn default() -> Self {
        Self {
            from: "acme@ca.test".to_owned(),
            dkim_selector: DkimSelector::default(),
            token_part1_bytes: TokenLength::default(),
            token_joining: TokenJoining::default(),
            reply_signature: ReplySignature::default(),
            send_after_post: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_neither_to_be_guessed_nor_folded() {
        for bytes in [16, 24, 64] {
            assert_eq!(TokenLength::try_from(bytes).unwrap().get(), bytes);
        }
        for bytes in [0, 15, 65, 256 + 16, usize::MAX] {
            let error = TokenLength::try_from(bytes).unwrap_err().to_string();
            assert!(error.contains("16 to 64") && error.contains(&bytes.to_string()), "{error}");
        }
    }

    #[test]
    fn a_selector_is_a_dns_label() {
        let long = "a".repeat(63);
        for label in ["acme", "2030-A", &long] {
            assert_eq!(DkimSelector::try_from(label.to_owned()).unwrap().as_str(), label);
        }
        let longer = "a".repeat(64);
        for label in ["", "a.b", "a_b", "-a", "a-", "a b", "\u{fc}", "a;s=b", &longer] {
            let error = DkimSelector::try_from(label.to_owned()).unwrap_err().to_string();
            assert!(error.contains("no DKIM selector"), "{error}");
        }
    }
}
