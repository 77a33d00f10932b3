//! Memory and latency as certificates pile up.

use std::time::{Duration, Instant};

use crate::{
    failure::Failure,
    flags::Flags,
    load::{Clients, percentile},
    process,
    server::{Program, Proof, Server},
    surroundings::Surroundings,
    throughput::milliseconds,
};

/// How many clients fill the store.
const CLIENTS: usize = 8;
/// The latency at a step is that of so many certificates before it.
const LAST: usize = 1000;

/// One server's way up.
pub(crate) struct Growth {
    pub(crate) program: Program,
    pub(crate) steps: Vec<Step>,
}

/// What there is to see with so many certificates in store.
pub(crate) struct Step {
    pub(crate) stored: usize,
    pub(crate) p99: Duration,
    /// Bytes held since there was none, for each certificate, beyond its own DER.
    pub(crate) kept: f64,
}

/// Measures and prints, with a new authorization for each certificate.
pub(crate) async fn measure(
    programs: &[Program],
    flags: &Flags,
    surroundings: &Surroundings,
) -> Result<Vec<Growth>, Failure> {
    println!("\nGrowth: {CLIENTS} clients, http-01, at most {:?} for each server", flags.steps_time());
    println!(
        "  server        stored  memory MB  kept kB/cert beyond its DER  p50 ms  p99 ms  (of the last {LAST})"
    );
    let mut growths = Vec::new();
    for program in programs {
        let mut growth = Growth { program: *program, steps: Vec::new() };
        match grow(&mut growth, flags, surroundings).await {
            Ok(()) => {}
            Err(failure) if *program == Program::Mock => return Err(failure),
            Err(failure) => println!("  {program:<12} {failure}"),
        }
        growths.push(growth);
    }
    Ok(growths)
}

async fn grow(growth: &mut Growth, flags: &Flags, surroundings: &Surroundings) -> Result<(), Failure> {
    let program = growth.program;
    let server = Server::start(program, Proof::Http01, flags, surroundings).await?;
    let account = server.register(surroundings).await?;
    let mut clients = Clients::connect(&account, Proof::Http01, CLIENTS).await?;
    let empty = process::memory(server.pid())?;
    println!("  {program:<12} {:>7} {:>10.1}", 0, megabytes(empty));
    let (end, mut stored) = (Instant::now() + flags.steps_time(), 0);
    for step in flags.steps() {
        let outcome = clients.run(step - stored, end.saturating_duration_since(Instant::now())).await;
        stored += outcome.latencies.len();
        outcome.failure.map_or(Ok(()), Err)?;
        if outcome.latencies.is_empty() {
            break;
        }
        let mut last = outcome.latencies[outcome.latencies.len().saturating_sub(LAST)..].to_vec();
        last.sort();
        let memory = process::memory(server.pid())?;
        let kept = memory.saturating_sub(empty) as f64 / stored as f64 - outcome.length as f64;
        let (p50, p99) = (percentile(&last, 0.5), percentile(&last, 0.99));
        println!(
            "  {program:<12} {stored:>7} {:>10.1} {:>28.2} {:>7.1} {:>7.1}{}",
            megabytes(memory),
            kept / 1e3,
            milliseconds(p50),
            milliseconds(p99),
            if stored < step { format!("  (not {step}: the time was over)") } else { String::new() }
        );
        growth.steps.push(Step { stored, p99, kept });
        if stored < step {
            break;
        }
    }
    Ok(())
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
