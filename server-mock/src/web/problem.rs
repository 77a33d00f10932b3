//! Problem documents on the wire (RFC 7807, RFC 8555 §6.7).

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::respond::retry_after;
use crate::model::Problem;

/// The document. Which identifier it is about stands in subproblems alone (RFC 8555 §6.7.1).
pub(super) fn to_json(problem: &Problem) -> Value {
    let mut document = json!({
        "type": format!("urn:ietf:params:acme:error:{}", problem.kind.name()),
        "detail": problem.detail,
        "status": problem.status,
    });
    if let Some(right) = problem.right {
        document["right"] = json!(right);
    }
    if !problem.subproblems.is_empty() {
        document["subproblems"] = problem.subproblems.iter().map(subproblem).collect();
    }
    if !problem.algorithms.is_empty() {
        document["algorithms"] = json!(problem.algorithms);
    }
    if let Some(instance) = &problem.instance {
        document["instance"] = json!(instance);
    }
    document
}

fn subproblem(problem: &Problem) -> Value {
    let mut document = to_json(problem);
    if let Some(identifier) = &problem.identifier {
        document["identifier"] = json!(identifier);
    }
    document
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(to_json(&self))).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(pause) = self.retry_after {
            headers.insert(header::RETRY_AFTER, retry_after(pause));
        }
        // RFC 8555 §7.3.3: where the terms are that the user must agree to.
        if let Some(instance) = &self.instance
            && let Ok(link) = HeaderValue::from_str(&format!("<{instance}>;rel=\"terms-of-service\""))
        {
            headers.append(header::LINK, link);
        }
        if let Some(help) = &self.help
            && let Ok(link) = HeaderValue::from_str(&format!("<{help}>;rel=\"help\""))
        {
            headers.append(header::LINK, link);
        }
        response
    }
}
