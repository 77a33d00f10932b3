//! `account show`: what the server says of the account.

use serde_json::json;

use crate::core::text::printable;
use crate::error::Error;
use crate::ui::Report;

use super::super::Context;

/// Shows it.
pub(super) async fn run(context: &Context) -> Result<Report, Error> {
    let record = context.account()?;
    let name = context.account_name();
    context.ui().progress().tell(&record.server, "asking for the account");
    let session = context.session(&record.server, name).await?;
    let account = session.account().await?;
    context.ui().progress().done(&record.server);

    let kid = account.eab_kid().or_else(|| record.eab_kid.clone());
    let contacts: Vec<String> =
        account.contact.iter().map(|contact| printable(contact).into_owned()).collect();
    let status = printable(&account.status).into_owned();
    let orders = account.orders.as_deref().map(|url| printable(url).into_owned());
    let rows = [
        ("account", name.to_owned()),
        ("server", record.server.clone()),
        ("url", record.url.clone()),
        ("status", status.clone()),
        ("contacts", contacts.join(", ")),
        ("key identifier", kid.clone().unwrap_or_default()),
        ("orders", orders.clone().unwrap_or_default()),
        ("terms of service", record.terms_of_service.clone().unwrap_or_default()),
    ];
    let rows = rows.iter().filter(|(_, value)| !value.is_empty());
    let text: String = rows.map(|(label, value)| format!("{label:<17} {value}\n")).collect();
    let json = json!({
        "name": name,
        "server": record.server,
        "account": record.url,
        "status": status,
        "contacts": contacts,
        "eab_kid": kid,
        "orders": orders,
        "terms_of_service": record.terms_of_service,
        "thumbprint": session.thumbprint(),
    });
    Ok(Report::new(text, json))
}
