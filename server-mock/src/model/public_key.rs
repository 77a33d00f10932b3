//! Public keys of accounts and certificates, as RFC 7518 §6 and RFC 8037 §2 describe them.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A curve of RFC 7518 §6.2.1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Curve {
    /// NIST P-256.
    #[serde(rename = "P-256")]
    P256,
    /// NIST P-384.
    #[serde(rename = "P-384")]
    P384,
    /// NIST P-521.
    #[serde(rename = "P-521")]
    P521,
}

impl Curve {
    /// The name in a JWK's `crv`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }

    /// The length of a coordinate in bytes.
    #[must_use]
    pub fn coordinate_length(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

/// A public key that has been checked: its point is on the curve, its size within the limits.
///
/// Only the parsers of [`protocol::jwk`](crate::protocol::jwk) make one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PublicKey {
    /// An elliptic-curve key.
    Ec {
        /// Its curve.
        curve: Curve,
        /// Big-endian, of the curve's coordinate length.
        x: Vec<u8>,
        /// Big-endian, of the curve's coordinate length.
        y: Vec<u8>,
    },
    /// An RSA key.
    Rsa {
        /// The modulus, big-endian without leading zeros.
        n: Vec<u8>,
        /// The exponent, big-endian without leading zeros.
        e: Vec<u8>,
    },
    /// An Ed25519 key of 32 bytes.
    Ed25519(Vec<u8>),
    /// An ML-DSA key; certificates can have one, accounts can't.
    MlDsa {
        /// Its parameter set.
        set: MlDsaSet,
        /// As FIPS 204 encodes it.
        key: Vec<u8>,
    },
}

/// A parameter set of FIPS 204.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MlDsaSet {
    /// ML-DSA-44.
    #[serde(rename = "ML-DSA-44")]
    MlDsa44,
    /// ML-DSA-65.
    #[serde(rename = "ML-DSA-65")]
    MlDsa65,
    /// ML-DSA-87.
    #[serde(rename = "ML-DSA-87")]
    MlDsa87,
}

impl MlDsaSet {
    /// The name in a JWK's `alg`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MlDsa44 => "ML-DSA-44",
            Self::MlDsa65 => "ML-DSA-65",
            Self::MlDsa87 => "ML-DSA-87",
        }
    }
}

impl PublicKey {
    /// The JWK with its required members alone (RFC 7638 §3.2).
    #[must_use]
    pub fn to_jwk(&self) -> Value {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Self::Ec { curve, x, y } => {
                json!({"crv": curve.name(), "kty": "EC", "x": encode(x), "y": encode(y)})
            }
            Self::Rsa { n, e } => json!({"e": encode(e), "kty": "RSA", "n": encode(n)}),
            Self::Ed25519(x) => json!({"crv": "Ed25519", "kty": "OKP", "x": encode(x)}),
            Self::MlDsa { set, key } => json!({"alg": set.name(), "kty": "AKP", "pub": encode(key)}),
        }
    }

    /// The SHA-256 thumbprint in base64url (RFC 7638).
    #[must_use]
    pub fn thumbprint(&self) -> String {
        // The members must stand in lexicographic order without white space: they are written so above,
        // and the compact form has none.
        URL_SAFE_NO_PAD.encode(digest(&SHA256, self.to_jwk().to_string().as_bytes()))
    }
}
