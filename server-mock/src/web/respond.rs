//! What every answer has: index link, nonce, cross-origin headers; and small helpers to build answers.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::App;
use crate::model::{Problem, ProblemType};

const REPLAY_NONCE: HeaderName = HeaderName::from_static("replay-nonce");

/// Adds the headers that RFC 8555 §6.1, §6.5 and §7.1 ask for, and turns the framework's own errors into problems.
pub(super) async fn finish(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut response = if method == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    // What the answer says must still be so after the server was killed.
    if let Err(failure) = app.services.store.written().await {
        response = Problem::new(ProblemType::ServerInternal, failure.to_string()).into_response();
    }
    let status = response.status();
    if (status.is_client_error() || status.is_server_error()) && !is_problem(response.headers()) {
        let detail = status.canonical_reason().unwrap_or("the request failed");
        response = Problem::malformed(detail).with_status(status.as_u16()).into_response();
    }
    let headers = response.headers_mut();
    if method == Method::POST || path == "/acme/new-nonce" || !status.is_success() {
        insert(
            headers,
            REPLAY_NONCE,
            &app.nonces.issue(&*app.services.nonce_random, app.services.clock.now()),
        );
    }
    if path != "/directory" && path != "/dir" {
        append_link(headers, &app.links.directory(), "index");
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    add_cross_origin(headers, &method);
    response
}

fn add_cross_origin(headers: &mut HeaderMap, method: &Method) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("Link, Location, Replay-Nonce, Retry-After"),
    );
    if *method == Method::OPTIONS {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD, POST"));
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("Content-Type"));
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    }
}

fn is_problem(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| value == "application/problem+json")
}

/// Sets a header to text of our own making: tokens and URLs, which always fit.
pub(super) fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// Adds a `Link` header (RFC 8288).
pub(super) fn append_link(headers: &mut HeaderMap, url: &str, relation: &str) {
    if let Ok(value) = HeaderValue::from_str(&format!("<{url}>;rel=\"{relation}\"")) {
        headers.append(header::LINK, value);
    }
}

/// The answer with a `Location`.
pub(super) fn located(url: &str, answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    insert(response.headers_mut(), header::LOCATION, url);
    response
}

/// What `Retry-After` says: whole seconds, and never fewer than meant, or clients come too early.
pub(super) fn retry_after(pause: Duration) -> HeaderValue {
    HeaderValue::from(pause.as_secs() + u64::from(pause.subsec_nanos() > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_told_to_come_too_early() {
        for (millis, seconds) in [(0, "0"), (1, "1"), (1000, "1"), (1001, "2")] {
            assert_eq!(retry_after(Duration::from_millis(millis)), seconds);
        }
    }
}
