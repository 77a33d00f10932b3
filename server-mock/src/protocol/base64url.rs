//! base64url as RFC 8555 §6.1 wants it: without padding, without stray bits.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::model::Problem;

/// Decodes `text`, the member called `name`.
///
/// # Errors
/// `malformed` for padding, foreign characters or non-zero trailing bits.
pub fn decode(name: &str, text: &str) -> Result<Vec<u8>, Problem> {
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|error| Problem::malformed(format!("`{name}` is not base64url without padding: {error}")))
}

/// Encodes `bytes`.
#[must_use]
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn padding_standard_alphabet_and_stray_bits_are_refused() {
        for text in ["AA==", "-_+/", "AB", "A", "AA AA"] {
            assert!(decode("x", text).is_err(), "{text}");
        }
        assert_eq!(decode("x", "-_8").unwrap(), [0xfb, 0xff]);
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes(bytes: Vec<u8>) {
            prop_assert_eq!(decode("x", &encode(&bytes)).unwrap(), bytes);
        }

        #[test]
        fn what_decodes_encodes_to_itself(text in "[A-Za-z0-9_=-]{0,40}") {
            if let Ok(bytes) = decode("x", &text) {
                prop_assert_eq!(encode(bytes), text);
            }
        }
    }
}
