//! Accounts (RFC 8555 §7.3, §7.1.2.1).

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use super::{
    App,
    extract::{ByAccount, ByKey},
    respond::{append_link, located},
};
use crate::{
    model::{Account, AccountId, OrderId, Problem, ProblemType, account::NewAccount, account::unknown_kid},
    policy::contact,
    protocol::eab::Binding,
};

/// How many orders a page of the list has.
const PAGE: usize = 100;

/// newAccount.
pub(super) async fn create(State(app): State<Arc<App>>, request: ByKey) -> Result<Response, Problem> {
    let payload = request.body.object()?;
    let known = app.services.store.with(|model| {
        let account = model.account_with_key(&request.key)?;
        Ok::<_, Problem>(account.map(|account| (account.id.clone(), document(&app, account))))
    })?;
    if let Some((id, document)) = known {
        return Ok(located(&app.links.account(&id), Json(document)));
    }
    if payload.get("onlyReturnExisting") == Some(&Value::Bool(true)) {
        let detail = "there is no account with this key";
        return Err(Problem::new(ProblemType::AccountDoesNotExist, detail));
    }
    let contact = payload.get("contact").map_or(Ok(Vec::new()), contact::parse_all)?;
    check_terms(&app, &payload)?;
    let binding = payload.get("externalAccountBinding").ok_or_else(|| {
        let detail = "accounts are tied to a CAcert account: get a key identifier and MAC key from the CAcert \
                      web UI, menu \"ACME clients\"";
        Problem::new(ProblemType::ExternalAccountRequired, detail)
    })?;
    let binding = Binding::parse(binding, &request.body.url)?;
    let (id, kid) = (app.services.random.token(16).into(), binding.kid().to_owned());
    let now = app.services.clock.now();
    app.services.store.with(|model| {
        let eab_key = model.eab_key(&kid).ok_or_else(|| unknown_kid(&kid))?;
        binding.verify(eab_key.mac_key(), &request.key)?;
        // Of two requests with one key at the same time, the second finds the account of the first.
        if let Some(account) = model.account_with_key(&request.key)? {
            return Ok(located(&app.links.account(&account.id), Json(document(&app, account))));
        }
        let external_account_binding = binding.into_document();
        let new = NewAccount { id, key: request.key, contact, kid, external_account_binding };
        let account = model.create_account(new, now, &app.services.settings)?;
        let answer = (StatusCode::CREATED, Json(document(&app, account)));
        Ok(located(&app.links.account(&account.id), answer))
    })
}

/// An account's own URL: read, update, deactivate (RFC 8555 §7.3.2, §7.3.6).
pub(super) async fn update(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    request: ByAccount,
) -> Result<Json<Value>, Problem> {
    check_own(&request, &id)?;
    let payload = if request.body.payload.is_empty() { Map::new() } else { request.body.object()? };
    let contact = payload.get("contact").map(contact::parse_all).transpose()?;
    // Of all else RFC 8555 §7.3.2 says that updates are ignored: other statuses, terms, orders, unknown members.
    let deactivate = payload.get("status").and_then(Value::as_str) == Some("deactivated");
    request.transition(&app, |model| {
        if let Some(contact) = contact {
            model.update_contact(&request.account, contact)?;
        }
        let mut answer = document(&app, model.acting_account(&request.account)?);
        if deactivate {
            model.deactivate_account(&request.account)?;
            answer["status"] = json!("deactivated");
        }
        Ok(Json(answer))
    })
}

/// The list of an account's orders, page by page.
pub(super) async fn orders(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    request: ByAccount,
) -> Result<Response, Problem> {
    check_own(&request, &id)?;
    request.body.expect_empty()?;
    let from = query.as_deref().and_then(|query| query.strip_prefix("from=")).map(OrderId::from);
    let now = app.services.clock.now();
    let (urls, next) = request.transition(&app, |model| {
        let account = model.acting_account(&request.account)?;
        let (orders, next) = model.orders_page(account, from.as_ref(), PAGE, now);
        let urls: Vec<String> = orders.into_iter().map(|order| app.links.order(&order.id)).collect();
        Ok::<_, Problem>((urls, next.cloned()))
    })?;
    let mut response = Json(json!({"orders": urls})).into_response();
    if let Some(next) = next {
        let url = format!("{}?from={next}", app.links.orders(&request.account));
        append_link(response.headers_mut(), &url, "next");
    }
    Ok(response)
}

fn check_own(request: &ByAccount, id: &str) -> Result<(), Problem> {
    if request.account == AccountId::from(id) {
        return Ok(());
    }
    Err(Problem::unauthorized("this is another account's URL"))
}

fn check_terms(app: &App, payload: &Map<String, Value>) -> Result<(), Problem> {
    if payload.get("termsOfServiceAgreed") == Some(&Value::Bool(true)) {
        return Ok(());
    }
    let terms = app.services.store.with(|model| model.terms(&app.services.settings));
    Err(terms.action_required("agree to the CAcert Community Agreement first"))
}

/// The account object.
pub(super) fn document(app: &App, account: &Account) -> Value {
    json!({
        "status": account.status,
        "contact": account.contact,
        "termsOfServiceAgreed": true,
        "externalAccountBinding": account.external_account_binding,
        "orders": app.links.orders(&account.id),
    })
}
