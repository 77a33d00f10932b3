//! `account`: the account at the server, after its registration.

mod deactivate;
mod key;
mod list;
mod rollover;
mod show;
mod update;

use crate::error::Error;
use crate::ui::Report;

use super::Context;

pub(super) use key::AccountKeyArgs;

/// What to do with the account.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Ask the server for the account: status, contacts, binding, terms
    Show,
    /// List the accounts of this machine
    List,
    /// Change where the CA can reach you
    Update(update::Args),
    /// Replace the account key by another one
    Rollover(rollover::Args),
    /// Give the account up for good; its certificates stay valid
    Deactivate(deactivate::Args),
}

/// Does it.
///
/// # Errors
/// What a person must be told.
pub(super) async fn run(context: &Context, command: Command) -> Result<Report, Error> {
    match command {
        Command::Show => show::run(context).await,
        Command::List => list::run(context),
        Command::Update(args) => update::run(context, args).await,
        Command::Rollover(args) => rollover::run(context, args).await,
        Command::Deactivate(args) => deactivate::run(context, args).await,
    }
}
