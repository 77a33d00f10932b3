//! JSON Web Signatures in the one form that RFC 8555 §6.2 allows: flattened JSON, everything protected.

use serde::{Deserialize, Deserializer, de::IgnoredAny};
use serde_json::{Map, Value};

use super::{Algorithm, base64url, jwk};
use crate::model::{Problem, public_key::PublicKey};

/// The flattened serialisation (RFC 7515 §7.2.2). Unknown members are ignored, as the RFC says.
#[derive(Deserialize)]
struct Flattened {
    protected: String,
    payload: String,
    signature: String,
    #[serde(default, deserialize_with = "present")]
    signatures: bool,
    #[serde(default, deserialize_with = "present")]
    header: bool,
}

/// Tells that a member is there, be it `null`.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// The header parameters that matter here; deriving refuses a name that occurs twice (RFC 7515 §4).
#[derive(Deserialize)]
struct Header {
    #[serde(default, deserialize_with = "some")]
    alg: Option<Value>,
    #[serde(default, deserialize_with = "some")]
    jwk: Option<Value>,
    #[serde(default, deserialize_with = "some")]
    kid: Option<Value>,
    #[serde(default, deserialize_with = "some")]
    nonce: Option<Value>,
    #[serde(default, deserialize_with = "some")]
    url: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    crit: bool,
    #[serde(default, deserialize_with = "some")]
    b64: Option<Value>,
}

/// A parameter that is there, be it `null`.
fn some<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// Who a request says to be from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signer {
    /// The key itself.
    Jwk(PublicKey),
    /// The URL of an account (or, in a binding, the key identifier).
    Kid(String),
}

/// A JWS whose form is right and whose signature has not been looked at.
#[derive(Clone, Debug)]
pub struct Jws {
    algorithm: Value,
    jwk: Option<Value>,
    kid: Option<Value>,
    nonce: Option<Value>,
    url: Option<Value>,
    payload: Vec<u8>,
    message: String,
    signature: Vec<u8>,
}

impl Jws {
    /// Parses the body of a request.
    ///
    /// # Errors
    /// `malformed` when it is not the flattened serialisation with everything in the protected header.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        let flattened: Flattened = serde_json::from_slice(body)
            .map_err(|error| Problem::malformed(format!("the body is no flattened JWS: {error}")))?;
        if flattened.signatures {
            return Err(Problem::malformed("`signatures` is not allowed: a request has one signature"));
        }
        if flattened.header {
            return Err(Problem::malformed("`header` is not allowed: every parameter must be protected"));
        }
        let header: Header =
            serde_json::from_slice(&base64url::decode("protected", &flattened.protected)?)
                .map_err(|error| Problem::malformed(format!("`protected` is no JOSE header: {error}")))?;
        if header.crit {
            return Err(Problem::malformed("`crit` names extensions; none is understood here"));
        }
        if header.b64.is_some_and(|b64| b64 != Value::Bool(true)) {
            return Err(Problem::malformed("`b64` must not be used: payloads are always encoded"));
        }
        Ok(Self {
            algorithm: header.alg.ok_or_else(|| Problem::malformed("`alg` is missing"))?,
            jwk: header.jwk,
            kid: header.kid,
            nonce: header.nonce,
            url: header.url,
            payload: base64url::decode("payload", &flattened.payload)?,
            signature: base64url::decode("signature", &flattened.signature)?,
            message: format!("{}.{}", flattened.protected, flattened.payload),
        })
    }

    /// The name in `alg`.
    ///
    /// # Errors
    /// `malformed` when it is no string.
    pub fn algorithm(&self) -> Result<&str, Problem> {
        self.algorithm.as_str().ok_or_else(|| Problem::malformed("`alg` is no string"))
    }

    /// The nonce, if there is one.
    ///
    /// # Errors
    /// `malformed` when it is no base64url string (RFC 8555 §6.5.2).
    pub fn nonce(&self) -> Result<Option<&str>, Problem> {
        let Some(nonce) = &self.nonce else { return Ok(None) };
        let nonce = nonce.as_str().ok_or_else(|| Problem::malformed("`nonce` is no string"))?;
        base64url::decode("nonce", nonce)?;
        Ok(Some(nonce))
    }

    /// Whether there is a `nonce` of whatever form.
    #[must_use]
    pub fn has_nonce(&self) -> bool {
        self.nonce.is_some()
    }

    /// The `url` it was signed for.
    ///
    /// # Errors
    /// `malformed` when it is missing or no string.
    pub fn url(&self) -> Result<&str, Problem> {
        let url = self.url.as_ref().and_then(Value::as_str);
        url.ok_or_else(|| Problem::malformed("`url` is missing or no string"))
    }

    /// The signer: exactly one of `jwk` and `kid`.
    ///
    /// # Errors
    /// `malformed` when there is none or both, and what [`jwk::parse`] refuses.
    pub fn signer(&self) -> Result<Signer, Problem> {
        match (&self.jwk, &self.kid) {
            (Some(_), Some(_)) => Err(Problem::malformed("`jwk` and `kid` exclude each other")),
            (None, None) => Err(Problem::malformed("neither `jwk` nor `kid` says who signed")),
            (Some(Value::Object(jwk)), None) => Ok(Signer::Jwk(jwk::parse(jwk)?)),
            (None, Some(Value::String(kid))) => Ok(Signer::Kid(kid.clone())),
            _ => Err(Problem::malformed("`jwk` is no object, or `kid` is no string")),
        }
    }

    /// Verifies the signature.
    ///
    /// # Errors
    /// `badSignatureAlgorithm`, `badPublicKey` when the key is not one for the algorithm, or `malformed`.
    pub fn verify(&self, key: &PublicKey) -> Result<(), Problem> {
        Algorithm::parse(self.algorithm()?)?.verify(key, self.message.as_bytes(), &self.signature)
    }

    /// What was signed: the encoded header and payload, joined by a dot.
    #[must_use]
    pub fn message(&self) -> &[u8] {
        self.message.as_bytes()
    }

    /// The signature or MAC, not yet verified.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The payload; empty for POST-as-GET (RFC 8555 §6.3).
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }
}

/// The nonce of a request that [`Jws::parse`] refuses, where its header can be read nevertheless.
#[must_use]
pub fn nonce_of_refused(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Envelope {
        protected: String,
    }
    #[derive(Deserialize)]
    struct NonceOnly {
        nonce: String,
    }
    let Envelope { protected } = serde_json::from_slice(body).ok()?;
    // Padding is one of the reasons to refuse; it does not make the header unreadable.
    let header = base64url::decode("protected", protected.trim_end_matches('=')).ok()?;
    let NonceOnly { nonce } = serde_json::from_slice(&header).ok()?;
    Some(nonce)
}

/// A payload as a JSON object.
///
/// # Errors
/// `malformed` when it is something else.
pub fn object(payload: &[u8]) -> Result<Map<String, Value>, Problem> {
    serde_json::from_slice(payload)
        .map_err(|error| Problem::malformed(format!("the payload is no JSON object: {error}")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn flattened(header: Value) -> Value {
        json!({"protected": base64url::encode(header.to_string()), "payload": "", "signature": "AA"})
    }

    fn parse(value: &Value) -> Result<Jws, Problem> {
        Jws::parse(value.to_string().as_bytes())
    }

    #[test]
    fn unprotected_parts_and_extensions_are_refused() {
        let good = flattened(json!({"alg": "ES256", "url": "https://x/", "kid": "1", "unknown": 1}));
        parse(&good).unwrap();
        for (name, value) in [("signatures", json!([])), ("header", json!({})), ("header", Value::Null)] {
            let mut body = good.clone();
            body[name] = value;
            assert!(parse(&body).is_err(), "{name}");
        }
        for extra in
            [json!({"b64": null}), json!({"b64": false}), json!({"crit": ["b64"]}), json!({"crit": null})]
        {
            let mut header = json!({"alg": "ES256"});
            header.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            assert!(parse(&flattened(header)).is_err(), "{extra}");
        }
        for name in ["protected", "payload", "signature"] {
            let mut body = good.clone();
            body.as_object_mut().unwrap().remove(name);
            assert!(parse(&body).is_err(), "{name}");
        }
    }

    #[test]
    fn a_parameter_that_occurs_twice_is_refused() {
        let header = base64url::encode(r#"{"alg":"ES256","alg":"none"}"#);
        let body = json!({"protected": header, "payload": "", "signature": ""});
        assert!(parse(&body).is_err());
    }

    #[test]
    fn the_nonce_of_what_is_refused_is_found_where_there_is_one() {
        let header = base64url::encode(r#"{"alg":"ES256","alg":"none","nonce":"AAAA"}"#);
        for body in [
            json!({"protected": header}),
            json!({"protected": format!("{header}=="), "payload": 1, "signatures": []}),
        ] {
            assert!(parse(&body).is_err());
            assert_eq!(nonce_of_refused(body.to_string().as_bytes()).as_deref(), Some("AAAA"), "{body}");
        }
        for body in [json!({}), json!({"protected": "e30"}), json!({"protected": "?"}), json!([])] {
            assert_eq!(nonce_of_refused(body.to_string().as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn exactly_one_signer() {
        let signer = |header| parse(&flattened(header)).unwrap().signer();
        assert!(signer(json!({"alg": "ES256"})).is_err());
        assert!(signer(json!({"alg": "ES256", "kid": "a", "jwk": {}})).is_err());
        assert!(signer(json!({"alg": "ES256", "kid": 1})).is_err());
        assert!(signer(json!({"alg": "ES256", "kid": "a", "jwk": null})).is_err(), "`null` is there");
        assert!(parse(&flattened(json!({"alg": "HS256", "nonce": null}))).unwrap().has_nonce());
        assert_eq!(signer(json!({"alg": "ES256", "kid": "a"})).unwrap(), Signer::Kid("a".into()));
    }

    proptest! {
        #[test]
        fn any_bytes_are_no_panic(body: Vec<u8>) {
            let _ = Jws::parse(&body);
        }

        #[test]
        fn payloads_come_back(payload: Vec<u8>) {
            let mut body = flattened(json!({"alg": "ES256"}));
            body["payload"] = base64url::encode(&payload).into();
            let jws = parse(&body).unwrap();
            prop_assert_eq!(jws.payload(), payload);
        }
    }
}
