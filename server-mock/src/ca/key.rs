//! The authority's own keys.

use aws_lc_rs::digest::{SHA256, digest};
use rcgen::{KeyIdMethod, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, PublicKeyData, RsaKeySize};
use rustls_pki_types::{PrivateKeyDer, PrivateSec1KeyDer};
use serde::{Deserialize, Serialize};

use super::{CaError, der::tlv};
use crate::random::Random;

/// A key identifier: the first 160 bits of the SHA-256 over the key's bits (RFC 7093 §2, method 1). rcgen's own
/// takes the whole SubjectPublicKeyInfo, which is none of the methods that others know.
pub(super) fn key_identifier(key: &impl PublicKeyData) -> KeyIdMethod {
    KeyIdMethod::PreSpecified(digest(&SHA256, key.der_bytes()).as_ref()[..20].to_vec())
}

/// What the authority signs with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CaKey {
    /// ECDSA on P-256: made in well under a millisecond, and reproducible from a seed.
    #[default]
    Ec256,
    /// RSA with 2048 bits; takes a noticeable part of a second, never reproducible.
    Rsa2048,
    /// RSA with 4096 bits, as CAcert's own roots; takes seconds, never reproducible.
    Rsa4096,
}

impl CaKey {
    /// Makes a key of this kind.
    ///
    /// # Errors
    /// [`CaError::Sign`] when the cryptographic library refuses.
    pub(crate) fn generate(self, random: &dyn Random) -> Result<KeyPair, CaError> {
        match self {
            Self::Ec256 => ec256(random),
            Self::Rsa2048 => Ok(KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?),
            Self::Rsa4096 => Ok(KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_4096)?),
        }
    }
}

/// A P-256 key whose private scalar comes from `random`, so that a seed fixes it.
fn ec256(random: &dyn Random) -> Result<KeyPair, CaError> {
    // One scalar in 2^32 is not below the group order and is refused: draw again, FIPS 186-5 §A.2.2.
    let mut attempt = draw_ec256(random);
    for _ in 0..3 {
        if attempt.is_ok() {
            break;
        }
        attempt = draw_ec256(random);
    }
    Ok(attempt?)
}

/// One try: `ECPrivateKey` (RFC 5915 §3) without the public key, which the library computes.
fn draw_ec256(random: &dyn Random) -> Result<KeyPair, rcgen::Error> {
    const VERSION_1: [u8; 3] = [0x02, 0x01, 0x01];
    /// `[0] { 1.2.840.10045.3.1.7 }`, prime256v1.
    const PRIME256V1: [u8; 12] = [0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    let mut scalar = [0; 32];
    random.fill(&mut scalar);
    let sec1 = tlv(0x30, &[&VERSION_1[..], &tlv(0x04, &scalar), &PRIME256V1].concat());
    let der = PrivateKeyDer::Sec1(PrivateSec1KeyDer::from(sec1));
    KeyPair::from_der_and_sign_algo(&der, &PKCS_ECDSA_P256_SHA256)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{OsRandom, SeededRandom};

    #[test]
    fn a_seed_fixes_the_key() {
        let key = |seed| ec256(&SeededRandom::new(seed)).unwrap().public_key_raw().to_vec();
        assert_eq!(key(1), key(1));
        assert_ne!(key(1), key(2));
        assert_ne!(ec256(&OsRandom).unwrap().public_key_raw(), ec256(&OsRandom).unwrap().public_key_raw());
    }

    #[test]
    fn a_scalar_beyond_the_order_is_drawn_again() {
        struct FirstAllOnes(std::sync::atomic::AtomicBool);
        impl Random for FirstAllOnes {
            fn fill(&self, bytes: &mut [u8]) {
                let again = self.0.swap(true, std::sync::atomic::Ordering::Relaxed);
                bytes.fill(if again { 0x55 } else { 0xff });
            }
        }
        ec256(&FirstAllOnes(false.into())).unwrap();
    }
}
