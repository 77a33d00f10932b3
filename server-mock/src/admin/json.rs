//! Errors and bodies of the admin API: plain JSON, said clearly.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::{model::Problem, va::mail::MailRefused};

/// A refusal: `{"error": "…"}`.
#[derive(Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    message: String,
}

impl ApiError {
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, message: message.into() }
    }
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_REQUEST);
        Self { status, message: problem.detail }
    }
}

impl From<MailRefused> for ApiError {
    fn from(refused: MailRefused) -> Self {
        let status =
            if refused.is_temporary() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::BAD_REQUEST };
        Self { status, message: refused.to_string() }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, Json(json!({"error": self.message}))).into_response()
    }
}

/// The body as a value; its Content-Type does not matter.
///
/// # Errors
/// When it is not JSON of the right form.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(|error| ApiError::bad_request(error.to_string()))
}

pub(super) async fn not_found() -> ApiError {
    ApiError { status: StatusCode::NOT_FOUND, message: "there is nothing here".to_owned() }
}

pub(super) async fn method_not_allowed() -> ApiError {
    let message = "this does not answer the method".to_owned();
    ApiError { status: StatusCode::METHOD_NOT_ALLOWED, message }
}
