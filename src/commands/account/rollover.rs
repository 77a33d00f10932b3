//! `account rollover`: a new account key (RFC 8555 §7.3.5).

use serde_json::json;

use crate::acme::{AccountKey, AcmeError};
use crate::error::{Error, Kind};
use crate::ui::Report;

use super::super::Context;
use super::AccountKeyArgs;

/// Arguments of `account rollover`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which key takes the old one's place.
    #[command(flatten)]
    key: AccountKeyArgs,
}

/// Saves a new key beside the old one, tells the server, and lets the new one take the old one's place. A run that
/// dies in between is made up for when the account is next used: the server knows which key counts.
pub(super) async fn run(context: &Context, args: Args) -> Result<Report, Error> {
    let record = context.account()?;
    let name = context.account_name();
    let session = context.session(&record.server, name).await?;
    let _lock = context.store().lock_account(&record.server, name).await?;
    let files = context.store().account(&record.server, name);
    let current = files.key()?.map(|pem| AccountKey::from_pem(&pem)).transpose()?;
    if current.is_none_or(|key| key.thumbprint() != session.thumbprint()) {
        return Err(Error::new(Kind::Locked, "another run has just changed this account's key")
            .hint("run the command again if it is to be changed once more"));
    }
    let pem = args.key.pem()?;
    let key = AccountKey::from_pem(&pem)?;
    files.save_next_key(&pem)?;
    context.ui().progress().tell(&record.server, "changing the account key");
    if let Err(error) = session.change_key(&key).await {
        // RFC 8555 §7.3.5: so it is told that another account has the key.
        let taken = matches!(&error, AcmeError::Refused(refusal) if refusal.status == 409);
        if taken || error.is_definite() {
            files.discard_next_key()?;
        }
        let definite = error.is_definite();
        let told = Error::from(error);
        return Err(match (taken, definite) {
            (true, _) => told
                .context("the account key was not changed")
                .hint("another account at this server has the new key already: take another one"),
            (false, true) => told.context("the account key was not changed"),
            (false, false) => told
                .context("it is not known whether the account key was changed")
                .hint("the next command that uses the account asks the server, and goes on with the key that counts"),
        });
    }
    files.promote_next_key()?;
    context.ui().progress().done(&record.server);
    let text = format!("Account {name} at {} has a new key: {}", record.server, files.key_path().display());
    Ok(Report::new(text, json!({"name": name, "server": record.server, "thumbprint": key.thumbprint()})))
}
