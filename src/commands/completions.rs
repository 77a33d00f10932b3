//! `completions`: scripts that complete commands and flags in a shell.

use clap_complete::Shell;
use serde_json::json;

use crate::error::Error;
use crate::ui::Report;

use super::documented;

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script.
///
/// # Errors
/// None; the form is that of all commands.
pub(super) fn run(args: &Args) -> Result<Report, Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut documented(), "cacert-acme", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    let json = json!({"shell": args.shell.to_string(), "script": script});
    Ok(Report::new(script, json))
}
