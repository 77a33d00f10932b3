//! How a run begins and ends. Where a flag's value comes from is in `settings.rs`.

mod settings;

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use crate::commands::{Cli, Context};
use crate::core::text::printable;
use crate::env;
use crate::error::{Error, Kind};
use crate::ui::{Manner, Report, Ui};

use settings::Refused;

/// Runs the program with these arguments.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let cli = match settings::parse(&arguments) {
        Ok(cli) => cli,
        Err(Refused::Usage { error, json }) => return usage(&error, json),
        Err(Refused::Config { error, json }) => return early(&error, json),
    };
    let ui = Ui::new(Manner {
        json: cli.global.json,
        quiet: cli.global.quiet,
        verbosity: cli.global.verbose,
        color: cli.global.color,
        no_color: env::no_color(),
    });
    let status = match execute(cli, ui.clone()) {
        Ok(report) => match ui.report(&report) {
            Ok(()) => report.status,
            Err(error) => {
                // Never as JSON: standard output is what failed.
                let error =
                    Error::new(Kind::Local, "the result could not be written").because(error.to_string());
                return early(&error, false);
            }
        },
        Err(error) => {
            ui.error(&error);
            error.kind.exit_status()
        }
    };
    ExitCode::from(status)
}

fn execute(cli: Cli, ui: Ui) -> Result<Report, Error> {
    // One thread is plenty for what waits for the network most of the time, and starts at once.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(Kind::Internal, "could not start").because(error.to_string()))?;
    let context = Context::new(cli.global, ui)?;
    let outcome = runtime.block_on(async {
        context.ui().progress().start();
        cli.command.run(&context).await
    });
    // A name server that does not answer would keep its thread for many seconds.
    runtime.shutdown_timeout(Duration::from_millis(50));
    outcome
}

/// What clap has to say: help and version as they are, mistakes in the form of all our errors when JSON is asked for.
fn usage(error: &clap::Error, json: bool) -> ExitCode {
    if error.use_stderr() && json {
        let text = error.to_string();
        // «error: what», then indented particulars, then usage and tips.
        let mut lines = text.lines();
        let message = lines.next().unwrap_or_default().trim_start_matches("error: ");
        let mut told = Error::new(Kind::Usage, printable(message));
        told.causes =
            lines.take_while(|line| line.starts_with(' ')).map(|line| line.trim().to_owned()).collect();
        return early(&told.hint("see `cacert-acme help`"), true);
    }
    // A reader that has gone away is no error of ours.
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { Kind::Usage.exit_status() } else { 0 })
}

/// A failure before there is a command.
fn early(error: &Error, json: bool) -> ExitCode {
    Ui::new(Manner { json, no_color: env::no_color(), ..Manner::default() }).error(error);
    ExitCode::from(error.kind.exit_status())
}
