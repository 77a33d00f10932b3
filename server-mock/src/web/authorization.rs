//! Authorizations (RFC 8555 §7.5, §7.5.2).

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{App, challenge, extract::ByAccount, respond::timestamp};
use crate::model::{Authorization, AuthorizationId, Problem};

/// Reads an authorization, or deactivates it.
pub(super) async fn post(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    request: ByAccount,
) -> Result<Json<Value>, Problem> {
    let id = AuthorizationId::from(id);
    let now = app.services.clock.now();
    app.services.store.with(|model| {
        model.authorization(&id, &request.account)?;
        if !request.body.payload.is_empty() {
            match request.body.object()?.get("status") {
                Some(Value::String(status)) if status == "deactivated" => {
                    model.deactivate_authorization(&id, &request.account, now)?;
                }
                Some(_) => return Err(Problem::malformed("`status` can only become \"deactivated\"")),
                None => request.body.expect_empty()?,
            }
        }
        Ok(Json(document(&app, model.authorization(&id, &request.account)?, now)))
    })
}

fn document(app: &App, authorization: &Authorization, now: OffsetDateTime) -> Value {
    let challenges: Vec<Value> = authorization
        .challenges
        .iter()
        .map(|challenge| challenge::document(app, &authorization.id, challenge))
        .collect();
    let mut document = json!({
        "identifier": authorization.identifier,
        "status": authorization.status(now),
        "expires": timestamp(authorization.expires),
        "challenges": challenges,
    });
    if authorization.wildcard {
        document["wildcard"] = true.into();
    }
    document
}
