//! Certificate profiles, which come and go while the server runs.

use std::collections::BTreeMap;

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
};

use super::{
    Admin,
    json::{ApiError, parse},
};
use crate::model::Profile;

pub(super) async fn list(State(admin): State<Admin>) -> Json<BTreeMap<String, Profile>> {
    Json(admin.services.store.with(|model| model.profiles().clone()))
}

pub(super) async fn put(
    State(admin): State<Admin>,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Json<Profile>, ApiError> {
    let profile: Profile = parse(&body)?;
    admin.put_profile(&name, profile.clone())?;
    Ok(Json(profile))
}

pub(super) async fn remove(
    State(admin): State<Admin>,
    Path(name): Path<String>,
) -> Result<StatusCode, ApiError> {
    admin.remove_profile(&name)?;
    Ok(StatusCode::NO_CONTENT)
}
