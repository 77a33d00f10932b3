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
    let orders = match &account.orders {
        // Not every server has the list that it names (Boulder and Pebble don't).
        Some(url) => {
            session.orders(url).await.inspect_err(|error| tracing::info!("no list of orders: {error}")).ok()
        }
        None => None,
    };
    context.ui().progress().done(&record.server);

    let kid = account.eab_kid().or_else(|| record.eab_kid.clone());
    let contacts: Vec<String> =
        account.contact.iter().map(|contact| printable(contact).into_owned()).collect();
    let status = printable(&account.status).into_owned();
    let orders: Option<Vec<String>> =
        orders.map(|urls| urls.iter().map(|url| printable(url).into_owned()).collect());
    let terms = record.terms_of_service.as_deref().unwrap_or_default();
    let agreed = account.terms_of_service_agreed.or(record.terms_agreed_at.map(|_| true));
    let terms = match agreed {
        Some(true) => format!("{terms} (agreed to)"),
        Some(false) => format!("{terms} (not agreed to)"),
        None => terms.to_owned(),
    };
    let rows = [
        ("account", name.to_owned()),
        ("server", record.server.clone()),
        ("url", record.url.clone()),
        ("status", status.clone()),
        ("contacts", contacts.join(", ")),
        ("key identifier", kid.clone().unwrap_or_default()),
        ("orders", orders.as_ref().map(|urls| urls.len().to_string()).unwrap_or_default()),
        ("terms of service", terms.trim().to_owned()),
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
        "terms_of_service_agreed": agreed,
        "thumbprint": session.thumbprint(),
    });
    Ok(Report::new(text, json))
}
