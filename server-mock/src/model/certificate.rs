//! Certificates and what became of them.

use std::ops::Bound;

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
        self.certificates.get(self.certificate_index.by_serial(serial)?)
    }

    /// At most `count` certificates, in the order of their names, those after one with this name.
    pub fn certificates_after(
        &self,
        id: Option<&CertificateId>,
        count: usize,
    ) -> impl Iterator<Item = &Certificate> {
        let after = id.map_or(Bound::Unbounded, Bound::Excluded);
        let page = self.certificates.range::<CertificateId, _>((after, Bound::Unbounded));
        page.map(|(_, certificate)| certificate).take(count)
    }

    /// Every certificate that is revoked.
    pub fn revoked_certificates(&self) -> impl Iterator<Item = &Certificate> {
        self.certificate_index.revoked().filter_map(|id| self.certificates.get(id))
    }

    /// How often it has changed which certificates are revoked.
    #[must_use]
    pub fn revocations(&self) -> u64 {
        self.certificate_index.revocations()
    }

    pub(super) fn add_certificate(&mut self, certificate: Certificate) {
        self.certificate_index.add(&certificate);
        self.certificates.insert(certificate.id.clone(), certificate);
    }

    /// Whether the owner has a certificate, neither revoked nor expired, for exactly these identifiers.
    pub(super) fn has_certificate_for(
        &self,
        owner: &OwnerId,
        identifiers: &[Identifier],
        now: OffsetDateTime,
    ) -> bool {
        let found = self.certificate_index.perhaps_for(owner, identifiers);
        found.filter_map(|id| self.certificates.get(id)).any(|certificate| {
            certificate.identifiers == identifiers
                && certificate.revoked.is_none()
                && certificate.not_after > now
        })
    }
}
