//! What is asked of the CA: the key, and the request made with it; or the request that the user brought.

use zeroize::Zeroizing;

use crate::core::csr;
use crate::core::key_type::KeyType;
use crate::error::{Error, Kind};
use crate::keys;

use super::Issuance;

/// A request for a certificate.
pub(super) struct Request {
    /// The CSR in DER.
    pub(super) der: Vec<u8>,
    /// The key to certify as SubjectPublicKeyInfo in DER.
    pub(super) public_key: Vec<u8>,
}

impl Issuance<'_> {
    /// The key for a new order: none where the user brought a request, the current one where it is to stay, else a
    /// new one.
    pub(super) fn key_for_order(&self) -> Result<Option<Zeroizing<String>>, Error> {
        if self.record.csr.is_some() {
            return Ok(None);
        }
        if self.record.reuse_key
            && let Some(pem) = self.key_to_keep()?
        {
            return Ok(Some(pem));
        }
        self.tell("making a key");
        Ok(Some(keys::generate(self.record.key_type)?))
    }

    /// The current version's key, if it is of the kind that is wanted. That of a revoked certificate may be in other
    /// hands.
    fn key_to_keep(&self) -> Result<Option<Zeroizing<String>>, Error> {
        let files = self.store.certificate(self.name);
        let revoked = files.current_or_none().is_none_or(|installed| self.record.revokes(&installed));
        let Some(pem) = files.current_key()?.filter(|_| !revoked) else { return Ok(None) };
        let kind = KeyType::of(&csr::public_key(&keys::read(&pem)?));
        Ok(Some(pem).filter(|_| kind == Some(self.record.key_type)))
    }

    /// Whether this is the current version's key, and that version is revoked: then it may be in other hands.
    pub(super) fn is_revoked_key(&self, pem: &str) -> Result<bool, Error> {
        let current = self.store.certificate(self.name).current_or_none();
        let Some(revoked) = current.filter(|installed| self.record.revokes(installed)) else {
            return Ok(false);
        };
        Ok(csr::public_key(&keys::read(pem)?) == revoked.facts.public_key)
    }

    /// The request made with this key, or the one that the user brought.
    pub(super) fn request(&self, key_pem: Option<&str>) -> Result<Request, Error> {
        if let Some(csr) = &self.record.csr {
            return Ok(Request { der: csr.der().to_vec(), public_key: csr.public_key().to_vec() });
        }
        let missing = || Error::new(Kind::Internal, "the order under way has no key");
        let key = keys::read(key_pem.ok_or_else(missing)?)?;
        let der = csr::request(&key, &self.record.identifiers, self.record.must_staple);
        let der = der.map_err(|error| Error::new(Kind::Internal, error.to_string()))?;
        Ok(Request { der, public_key: csr::public_key(&key) })
    }
}
