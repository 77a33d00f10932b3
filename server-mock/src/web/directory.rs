//! The directory (RFC 8555 §7.1.1): what the server can do, and where.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde_json::{Map, Value, json};

use super::{App, extract::ByAccount};
use crate::model::{Problem, Profile};

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
    let (terms, profiles) = app.services.store.with(|model| {
        let described = |(name, profile): (&String, &Profile)| (name.clone(), json!(profile.description));
        let profiles: Map<String, Value> = model.profiles().iter().map(described).collect();
        (model.terms(settings), profiles)
    });
    let mut document = json!({
        "newNonce": app.links.absolute("/acme/new-nonce"),
        "newAccount": app.links.absolute("/acme/new-account"),
        "newOrder": app.links.absolute("/acme/new-order"),
        "newAuthz": app.links.absolute("/acme/new-authz"),
        "revokeCert": app.links.absolute("/acme/revoke-cert"),
        "keyChange": app.links.absolute("/acme/key-change"),
        "renewalInfo": app.links.absolute("/acme/renewal-info"),
        "meta": {
            "termsOfService": terms.url,
            "website": settings.website,
            "externalAccountRequired": true,
        },
    });
    if !settings.caa_identities.is_empty() {
        document["meta"]["caaIdentities"] = json!(settings.caa_identities);
    }
    if settings.subdomain_authorizations {
        document["meta"]["subdomainAuthAllowed"] = true.into();
    }
    if !profiles.is_empty() {
        document["meta"]["profiles"] = profiles.into();
    }
    document
}
