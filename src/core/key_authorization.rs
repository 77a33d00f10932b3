//! Challenge tokens and what proves control (RFC 8555 §8.1).

use std::fmt;

/// A challenge's token: base64url characters only, so that it is safe in a URL and as a file name. The default is
/// empty: of a challenge that has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Token(String);

/// A server's token that holds other characters than base64url's.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the challenge's token is not base64url text")]
pub struct InvalidToken;

impl Token {
    /// Reads a token as a server sent it.
    ///
    /// # Errors
    /// [`InvalidToken`] for anything that RFC 8555 §8.3 forbids, `../` and the like above all, and for more than
    /// 255 characters, which no file name can have.
    pub fn parse(text: &str) -> Result<Self, InvalidToken> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if text.is_empty() || text.len() > 255 || !text.bytes().all(allowed) {
            return Err(InvalidToken);
        }
        Ok(Self(text.to_owned()))
    }

    /// The token itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key authorization: token, a dot, and the account key's thumbprint (RFC 8555 §8.1).
    #[must_use]
    pub fn key_authorization(&self, thumbprint: &str) -> String {
        format!("{}.{thumbprint}", self.0)
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_base64url_is_a_token() {
        assert!(Token::parse("DGyRejmCefe7v4NfDGDKfA").is_ok());
        for bad in ["", "../../etc/passwd", "a/b", "a.b", "a=", "a b", &"x".repeat(256)] {
            assert_eq!(Token::parse(bad), Err(InvalidToken), "{bad:?}");
        }
    }

    #[test]
    fn key_authorization_of_rfc_8555() {
        let token = Token::parse("evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA").unwrap();
        assert_eq!(
            token.key_authorization("9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"),
            "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
        );
    }
}
