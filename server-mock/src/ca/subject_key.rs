//! The keys that can be certified.

use rcgen::{
    PKCS_ML_DSA_44, PKCS_ML_DSA_65, PKCS_ML_DSA_87, PKCS_RSA_SHA256, PublicKeyData, SignatureAlgorithm,
    SubjectPublicKeyInfo,
};

use super::{CaError, der::OBJECT_IDENTIFIER, der::SEQUENCE, der::tlv};

/// 2.16.840.1.101.3.4.3, under which ML-DSA-44, -65 and -87 are 17, 18 and 19 (RFC 9881 §2), encoded.
const SIGNATURE_ALGORITHMS: [u8; 8] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03];

/// What a key is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyFamily {
    /// Signs and enciphers.
    Rsa,
    /// Signs and agrees on keys.
    Ec,
    /// Ed25519 and ML-DSA.
    SignOnly,
}

/// A public key to be certified. rcgen reads all but the ML-DSA ones, which it can write.
pub(super) enum SubjectKey {
    Classic(SubjectPublicKeyInfo),
    MlDsa { algorithm: &'static SignatureAlgorithm, key: Vec<u8> },
}

impl SubjectKey {
    /// Reads a DER SubjectPublicKeyInfo.
    pub(super) fn parse(spki_der: &[u8]) -> Result<Self, CaError> {
        if let Some(key) = parse_ml_dsa(spki_der) {
            return Ok(key);
        }
        SubjectPublicKeyInfo::from_der(spki_der).map(Self::Classic).map_err(CaError::Key)
    }

    pub(super) fn family(&self) -> KeyFamily {
        match self {
            // Every RSA algorithm has the same SubjectPublicKeyInfo, of which rcgen takes the first.
            Self::Classic(key) if key.algorithm() == &PKCS_RSA_SHA256 => KeyFamily::Rsa,
            Self::Classic(key) if key.algorithm() == &rcgen::PKCS_ED25519 => KeyFamily::SignOnly,
            Self::Classic(_) => KeyFamily::Ec,
            Self::MlDsa { .. } => KeyFamily::SignOnly,
        }
    }
}

/// The keys of RFC 9881 §4: an AlgorithmIdentifier without parameters, then the bits of one length.
fn parse_ml_dsa(spki_der: &[u8]) -> Option<SubjectKey> {
    let kinds = [(17, &PKCS_ML_DSA_44, 1312), (18, &PKCS_ML_DSA_65, 1952), (19, &PKCS_ML_DSA_87, 2592)];
    kinds.into_iter().find_map(|(number, algorithm, length)| {
        let oid = tlv(OBJECT_IDENTIFIER, &[&SIGNATURE_ALGORITHMS[..], &[number]].concat());
        // SEQUENCE and BIT STRING of these lengths have headers of four bytes, and one byte counts unused bits.
        let identifier = tlv(SEQUENCE, &oid);
        let key = spki_der.get(4 + identifier.len() + 5..)?;
        let whole = tlv(SEQUENCE, &[&identifier[..], &tlv(0x03, &[&[0], key].concat())].concat());
        (key.len() == length && whole == spki_der).then(|| SubjectKey::MlDsa { algorithm, key: key.to_vec() })
    })
}

impl PublicKeyData for SubjectKey {
    fn der_bytes(&self) -> &[u8] {
        match self {
            Self::Classic(key) => key.der_bytes(),
            Self::MlDsa { key, .. } => key,
        }
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        match self {
            Self::Classic(key) => key.algorithm(),
            Self::MlDsa { algorithm, .. } => algorithm,
        }
    }
}
