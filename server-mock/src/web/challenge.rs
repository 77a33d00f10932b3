//! Challenges (RFC 8555 §7.5.1): the client says that it is ready, the server goes and looks.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{App, challenge_mail, extract::ByAccount, problem, respond::append_link};
use crate::{
    background::Place,
    model::{
        Authorization, AuthorizationId, Challenge, ChallengeKind, ChallengeState, Problem, ProblemType,
        PublicKey,
    },
    protocol::timestamp,
    services::Services,
    va::Attempt,
};

/// When to try again if there was no room for a validation.
const BUSY_RETRY_AFTER: Duration = Duration::from_secs(5);

/// Reads a challenge (empty payload), or starts its validation (an object, whose members are ignored).
pub(super) async fn post(
    State(app): State<Arc<App>>,
    Path((id, kind)): Path<(String, String)>,
    request: ByAccount,
) -> Result<Response, Problem> {
    let id = AuthorizationId::from(id);
    let starts = !request.body.payload.is_empty();
    let kind = kind.parse::<ChallengeKind>();
    let services = &app.services;
    // Before anything is begun that there might be no room for. A reply by mail comes by itself.
    let looks = starts && kind != Ok(ChallengeKind::EmailReply00);
    let place =
        if looks { Some(services.background.place(&request.account).ok_or_else(too_busy)?) } else { None };
    let now = services.clock.now();
    let (attempt, response) = request.transition(&app, |model| {
        model.authorization(&id, &request.account)?;
        let not_found = || Problem::not_found("challenge");
        let kind = kind.map_err(|_| not_found())?;
        if starts {
            request.body.object()?;
        }
        let begun = starts && model.begin_validation(&id, &request.account, kind, now)?;
        if starts && !looks {
            challenge_mail::begin(&app, model, &id, !begun, now);
        }
        let authorization = model.authorization(&id, &request.account)?;
        let challenge = authorization.challenge(kind).ok_or_else(not_found)?;
        let attempt = (begun && looks).then(|| attempt(&app, authorization, challenge, &request.key, now));
        Ok::<_, Problem>((attempt, answer(&app, &id, challenge, now)))
    })?;
    if let (Some(attempt), Some(place)) = (attempt, place) {
        start(services, place, id, attempt);
    }
    Ok(response)
}

fn too_busy() -> Problem {
    let detail = "too many validations are going on: try again";
    let mut problem = Problem::new(ProblemType::RateLimited, detail);
    problem.retry_after = Some(BUSY_RETRY_AFTER);
    problem
}

/// Goes on with the validations that an earlier run of the server had begun.
pub(super) fn resume(app: &App) {
    let services = &app.services;
    let now = services.clock.now();
    let attempts: Vec<_> = services.store.with(|model| {
        let begun = model.resume_validations().into_iter();
        let attempt = |(id, account, kind)| {
            let authorization = model.authorization(&id, &account).ok()?;
            let key = model.account_key(&account)?;
            let attempt = attempt(app, authorization, authorization.challenge(kind)?, &key, now);
            Some((id, account, attempt))
        };
        begun.filter_map(attempt).collect()
    });
    for (id, account, attempt) in attempts {
        match services.background.place(&account) {
            Some(place) => start(services, place, id, attempt),
            None => drop(services.store.with(|model| {
                model.conclude_validation(&id, attempt.kind, Err(too_busy()), now, &services.settings)
            })),
        }
    }
}

fn attempt(
    app: &App,
    authorization: &Authorization,
    challenge: &Challenge,
    key: &PublicKey,
    now: OffsetDateTime,
) -> Attempt {
    Attempt {
        kind: challenge.kind,
        identifier: authorization.identifier.clone(),
        wildcard: authorization.wildcard,
        subdomains: authorization.subdomains,
        token: challenge.token.clone(),
        key_authorization: format!("{}.{}", challenge.token, key.thumbprint()),
        account_url: app.links.account(&authorization.account),
        now,
    }
}

/// Starts a validation; after a failure it is tried again after a pause where the settings say so and the client
/// has not asked for it earlier (RFC 8555 §8.2).
fn start(services: &Arc<Services>, place: Place, id: AuthorizationId, attempt: Attempt) {
    let failures = None;
    let work = {
        let services = Arc::clone(services);
        move |(id, mut attempt, failures): (AuthorizationId, Attempt, Option<usize>)| {
            let services = Arc::clone(&services);
            async move {
                let now = services.clock.now();
                attempt.now = now;
                let begun = failures.is_none_or(|failures| {
                    services.store.with(|model| model.begin_retry(&id, attempt.kind, failures, now))
                });
                let failures = if begun { validate(&services, &id, &attempt).await } else { None };
                failures
                    .map(|failures| (services.settings.validation_retry_pause, (id, attempt, Some(failures))))
            }
        }
    };
    services.background.spawn_repeating(place, (id, attempt, failures), work);
}

/// Looks without holding the store, then records the verdict in one transition. Gives the number of failures when
/// there is to be another attempt.
async fn validate(services: &Services, id: &AuthorizationId, attempt: &Attempt) -> Option<usize> {
    // A validator that panics has been reported; the challenge must not stay `processing` for it.
    let verdict = AssertUnwindSafe(services.va.validate(attempt)).catch_unwind().await;
    let verdict = verdict.unwrap_or_else(|_| {
        Err(Problem::new(ProblemType::ServerInternal, "the validation authority broke down"))
    });
    let (now, settings) = (services.clock.now(), &services.settings);
    services.store.with(|model| model.conclude_validation(id, attempt.kind, verdict, now, settings))
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
    });
    if let Some(mail) = &challenge.mail {
        document["from"] = mail.from.clone().into();
    }
    if challenge.kind.has_token() {
        document["token"] = challenge.token.as_str().into();
    } else {
        document["issuer-domain-names"] = json!(app.services.settings.caa_identities);
    }
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
