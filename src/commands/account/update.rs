//! `account update`: other contacts (RFC 8555 §7.3.2).

use serde_json::json;

use crate::core::contact::Contact;
use crate::error::Error;
use crate::store::AccountRecord;
use crate::ui::Report;

use super::super::Context;

/// Arguments of `account update`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where CAcert can reach you from now on; may be repeated
    #[arg(long, value_name = "MAIL", value_delimiter = ',', required = true)]
    contact: Vec<Contact>,
}

/// Tells the server, then keeps it.
pub(super) async fn run(context: &Context, args: Args) -> Result<Report, Error> {
    let record = context.account()?;
    let name = context.account_name();
    let session = context.session(&record.server, name).await?;
    let _lock = context.store().lock_account(&record.server, name).await?;
    session.update_contacts(&args.contact).await?;
    let server = record.server.clone();
    context
        .store()
        .account(&server, name)
        .save_record(&AccountRecord { contacts: args.contact.clone(), ..record })?;
    let listed: Vec<String> = args.contact.iter().map(ToString::to_string).collect();
    let text = format!("The contacts of account {name} at {server} are now: {}.", listed.join(", "));
    Ok(Report::new(text, json!({"name": name, "server": server, "contacts": args.contact})))
}
