//! Finalizing an order (RFC 8555 §7.4): the claim under the lock, the signature outside it.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::Response,
};
use serde_json::Value;
use tokio::sync::oneshot;

use super::{App, extract::ByAccount, order, respond::located};
use crate::{
    ca::{CaError, LeafRequest},
    model::{
        AccountId, ChallengeKind, OrderId, Problem, ProblemType,
        finalize::{Claim, Signed},
    },
    policy::Csr,
    protocol::base64url,
    services::Services,
    va::Issuance,
};

/// finalize.
pub(super) async fn post(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    request: ByAccount,
) -> Result<Response, Problem> {
    let id = OrderId::from(id);
    let services = &app.services;
    request.transition(&app, |model| model.order(&id, &request.account).map(|_| ()))?;
    let payload = request.body.object()?;
    let csr = payload.get("csr").and_then(Value::as_str);
    let csr = csr.ok_or_else(|| Problem::malformed("`csr` is missing or no string"))?;
    let csr = Csr::parse(&base64url::decode("csr", csr)?)?;
    check_caa(&app, &id, &request.account).await?;
    let claim = request.transition(&app, |model| {
        let now = services.clock.now();
        model.begin_finalize(&id, &request.account, &csr.names, &csr.key, now, &services.settings)
    })?;
    // In the background: a client that hangs up must not leave the order with nobody to complete it.
    let (done, signed) = oneshot::channel::<()>();
    services.background.spawn_at_once({
        let services = services.clone();
        async move {
            sign(services, claim, csr).await;
            drop(done);
        }
    });
    if services.settings.signing_delay.is_zero() {
        // It is only ever dropped, be it because of a panic, which has been reported; then the order says `processing`.
        let _ = signed.await;
    }
    let now = services.clock.now();
    let answer = services.store.with(|model| order::answer(&app, model, &id, &request.account, now))?;
    Ok(located(&app.links.order(&id), answer))
}

/// What CAA allowed when control was shown it may forbid by now, and reused authorizations are older still.
async fn check_caa(app: &App, id: &OrderId, account: &AccountId) -> Result<(), Problem> {
    let now = app.services.clock.now();
    let issuances = app.services.store.with(|model| model.issuances(id, account, now))?;
    let issuances = issuances.into_iter().map(|(identifier, method)| Issuance {
        identifier,
        account_url: app.links.account(account),
        method: method.map(ChallengeKind::name),
    });
    app.services.va.check_caa(issuances.collect()).await
}

/// The signing machine: takes its time, then records what came out.
async fn sign(services: Arc<Services>, claim: Claim, csr: Csr) {
    tokio::time::sleep(services.settings.signing_delay).await;
    let signer = services.clone();
    let job = claim.clone();
    let signed = tokio::task::spawn_blocking(move || issue(&signer, &job, csr)).await;
    let now = services.clock.now();
    services.store.with(|model| match signed {
        Ok(Ok(signed)) => model.complete_finalize(claim, signed, now),
        Ok(Err(error)) => {
            tracing::error!(%error, "signing failed");
            model.abandon_finalize(&claim, failure(&error));
        }
        Err(panic) => {
            tracing::error!(%panic, "signing broke off");
            let problem = Problem::new(ProblemType::ServerInternal, "the signing machine broke down");
            model.abandon_finalize(&claim, problem);
        }
    });
}

fn issue(services: &Services, claim: &Claim, csr: Csr) -> Result<Signed, CaError> {
    let serial = serial(services);
    let der = services.authority.issue(&LeafRequest {
        spki_der: &csr.spki_der,
        identifiers: &claim.identifiers,
        person: claim.person.as_deref(),
        key_use: csr.key_use,
        must_staple: csr.must_staple,
        serial,
        not_before: claim.not_before,
        not_after: claim.not_after,
    })?;
    let id = services.random.token(16).into();
    Ok(Signed { id, serial: serial.to_vec(), key: csr.key, der })
}

/// 127 random bits, without a leading zero byte, so that it has one length. Every other one has its first bit set,
/// and so a zero byte before it in DER, which those who write certIDs must not forget (RFC 9773 §4.1).
fn serial(services: &Services) -> [u8; 16] {
    let mut serial = [0; 16];
    services.random.fill(&mut serial);
    serial[0] |= 0x40;
    serial
}

fn failure(error: &CaError) -> Problem {
    match error {
        CaError::Key(_) | CaError::SignsOnly | CaError::Name { .. } => {
            Problem::new(ProblemType::BadCsr, error.to_string())
        }
        _ => Problem::new(ProblemType::ServerInternal, "the signing machine failed"),
    }
}
