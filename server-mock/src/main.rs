//! The `server-mock` program.
#![allow(clippy::result_large_err, reason = "an error ends the program, so it is moved only once")]

mod program;

use std::process::ExitCode;

fn main() -> ExitCode {
    program::run()
}
