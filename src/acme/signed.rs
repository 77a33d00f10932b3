//! Signed requests that instant-acme lacks or does unsafely (RFC 8555 §6.2, RFC 7515).

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::core::eab::MacKey;

use super::transport::{Answer, Transport};
use super::{AcmeError, Refusal};

/// A server that refuses that many fresh nonces in a row will refuse the next one too.
const MOST_NONCE_RETRIES: usize = 10;

/// An account key: ECDSA on P-256.
pub struct AccountKey {
    pair: EcdsaKeyPair,
    pkcs8: PrivatePkcs8KeyDer<'static>,
    jwk: Value,
    thumbprint: String,
}

/// Why an account key can't be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyError {
    /// No PKCS#8 in PEM.
    #[error("the key is not a private key in PEM (PKCS#8)")]
    Pem,
    /// A key of another kind, or a broken one.
    #[error("the key is not an ECDSA key on P-256")]
    Unusable,
}

impl AccountKey {
    /// Makes a new key and gives it in PEM, to be saved before it is used.
    ///
    /// # Errors
    /// [`KeyError::Unusable`] when the system's generator fails.
    pub fn generate_pem() -> Result<Zeroizing<String>, KeyError> {
        let key = rcgen::KeyPair::generate().map_err(|_| KeyError::Unusable)?;
        Ok(Zeroizing::new(key.serialize_pem()))
    }

    /// Reads a key from PEM.
    ///
    /// # Errors
    /// [`KeyError`] says what it is instead.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let pkcs8 = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| KeyError::Pem)?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.secret_pkcs8_der())
            .map_err(|_| KeyError::Unusable)?;
        // An uncompressed point: 4, then x and y of 32 bytes each (SEC 1 §2.3.3).
        let point = pair.public_key().as_ref();
        let (x, y) = (encode(&point[1..33]), encode(&point[33..]));
        // Members in the order of RFC 7638 §3.2, without white space.
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        let thumbprint = encode(digest(&SHA256, canonical.as_bytes()).as_ref());
        let jwk = json!({"kty": "EC", "crv": "P-256", "x": x, "y": y});
        Ok(Self { pair, pkcs8, jwk, thumbprint })
    }

    /// The key's thumbprint (RFC 7638), base64url.
    #[must_use]
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    pub(super) fn pkcs8(&self) -> PrivatePkcs8KeyDer<'static> {
        self.pkcs8.clone_key()
    }

    /// A JWS by this key, in JSON (RFC 8555 §6.2).
    fn sign(&self, protected: &Value, payload: &[u8]) -> Result<Vec<u8>, AcmeError> {
        let (protected, payload) = (encode(protected.to_string().as_bytes()), encode(payload));
        let input = format!("{protected}.{payload}");
        let signature =
            self.pair.sign(&SystemRandom::new(), input.as_bytes()).map_err(|_| KeyError::Unusable)?;
        let signature = encode(signature.as_ref());
        Ok(json!({"protected": protected, "payload": payload, "signature": signature})
            .to_string()
            .into_bytes())
    }

    /// The inner request of a key change, by this key, the new one: which account, and which key it had
    /// (RFC 8555 §7.3.5).
    pub(super) fn key_change(&self, account_url: &str, old: &Self, url: &str) -> Result<Value, AcmeError> {
        let protected = json!({"alg": "ES256", "jwk": self.jwk, "url": url});
        let payload = json!({"account": account_url, "oldKey": old.jwk}).to_string();
        let inner = self.sign(&protected, payload.as_bytes())?;
        // `sign` writes JSON.
        serde_json::from_slice(&inner).map_err(|error| AcmeError::Protocol(error.to_string()))
    }

    /// The External Account Binding for a newAccount request: the account's public key, signed with the MAC key
    /// (RFC 8555 §7.3.4).
    pub(super) fn binding(&self, kid: &str, key: &MacKey, new_account_url: &str) -> Value {
        let protected = json!({"alg": "HS256", "kid": kid, "url": new_account_url});
        let (protected, payload) =
            (encode(protected.to_string().as_bytes()), encode(self.jwk.to_string().as_bytes()));
        let mac_key = hmac::Key::new(hmac::HMAC_SHA256, key.expose());
        let tag = hmac::sign(&mac_key, format!("{protected}.{payload}").as_bytes());
        json!({"protected": protected, "payload": payload, "signature": encode(tag.as_ref())})
    }
}

impl std::fmt::Debug for AccountKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccountKey").field("thumbprint", &self.thumbprint).finish_non_exhaustive()
    }
}

/// Who signs: a key that the server knows by its account's URL, or one that introduces itself.
#[derive(Clone, Copy)]
pub(super) enum Signer<'a> {
    /// By account URL (`kid`).
    Account(&'a AccountKey, &'a str),
    /// By public key (`jwk`), for newAccount and for revocation with a certificate's key.
    Bare(&'a AccountKey),
}

/// Sends a signed POST. Without a payload it is a POST-as-GET (RFC 8555 §6.3). An answer `badNonce` is tried again
/// with another nonce.
pub(super) async fn post(
    transport: &Transport,
    signer: Signer<'_>,
    url: &str,
    payload: Option<&Value>,
) -> Result<Answer, AcmeError> {
    let payload = payload.map(|value| value.to_string().into_bytes()).unwrap_or_default();
    retry_bad_nonce(async || {
        let nonce = transport.nonce().await?;
        let mut protected = json!({"alg": "ES256", "nonce": nonce, "url": url});
        let key = match signer {
            Signer::Account(key, account_url) => {
                protected["kid"] = account_url.into();
                key
            }
            Signer::Bare(key) => {
                protected["jwk"] = key.jwk.clone();
                key
            }
        };
        transport.post(url, key.sign(&protected, &payload)?).await
    })
    .await
}

/// Does it again while the server wants another nonce (RFC 8555 §6.5).
pub(super) async fn retry_bad_nonce<T>(
    mut request: impl AsyncFnMut() -> Result<T, AcmeError>,
) -> Result<T, AcmeError> {
    for _ in 0..MOST_NONCE_RETRIES {
        match request().await {
            Err(AcmeError::Refused(refusal)) if is_bad_nonce(&refusal) => {
                tracing::debug!("badNonce, once more")
            }
            other => return other,
        }
    }
    request().await
}

fn is_bad_nonce(refusal: &Refusal) -> bool {
    refusal.problem.is("badNonce")
}

fn encode(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_survive_pem_and_stay_out_of_debug_output() {
        let pem = AccountKey::generate_pem().unwrap();
        let key = AccountKey::from_pem(&pem).unwrap();
        assert_eq!(AccountKey::from_pem(&pem).unwrap().thumbprint(), key.thumbprint());
        assert_eq!(format!("{key:?}"), format!("AccountKey {{ thumbprint: {:?}, .. }}", key.thumbprint()));
        assert_eq!(AccountKey::from_pem("x").unwrap_err(), KeyError::Pem);
    }

    #[test]
    fn a_binding_is_signed_with_hs256() {
        let key = AccountKey::from_pem(&AccountKey::generate_pem().unwrap()).unwrap();
        let mac = MacKey::parse("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").unwrap();
        let binding = key.binding("kid-1", &mac, "https://ca.test/new-account");
        let text = |member: &str| binding[member].as_str().unwrap().to_owned();
        let decoded = |member: &str| -> Value {
            serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text(member)).unwrap()).unwrap()
        };
        assert_eq!(
            decoded("protected"),
            json!({"alg": "HS256", "kid": "kid-1", "url": "https://ca.test/new-account"})
        );
        assert_eq!(decoded("payload"), key.jwk);
        let input = format!("{}.{}", text("protected"), text("payload"));
        let verification = hmac::Key::new(hmac::HMAC_SHA256, mac.expose());
        let tag = BASE64_URL_SAFE_NO_PAD.decode(text("signature")).unwrap();
        hmac::verify(&verification, input.as_bytes(), &tag).unwrap();
    }

    #[tokio::test]
    async fn c2_bad_nonces_in_a_row_are_survived() {
        let refused = || {
            AcmeError::Refused(Box::new(Refusal {
                method: "POST".into(),
                url: "https://ca.test/".into(),
                status: 400,
                problem: serde_json::from_str(r#"{"type":"urn:ietf:params:acme:error:badNonce"}"#).unwrap(),
                retry_after: None,
            }))
        };
        let mut tries = 0;
        let result = retry_bad_nonce(async || {
            tries += 1;
            if tries <= 5 { Err(refused()) } else { Ok(tries) }
        });
        assert_eq!(result.await.unwrap(), 6);
    }
}
