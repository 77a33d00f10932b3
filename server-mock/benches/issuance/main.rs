//! Issues certificates at `server-mock` and, where it is installed, at Pebble, and prints what that costs each of
//! them. `benches/README.md` tells how to run it and how to read it.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that reports")]

mod acme;
mod aims;
mod connection;
mod failure;
mod flags;
mod growth;
mod load;
mod order;
mod process;
mod server;
mod surroundings;
mod throughput;

use std::process::ExitCode;

use clap::Parser;

use crate::{failure::Failure, flags::Flags, server::Program, surroundings::Surroundings};

fn main() -> ExitCode {
    let flags = Flags::parse();
    let runtime = tokio::runtime::Runtime::new().expect("a machine that can run a server can run its client");
    match runtime.block_on(run(&flags)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: server-mock: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Measures everything. Only a failure of `server-mock` ends it; one of Pebble is a row of the tables.
async fn run(flags: &Flags) -> Result<(), Failure> {
    let programs = Program::installed(flags.only);
    if flags.only.is_none() && programs.len() == 1 {
        println!("pebble is not installed: its rows are left out\n");
    }
    let surroundings = Surroundings::start().await?;
    let starts = server::starts(&programs, flags, &surroundings).await?;
    let cells = throughput::measure(&programs, flags, &surroundings).await?;
    let growths = growth::measure(&programs, flags, &surroundings).await?;
    // A quick run is too short, and often of a debug build, to be held against them.
    if !flags.is_quick() {
        aims::print(&starts, &cells, &growths);
    }
    Ok(())
}
