//! Challenges (RFC 8555 §7.5.1): the client says that it is ready, the server goes and looks.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{
    App,
    extract::ByAccount,
    problem,
    respond::{append_link, timestamp},
};
use crate::{
    model::{AuthorizationId, Challenge, ChallengeKind, ChallengeState, Problem},
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
    let services = &app.services;
    let (attempt, mail, response) = services.store.with(|model| {
        model.authorization(&id, &request.account)?;
        let not_found = || Problem::not_found("challenge");
        let kind: ChallengeKind = kind.parse().map_err(|_| not_found())?;
        if starts {
            request.body.object()?;
        }
        let starts = starts && model.begin_validation(&id, &request.account, kind, now)?;
        let mut mail = None;
        if starts && kind == ChallengeKind::EmailReply00 {
            model.settle_by_reply(&id, now, &services.settings);
            if services.mail.settings().send_after_post {
                mail = model.challenge_mail(&id, services.random.token(16));
            }
        }
        let looks = starts && kind != ChallengeKind::EmailReply00;
        let authorization = model.authorization(&id, &request.account)?;
        let challenge = authorization.challenge(kind).ok_or_else(not_found)?;
        let attempt = looks.then(|| Attempt {
            kind,
            identifier: authorization.identifier.clone(),
            token: challenge.token.clone(),
            key_authorization: format!("{}.{}", challenge.token, request.key.thumbprint()),
        });
        Ok::<_, Problem>((attempt, mail, answer(&app, &id, challenge)))
    })?;
    if let Some(attempt) = attempt {
        tokio::spawn(validate(app.services.clone(), id, attempt));
    }
    services.mail.send(mail.into_iter().collect(), now);
    Ok(response)
}

/// Looks without holding the store, then records the verdict in one transition.
async fn validate(services: Arc<Services>, id: AuthorizationId, attempt: Attempt) {
    let verdict = services.va.validate(&attempt).await;
    let now = services.clock.now();
    services
        .store
        .with(|model| model.conclude_validation(&id, attempt.kind, verdict, now, &services.settings));
}

fn answer(app: &App, id: &AuthorizationId, challenge: &Challenge) -> Response {
    let mut response = Json(document(app, id, challenge)).into_response();
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
    if let Some(mail) = &challenge.mail {
        document["from"] = mail.from.clone().into();
    }
    match &challenge.state {
        ChallengeState::Valid { validated } => document["validated"] = timestamp(*validated).into(),
        ChallengeState::Invalid { error } => document["error"] = problem::to_json(error),
        ChallengeState::Pending | ChallengeState::Processing => {}
    }
    document
}
