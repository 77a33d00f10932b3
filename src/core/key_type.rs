//! The kinds of private key, for certificates and accounts.

use std::fmt;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use x509_parser::oid_registry::OID_SIG_ED25519;
use x509_parser::prelude::{FromDer as _, SubjectPublicKeyInfo};
use x509_parser::public_key::PublicKey;

/// A kind of key, in the words of `--key-type` and `--account-key-type`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[value(rename_all = "lower")]
pub enum KeyType {
    /// ECDSA on P-256: small, fast, understood everywhere.
    #[default]
    Ec256,
    /// ECDSA on P-384.
    Ec384,
    /// RSA of 2048 bits.
    Rsa2048,
    /// RSA of 3072 bits.
    Rsa3072,
    /// RSA of 4096 bits.
    Rsa4096,
    /// Ed25519; few browsers and CAs accept it.
    Ed25519,
}

impl KeyType {
    /// The kind of this public key (SubjectPublicKeyInfo in DER); `None` for one that we would not make.
    #[must_use]
    pub fn of(public_key: &[u8]) -> Option<Self> {
        let (_, key) = SubjectPublicKeyInfo::from_der(public_key).ok()?;
        if key.algorithm.algorithm == OID_SIG_ED25519 {
            return Some(Self::Ed25519);
        }
        match key.parsed().ok()? {
            PublicKey::EC(point) if point.key_size() == 256 => Some(Self::Ec256),
            PublicKey::EC(point) if point.key_size() == 384 => Some(Self::Ec384),
            PublicKey::RSA(rsa) => match rsa.key_size() {
                2048 => Some(Self::Rsa2048),
                3072 => Some(Self::Rsa3072),
                4096 => Some(Self::Rsa4096),
                _ => None,
            },
            _ => None,
        }
    }
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ec256 => "ec256",
            Self::Ec384 => "ec384",
            Self::Rsa2048 => "rsa2048",
            Self::Rsa3072 => "rsa3072",
            Self::Rsa4096 => "rsa4096",
            Self::Ed25519 => "ed25519",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::csr::public_key;
    use crate::keys;

    #[test]
    fn a_key_tells_its_kind() {
        for kind in [KeyType::Ec256, KeyType::Ec384, KeyType::Rsa2048, KeyType::Rsa3072, KeyType::Ed25519] {
            let key = keys::read(&keys::generate(kind).unwrap()).unwrap();
            assert_eq!(KeyType::of(&public_key(&key)), Some(kind));
        }
        assert_eq!(KeyType::of(b"no key"), None);
    }
}
