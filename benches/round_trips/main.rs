//! What certificates cost over a slow link: `cacert-acme` beside Debian's certbot and lego, against Debian's Pebble, in
//! one run. README.md in this folder tells how to read it.
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![allow(clippy::print_stderr, reason = "and what kept a client from having some")]
#![allow(clippy::unwrap_used, reason = "nobody depends on a benchmark")]

mod clients;
mod link;
mod measure;
mod pebble;

use std::process::ExitCode;
use std::time::Duration;

use clients::{Client, Place};
use link::Link;
use measure::{Cost, measure};
use pebble::Pebble;

/// From here to a server on another continent.
const ROUND_TRIP: Duration = Duration::from_millis(100);

/// How often the quick runs are repeated; the median counts.
const REPEATS: usize = 7;

/// A link and an order's size.
#[derive(Clone, Copy)]
struct Setting {
    what: &'static str,
    round_trip: Duration,
    names: usize,
    repeats: usize,
}

const SETTINGS: [Setting; 3] = [
    Setting { what: "1 name, local", round_trip: Duration::ZERO, names: 1, repeats: REPEATS },
    Setting { what: "1 name, 100 ms", round_trip: ROUND_TRIP, names: 1, repeats: REPEATS },
    Setting { what: "100 names, 100 ms", round_trip: ROUND_TRIP, names: 100, repeats: 1 },
];

/// One line of the table.
struct Row {
    client: Client,
    setting: Setting,
    cost: Cost,
    connections: usize,
}

fn main() -> ExitCode {
    let folder = tempfile::tempdir().unwrap();
    let pebble = match Pebble::start(folder.path()) {
        Ok(pebble) => pebble,
        Err(error) => {
            eprintln!("no benchmark: {error} (Debian's package pebble has it)");
            return ExitCode::from(1);
        }
    };
    let mut rows = Vec::new();
    println!("| client | | wall s | round trips | connections | CPU ms | peak MiB |");
    println!("|---|---|---|---|---|---|---|");
    for setting in SETTINGS {
        for client in Client::ALL {
            match run(client, setting, &pebble, folder.path()) {
                Ok(row) => {
                    print(&row);
                    rows.push(row);
                }
                Err(error) => println!("| {} | {} | {error} |", client.name(), setting.what),
            }
        }
    }
    ExitCode::from(u8::from(!aims_are_met(&rows)))
}

/// The median of several runs, each for names of its own.
fn run(client: Client, setting: Setting, pebble: &Pebble, folder: &std::path::Path) -> Result<Row, String> {
    let link = Link::to(pebble.address, setting.round_trip);
    let place = Place { folder: folder.into(), server: link.address(), http_port: pebble.http_port };
    let warm_up = match client.register(&place) {
        Some(command) => command,
        None => client.issue(&place, &[format!("{}-warm-up.example.test", client.name())]),
    };
    measure(&mut { warm_up })?;
    let mut runs = Vec::new();
    for run in 0..setting.repeats {
        let names: Vec<String> =
            (0..setting.names).map(|name| format!("n{name}-{run}-{}.example.test", client.name())).collect();
        let before = link.connections();
        let cost = measure(&mut client.issue(&place, &names))?;
        runs.push(Row { client, setting, cost, connections: link.connections() - before });
    }
    runs.sort_by_key(|row| row.cost.wall);
    Ok(runs.swap_remove(runs.len() / 2))
}

impl Row {
    fn round_trips(&self) -> Option<f64> {
        let round_trip = self.setting.round_trip.as_secs_f64();
        (round_trip > 0.0).then(|| self.cost.wall.as_secs_f64() / round_trip)
    }
}

fn print(row: &Row) {
    let Cost { wall, cpu, memory } = row.cost;
    println!(
        "| {} | {} | {:.2} | {} | {} | {:.1} | {:.1} |",
        row.client.name(),
        row.setting.what,
        wall.as_secs_f64(),
        row.round_trips().map_or("-".into(), |number| format!("{number:.1}")),
        row.connections,
        cpu.as_secs_f64() * 1e3,
        mebibytes(memory),
    );
}

/// Prints what our own client promises and whether it is so.
fn aims_are_met(rows: &[Row]) -> bool {
    let ours: Vec<&Row> = rows.iter().filter(|row| row.client == Client::CacertAcme).collect();
    let mut met = ours.len() == SETTINGS.len();
    println!("\nAims");
    let mut aim = |what: &str, figure: f64, limit: f64| {
        let good = figure < limit;
        met &= good;
        println!("{} {what}: {figure:.1}, under {limit}", if good { "met   " } else { "missed" });
    };
    for row in ours {
        if let Some(number) = row.round_trips() {
            aim(&format!("round trips for {}", row.setting.what), number, 20.0);
            aim("connections", row.connections as f64, 1.5);
        } else if cfg!(not(debug_assertions)) {
            // An unoptimised build says nothing of it.
            aim("CPU ms for one certificate", row.cost.cpu.as_secs_f64() * 1e3, 15.0);
        }
        aim(&format!("peak MiB for {}", row.setting.what), mebibytes(row.cost.memory), 20.0);
    }
    met
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
