//! The inner JWS of a key change (RFC 8555 §7.3.5).

use serde_json::Value;

use super::{Jws, jwk, jws, jws::Signer};
use crate::model::{Problem, public_key::PublicKey};

/// A key change whose inner signature is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyChange {
    /// The key that signed the inner JWS.
    pub new_key: PublicKey,
    /// The account's URL, as the client wrote it.
    pub account: String,
    /// The key to be replaced, as the client wrote it.
    pub old_key: PublicKey,
}

impl KeyChange {
    /// Parses and verifies the payload of a keyChange request sent to `url`.
    ///
    /// # Errors
    /// `malformed`, `badSignatureAlgorithm` or `badPublicKey`.
    pub fn parse(payload: &[u8], url: &str) -> Result<Self, Problem> {
        Self::parse_inner(payload, url).map_err(|problem| problem.within("the inner JWS"))
    }

    fn parse_inner(payload: &[u8], url: &str) -> Result<Self, Problem> {
        let inner = Jws::parse(payload)?;
        let Signer::Jwk(new_key) = inner.signer()? else {
            return Err(Problem::malformed("it must have a `jwk`, the new key"));
        };
        if inner.has_nonce() {
            return Err(Problem::malformed("it must have no nonce"));
        }
        if inner.url()? != url {
            return Err(Problem::malformed("its `url` is not that of the request around it"));
        }
        inner.verify(&new_key)?;
        let payload = jws::object(inner.payload())?;
        let account = payload.get("account").and_then(Value::as_str);
        let old_key = payload.get("oldKey").and_then(Value::as_object);
        match (account, old_key) {
            (Some(account), Some(old_key)) => {
                Ok(Self { new_key, account: account.to_owned(), old_key: jwk::parse(old_key)? })
            }
            _ => Err(Problem::malformed("its payload must have `account` and `oldKey`")),
        }
    }
}
