//! Answers to requests of which nothing was done.

use axum::{
    Json,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{Html, IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    Kind, RetryAfter, connection,
    header::set_retry_after,
    layer::{Scene, with_body},
};

/// The prefix of the registered error types (RFC 8555 §6.7).
const ACME: &str = "urn:ietf:params:acme:error:";

/// A page as proxies show it when the server behind them is in trouble.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorPage {
    /// Its status.
    pub status: u16,
    /// Its `Retry-After`, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<RetryAfter>,
    /// Whether the server behind the proxy had done the work.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub after_work: bool,
}

/// Whether nothing is done of a request that this fault strikes.
pub(super) fn refuses(kind: &Kind) -> bool {
    match kind {
        Kind::DropBefore | Kind::BadNonce | Kind::RateLimited(_) | Kind::Problem(_) | Kind::Redirect(_) => {
            true
        }
        Kind::ErrorPage(page) => !page.after_work,
        _ => false,
    }
}

/// The request with a signature that no key made: the server takes its nonce and refuses it, as every refusal goes.
pub(super) fn spoilt(body: &[u8]) -> Vec<u8> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(mut jws)) => {
            jws.insert("signature".to_owned(), "AAAA".into());
            Value::from(jws).to_string().into_bytes()
        }
        _ => body.to_vec(),
    }
}

/// Refuses a request, which was spoilt, in the way of this fault.
pub(super) async fn refuse(kind: &Kind, scene: &Scene<'_>, request: Request, next: Next) -> Response {
    match kind {
        Kind::DropBefore => connection::hang_up(),
        Kind::ErrorPage(page) => error_page(page, scene),
        Kind::Redirect(status) => {
            let location = request.uri().to_string();
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::TEMPORARY_REDIRECT);
            (status, [(header::LOCATION, location)]).into_response()
        }
        Kind::BadNonce => problem(
            &object(json!({"type": "badNonce", "detail": "a scripted fault"})),
            next.run(request).await,
        ),
        Kind::RateLimited(pause) => {
            let document = json!({"type": "rateLimited", "detail": "a scripted fault: too many requests", "status": 429});
            let mut response = problem(&object(document), next.run(request).await);
            set_retry_after(response.headers_mut(), pause, scene.server.now());
            response
        }
        Kind::Problem(document) => problem(document, next.run(request).await),
        _ => next.run(request).await,
    }
}

/// The answer that a proxy lost, if that is the fault.
pub(super) fn replace(kind: &Kind, scene: &Scene<'_>, response: Response) -> Response {
    match kind {
        Kind::ErrorPage(page) if page.after_work => error_page(page, scene),
        _ => response,
    }
}

fn error_page(page: &ErrorPage, scene: &Scene<'_>) -> Response {
    let status = StatusCode::from_u16(page.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let text = format!("<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>\n");
    let mut response = (status, Html(text)).into_response();
    if let Some(pause) = &page.retry_after {
        set_retry_after(response.headers_mut(), pause, scene.server.now());
    }
    response
}

/// The headers of a refusal of our own, nonce and links among them, with this document.
fn problem(document: &Map<String, Value>, refusal: Response) -> Response {
    let mut document = document.clone();
    let status = document.get("status").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok());
    let status =
        status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::BAD_REQUEST);
    document.insert("status".to_owned(), status.as_u16().into());
    if let Some(Value::String(name)) = document.get_mut("type")
        && !name.contains(':')
    {
        name.insert_str(0, ACME);
    }
    let (mut parts, _) = refusal.into_parts();
    parts.status = status;
    let kind = HeaderValue::from_static("application/problem+json");
    let (_, body) = Json(document).into_response().into_parts();
    parts.headers.insert(header::CONTENT_TYPE, kind);
    with_body(parts, body)
}

fn object(document: Value) -> Map<String, Value> {
    match document {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
