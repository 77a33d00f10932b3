//! The directory (RFC 8555 §7.1.1): what the server can do, and where.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde_json::{Value, json};

use super::{App, extract::ByAccount};
use crate::model::Problem;

/// `GET`.
pub(super) async fn get(State(app): State<Arc<App>>) -> Json<Value> {
    Json(document(&app))
}

/// POST-as-GET.
pub(super) async fn post(State(app): State<Arc<App>>, request: ByAccount) -> Result<Json<Value>, Problem> {
    request.body.expect_empty()?;
    Ok(Json(document(&app)))
}

fn document(app: &App) -> Value {
    let settings = &app.services.settings;
    let terms = app.services.store.with(|model| model.terms(settings));
    json!({
        "newNonce": app.links.absolute("/acme/new-nonce"),
        "newAccount": app.links.absolute("/acme/new-account"),
        "newOrder": app.links.absolute("/acme/new-order"),
        "revokeCert": app.links.absolute("/acme/revoke-cert"),
        "keyChange": app.links.absolute("/acme/key-change"),
        "meta": {
            "termsOfService": terms.url,
            "website": settings.website,
            "externalAccountRequired": true,
        },
    })
}
