//! Keys that sign requests, independent of the server's own code.

use aws_lc_rs::{
    encoding::AsDer,
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RsaEncoding, RsaKeyPair,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

enum Pair {
    Ecdsa(EcdsaKeyPair, &'static str),
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
    Ed25519(Ed25519KeyPair),
}

/// A key pair with the algorithm that it signs with.
pub(crate) struct Key {
    pub(crate) algorithm: &'static str,
    pair: Pair,
}

impl Key {
    pub(crate) fn es256() -> Self {
        Self::ecdsa("ES256", "P-256", &signature::ECDSA_P256_SHA256_FIXED_SIGNING)
    }

    pub(crate) fn es384() -> Self {
        Self::ecdsa("ES384", "P-384", &signature::ECDSA_P384_SHA384_FIXED_SIGNING)
    }

    pub(crate) fn es512() -> Self {
        Self::ecdsa("ES512", "P-521", &signature::ECDSA_P521_SHA512_FIXED_SIGNING)
    }

    pub(crate) fn rsa(algorithm: &'static str) -> Self {
        let encoding: &'static dyn RsaEncoding = match algorithm {
            "RS256" => &signature::RSA_PKCS1_SHA256,
            "RS384" => &signature::RSA_PKCS1_SHA384,
            "RS512" => &signature::RSA_PKCS1_SHA512,
            "PS256" => &signature::RSA_PSS_SHA256,
            "PS384" => &signature::RSA_PSS_SHA384,
            "PS512" => &signature::RSA_PSS_SHA512,
            other => panic!("{other}"),
        };
        Self { algorithm, pair: Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap(), encoding) }
    }

    pub(crate) fn ed25519() -> Self {
        Self { algorithm: "EdDSA", pair: Pair::Ed25519(Ed25519KeyPair::generate().unwrap()) }
    }

    /// The same Ed25519 key once more.
    pub(crate) fn again(&self) -> Self {
        let Pair::Ed25519(pair) = &self.pair else { panic!("only for Ed25519") };
        let pkcs8 = pair.to_pkcs8v1().unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
        Self { algorithm: self.algorithm, pair: Pair::Ed25519(pair) }
    }

    fn ecdsa(algorithm: &'static str, curve: &'static str, signing: &'static EcdsaSigningAlgorithm) -> Self {
        Self { algorithm, pair: Pair::Ecdsa(EcdsaKeyPair::generate(signing).unwrap(), curve) }
    }

    pub(crate) fn jwk(&self) -> Value {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match &self.pair {
            Pair::Ecdsa(pair, curve) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                json!({"kty": "EC", "crv": curve, "x": encode(x), "y": encode(y)})
            }
            Pair::Rsa(pair, _) => {
                let key = pair.public_key();
                let modulus = key.modulus().big_endian_without_leading_zero();
                let exponent = key.exponent().big_endian_without_leading_zero();
                json!({"kty": "RSA", "n": encode(modulus), "e": encode(exponent)})
            }
            Pair::Ed25519(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref())})
            }
        }
    }

    pub(crate) fn thumbprint(&self) -> String {
        let jwk = self.jwk();
        let member = |name: &str| jwk[name].as_str().unwrap().to_owned();
        let canonical = match &self.pair {
            Pair::Ecdsa(..) => format!(
                r#"{{"crv":"{}","kty":"EC","x":"{}","y":"{}"}}"#,
                member("crv"),
                member("x"),
                member("y")
            ),
            Pair::Rsa(..) => format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, member("e"), member("n")),
            Pair::Ed25519(_) => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, member("x")),
        };
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, canonical.as_bytes());
        URL_SAFE_NO_PAD.encode(digest)
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.pair {
            Pair::Ecdsa(pair, _) => pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Pair::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &SystemRandom::new(), message, &mut signature).unwrap();
                signature
            }
        }
    }

    /// The flattened JWS over exactly this header and payload.
    pub(crate) fn jws(&self, protected: &Value, payload: &str) -> Value {
        flattened(protected, payload, |message| self.sign(message))
    }

    /// The flattened JWS over a header and payload that are encoded already, rightly or not.
    pub(crate) fn jws_encoded(&self, protected: &str, payload: &str) -> Value {
        signed(protected, payload, |message| self.sign(message))
    }

    /// The same pair for making CSRs.
    pub(crate) fn for_csr(&self) -> rcgen::KeyPair {
        let Pair::Ecdsa(pair, "P-256") = &self.pair else {
            panic!("only P-256 keys make CSRs in these tests")
        };
        let pkcs8 = pair.to_pkcs8v1().unwrap();
        rcgen::KeyPair::try_from(pkcs8.as_ref()).unwrap()
    }

    /// The public key in a SubjectPublicKeyInfo.
    pub(crate) fn spki(&self) -> Vec<u8> {
        let Pair::Ecdsa(pair, _) = &self.pair else { panic!("only for ECDSA") };
        pair.public_key().as_der().unwrap().as_ref().to_vec()
    }
}

/// The flattened JWS made with a MAC, for external account bindings.
pub(crate) fn mac_jws(algorithm: hmac::Algorithm, key: &[u8], protected: &Value, payload: &str) -> Value {
    let key = hmac::Key::new(algorithm, key);
    flattened(protected, payload, |message| hmac::sign(&key, message).as_ref().to_vec())
}

fn flattened(protected: &Value, payload: &str, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> Value {
    signed(&URL_SAFE_NO_PAD.encode(protected.to_string()), &URL_SAFE_NO_PAD.encode(payload), sign)
}

fn signed(protected: &str, payload: &str, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> Value {
    let signature = URL_SAFE_NO_PAD.encode(sign(format!("{protected}.{payload}").as_bytes()));
    json!({"protected": protected, "payload": payload, "signature": signature})
}
