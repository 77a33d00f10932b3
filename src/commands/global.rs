//! The whole command line: flags of every command, and the command.

use std::path::PathBuf;

use clap::{ArgAction, Args, CommandFactory as _, Parser};

use crate::ui::Color;

use super::Command;

/// An ACME client made for CAcert: server certificates, issued and renewed unattended.
#[derive(Debug, Parser)]
#[command(name = "cacert-acme", version, propagate_version = true, max_term_width = 110, after_help = AFTER_HELP)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    /// Flags of every command.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "First steps, with a key identifier and MAC key from «ACME clients» in the CAcert web UI:
  cacert-acme register --server URL --eab-kid KID --eab-key-file FILE --contact you@example.org
  cacert-acme issue -d www.example.org --webroot /var/www/html
  cacert-acme renew                                 (every day, from a timer)

Each flag has a variable (CACERT_ACME_CA_BUNDLE for --ca-bundle) and a key in the config file (ca-bundle = \"…\"). \
The flag goes first, then the environment, then the file.

Exit status:
  0  done, or nothing was due
  1  internal error
  2  usage
  3  configuration or local files
  4  the server refused: rights, policy, terms, rate limit
  5  a challenge failed
  6  the server can't be reached, or broke the protocol
  8  another run holds the lock too long
 10  nothing was due, with `renew --report-not-due`";

/// Flags of every command; before or after it.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// The config file [default: /etc/cacert-acme/config.toml for root, else config.toml in the XDG folder]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where accounts and certificates are kept [default: /var/lib/cacert-acme for root, else the XDG state folder]
    #[arg(long, global = true, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// The URL of the server's ACME directory; `register` remembers it
    #[arg(long, global = true, value_name = "URL")]
    pub server: Option<String>,
    /// Trust only the roots in this PEM file for the server's own TLS certificate
    #[arg(long, global = true, value_name = "FILE")]
    pub ca_bundle: Option<PathBuf>,
    /// Which account, where this machine has several
    #[arg(long, global = true, value_name = "NAME", default_value = "default", value_parser = account_name)]
    pub account: String,
    /// Print one JSON document
    #[arg(long, global = true)]
    pub json: bool,
    /// Print errors only
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Tell what happens; -vv with requests, -vvv everything
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", value_enum)]
    pub color: Color,
}

fn account_name(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.len() <= 100 && text.chars().all(allowed)
    {
        Ok(text.to_owned())
    } else {
        Err("an account's name has letters, digits and . - _ and begins with a letter or digit".into())
    }
}

/// The command line as help, manual and completions show it.
#[must_use]
pub fn documented() -> clap::Command {
    Cli::command()
}
