//! External account bindings (RFC 8555 §7.3.4).

use aws_lc_rs::hmac;
use serde_json::Value;

use super::{Jws, jwk, jws, jws::Signer};
use crate::model::{Problem, public_key::PublicKey};

/// The most that is kept of a binding, in bytes: one of an RSA key of 8192 bits takes less than half of it.
const LENGTH_MAX: usize = 8192;

/// A binding whose form is right and whose MAC has not been looked at.
#[derive(Clone, Debug)]
pub struct Binding {
    kid: String,
    algorithm: hmac::Algorithm,
    jws: Jws,
    document: Value,
}

impl Binding {
    /// Parses `externalAccountBinding` of a newAccount request sent to `url`.
    ///
    /// # Errors
    /// `malformed` when it is no JWS with a MAC algorithm, a `kid`, the outer `url` and no nonce.
    pub fn parse(value: &Value, url: &str) -> Result<Self, Problem> {
        let inner = |problem: Problem| problem.within("externalAccountBinding");
        let text = value.to_string();
        if text.len() > LENGTH_MAX {
            let detail = format!("a binding has at most {LENGTH_MAX} bytes");
            return Err(inner(Problem::malformed(detail)));
        }
        let jws = Jws::parse(text.as_bytes()).map_err(inner)?;
        let algorithm = match jws.algorithm().map_err(inner)? {
            "HS256" => hmac::HMAC_SHA256,
            "HS384" => hmac::HMAC_SHA384,
            "HS512" => hmac::HMAC_SHA512,
            other => {
                let detail = format!("a binding is made with HS256, HS384 or HS512, not {other:?}");
                return Err(inner(Problem::malformed(detail)));
            }
        };
        let Ok(Signer::Kid(kid)) = jws.signer() else {
            return Err(inner(Problem::malformed("a binding has a `kid` and no `jwk`")));
        };
        if jws.has_nonce() {
            return Err(inner(Problem::malformed("a binding has no nonce")));
        }
        if jws.url().map_err(inner)? != url {
            return Err(inner(Problem::malformed("its `url` is not that of the request around it")));
        }
        let member = |name: &str| (name.to_owned(), value[name].clone());
        let document = ["protected", "payload", "signature"].map(member).into_iter().collect();
        Ok(Self { kid, algorithm, jws, document })
    }

    /// The key identifier that the owner copied from the web UI.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The binding as it came, without members that mean nothing.
    #[must_use]
    pub fn into_document(self) -> Value {
        self.document
    }

    /// Verifies the MAC, and that the bound key is the one that signs the request around it.
    ///
    /// # Errors
    /// `unauthorized`, or `malformed` when the payload is no JWK.
    pub fn verify(&self, mac_key: &[u8], account_key: &PublicKey) -> Result<(), Problem> {
        let key = hmac::Key::new(self.algorithm, mac_key);
        if hmac::verify(&key, self.jws.message(), self.jws.signature()).is_err() {
            return Err(Problem::unauthorized(format!(
                "the MAC key does not belong to key identifier {}: copy both again from the CAcert web UI",
                self.kid
            )));
        }
        let inner = |problem: Problem| problem.within("externalAccountBinding");
        let payload = jws::object(self.jws.payload()).map_err(inner)?;
        if jwk::parse(&payload).map_err(inner)? != *account_key {
            return Err(Problem::unauthorized("the binding was made for another account key"));
        }
        Ok(())
    }
}
