//! The script of faults, which can be changed while the server runs.

use axum::{Json, body::Bytes, extract::State, http::StatusCode};

use super::{
    Admin,
    json::{ApiError, parse},
};
use crate::faults::{Fault, Scripted};

/// Adds a fault; answers with the whole script.
pub(super) async fn add(
    State(admin): State<Admin>,
    body: Bytes,
) -> Result<(StatusCode, Json<Vec<Scripted>>), ApiError> {
    let fault: Fault = parse(&body)?;
    let faults = &admin.services.faults;
    faults.add(fault);
    Ok((StatusCode::CREATED, Json(faults.list())))
}

pub(super) async fn list(State(admin): State<Admin>) -> Json<Vec<Scripted>> {
    Json(admin.services.faults.list())
}

pub(super) async fn clear(State(admin): State<Admin>) -> StatusCode {
    admin.services.faults.clear();
    StatusCode::NO_CONTENT
}
