//! Answers that come late or never.

use axum::response::{IntoResponse, Response};

use super::Kind;
use crate::server::HangUp;

/// Waits as long as this fault says.
pub(super) async fn delay(kind: &Kind) {
    if let Kind::Delay(pause) = kind {
        tokio::time::sleep(*pause).await;
    }
}

/// The end of the connection instead of the answer, if that is the fault.
pub(super) fn lose(kind: &Kind, response: Response) -> Response {
    match kind {
        Kind::DropAfter => hang_up(),
        _ => response,
    }
}

/// What makes the server hang up.
pub(super) fn hang_up() -> Response {
    let mut response = ().into_response();
    response.extensions_mut().insert(HangUp);
    response
}
