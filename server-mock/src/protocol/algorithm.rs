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
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    /// Every algorithm with its name, in the order of RFC 7518 §3.1.
    const TABLE: [(&str, Self); 10] = [
        ("RS256", Self::Rs256),
        ("RS384", Self::Rs384),
        ("RS512", Self::Rs512),
        ("ES256", Self::Es256),
        ("ES384", Self::Es384),
        ("ES512", Self::Es512),
        ("PS256", Self::Ps256),
        ("PS384", Self::Ps384),
        ("PS512", Self::Ps512),
        ("EdDSA", Self::EdDsa),
    ];

    /// The names that requests may use, told with `badSignatureAlgorithm`.
    pub const NAMES: &[&str] = &{
        let mut names = [""; Self::TABLE.len()];
        let mut row = 0;
        while row < names.len() {
            names[row] = Self::TABLE[row].0;
            row += 1;
        }
        names
    };

    /// The algorithm of this `alg`.
    ///
    /// # Errors
    /// `badSignatureAlgorithm` with the list of those that would do (RFC 8555 §6.2).
    pub fn parse(name: &str) -> Result<Self, Problem> {
        let row = Self::TABLE.iter().find(|(known, _)| *known == name);
        row.map(|(_, algorithm)| *algorithm).ok_or_else(|| {
            let detail = format!("requests can't be signed with algorithm {name:?}");
            let mut problem = Problem::new(ProblemType::BadSignatureAlgorithm, detail);
            problem.algorithms = Self::NAMES;
            problem
        })
    }

    /// Verifies `signature` over `message`.
    ///
    /// # Errors
    /// `badPublicKey` when the key is not one for this algorithm, `malformed` when the signature is wrong.
    pub fn verify(self, key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), Problem> {
        let rsa = |parameters: &RsaParameters, n: &[u8], e: &[u8]| {
            PublicKeyComponents { n, e }.verify(parameters, message, signature).is_ok()
        };
        let verified = match (self, key) {
            (Self::Rs256, PublicKey::Rsa { n, e }) => rsa(&signature::RSA_PKCS1_2048_8192_SHA256, n, e),
            (Self::Rs384, PublicKey::Rsa { n, e }) => rsa(&signature::RSA_PKCS1_2048_8192_SHA384, n, e),
            (Self::Rs512, PublicKey::Rsa { n, e }) => rsa(&signature::RSA_PKCS1_2048_8192_SHA512, n, e),
            (Self::Ps256, PublicKey::Rsa { n, e }) => rsa(&signature::RSA_PSS_2048_8192_SHA256, n, e),
            (Self::Ps384, PublicKey::Rsa { n, e }) => rsa(&signature::RSA_PSS_2048_8192_SHA384, n, e),
            (Self::Ps512, PublicKey::Rsa { n, e }) => rsa(&signature::RSA_PSS_2048_8192_SHA512, n, e),
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

fn verify_raw(
    algorithm: &'static dyn VerificationAlgorithm,
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> bool {
    UnparsedPublicKey::new(algorithm, key).verify(message, signature).is_ok()
}
