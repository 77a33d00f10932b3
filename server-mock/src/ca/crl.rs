//! Certificate revocation lists (RFC 5280 §5).

use rcgen::{CertificateRevocationListParams, RevocationReason, RevokedCertParams, SerialNumber};
use time::{Duration, OffsetDateTime};

use super::{Authority, CaCertificate, CaError, key::key_identifier};

/// How long a CRL may be kept.
const LIFETIME: Duration = Duration::days(1);

/// One line of a CRL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevokedEntry {
    /// The certificate's serial number, big-endian, positive.
    pub serial: Vec<u8>,
    /// When it was revoked.
    pub revoked_at: OffsetDateTime,
    /// The CRLReason (RFC 5280 §5.3.1); without one, reasonCode is left out.
    pub reason: Option<u8>,
}

impl Authority {
    /// The intermediate's CRL, DER, valid for a day from `now`.
    ///
    /// # Errors
    /// [`CaError::Reason`] for an undefined reason, [`CaError::Sign`] when signing fails.
    pub fn crl(&self, revoked: &[RevokedEntry], now: OffsetDateTime) -> Result<Vec<u8>, CaError> {
        signed(&self.intermediate, revoked, now)
    }

    /// The root's CRL, DER, valid for a day from `now`; the intermediate is never revoked, so it has no entry.
    ///
    /// # Errors
    /// [`CaError::Sign`] when signing fails.
    pub fn root_crl(&self, now: OffsetDateTime) -> Result<Vec<u8>, CaError> {
        signed(&self.root, &[], now)
    }

    /// The other root's CRL, if there is one; as [`root_crl`](Self::root_crl).
    ///
    /// # Errors
    /// [`CaError::Sign`] when signing fails.
    pub fn alternate_root_crl(&self, now: OffsetDateTime) -> Option<Result<Vec<u8>, CaError>> {
        self.alternate.as_ref().map(|alternate| signed(&alternate.root, &[], now))
    }
}

fn signed(issuer: &CaCertificate, revoked: &[RevokedEntry], now: OffsetDateTime) -> Result<Vec<u8>, CaError> {
    let params = CertificateRevocationListParams {
        this_update: now,
        next_update: now + LIFETIME,
        // Grows with time without any state, finely enough for two lists in one second (RFC 5280 §5.2.3).
        crl_number: SerialNumber::from_slice(&now.unix_timestamp_nanos().max(1).to_be_bytes()),
        issuing_distribution_point: None,
        revoked_certs: revoked.iter().map(entry).collect::<Result<_, _>>()?,
        key_identifier_method: key_identifier(issuer.key()),
    };
    Ok(params.signed_by(issuer)?.der().to_vec())
}

fn entry(entry: &RevokedEntry) -> Result<RevokedCertParams, CaError> {
    Ok(RevokedCertParams {
        serial_number: SerialNumber::from_slice(&entry.serial),
        revocation_time: entry.revoked_at,
        reason_code: entry.reason.map(reason).transpose()?,
        invalidity_date: None,
    })
}

fn reason(code: u8) -> Result<RevocationReason, CaError> {
    Ok(match code {
        0 => RevocationReason::Unspecified,
        1 => RevocationReason::KeyCompromise,
        2 => RevocationReason::CaCompromise,
        3 => RevocationReason::AffiliationChanged,
        4 => RevocationReason::Superseded,
        5 => RevocationReason::CessationOfOperation,
        6 => RevocationReason::CertificateHold,
        8 => RevocationReason::RemoveFromCrl,
        9 => RevocationReason::PrivilegeWithdrawn,
        10 => RevocationReason::AaCompromise,
        undefined => return Err(CaError::Reason(undefined)),
    })
}
