//! Answers to questions about the status of certificates (RFC 6960).

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, SHA512, digest};
use time::{Duration, OffsetDateTime};

use super::{
    Authority, CaError,
    der::{
        BIT_STRING, ENUMERATED, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, context, generalized_time, tlv,
    },
    ocsp_request::{CertId, OcspRequest},
};

/// How long an answer may be kept.
const LIFETIME: Duration = Duration::hours(1);

/// id-pkix-ocsp-basic, 1.3.6.1.5.5.7.48.1.1, encoded.
const BASIC_RESPONSE: [u8; 9] = [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01];
/// id-sha1, id-sha256, id-sha384 and id-sha512, encoded.
const SHA1_OID: &[u8] = &[0x2b, 0x0e, 0x03, 0x02, 0x1a];
const SHA256_OID: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
const SHA384_OID: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02];
const SHA512_OID: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03];

/// OCSPResponseStatus (RFC 6960 §4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseStatus {
    /// The answer follows.
    Successful = 0,
    /// The question could not be read.
    MalformedRequest = 1,
    /// The responder failed.
    InternalError = 2,
    /// The responder does not speak for the issuer, or does not know the digest that names it.
    Unauthorized = 6,
}

/// What is known of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateStatus {
    /// Issued and not revoked.
    Good,
    /// Revoked.
    Revoked {
        /// When.
        at: OffsetDateTime,
        /// The CRLReason (RFC 5280 §5.3.1), if one was given.
        reason: Option<u8>,
    },
    /// Never issued here.
    Unknown,
}

impl Authority {
    /// Answers an OCSP request, DER to DER. `status` tells what is known of a serial number of the intermediate,
    /// big-endian without leading zeros.
    ///
    /// # Errors
    /// [`CaError::Sign`] when signing fails. Other failures are answers: `malformedRequest`, `unauthorized`.
    pub fn ocsp(
        &self,
        request: &[u8],
        now: OffsetDateTime,
        status: impl Fn(&[u8]) -> CertificateStatus,
    ) -> Result<Vec<u8>, CaError> {
        let Some(request) = OcspRequest::parse(request) else {
            return Ok(ocsp_error(ResponseStatus::MalformedRequest));
        };
        // Nobody would believe this responder about the certificates of another authority (RFC 5019 §2.2.3).
        if !request.certificates.iter().all(|id| self.issued(id)) {
            return Ok(ocsp_error(ResponseStatus::Unauthorized));
        }
        let single = |id: &CertId<'_>| single_response(id, status(id.serial()), now);
        let responses: Vec<u8> = request.certificates.iter().flat_map(single).collect();
        let mut data = context(2, &tlv(OCTET_STRING, &self.responder.key_hash));
        data.extend(generalized_time(now));
        data.extend(tlv(SEQUENCE, &responses));
        if let Some(nonce) = request.nonce {
            data.extend(context(1, &tlv(SEQUENCE, nonce)));
        }
        let data = tlv(SEQUENCE, &data);
        let signature = [&[0], &self.responder.sign(&data)?[..]].concat();
        let certificates = context(0, &tlv(SEQUENCE, &self.responder.certificate));
        let parts =
            [&data[..], self.responder.algorithm, &tlv(BIT_STRING, &signature), &certificates].concat();
        let basic = tlv(OCTET_STRING, &tlv(SEQUENCE, &parts));
        let bytes = tlv(SEQUENCE, &[tlv(OBJECT_IDENTIFIER, &BASIC_RESPONSE), basic].concat());
        Ok(tlv(SEQUENCE, &[response_status(ResponseStatus::Successful), context(0, &bytes)].concat()))
    }

    /// The certificate of the OCSP responder, DER.
    #[must_use]
    pub fn responder_der(&self) -> &[u8] {
        &self.responder.certificate
    }

    /// Whether the question is about a certificate of the intermediate.
    fn issued(&self, id: &CertId<'_>) -> bool {
        let algorithm = match id.hash_algorithm {
            oid if oid == SHA1_OID => &SHA1_FOR_LEGACY_USE_ONLY,
            oid if oid == SHA256_OID => &SHA256,
            oid if oid == SHA384_OID => &SHA384,
            oid if oid == SHA512_OID => &SHA512,
            _ => return false,
        };
        let issuer = &self.responder.issuer;
        digest(algorithm, &issuer.name).as_ref() == id.issuer_name_hash
            && digest(algorithm, &issuer.key).as_ref() == id.issuer_key_hash
    }
}

/// An answer that has nothing but its status, for a request that can't be answered.
#[must_use]
pub fn ocsp_error(status: ResponseStatus) -> Vec<u8> {
    tlv(SEQUENCE, &response_status(status))
}

fn response_status(status: ResponseStatus) -> Vec<u8> {
    tlv(ENUMERATED, &[status as u8])
}

fn single_response(id: &CertId<'_>, status: CertificateStatus, now: OffsetDateTime) -> Vec<u8> {
    let status = match status {
        CertificateStatus::Good => tlv(0x80, &[]),
        CertificateStatus::Unknown => tlv(0x82, &[]),
        CertificateStatus::Revoked { at, reason } => {
            let reason = reason.map(|reason| context(0, &tlv(ENUMERATED, &[reason])));
            context(1, &[generalized_time(at), reason.unwrap_or_default()].concat())
        }
    };
    let next_update = context(0, &generalized_time(now + LIFETIME));
    tlv(SEQUENCE, &[id.der, &status, &generalized_time(now), &next_update].concat())
}
