//! Signed requests: content type, form, nonce, URL, key and signature, checked once for all handlers.

use std::sync::Arc;

use axum::{
    body::to_bytes,
    extract::{FromRequest, Request},
    http::header,
};
use serde_json::{Map, Value};

use super::App;
use crate::{
    model::{AccountId, Problem, ProblemType, PublicKey},
    protocol::{Jws, jws, jws::Signer},
};

/// The largest body, in bytes: a CSR of a thousand names, encoded twice, stays below.
const BODY_LIMIT: usize = 256 * 1024;

/// What was signed, and for which URL.
pub(super) struct Body {
    /// The request's own URL, which the signature covers.
    pub(super) url: String,
    /// The bytes of the payload.
    pub(super) payload: Vec<u8>,
}

impl Body {
    /// The payload as an object.
    pub(super) fn object(&self) -> Result<Map<String, Value>, Problem> {
        jws::object(&self.payload)
    }

    /// For POST-as-GET (RFC 8555 §6.3).
    pub(super) fn expect_empty(&self) -> Result<(), Problem> {
        if self.payload.is_empty() {
            return Ok(());
        }
        Err(Problem::malformed("this resource is read by POST-as-GET, with an empty payload"))
    }
}

/// A request signed by the key of an account that may act.
pub(super) struct ByAccount {
    pub(super) account: AccountId,
    pub(super) key: PublicKey,
    pub(super) body: Body,
}

/// A request signed by a key that it brings along.
pub(super) struct ByKey {
    pub(super) key: PublicKey,
    pub(super) body: Body,
}

/// Either of them, for revocations.
pub(super) enum ByEither {
    Account(ByAccount),
    Key(ByKey),
}

impl FromRequest<Arc<App>> for ByEither {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        check_content_type(&request)?;
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let url = app.links.absolute(path);
        let bytes = to_bytes(request.into_body(), BODY_LIMIT)
            .await
            .map_err(|_| Problem::malformed("the body is incomplete or too large").with_status(413))?;
        let jws = Jws::parse(&bytes)?;
        // Before everything that can fail, so that a failing request has spent its nonce.
        app.nonces.spend(jws.nonce()?, app.services.clock.now())?;
        crate::protocol::Algorithm::parse(jws.algorithm()?)?;
        if jws.url()? != url {
            return Err(Problem::unauthorized("`url` is not the URL that the request was sent to"));
        }
        match jws.signer()? {
            Signer::Jwk(key) => {
                jws.verify(&key)?;
                Ok(Self::Key(ByKey { key, body: Body { url, payload: jws.payload().to_vec() } }))
            }
            Signer::Kid(kid) => {
                let id = app.links.account_id(&kid);
                let id = id.ok_or_else(|| Problem::malformed("`kid` is no account URL of this server"))?;
                let account = app.services.store.with(|model| {
                    // The standing is told only to whoever has the key.
                    model.account_key(&id).map(|key| (key, model.acting_account(&id).map(|_| ())))
                });
                let (key, standing) = account.ok_or_else(|| {
                    Problem::new(
                        ProblemType::AccountDoesNotExist,
                        "there is no account with the URL in `kid`",
                    )
                })?;
                jws.verify(&key)?;
                standing?;
                let body = Body { url, payload: jws.payload().to_vec() };
                Ok(Self::Account(ByAccount { account: id, key, body }))
            }
        }
    }
}

impl FromRequest<Arc<App>> for ByAccount {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        match ByEither::from_request(request, app).await? {
            ByEither::Account(request) => Ok(request),
            ByEither::Key(_) => Err(Problem::malformed("this request is signed with `kid`, not `jwk`")),
        }
    }
}

impl FromRequest<Arc<App>> for ByKey {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        match ByEither::from_request(request, app).await? {
            ByEither::Key(request) => Ok(request),
            ByEither::Account(_) => Err(Problem::malformed("this request is signed with `jwk`, not `kid`")),
        }
    }
}

fn check_content_type(request: &Request) -> Result<(), Problem> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/jose+json") {
        return Ok(());
    }
    Err(Problem::malformed("requests have the Content-Type application/jose+json").with_status(415))
}
