//! Certificates found by something other than their names, without looking at all of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use super::{AccountId, Certificate, CertificateId, Identifier, OwnerId};

/// Follows the table of certificates: whoever adds, revokes or removes one says so here.
#[derive(Clone, Debug, Default)]
pub(super) struct CertificateIndex {
    serials: BTreeMap<Vec<u8>, CertificateId>,
    accounts: BTreeSet<(AccountId, CertificateId)>,
    /// By owner and a digest of the identifiers, which are long and here once more for each certificate. Others may
    /// have the same digest, so the identifiers are to be compared.
    names: BTreeSet<(OwnerId, u64, CertificateId)>,
    revoked: BTreeSet<CertificateId>,
    /// How often what is revoked has changed.
    revocations: u64,
    /// How many identifiers they have together.
    identifiers: usize,
}

impl CertificateIndex {
    pub(super) fn add(&mut self, certificate: &Certificate) {
        let id = || certificate.id.clone();
        self.serials.insert(certificate.serial.clone(), id());
        self.accounts.insert((certificate.account.clone(), id()));
        self.names.insert((certificate.owner.clone(), digest(&certificate.identifiers), id()));
        self.identifiers += certificate.identifiers.len();
        if certificate.revoked.is_some() {
            self.revoke(&certificate.id);
        }
    }

    pub(super) fn revoke(&mut self, id: &CertificateId) {
        self.revoked.insert(id.clone());
        self.revocations += 1;
    }

    pub(super) fn remove(&mut self, certificate: &Certificate) {
        let id = || certificate.id.clone();
        self.serials.remove(&certificate.serial);
        self.accounts.remove(&(certificate.account.clone(), id()));
        self.names.remove(&(certificate.owner.clone(), digest(&certificate.identifiers), id()));
        self.identifiers -= certificate.identifiers.len();
        if self.revoked.remove(&certificate.id) {
            self.revocations += 1;
        }
    }

    pub(super) fn by_serial(&self, serial: &[u8]) -> Option<&CertificateId> {
        self.serials.get(serial)
    }

    /// Those that an account ordered.
    pub(super) fn of_account<'a>(
        &'a self,
        account: &'a AccountId,
    ) -> impl Iterator<Item = &'a CertificateId> {
        let from = (account.clone(), CertificateId::from(""));
        self.accounts.range(from..).take_while(move |(holder, _)| holder == account).map(|(_, id)| id)
    }

    /// Those of an owner that may be for these identifiers.
    pub(super) fn perhaps_for<'a>(
        &'a self,
        owner: &'a OwnerId,
        identifiers: &[Identifier],
    ) -> impl Iterator<Item = &'a CertificateId> {
        let digest = digest(identifiers);
        let from = (owner.clone(), digest, CertificateId::from(""));
        let same =
            move |(holder, other, _): &&(OwnerId, u64, CertificateId)| holder == owner && *other == digest;
        self.names.range(from..).take_while(same).map(|(_, _, id)| id)
    }

    pub(super) fn revoked(&self) -> impl Iterator<Item = &CertificateId> {
        self.revoked.iter()
    }

    pub(super) fn revocations(&self) -> u64 {
        self.revocations
    }

    pub(super) fn identifiers(&self) -> usize {
        self.identifiers
    }
}

fn digest(identifiers: &[Identifier]) -> u64 {
    let mut hasher = DefaultHasher::new();
    identifiers.hash(&mut hasher);
    hasher.finish()
}
