//! The signature algorithms of requests (RFC 7518 §3, RFC 8037 §3.1).

use aws_lc_rs::{
    rsa::PublicKeyComponents,
    signature::{self, RsaParameters, UnparsedPublicKey, VerificationAlgorithm},
};

use crate::model::{
    Problem, ProblemType,
    public_key::{Curve, PublicKey},
};

/// An algorithm that requests may be signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    /// The names that requests may use, told with `badSignatureAlgorithm`.
    pub const NAMES: &[&str] = &["RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "EdDSA"];

    /// The algorithm of this `alg`.
    ///
    /// # Errors
    /// `badSignatureAlgorithm` with the list of those that would do (RFC 8555 §6.2).
    pub fn parse(name: &str) -> Result<Self, Problem> {
        Ok(match name {
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            "ES512" => Self::Es512,
            "PS256" => Self::Ps256,
            "EdDSA" => Self::EdDsa,
            _ => {
                let detail = format!("requests can't be signed with algorithm {name:?}");
                let mut problem = Problem::new(ProblemType::BadSignatureAlgorithm, detail);
                problem.algorithms = Self::NAMES;
                return Err(problem);
            }
        })
    }

    /// Verifies `signature` over `message`.
    ///
    /// # Errors
    /// `badPublicKey` when the key is not one for this algorithm, `malformed` when the signature is wrong.
    pub fn verify(self, key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), Problem> {
        let verified = match (self, key) {
            (Self::Rs256, PublicKey::Rsa { n, e }) => {
                verify_rsa(&signature::RSA_PKCS1_2048_8192_SHA256, n, e, message, signature)
            }
            (Self::Rs384, PublicKey::Rsa { n, e }) => {
                verify_rsa(&signature::RSA_PKCS1_2048_8192_SHA384, n, e, message, signature)
            }
            (Self::Rs512, PublicKey::Rsa { n, e }) => {
                verify_rsa(&signature::RSA_PKCS1_2048_8192_SHA512, n, e, message, signature)
            }
            (Self::Ps256, PublicKey::Rsa { n, e }) => {
                verify_rsa(&signature::RSA_PSS_2048_8192_SHA256, n, e, message, signature)
            }
            (Self::Es256, PublicKey::Ec { curve: Curve::P256, x, y }) => {
                verify_raw(&signature::ECDSA_P256_SHA256_FIXED, &point(x, y), message, signature)
            }
            (Self::Es384, PublicKey::Ec { curve: Curve::P384, x, y }) => {
                verify_raw(&signature::ECDSA_P384_SHA384_FIXED, &point(x, y), message, signature)
            }
            (Self::Es512, PublicKey::Ec { curve: Curve::P521, x, y }) => {
                verify_raw(&signature::ECDSA_P521_SHA512_FIXED, &point(x, y), message, signature)
            }
            (Self::EdDsa, PublicKey::Ed25519(x)) => verify_raw(&signature::ED25519, x, message, signature),
            _ => {
                let detail = "the key is not one for the algorithm in `alg`";
                return Err(Problem::new(ProblemType::BadPublicKey, detail));
            }
        };
        if verified { Ok(()) } else { Err(Problem::malformed("the signature does not verify")) }
    }
}

/// The uncompressed point of SEC 1 §2.3.3.
pub(super) fn point(x: &[u8], y: &[u8]) -> Vec<u8> {
    [&[4], x, y].concat()
}

fn verify_rsa(parameters: &RsaParameters, n: &[u8], e: &[u8], message: &[u8], signature: &[u8]) -> bool {
    PublicKeyComponents { n, e }.verify(parameters, message, signature).is_ok()
}

fn verify_raw(
    algorithm: &'static dyn VerificationAlgorithm,
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> bool {
    UnparsedPublicKey::new(algorithm, key).verify(message, signature).is_ok()
}
