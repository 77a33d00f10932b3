//! `account list`: the accounts of this machine.

use serde_json::json;

use crate::error::Error;
use crate::ui::Report;

use super::super::Context;

/// Lists them; asks no server.
pub(super) fn run(context: &Context) -> Result<Report, Error> {
    let accounts = context.store().accounts()?;
    let lines =
        accounts.iter().map(|(name, record)| format!("{name}  {}\n{:2}{}\n", record.server, "", record.url));
    let text = if accounts.is_empty() {
        "There are no accounts yet: `cacert-acme register` makes one.".into()
    } else {
        lines.collect::<String>()
    };
    let documents = accounts.iter().map(|(name, record)| {
        json!({
            "name": name,
            "server": record.server,
            "account": record.url,
            "eab_kid": record.eab_kid,
            "contacts": record.contacts,
        })
    });
    Ok(Report::new(text, json!({ "accounts": documents.collect::<Vec<_>>() })))
}
