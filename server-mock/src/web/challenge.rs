//! Challenges (RFC 8555 §7.5.1): the client says that it is ready, the server goes and looks.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{
    App,
    extract::ByAccount,
    problem,
    respond::{append_link, timestamp},
};
use crate::{
    model::{Authorization, AuthorizationId, Challenge, ChallengeKind, ChallengeState, Problem, PublicKey},
    services::Services,
    va::Attempt,
};

/// Reads a challenge (empty payload), or starts its validation (an object, whose members are ignored).
pub(super) async fn post(
    State(app): State<Arc<App>>,
    Path((id, kind)): Path<(String, String)>,
    request: ByAccount,
) -> Result<Response, Problem> {
    let id = AuthorizationId::from(id);
    let starts = !request.body.payload.is_empty();
    let now = app.services.clock.now();
    let (attempt, response) = app.services.store.with(|model| {
        model.authorization(&id, &request.account)?;
        let not_found = || Problem::not_found("challenge");
        let kind: ChallengeKind = kind.parse().map_err(|_| not_found())?;
        if starts {
            request.body.object()?;
        }
        let starts = starts && model.begin_validation(&id, &request.account, kind, now)?;
        let authorization = model.authorization(&id, &request.account)?;
        let challenge = authorization.challenge(kind).ok_or_else(not_found)?;
        let attempt = starts.then(|| attempt(authorization, challenge, &request.key));
        Ok::<_, Problem>((attempt, answer(&app, &id, challenge, now)))
    })?;
    if let Some(attempt) = attempt {
        tokio::spawn(validate(app.services.clone(), id, attempt));
    }
    Ok(response)
}

/// Goes on with the validations that an earlier run of the server had begun.
pub(super) fn resume(app: &App) {
    let attempts: Vec<_> = app.services.store.with(|model| {
        let begun = model.resume_validations().into_iter();
        let attempt = |(id, account, kind)| {
            let authorization = model.authorization(&id, &account).ok()?;
            let key = model.account_key(&account)?;
            Some((id, attempt(authorization, authorization.challenge(kind)?, &key)))
        };
        begun.filter_map(attempt).collect()
    });
    for (id, attempt) in attempts {
        tokio::spawn(validate(app.services.clone(), id, attempt));
    }
}

fn attempt(authorization: &Authorization, challenge: &Challenge, key: &PublicKey) -> Attempt {
    Attempt {
        kind: challenge.kind,
        identifier: authorization.identifier.clone(),
        token: challenge.token.clone(),
        key_authorization: format!("{}.{}", challenge.token, key.thumbprint()),
    }
}

/// Looks without holding the store, then records the verdict in one transition; again after a pause where the
/// settings say so and the client has not asked for it earlier (RFC 8555 §8.2).
async fn validate(services: Arc<Services>, id: AuthorizationId, attempt: Attempt) {
    let settings = &services.settings;
    loop {
        let verdict = services.va.validate(&attempt).await;
        let now = services.clock.now();
        let failures =
            services.store.with(|model| model.conclude_validation(&id, attempt.kind, verdict, now, settings));
        let Some(failures) = failures else { return };
        tokio::time::sleep(settings.validation_retry_pause).await;
        let now = services.clock.now();
        if !services.store.with(|model| model.begin_retry(&id, attempt.kind, failures, now)) {
            return;
        }
    }
}

/// The challenge as it stands, with `Retry-After` while it waits for another attempt.
fn answer(app: &App, id: &AuthorizationId, challenge: &Challenge, now: OffsetDateTime) -> Response {
    let mut response = Json(document(app, id, challenge)).into_response();
    if let Some(retry_at) = challenge.retry_at {
        // Never 0: the next attempt is not over before then.
        let pause = (retry_at - now).whole_seconds().max(0).unsigned_abs() + 1;
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(pause));
    }
    append_link(response.headers_mut(), &app.links.authorization(id), "up");
    response
}

/// The challenge object.
pub(super) fn document(app: &App, id: &AuthorizationId, challenge: &Challenge) -> Value {
    let mut document = json!({
        "type": challenge.kind.name(),
        "url": app.links.challenge(id, challenge.kind),
        "status": challenge.state.status(),
        "token": challenge.token,
    });
    match &challenge.state {
        ChallengeState::Valid { validated } => document["validated"] = timestamp(*validated).into(),
        ChallengeState::Invalid { .. } | ChallengeState::Pending | ChallengeState::Processing => {
            if let Some(error) = challenge.error() {
                document["error"] = problem::to_json(&error);
            }
        }
    }
    document
}
