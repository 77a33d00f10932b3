//! PEM, the text form of certificates and keys (RFC 7468).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroizing;

/// One section: its label between dashes, and its bytes in lines of 64 characters.
#[must_use]
pub fn encode_pem(label: &str, der: &[u8]) -> String {
    let text = Zeroizing::new(BASE64_STANDARD.encode(der));
    // The whole size at once: a key must not leave copies behind while the text grows.
    let mut pem = String::with_capacity(text.len() + text.len() / 64 + 2 * label.len() + 40);
    pem.push_str(&format!("-----BEGIN {label}-----\n"));
    for line in text.as_bytes().chunks(64) {
        // Base64 is ASCII, so that any cut is between characters.
        pem.extend(line.iter().map(|&byte| char::from(byte)));
        pem.push('\n');
    }
    pem.push_str(&format!("-----END {label}-----\n"));
    pem
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rustls_pki_types::pem::{PemObject as _, SectionKind};

    use super::*;

    #[test]
    fn lines_have_64_characters() {
        let pem = encode_pem("X", &[0; 50]);
        assert_eq!(
            pem,
            format!("-----BEGIN X-----\n{}\n{}=\n-----END X-----\n", "A".repeat(64), "A".repeat(3))
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(der in proptest::collection::vec(any::<u8>(), 0..300)) {
            let pem = encode_pem("PRIVATE KEY", &der);
            let (kind, read) = <(SectionKind, Vec<u8>)>::from_pem_slice(pem.as_bytes()).unwrap();
            prop_assert_eq!((kind, read), (SectionKind::PrivateKey, der));
        }
    }
}
