//! The command line around the library.

mod error;
mod exec;
mod flags;
mod log;
mod ready;
mod serve;
mod signals;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The exit status when `exec` itself failed, so that it is not taken for the command's (as `env` and `timeout` do).
const EXEC_FAILED: u8 = 125;

/// A conforming mock of CAcert's planned ACME server.
#[derive(Parser)]
#[command(name = "server-mock", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::Serve),
    Exec(exec::Exec),
}

/// Runs the program to its end.
pub(crate) fn run() -> ExitCode {
    match Arguments::parse().command {
        Command::Serve(serve) => report(serve.run(), 1),
        Command::Exec(exec) => report(exec.run(), EXEC_FAILED),
    }
}

fn report(outcome: Result<ExitCode, error::ProgramError>, failed: u8) -> ExitCode {
    outcome.unwrap_or_else(|error| {
        error.show();
        ExitCode::from(error.status().unwrap_or(failed))
    })
}
