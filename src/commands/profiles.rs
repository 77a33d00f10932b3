//! `issue --profile ?`: the profiles that the server offers (draft-ietf-acme-profiles).

use serde_json::json;

use crate::error::Error;
use crate::ui::Report;

use super::Context;

/// Lists them, with what the server says of each.
///
/// # Errors
/// When the server can't be reached, or it is not clear which one.
pub(super) async fn list(context: &Context) -> Result<Report, Error> {
    let server = match context.named_server() {
        Some(server) => server.to_owned(),
        None => context.account()?.server,
    };
    let profiles = context.transport(&server)?.directory().await?.meta.profiles();
    let width = profiles.keys().map(|name| name.chars().count()).max().unwrap_or(0);
    let text = match profiles.is_empty() {
        true => format!("{server} offers no profiles."),
        false => profiles.iter().map(|(name, text)| format!("{name:<width$}  {text}\n")).collect(),
    };
    Ok(Report::new(text, json!({"server": server, "profiles": profiles})))
}
