//! Orders (RFC 8555 §7.4).

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    App, challenge_mail,
    extract::ByAccount,
    problem, renewal_info,
    respond::{located, retry_after},
};
use crate::{
    model::{
        AccountId, Model, Order, OrderId, OrderStatus, Problem,
        order::{NewOrder, Replaces},
    },
    policy::identifiers,
    protocol::{CertId, timestamp},
};

/// newOrder.
pub(super) async fn create(State(app): State<Arc<App>>, request: ByAccount) -> Result<Response, Problem> {
    let payload = request.body.object()?;
    let wanted = payload.get("identifiers").and_then(Value::as_array);
    let wanted = wanted.ok_or_else(|| Problem::malformed("`identifiers` is missing or no array"))?;
    let identifiers = identifiers::parse_all(wanted)?;
    let mut new = NewOrder {
        ancestors: identifiers::parse_ancestors(wanted, &identifiers)?,
        identifiers,
        not_before: date(&payload, "notBefore")?,
        not_after: date(&payload, "notAfter")?,
        profile: text(&payload, "profile")?.map(str::to_owned),
        replaces: None,
    };
    let replaces = text(&payload, "replaces")?;
    let replaces =
        replaces.map(|text| Ok::<_, Problem>((text.to_owned(), CertId::parse(text)?))).transpose()?;
    let services = &app.services;
    let now = services.clock.now();
    request.transition(&app, |model| {
        if let Some((cert_id, parsed)) = replaces {
            let certificate = renewal_info::resolve(services, model, &parsed)
                .map_err(|problem| problem.within("replaces"))?;
            new.replaces = Some(Replaces { certificate, cert_id });
        }
        let mut tokens = || services.random.token(16);
        let order = model.create_order(&request.account, new, now, &services.settings, &mut tokens)?;
        let (id, authorizations) = (order.id.clone(), order.authorizations.clone());
        challenge_mail::prepare(&app, model, &authorizations);
        let answer = (StatusCode::CREATED, answer(&app, model, &id, &request.account, now)?);
        Ok(located(&app.links.order(&id), answer))
    })
}

/// An order, read by POST-as-GET.
pub(super) async fn read(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    request: ByAccount,
) -> Result<Response, Problem> {
    let id = OrderId::from(id);
    let now = app.services.clock.now();
    request.transition(&app, |model| {
        model.order(&id, &request.account)?;
        request.body.expect_empty()?;
        answer(&app, model, &id, &request.account, now)
    })
}

/// The order as it stands, with `Retry-After` while it is being signed.
pub(super) fn answer(
    app: &App,
    model: &Model,
    id: &OrderId,
    account: &AccountId,
    now: OffsetDateTime,
) -> Result<Response, Problem> {
    let order = model.order(id, account)?;
    let (status, error) = model.order_status(order, now);
    let mut response = Json(document(app, order, status, error.as_ref())).into_response();
    if status == OrderStatus::Processing {
        let pause = retry_after(app.services.settings.retry_after);
        response.headers_mut().insert(header::RETRY_AFTER, pause);
    }
    Ok(response)
}

fn document(app: &App, order: &Order, status: OrderStatus, error: Option<&Problem>) -> Value {
    let authorizations: Vec<String> =
        order.authorizations.iter().map(|id| app.links.authorization(id)).collect();
    let mut document = json!({
        "status": status,
        "expires": timestamp(order.expires),
        "identifiers": order.identifiers,
        "authorizations": authorizations,
        "finalize": app.links.finalize(&order.id),
    });
    if let Some(not_before) = order.not_before {
        document["notBefore"] = timestamp(not_before).into();
    }
    if let Some(not_after) = order.not_after {
        document["notAfter"] = timestamp(not_after).into();
    }
    if let Some(profile) = &order.profile {
        document["profile"] = profile.as_str().into();
    }
    if let Some(replaces) = &order.replaces {
        document["replaces"] = replaces.cert_id.as_str().into();
    }
    if let Some(certificate) = order.certificate() {
        document["certificate"] = app.links.certificate(certificate).into();
    }
    if let Some(error) = error {
        document["error"] = problem::to_json(error);
    }
    document
}

fn text<'a>(payload: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, Problem> {
    let Some(value) = payload.get(name) else { return Ok(None) };
    value.as_str().map(Some).ok_or_else(|| Problem::malformed(format!("`{name}` is no string")))
}

fn date(payload: &Map<String, Value>, name: &str) -> Result<Option<OffsetDateTime>, Problem> {
    let Some(value) = payload.get(name) else { return Ok(None) };
    let date = value.as_str().and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
    date.map(Some).ok_or_else(|| Problem::malformed(format!("`{name}` is no date of RFC 3339")))
}
