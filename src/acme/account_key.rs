//! Keys that sign requests: an account's, and a certificate's where it signs its own revocation (RFC 7518 §3, §6;
//! RFC 8037).

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
    EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::Value;
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::RSAPublicKey;

use super::jws::encode;

/// A private key with what a JWS says of it.
pub struct AccountKey {
    pair: Pair,
    /// The public key's members (RFC 7517), sorted by name as RFC 7638 §3.2 wants them.
    jwk: BTreeMap<&'static str, String>,
    thumbprint: String,
}

enum Pair {
    Ecdsa(EcdsaKeyPair, &'static Curve),
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// A curve with its names in JWK and JWS (RFC 7518 §3.4, §6.2.1.1).
struct Curve {
    name: &'static str,
    algorithm: &'static str,
    signing: &'static EcdsaSigningAlgorithm,
}

/// P-521 is for certificate keys that others made; we make none.
static CURVES: [Curve; 3] = [
    Curve { name: "P-256", algorithm: "ES256", signing: &ECDSA_P256_SHA256_FIXED_SIGNING },
    Curve { name: "P-384", algorithm: "ES384", signing: &ECDSA_P384_SHA384_FIXED_SIGNING },
    Curve { name: "P-521", algorithm: "ES512", signing: &ECDSA_P521_SHA512_FIXED_SIGNING },
];

/// Why a key can't sign requests.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyError {
    /// No private key in PEM.
    #[error("there is no private key in PEM, without a passphrase")]
    Pem,
    /// A key of another kind, or a broken one.
    #[error("the key is none of ECDSA (P-256, P-384, P-521), RSA (2048 to 8192 bits) and Ed25519")]
    Unusable,
}

impl AccountKey {
    /// Reads a key from PEM: PKCS#8, SEC 1 (`EC PRIVATE KEY`) or PKCS#1 (`RSA PRIVATE KEY`).
    ///
    /// # Errors
    /// [`KeyError`] says what it is instead.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let der = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| KeyError::Pem)?;
        let pair = Pair::of(&der).ok_or(KeyError::Unusable)?;
        let jwk = pair.jwk().ok_or(KeyError::Unusable)?;
        // A map of strings always serialises, sorted and without white space.
        let canonical = serde_json::to_vec(&jwk).unwrap_or_default();
        let thumbprint = encode(digest(&SHA256, &canonical).as_ref());
        Ok(Self { pair, jwk, thumbprint })
    }

    /// The key's thumbprint (RFC 7638), base64url.
    #[must_use]
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// The name of its signature algorithm in a JWS.
    pub(super) fn algorithm(&self) -> &'static str {
        match &self.pair {
            Pair::Ecdsa(_, curve) => curve.algorithm,
            Pair::Rsa(_) => "RS256",
            Pair::Ed25519(_) => "EdDSA",
        }
    }

    /// The public key as JWK.
    pub(super) fn jwk(&self) -> Value {
        self.jwk.iter().map(|(&name, value)| (name.to_owned(), Value::from(value.as_str()))).collect()
    }

    /// The signature of a message, in the form of a JWS.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ecdsa(key, _) => {
                let signature = key.sign(&random, message).map_err(|_| KeyError::Unusable)?;
                Ok(signature.as_ref().to_vec())
            }
            Pair::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                let signed = key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature);
                signed.map(|()| signature).map_err(|_| KeyError::Unusable)
            }
            Pair::Ed25519(key) => Ok(key.sign(message).as_ref().to_vec()),
        }
    }
}

impl Pair {
    fn of(der: &PrivateKeyDer<'_>) -> Option<Self> {
        match der {
            PrivateKeyDer::Pkcs8(key) => {
                let der = key.secret_pkcs8_der();
                ecdsa(|signing| EcdsaKeyPair::from_pkcs8(signing, der).ok())
                    .or_else(|| RsaKeyPair::from_pkcs8(der).ok().map(Self::Rsa))
                    .or_else(|| Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).ok().map(Self::Ed25519))
            }
            PrivateKeyDer::Sec1(key) => {
                ecdsa(|signing| EcdsaKeyPair::from_private_key_der(signing, key.secret_sec1_der()).ok())
            }
            PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der()).ok().map(Self::Rsa),
            _ => None,
        }
    }

    fn jwk(&self) -> Option<BTreeMap<&'static str, String>> {
        Some(match self {
            Self::Ecdsa(key, curve) => {
                // An uncompressed point: 4, then x and y at full length (SEC 1 §2.3.3, RFC 7518 §6.2.1.2).
                let point = key.public_key().as_ref().strip_prefix(&[4])?;
                let (x, y) = point.split_at(point.len() / 2);
                [("kty", "EC".into()), ("crv", curve.name.into()), ("x", encode(x)), ("y", encode(y))].into()
            }
            Self::Rsa(key) => {
                let (_, public) = RSAPublicKey::from_der(key.public_key().as_ref()).ok()?;
                let number = |bytes: &[u8]| {
                    let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
                    encode(&bytes[zeros..])
                };
                [("kty", "RSA".into()), ("n", number(public.modulus)), ("e", number(public.exponent))].into()
            }
            Self::Ed25519(key) => {
                let x = encode(key.public_key().as_ref());
                [("kty", "OKP".into()), ("crv", "Ed25519".into()), ("x", x)].into()
            }
        })
    }
}

/// The key on whichever curve it is.
fn ecdsa(read: impl Fn(&'static EcdsaSigningAlgorithm) -> Option<EcdsaKeyPair>) -> Option<Pair> {
    CURVES.iter().find_map(|curve| read(curve.signing).map(|key| Pair::Ecdsa(key, curve)))
}

impl std::fmt::Debug for AccountKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccountKey").field("thumbprint", &self.thumbprint).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
        UnparsedPublicKey,
    };
    use serde_json::json;

    use super::*;
    use crate::core::key_type::KeyType;
    use crate::core::pem::encode_pem;
    use crate::keys;

    fn key(key_type: KeyType) -> AccountKey {
        AccountKey::from_pem(&keys::generate(key_type).unwrap()).unwrap()
    }

    #[test]
    fn keys_survive_pem_and_stay_out_of_debug_output() {
        let pem = keys::generate(KeyType::Ec256).unwrap();
        let key = AccountKey::from_pem(&pem).unwrap();
        assert_eq!(AccountKey::from_pem(&pem).unwrap().thumbprint(), key.thumbprint());
        assert_eq!(format!("{key:?}"), format!("AccountKey {{ thumbprint: {:?}, .. }}", key.thumbprint()));
        assert_eq!(AccountKey::from_pem("x").unwrap_err(), KeyError::Pem);
        let broken = encode_pem("PRIVATE KEY", b"no key");
        assert_eq!(AccountKey::from_pem(&broken).unwrap_err(), KeyError::Unusable);
    }

    #[test]
    fn each_kind_signs_by_its_own_algorithm() {
        let verified = |key: &AccountKey| {
            let (public, signature) = match &key.pair {
                Pair::Ecdsa(pair, _) => (pair.public_key().as_ref().to_vec(), key.sign(b"message").unwrap()),
                Pair::Rsa(pair) => (pair.public_key().as_ref().to_vec(), key.sign(b"message").unwrap()),
                Pair::Ed25519(pair) => (pair.public_key().as_ref().to_vec(), key.sign(b"message").unwrap()),
            };
            let verify =
                |algorithm| UnparsedPublicKey::new(algorithm, &public).verify(b"message", &signature);
            match key.algorithm() {
                "ES256" => verify(&ECDSA_P256_SHA256_FIXED),
                "ES384" => verify(&ECDSA_P384_SHA384_FIXED),
                "RS256" => verify(&RSA_PKCS1_2048_8192_SHA256),
                "EdDSA" => verify(&ED25519),
                other => panic!("{other}"),
            }
        };
        for (key_type, members) in [
            (KeyType::Ec256, "crv kty x y"),
            (KeyType::Ec384, "crv kty x y"),
            (KeyType::Rsa2048, "e kty n"),
            (KeyType::Ed25519, "crv kty x"),
        ] {
            let key = key(key_type);
            verified(&key).unwrap();
            let jwk = key.jwk();
            let names: Vec<&str> = jwk.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(names.join(" "), members, "{key_type}");
        }
    }

    /// RFC 8037 appendix A.1 to A.3: the key, its thumbprint and a signature.
    #[test]
    fn an_ed25519_key_is_that_of_rfc_8037() {
        let seed = b"\x9d\x61\xb1\x9d\xef\xfd\x5a\x60\xba\x84\x4a\xf4\x92\xec\x2c\xc4\x44\x49\xc5\x69\x7b\x32\x69\x19\x70\x3b\xac\x03\x1c\xae\x7f\x60";
        let pkcs8 = [b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20", &seed[..]].concat();
        let key = AccountKey::from_pem(&encode_pem("PRIVATE KEY", &pkcs8)).unwrap();
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        assert_eq!(key.jwk(), json!({"kty": "OKP", "crv": "Ed25519", "x": x}));
        assert_eq!(key.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        let signature = key.sign(b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc").unwrap();
        assert_eq!(
            encode(&signature),
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        );
    }

    #[test]
    fn a_p_256_key_in_sec1_is_read_like_one_in_pkcs8() {
        let scalar = digest(&SHA256, b"any number will do").as_ref().to_vec();
        // RFC 5915 §3, with the curve's name and without the public key.
        let sec1 = [
            b"\x30\x31\x02\x01\x01\x04\x20".as_slice(),
            &scalar,
            b"\xa0\x0a\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07",
        ];
        let sec1 = sec1.concat();
        // RFC 5208 around it.
        let head = b"\x30\x4d\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x04\x33";
        let pkcs8 = [head.as_slice(), &sec1].concat();
        let by_sec1 = AccountKey::from_pem(&encode_pem("EC PRIVATE KEY", &sec1)).unwrap();
        let by_pkcs8 = AccountKey::from_pem(&encode_pem("PRIVATE KEY", &pkcs8)).unwrap();
        assert_eq!(by_sec1.thumbprint(), by_pkcs8.thumbprint());
        assert_eq!(by_sec1.algorithm(), "ES256");
    }
}
