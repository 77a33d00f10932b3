//! How renewal information names certificates (RFC 9773 §4.1).

use super::base64url;
use crate::model::Problem;

/// The issuer's key identifier and the serial number of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertId {
    /// The keyIdentifier in the certificate's authorityKeyIdentifier.
    pub key_identifier: Vec<u8>,
    /// The serial number, big-endian without leading zeros.
    pub serial: Vec<u8>,
}

impl CertId {
    /// Parses the two parts with a dot between them.
    ///
    /// # Errors
    /// `malformed` when a part is missing or not base64url, or the serial number is not the contents of a positive
    /// DER INTEGER: a number whose first bit is set has a zero byte before it.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let (key_identifier, serial) =
            text.split_once('.').ok_or_else(|| Problem::malformed("a certID has two parts and a dot"))?;
        let key_identifier = base64url::decode("the key identifier in the certID", key_identifier)?;
        let serial = base64url::decode("the serial number in the certID", serial)?;
        if key_identifier.is_empty() {
            return Err(Problem::malformed("the certID has no key identifier"));
        }
        let serial = match &serial[..] {
            [] => return Err(Problem::malformed("the certID has no serial number")),
            [0x80..=0xff, ..] => {
                let detail = "the serial number in the certID is negative: a zero byte is missing before it";
                return Err(Problem::malformed(detail));
            }
            [0, 0x80..=0xff, ..] => serial[1..].to_vec(),
            [0, ..] => return Err(Problem::malformed("the serial number in the certID has zeros before it")),
            _ => serial,
        };
        Ok(Self { key_identifier, serial })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 9773 §4.1.
    #[test]
    fn rfc9773_example() {
        let id = CertId::parse("aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE").unwrap();
        assert_eq!(id.key_identifier[..3], [0x69, 0x88, 0x5b]);
        assert_eq!(id.serial, [0x87, 0x65, 0x43, 0x21]);
    }

    #[test]
    fn bad_forms_are_malformed() {
        for text in [
            "",
            "AQ",
            "AQ.",
            ".AQ",
            "AQ.AQ.AQ",
            "AQ==.AQ",
            "AQ.AQ==",
            "AQ.h2VDIQ",
            "AQ.AAE",
            "AQ.AA",
            "A+.AQ",
        ] {
            assert!(CertId::parse(text).is_err(), "{text:?}");
        }
        assert_eq!(CertId::parse("AQ.AIc").unwrap().serial, [0x87]);
    }
}
