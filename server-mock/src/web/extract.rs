//! Signed requests: content type, form, nonce, URL, key and signature, checked once for all handlers.

use std::{error::Error, io, iter::successors, sync::Arc};

use axum::{
    body::{Body as HttpBody, Bytes, to_bytes},
    extract::{FromRequest, Request},
    http::header,
};
use http_body_util::LengthLimitError;
use serde_json::{Map, Value};

use super::App;
use crate::{
    model::{AccountId, Model, Problem, ProblemType, PublicKey},
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

impl ByAccount {
    /// Runs a transition on behalf of the account, if it may still act and its key is still the one that signed: both
    /// may have changed since the signature was verified.
    pub(super) fn transition<T>(
        &self,
        app: &App,
        transition: impl FnOnce(&mut Model) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        app.services.store.with(|model| {
            model.acting_account_with_key(&self.account, &self.key)?;
            transition(model)
        })
    }
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
        let bytes = read(request.into_body()).await?;
        let now = app.services.clock.now();
        // The nonce before everything that can fail, so that a failing request has spent it.
        let jws = Jws::parse(&bytes).inspect_err(|_| {
            if let Some(nonce) = jws::nonce_of_refused(&bytes) {
                // The form is what is wrong with the request, whatever its nonce is worth.
                let _ = app.nonces.spend(Some(&nonce), now);
            }
        })?;
        app.nonces.spend(jws.nonce()?, now)?;
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

async fn read(body: HttpBody) -> Result<Bytes, Problem> {
    to_bytes(body, BODY_LIMIT).await.map_err(|error| {
        let first: &(dyn Error + 'static) = &error;
        let mut causes = successors(Some(first), |cause| (*cause).source());
        if causes.clone().any(|cause| cause.is::<LengthLimitError>()) {
            return Problem::malformed(format!("a body has at most {BODY_LIMIT} bytes")).with_status(413);
        }
        if causes.any(is_late) {
            return Problem::malformed("the body did not come in time").with_status(408);
        }
        Problem::malformed("the body broke off")
    })
}

fn is_late(cause: &(dyn Error + 'static)) -> bool {
    cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
}

fn check_content_type(request: &Request) -> Result<(), Problem> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/jose+json") {
        return Ok(());
    }
    Err(Problem::malformed("requests have the Content-Type application/jose+json").with_status(415))
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    /// The status and words for a body of these pieces.
    async fn refusal(pieces: Vec<io::Result<Bytes>>) -> (u16, String) {
        let problem = read(HttpBody::from_stream(stream::iter(pieces))).await.unwrap_err();
        (problem.status, problem.detail)
    }

    #[tokio::test]
    async fn bodies_that_are_too_large_late_or_broken_off_are_told_apart() {
        let piece = || Ok(Bytes::from(vec![b' '; BODY_LIMIT]));
        assert_eq!(read(HttpBody::from_stream(stream::iter([piece()]))).await.unwrap().len(), BODY_LIMIT);
        let failure = |kind: io::ErrorKind| Err(io::Error::from(kind));
        let (status, detail) = refusal(vec![piece(), Ok(Bytes::from_static(b"x"))]).await;
        assert!(status == 413 && detail.contains("at most"), "{status} {detail}");
        let (status, detail) = refusal(vec![piece(), failure(io::ErrorKind::TimedOut)]).await;
        assert!(status == 408 && detail.contains("in time"), "{status} {detail}");
        let (status, detail) = refusal(vec![piece(), failure(io::ErrorKind::ConnectionReset)]).await;
        assert!(status == 400 && detail.contains("broke off"), "{status} {detail}");
    }
}
