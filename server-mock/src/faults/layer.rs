//! Makes faults happen, around the router that serves ACME.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{StatusCode, header::CONTENT_LENGTH, response::Parts},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use serde_json::Value;
use time::OffsetDateTime;

use super::{
    Endpoint, Faults, Kind, body, certificate, connection, document, header, order, refusal, script::Asked,
};
use crate::{
    ca::Authority,
    model::{AccountId, Settings},
    protocol::base64url,
    store::Store,
};

/// Larger bodies are none of ACME's.
const BODY_LIMIT: usize = 1 << 20;

/// What the faults need of the server.
pub(crate) trait Surroundings: Send + Sync + 'static {
    /// The script.
    fn faults(&self) -> &Faults;
    /// Everything that exists.
    fn store(&self) -> &Store;
    /// Who signs certificates.
    fn authority(&self) -> &Authority;
    /// The operator's choices.
    fn settings(&self) -> &Settings;
    /// The present moment.
    fn now(&self) -> OffsetDateTime;
}

/// The router, with the scripted faults around it.
pub(crate) fn around<S: Surroundings>(router: Router, server: Arc<S>) -> Router {
    router.layer(from_fn_with_state(server, apply::<S>))
}

/// What a fault may look at when it changes an answer.
pub(super) struct Scene<'a> {
    pub(super) server: &'a dyn Surroundings,
    pub(super) endpoint: Endpoint,
    pub(super) account: Option<AccountId>,
    pub(super) path: String,
}

async fn apply<S: Surroundings>(State(server): State<Arc<S>>, request: Request, next: Next) -> Response {
    let endpoint = Endpoint::of(request.method(), request.uri().path());
    let Some(endpoint) = endpoint.filter(|_| !server.faults().is_empty()) else {
        return next.run(request).await;
    };
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let asked = Asked { endpoint, account: signer(&body), signed: !body.is_empty() };
    let kinds = server.faults().strike(&asked);
    let path = parts.uri.path().to_owned();
    let scene = Scene { server: &*server, endpoint, account: asked.account, path };

    for kind in &kinds {
        connection::delay(kind).await;
    }
    let refused = kinds.iter().position(refusal::refuses);
    let mut response = match refused {
        Some(first) => {
            let request = Request::from_parts(parts, Body::from(refusal::spoilt(&body)));
            refusal::refuse(&kinds[first], &scene, request, next).await
        }
        None => next.run(Request::from_parts(parts, Body::from(body))).await,
    };
    for kind in &kinds {
        response = change(kind, &scene, response).await;
    }
    response
}

/// The answer, as this fault leaves it.
async fn change(kind: &Kind, scene: &Scene<'_>, mut response: Response) -> Response {
    header::change(kind, scene, &mut response);
    let response = connection::lose(kind, response);
    let response = refusal::replace(kind, scene, response);
    let response = order::bear(kind, scene, response).await;
    let response = document::change(kind, scene, response).await;
    let response = certificate::change(kind, scene, response).await;
    body::change(kind, response).await
}

/// The account in the `kid` of a signed request, verified or not.
fn signer(body: &[u8]) -> Option<AccountId> {
    let jws: Value = serde_json::from_slice(body).ok()?;
    let protected = base64url::decode("protected", jws.get("protected")?.as_str()?).ok()?;
    let protected: Value = serde_json::from_slice(&protected).ok()?;
    Some(AccountId::from(protected.get("kid")?.as_str()?.rsplit('/').next()?))
}

/// The whole body of an answer that we made ourselves.
pub(super) async fn read(response: Response) -> (Parts, Vec<u8>) {
    let (parts, body) = response.into_parts();
    // Its bodies are in memory: reading them can't fail.
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    (parts, bytes.to_vec())
}

/// An answer with this body, whose length is told anew.
pub(super) fn with_body(mut parts: Parts, body: impl Into<Body>) -> Response {
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, body.into())
}
