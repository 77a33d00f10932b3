//! The few DER pieces that rcgen does not write (X.690).

use rcgen::CustomExtension;
use time::OffsetDateTime;

pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(super) const ENUMERATED: u8 = 0x0a;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
/// `uniformResourceIdentifier [6] IA5String` of a GeneralName (RFC 5280 §4.2.1.6).
const GENERAL_NAME_URI: u8 = 0x86;

/// id-pe-authorityInfoAccess (RFC 5280 §4.2.2.1).
const AUTHORITY_INFO_ACCESS: [u64; 9] = [1, 3, 6, 1, 5, 5, 7, 1, 1];
/// id-ad-ocsp, 1.3.6.1.5.5.7.48.1, encoded.
const OCSP: [u8; 8] = [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01];
/// id-ad-caIssuers, 1.3.6.1.5.5.7.48.2, encoded.
const CA_ISSUERS: [u8; 8] = [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x02];

/// An Authority Information Access extension that says where to ask for the status, if anywhere, and where the
/// issuer's certificate is (RFC 5280 §4.2.2.1).
pub(super) fn authority_info_access(ocsp_url: Option<&str>, issuer_url: &str) -> CustomExtension {
    let description = |method: &[u8], url: &str| {
        let location = tlv(GENERAL_NAME_URI, url.as_bytes());
        tlv(SEQUENCE, &[tlv(OBJECT_IDENTIFIER, method), location].concat())
    };
    let mut descriptions = ocsp_url.map_or_else(Vec::new, |url| description(&OCSP, url));
    descriptions.extend(description(&CA_ISSUERS, issuer_url));
    CustomExtension::from_oid_content(&AUTHORITY_INFO_ACCESS, tlv(SEQUENCE, &descriptions))
}

/// `[number] EXPLICIT`, or an implicitly tagged constructed type.
pub(super) fn context(number: u8, value: &[u8]) -> Vec<u8> {
    tlv(0xa0 | number, value)
}

/// A moment in whole seconds, as RFC 5280 §4.1.2.5.2 writes it: YYYYMMDDHHMMSSZ.
pub(super) fn generalized_time(time: OffsetDateTime) -> Vec<u8> {
    let time = time.to_offset(time::UtcOffset::UTC);
    let (date, clock) = (time.date(), time.time());
    let text = format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}Z",
        date.year(),
        u8::from(date.month()),
        date.day(),
        clock.hour(),
        clock.minute(),
        clock.second()
    );
    tlv(GENERALIZED_TIME, text.as_bytes())
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
    use time::macros::datetime;

    use super::*;

    #[test]
    fn lengths_are_minimal() {
        assert_eq!(tlv(4, &[9; 3]), [4, 3, 9, 9, 9]);
        assert_eq!(tlv(4, &[0; 0x7f])[..2], [4, 0x7f]);
        assert_eq!(tlv(4, &[0; 0x80])[..3], [4, 0x81, 0x80]);
        assert_eq!(tlv(4, &[0; 0x100])[..4], [4, 0x82, 1, 0]);
    }

    #[test]
    fn times_are_in_utc_and_whole_seconds() {
        let time = datetime!(2030-01-02 03:04:05.9 +01:00);
        assert_eq!(generalized_time(time)[2..], *b"20300102020405Z");
    }
}
