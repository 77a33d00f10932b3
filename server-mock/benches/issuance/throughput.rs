//! Certificates per second, latency and the server's processor time, for each number of clients.

use std::time::Duration;

use crate::{
    failure::Failure,
    flags::Flags,
    load::{Clients, percentile},
    process,
    server::{Program, Proof, Server},
    surroundings::Surroundings,
};

/// One measurement that went to its end.
pub(crate) struct Cell {
    pub(crate) program: Program,
    pub(crate) proof: Proof,
    pub(crate) clients: usize,
    /// Certificates per second.
    pub(crate) rate: f64,
    /// The server's processor time for one certificate.
    pub(crate) cpu: Duration,
    latencies: Vec<Duration>,
}

/// Measures and prints. The servers take turns, each time new, so that neither has the quieter machine or the fuller
/// store.
pub(crate) async fn measure(
    programs: &[Program],
    flags: &Flags,
    surroundings: &Surroundings,
) -> Result<Vec<Cell>, Failure> {
    println!("\nRate: {:?} for each row, a new server for each", flags.rate_time());
    println!("  server       proof      clients  certs/s  p50 ms  p99 ms  server CPU ms/cert  certificates");
    let mut cells = Vec::new();
    for proof in [Proof::PreValid, Proof::Unchecked, Proof::Http01] {
        for clients in flags.concurrencies() {
            for program in programs {
                if proof == Proof::Unchecked && *program == Program::Mock {
                    continue;
                }
                match cell(*program, proof, *clients, flags, surroundings).await {
                    Ok(cell) => {
                        cell.print();
                        cells.push(cell);
                    }
                    Err(failure) if *program == Program::Mock => return Err(failure),
                    Err(failure) => println!("  {program:<12} {proof:<9} {clients:>8}  {failure}"),
                }
            }
        }
    }
    Ok(cells)
}

async fn cell(
    program: Program,
    proof: Proof,
    clients: usize,
    flags: &Flags,
    surroundings: &Surroundings,
) -> Result<Cell, Failure> {
    let server = Server::start(program, proof, flags, surroundings).await?;
    let account = server.register(surroundings).await?;
    let mut load = Clients::connect(&account, proof, clients).await?;
    load.warm_up().await?;
    let before = process::cpu(server.pid())?;
    let outcome = load.run(usize::MAX, flags.rate_time()).await;
    let cpu = process::cpu(server.pid())? - before;
    outcome.failure.map_or(Ok(()), Err)?;
    let mut latencies = outcome.latencies;
    latencies.sort();
    let count = latencies.len() as f64;
    let rate = count / outcome.elapsed.as_secs_f64();
    Ok(Cell { program, proof, clients, rate, cpu: cpu.div_f64(count), latencies })
}

impl Cell {
    fn print(&self) {
        let Self { program, proof, clients, rate, cpu, latencies } = self;
        let [p50, p99, cpu] =
            [percentile(latencies, 0.5), percentile(latencies, 0.99), *cpu].map(milliseconds);
        let count = latencies.len();
        println!(
            "  {program:<12} {proof:<9} {clients:>8} {rate:>8.0} {p50:>7.1} {p99:>7.1} {cpu:>19.2} {count:>13}"
        );
    }
}

pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
