//! The commands: one file each, with its arguments, its help and what it does.
//!
//! To add one: a file with `Args` and `run`, a variant in [`Command`] and a line in [`Command::run`].

mod account;
mod certificate_args;
mod completions;
mod context;
mod dns_args;
mod dns_persist;
mod global;
mod issue;
mod list;
mod man;
mod methods;
mod profiles;
mod register;
mod renew;
mod revoke;
mod show;

use clap::Subcommand;

use crate::error::Error;
use crate::ui::Report;

pub use context::Context;
pub use global::{Cli, Global, documented};
pub use man::render as render_man_pages;

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make an account with a key identifier and MAC key from the CAcert web UI
    Register(register::Args),
    /// Show the account
    #[command(subcommand)]
    Account(account::Command),
    /// Get a certificate
    Issue(Box<issue::Args>),
    /// Print the DNS records that let this account prove names for good
    DnsPersist(dns_persist::Args),
    /// Renew all certificates that are due
    Renew(renew::Args),
    /// List the certificates
    List(list::Args),
    /// Show a certificate: its files, names, dates and how it is renewed
    Show(show::Args),
    /// Revoke a certificate
    Revoke(revoke::Args),
    /// Print a completion script for a shell
    Completions(completions::Args),
    /// Write the manual pages to a folder
    Man(man::Args),
}

impl Command {
    /// Does it.
    ///
    /// # Errors
    /// What a person must be told.
    pub async fn run(self, context: &Context) -> Result<Report, Error> {
        match self {
            Self::Register(args) => register::run(context, args).await,
            Self::Account(command) => account::run(context, command).await,
            Self::Issue(args) => issue::run(context, *args).await,
            Self::DnsPersist(args) => dns_persist::run(context, args).await,
            Self::Renew(args) => renew::run(context, args).await,
            Self::List(args) => list::run(context, &args),
            Self::Show(args) => show::run(context, &args),
            Self::Revoke(args) => revoke::run(context, args).await,
            Self::Completions(args) => completions::run(&args),
            Self::Man(args) => man::run(&args),
        }
    }
}
