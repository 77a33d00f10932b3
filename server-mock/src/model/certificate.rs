//! Certificates and what became of them.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{
    AccountId, CertificateId, Identifier, Model, OrderId, OwnerId, Problem, PublicKey, base64_bytes,
};

/// When and why a certificate was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// When.
    pub at: OffsetDateTime,
    /// The reason code of RFC 5280 §5.3.1, if one was given.
    pub reason: Option<u8>,
}

impl Revocation {
    /// The reason as CRLs and OCSP say it: "unspecified" by leaving it out (RFC 5280 §5.3.1).
    #[must_use]
    pub fn stated_reason(&self) -> Option<u8> {
        self.reason.filter(|reason| *reason != 0)
    }
}

/// What the key of a client certificate is to be used for (RFC 8823 §3: the CSR's keyUsage says it).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyUse {
    /// Signing alone.
    Signing,
    /// Encryption alone.
    Encryption,
    /// Whatever the key can.
    #[default]
    Both,
}

/// An issued certificate.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Certificate {
    /// Its name in URLs.
    pub id: CertificateId,
    /// Who ordered it.
    pub account: AccountId,
    /// Whose it is.
    pub owner: OwnerId,
    /// What it is for.
    pub identifiers: Vec<Identifier>,
    /// The serial number, big-endian.
    pub serial: Vec<u8>,
    /// The certified key.
    pub key: PublicKey,
    /// The start of its validity.
    pub not_before: OffsetDateTime,
    /// The end of its validity.
    pub not_after: OffsetDateTime,
    /// The certificate itself.
    #[serde(with = "base64_bytes")]
    pub der: Vec<u8>,
    /// Set once it is revoked.
    pub revoked: Option<Revocation>,
    /// Set once an order is to replace it.
    pub replacement: Option<Replacement>,
}

/// What became of the wish to replace a certificate (RFC 9773 §5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Replacement {
    /// This order is to replace it; should the order fail, another may try.
    Ordered(OrderId),
    /// It has a successor.
    Done,
}

impl Model {
    /// A certificate of this account.
    ///
    /// # Errors
    /// `malformed` with 404, or `unauthorized` when it is another account's.
    pub fn certificate(&self, id: &CertificateId, account: &AccountId) -> Result<&Certificate, Problem> {
        let certificate = self.certificates.get(id).ok_or_else(|| Problem::not_found("certificate"))?;
        if certificate.account != *account {
            return Err(Problem::unauthorized("this certificate belongs to another account"));
        }
        Ok(certificate)
    }

    /// Every certificate.
    pub fn certificates(&self) -> impl Iterator<Item = &Certificate> {
        self.certificates.values()
    }

    /// The certificate with this serial number.
    #[must_use]
    pub fn certificate_by_serial(&self, serial: &[u8]) -> Option<&Certificate> {
        self.certificates.get(self.serials.get(serial)?)
    }

    /// Whether the owner has a certificate, not revoked, for exactly these identifiers.
    pub(super) fn has_certificate_for(&self, owner: &OwnerId, identifiers: &[Identifier]) -> bool {
        self.certificates().any(|certificate| {
            certificate.owner == *owner
                && certificate.revoked.is_none()
                && certificate.identifiers == identifiers
        })
    }
}
