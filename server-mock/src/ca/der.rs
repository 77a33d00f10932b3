//! The few DER pieces that rcgen does not write (X.690).

use rcgen::CustomExtension;

const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;
/// `uniformResourceIdentifier [6] IA5String` of a GeneralName (RFC 5280 §4.2.1.6).
const GENERAL_NAME_URI: u8 = 0x86;

/// id-pe-authorityInfoAccess (RFC 5280 §4.2.2.1).
const AUTHORITY_INFO_ACCESS: [u64; 9] = [1, 3, 6, 1, 5, 5, 7, 1, 1];
/// id-ad-caIssuers, 1.3.6.1.5.5.7.48.2, encoded.
const CA_ISSUERS: [u8; 8] = [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x02];

/// An Authority Information Access extension that says where the issuer's certificate is (RFC 5280 §4.2.2.1).
pub(super) fn authority_info_access(issuer_url: &str) -> CustomExtension {
    let method = tlv(OBJECT_IDENTIFIER, &CA_ISSUERS);
    let location = tlv(GENERAL_NAME_URI, issuer_url.as_bytes());
    let description = tlv(SEQUENCE, &[method, location].concat());
    CustomExtension::from_oid_content(&AUTHORITY_INFO_ACCESS, tlv(SEQUENCE, &description))
}

/// Tag, length, value.
pub(super) fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = value.len();
    if length < 0x80 {
        out.push(length as u8);
    } else {
        let bytes = length.to_be_bytes();
        let significant = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
        out.push(0x80 | significant.len() as u8);
        out.extend_from_slice(significant);
    }
    out.extend_from_slice(value);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_minimal() {
        assert_eq!(tlv(4, &[9; 3]), [4, 3, 9, 9, 9]);
        assert_eq!(tlv(4, &[0; 0x7f])[..2], [4, 0x7f]);
        assert_eq!(tlv(4, &[0; 0x80])[..3], [4, 0x81, 0x80]);
        assert_eq!(tlv(4, &[0; 0x100])[..4], [4, 0x82, 1, 0]);
    }
}
