//! Key changes (RFC 8555 §7.3.5).

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};

use super::{App, account, extract::ByAccount, respond::located};
use crate::{
    model::{Problem, account::KeyChangeRefused},
    protocol::key_change::KeyChange,
};

/// keyChange.
pub(super) async fn post(State(app): State<Arc<App>>, request: ByAccount) -> Result<Response, Problem> {
    let change = KeyChange::parse(&request.body.payload, &request.body.url)?;
    if app.links.account_id(&change.account) != Some(request.account.clone()) {
        return Err(Problem::malformed("`account` is not the account that signed the request"));
    }
    if change.old_key != request.key {
        return Err(Problem::malformed("`oldKey` is not the account's key"));
    }
    let changed = app.services.store.with(|model| {
        model.change_key(&request.account, &request.key, change.new_key)?;
        Ok(account::document(&app, model.acting_account(&request.account)?))
    });
    match changed {
        Ok(account) => Ok(Json(account).into_response()),
        Err(KeyChangeRefused::InUse(holder)) => {
            let problem = Problem::malformed("another account has the new key already").with_status(409);
            Ok(located(&app.links.account(&holder), problem))
        }
        Err(KeyChangeRefused::Problem(problem)) => Err(problem),
    }
}
