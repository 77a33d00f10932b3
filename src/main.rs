//! The `cacert-acme` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    cacert_acme::cli::run(std::env::args_os())
}
