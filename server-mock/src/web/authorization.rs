//! Authorizations (RFC 8555 §7.4.1, §7.5, §7.5.2; RFC 9444).

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{App, challenge, challenge_mail, extract::ByAccount, respond::located};
use crate::{
    model::{Authorization, AuthorizationId, Problem, pre_authorization::NewAuthorization},
    policy::identifiers,
    protocol::timestamp,
};

/// newAuthz: 201 for a new authorization, 200 when the account has a valid one already.
pub(super) async fn create(State(app): State<Arc<App>>, request: ByAccount) -> Result<Response, Problem> {
    let payload = request.body.object()?;
    let wanted = payload.get("identifier").ok_or_else(|| Problem::malformed("`identifier` is missing"))?;
    let subdomains = match wanted.get("subdomainAuthAllowed") {
        None => false,
        Some(Value::Bool(wanted)) => *wanted,
        Some(_) => return Err(Problem::malformed("`subdomainAuthAllowed` is true or false")),
    };
    let new = NewAuthorization { identifier: identifiers::parse(wanted)?, subdomains };
    let services = &app.services;
    let now = services.clock.now();
    request.transition(&app, |model| {
        let mut tokens = || services.random.token(16);
        let account = &request.account;
        let (id, made) = model.pre_authorize(account, &new, now, &services.settings, &mut tokens)?;
        challenge_mail::prepare(&app, model, std::slice::from_ref(&id));
        let status = if made { StatusCode::CREATED } else { StatusCode::OK };
        let mut document = document(&app, model.authorization(&id, account)?, now);
        if new.subdomains && document.get("subdomainAuthAllowed").is_none() {
            // RFC 9444 §4.2: a server that is not willing says so; everywhere else `false` is the default.
            document["subdomainAuthAllowed"] = false.into();
        }
        Ok(located(&app.links.authorization(&id), (status, Json(document))))
    })
}

/// Reads an authorization, or deactivates it.
pub(super) async fn post(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    request: ByAccount,
) -> Result<Json<Value>, Problem> {
    let id = AuthorizationId::from(id);
    let now = app.services.clock.now();
    request.transition(&app, |model| {
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
    if authorization.subdomains {
        document["subdomainAuthAllowed"] = true.into();
    }
    document
}
