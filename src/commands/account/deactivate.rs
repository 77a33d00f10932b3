//! `account deactivate`: the account's end (RFC 8555 §7.3.6).

use serde_json::json;

use crate::error::{Error, Kind};
use crate::ui::Report;

use super::super::Context;

/// Arguments of `account deactivate`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

/// Tells the server, then removes the key, which no server accepts any more.
pub(super) async fn run(context: &Context, args: Args) -> Result<Report, Error> {
    let record = context.account()?;
    let name = context.account_name();
    let question = format!(
        "Give account {name} at {} up for good? Its certificates stay valid, but can't be renewed or revoked by it.",
        record.server
    );
    if !args.yes && context.ui().can_ask() && !context.agrees(&question)? {
        return Err(Error::new(Kind::Usage, "not deactivated, as you did not agree"));
    }
    let session = context.session(&record.server, name).await?;
    let _lock = context.store().lock_account(&record.server, name).await?;
    context.ui().progress().tell(&record.server, "deactivating the account");
    session.deactivate().await?;
    context.store().account(&record.server, name).forget()?;
    context.ui().progress().done(&record.server);
    let text = format!("Account {name} at {} is deactivated, and its key removed.", record.server);
    Ok(Report::new(
        text,
        json!({"name": name, "server": record.server, "account": record.url, "status": "deactivated"}),
    ))
}
