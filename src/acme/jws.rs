//! JSON Web Signatures as ACME has them: requests, bindings, and what is within a key change (RFC 7515 §7.2.2, RFC 8555
//! §6.2).

use aws_lc_rs::hmac;
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde_json::{Value, json};

use crate::core::eab::{MacAlgorithm, MacKey};

use super::{AccountKey, KeyError};

/// base64url without padding.
pub(super) fn encode(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// Who signs a request: a key that the server knows by its account's URL, or one that introduces itself.
#[derive(Clone, Copy)]
pub(super) enum Signer<'a> {
    /// By account URL (`kid`).
    Account(&'a AccountKey, &'a str),
    /// By public key (`jwk`), for newAccount and for revocation with a certificate's key.
    Bare(&'a AccountKey),
}

impl<'a> Signer<'a> {
    fn key(self) -> &'a AccountKey {
        match self {
            Self::Account(key, _) | Self::Bare(key) => key,
        }
    }

    /// A signed request's body. Without a payload it is a POST-as-GET (RFC 8555 §6.3).
    pub(super) fn request(
        self,
        nonce: &str,
        url: &str,
        payload: Option<&Value>,
    ) -> Result<Vec<u8>, KeyError> {
        let key = self.key();
        let mut protected = json!({"alg": key.algorithm(), "nonce": nonce, "url": url});
        match self {
            Self::Account(_, account_url) => protected["kid"] = account_url.into(),
            Self::Bare(_) => protected["jwk"] = key.jwk(),
        }
        let payload = payload.map(Value::to_string).unwrap_or_default();
        let jws = sign(&protected, &payload, |message| key.sign(message))?;
        Ok(jws.to_string().into_bytes())
    }
}

/// The inner request of a key change, by the new key: which account, and which key it had (RFC 8555 §7.3.5).
pub(super) fn key_change(
    account_url: &str,
    old: &AccountKey,
    new: &AccountKey,
    url: &str,
) -> Result<Value, KeyError> {
    let protected = json!({"alg": new.algorithm(), "jwk": new.jwk(), "url": url});
    let payload = json!({"account": account_url, "oldKey": old.jwk()});
    sign(&protected, &payload.to_string(), |message| new.sign(message))
}

/// The External Account Binding for a newAccount request: the account's public key, signed with the MAC key
/// (RFC 8555 §7.3.4).
pub(super) fn binding(
    key: &AccountKey,
    kid: &str,
    mac_key: &MacKey,
    algorithm: MacAlgorithm,
    new_account_url: &str,
) -> Result<Value, KeyError> {
    let protected = json!({"alg": algorithm.name(), "kid": kid, "url": new_account_url});
    let hash = match algorithm {
        MacAlgorithm::Hs256 => hmac::HMAC_SHA256,
        MacAlgorithm::Hs384 => hmac::HMAC_SHA384,
        MacAlgorithm::Hs512 => hmac::HMAC_SHA512,
    };
    let mac_key = hmac::Key::new(hash, mac_key.expose());
    sign(&protected, &key.jwk().to_string(), |message| Ok(hmac::sign(&mac_key, message).as_ref().to_vec()))
}

/// A flattened JWS.
fn sign(
    protected: &Value,
    payload: &str,
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, KeyError>,
) -> Result<Value, KeyError> {
    let (protected, payload) = (encode(protected.to_string().as_bytes()), encode(payload.as_bytes()));
    let signature = sign(format!("{protected}.{payload}").as_bytes())?;
    Ok(json!({"protected": protected, "payload": payload, "signature": encode(&signature)}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::key_type::KeyType;
    use crate::keys;

    fn key() -> AccountKey {
        AccountKey::from_pem(&keys::generate(KeyType::Ed25519).unwrap()).unwrap()
    }

    fn decoded(jws: &Value, member: &str) -> Value {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(jws[member].as_str().unwrap()).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn a_binding_is_signed_with_the_algorithm_that_is_wanted() {
        let key = key();
        let mac = MacKey::parse("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").unwrap();
        for (algorithm, name, hash) in [
            (MacAlgorithm::Hs256, "HS256", hmac::HMAC_SHA256),
            (MacAlgorithm::Hs384, "HS384", hmac::HMAC_SHA384),
            (MacAlgorithm::Hs512, "HS512", hmac::HMAC_SHA512),
        ] {
            let binding = binding(&key, "kid-1", &mac, algorithm, "https://ca.test/new-account").unwrap();
            let protected = json!({"alg": name, "kid": "kid-1", "url": "https://ca.test/new-account"});
            assert_eq!(decoded(&binding, "protected"), protected);
            assert_eq!(decoded(&binding, "payload"), key.jwk());
            let text = |member: &str| binding[member].as_str().unwrap();
            let input = format!("{}.{}", text("protected"), text("payload"));
            let tag = BASE64_URL_SAFE_NO_PAD.decode(text("signature")).unwrap();
            hmac::verify(&hmac::Key::new(hash, mac.expose()), input.as_bytes(), &tag).unwrap();
        }
    }

    #[test]
    fn a_request_names_its_key_or_shows_it() {
        let key = key();
        let read = |signer: Signer<'_>, payload: Option<&Value>| -> Value {
            serde_json::from_slice(&signer.request("n", "https://ca.test/x", payload).unwrap()).unwrap()
        };
        let request = read(Signer::Account(&key, "https://ca.test/a/1"), None);
        assert_eq!(request["payload"], "", "POST-as-GET");
        let protected = decoded(&request, "protected");
        assert_eq!((&protected["kid"], protected.get("jwk")), (&json!("https://ca.test/a/1"), None));
        let request = read(Signer::Bare(&key), Some(&json!({})));
        assert_eq!(decoded(&request, "payload"), json!({}));
        let protected = decoded(&request, "protected");
        assert_eq!((protected.get("kid"), &protected["jwk"]), (None, &key.jwk()));
        assert_eq!((&protected["alg"], &protected["nonce"]), (&json!("EdDSA"), &json!("n")));
    }
}
