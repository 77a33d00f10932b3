//! Reading OCSP requests (RFC 6960 §4.1.1). Signatures on them are optional there and not looked at here.

use x509_parser::asn1_rs::{Any, Class, FromDer, Tag};

/// The most certificates that one request may ask about.
const MAX_CERTIFICATES: usize = 100;
/// The longest nonce, in bytes (RFC 9654 §2.1).
const MAX_NONCE: usize = 128;
/// id-pkix-ocsp-nonce, 1.3.6.1.5.5.7.48.1.2, encoded.
const NONCE: [u8; 9] = [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x02];

/// A question.
pub(super) struct OcspRequest<'a> {
    /// What it asks about: at least one.
    pub(super) certificates: Vec<CertId<'a>>,
    /// The whole nonce extension, to be given back as it came (RFC 9654).
    pub(super) nonce: Option<&'a [u8]>,
}

/// Names a certificate.
pub(super) struct CertId<'a> {
    /// The whole CertID, to be given back as it came.
    pub(super) der: &'a [u8],
    /// The contents of the hash algorithm's object identifier.
    pub(super) hash_algorithm: &'a [u8],
    pub(super) issuer_name_hash: &'a [u8],
    pub(super) issuer_key_hash: &'a [u8],
    serial: &'a [u8],
}

impl CertId<'_> {
    /// The serial number, big-endian without leading zeros.
    pub(super) fn serial(&self) -> &[u8] {
        let zeros = self.serial.iter().take_while(|byte| **byte == 0).count();
        &self.serial[zeros..]
    }
}

impl<'a> OcspRequest<'a> {
    /// `None` when it is no request.
    pub(super) fn parse(der: &'a [u8]) -> Option<Self> {
        let (mut request, rest) = sequence(der)?;
        let (mut tbs, _signature) = (take_sequence(&mut request)?, request);
        if !rest.is_empty() {
            return None;
        }
        // version [0], which can only say v1, and requestorName [1].
        let _version = take_context(&mut tbs, 0);
        let _requestor = take_context(&mut tbs, 1);
        let mut list = take_sequence(&mut tbs)?;
        let mut certificates = Vec::new();
        while !list.is_empty() {
            let mut single = take_sequence(&mut list)?;
            certificates.push(cert_id(&mut single)?);
            if certificates.len() > MAX_CERTIFICATES {
                return None;
            }
        }
        let nonce = match take_context(&mut tbs, 2) {
            Some(extensions) => nonce(extensions)?,
            None => None,
        };
        (!certificates.is_empty() && tbs.is_empty()).then_some(Self { certificates, nonce })
    }
}

fn cert_id<'a>(single: &mut &'a [u8]) -> Option<CertId<'a>> {
    let before = *single;
    let mut fields = take_sequence(single)?;
    let der = &before[..before.len() - single.len()];
    let mut algorithm = take_sequence(&mut fields)?;
    let hash_algorithm = take(&mut algorithm, Tag::Oid)?;
    let issuer_name_hash = take(&mut fields, Tag::OctetString)?;
    let issuer_key_hash = take(&mut fields, Tag::OctetString)?;
    let serial = take(&mut fields, Tag::Integer)?;
    let whole = fields.is_empty() && !serial.is_empty();
    whole.then_some(CertId { der, hash_algorithm, issuer_name_hash, issuer_key_hash, serial })
}

/// The nonce extension; the outer `None` when the extensions can't be read, or its length is not allowed.
fn nonce(extensions: &[u8]) -> Option<Option<&[u8]>> {
    let (mut list, rest) = sequence(extensions)?;
    let mut found = None;
    while !list.is_empty() {
        let before = list;
        let mut extension = take_sequence(&mut list)?;
        let der = &before[..before.len() - list.len()];
        if take(&mut extension, Tag::Oid)? != NONCE {
            continue;
        }
        let value = take(&mut extension, Tag::OctetString)?;
        // The value is again an OCTET STRING; before RFC 8954 responders were told to take any bytes.
        let mut inner = value;
        let bytes = take(&mut inner, Tag::OctetString).filter(|_| inner.is_empty()).unwrap_or(value);
        if bytes.is_empty() || bytes.len() > MAX_NONCE {
            return None;
        }
        found = Some(der);
    }
    rest.is_empty().then_some(found)
}

/// The contents of a SEQUENCE and what follows it.
fn sequence(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut rest = der;
    Some((take_sequence(&mut rest)?, rest))
}

fn take_sequence<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    take(rest, Tag::Sequence)
}

/// The contents of the next element, if it is of this universal type.
fn take<'a>(rest: &mut &'a [u8], tag: Tag) -> Option<&'a [u8]> {
    let (after, any) = Any::from_der(rest).ok()?;
    if any.class() != Class::Universal || any.tag() != tag {
        return None;
    }
    *rest = after;
    Some(any.data)
}

/// The contents of the next element, if it has this context-specific tag.
fn take_context<'a>(rest: &mut &'a [u8], number: u32) -> Option<&'a [u8]> {
    let (after, any) = Any::from_der(rest).ok()?;
    if any.class() != Class::ContextSpecific || any.tag() != Tag(number) {
        return None;
    }
    *rest = after;
    Some(any.data)
}

#[cfg(test)]
mod tests {
    use super::{
        super::der::{OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, context, tlv},
        *,
    };

    fn sequence_of(parts: &[&[u8]]) -> Vec<u8> {
        tlv(SEQUENCE, &parts.concat())
    }

    fn single(serial: &[u8]) -> Vec<u8> {
        let algorithm = sequence_of(&[&tlv(OBJECT_IDENTIFIER, &[0x2b, 0x0e, 0x03, 0x02, 0x1a]), &[5, 0]]);
        let [name, key] = [1, 2].map(|byte| tlv(OCTET_STRING, &[byte; 20]));
        sequence_of(&[&sequence_of(&[&algorithm, &name, &key, &tlv(0x02, serial)])])
    }

    fn nonce_extension(bytes: &[u8]) -> Vec<u8> {
        let value = tlv(OCTET_STRING, &tlv(OCTET_STRING, bytes));
        sequence_of(&[&tlv(OBJECT_IDENTIFIER, &NONCE), &value])
    }

    fn request(before: &[u8], singles: &[&[u8]], extensions: &[u8]) -> Vec<u8> {
        sequence_of(&[&sequence_of(&[before, &sequence_of(singles), extensions])])
    }

    #[test]
    fn every_part_is_read() {
        let nonce = nonce_extension(&[7; 32]);
        let other = sequence_of(&[&tlv(OBJECT_IDENTIFIER, &[0x2b]), &tlv(OCTET_STRING, &[5, 0])]);
        let extensions = context(2, &sequence_of(&[&other, &nonce]));
        let before = [context(0, &[2, 1, 0]), context(1, &tlv(0x82, b"a.test"))].concat();
        let (one, two) = (single(&[0, 0x81, 3]), single(&[5]));
        let der = request(&before, &[&one, &two], &extensions);
        let read = OcspRequest::parse(&der).unwrap();
        assert_eq!(read.nonce, Some(&nonce[..]));
        let serials: Vec<_> = read.certificates.iter().map(CertId::serial).collect();
        assert_eq!(serials, [&[0x81, 3][..], &[5]]);
        let id = &read.certificates[0];
        assert_eq!((id.issuer_name_hash, id.issuer_key_hash), (&[1; 20][..], &[2; 20][..]));
        assert_eq!(&one[2..], id.der);
        assert_eq!(OcspRequest::parse(&request(&[], &[&two], &[])).unwrap().nonce, None);
    }

    #[test]
    fn nonces_have_1_to_128_bytes() {
        let with = |bytes: &[u8]| {
            request(&[], &[&single(&[5])], &context(2, &sequence_of(&[&nonce_extension(bytes)])))
        };
        for (length, taken) in [(0, false), (1, true), (127, true), (128, true), (129, false), (300, false)] {
            assert_eq!(OcspRequest::parse(&with(&vec![0; length])).is_some(), taken, "{length}");
        }
    }

    #[test]
    fn what_is_cut_off_prolonged_or_empty_is_none() {
        let der = request(&[], &[&single(&[5])], &[]);
        for length in 0..der.len() {
            assert!(OcspRequest::parse(&der[..length]).is_none(), "{length}");
        }
        assert!(OcspRequest::parse(&[&der[..], &[0]].concat()).is_none());
        assert!(OcspRequest::parse(&request(&[], &[], &[])).is_none());
        let one = single(&[5]);
        assert!(OcspRequest::parse(&request(&[], &vec![&one[..]; MAX_CERTIFICATES], &[])).is_some());
        assert!(OcspRequest::parse(&request(&[], &vec![&one[..]; MAX_CERTIFICATES + 1], &[])).is_none());
    }
}
