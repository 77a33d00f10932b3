//! The figures against what they should be.

use std::time::Duration;

use crate::{
    growth::Growth,
    server::{Program, Proof},
    throughput::{Cell, milliseconds},
};

/// From the start to the directory.
const START: Duration = Duration::from_millis(10);
/// The part of Pebble's processor time for a certificate.
const CPU: f64 = 0.25;
/// Times as many certificates per second as Pebble, from [`MANY`] clients on.
const RATE: f64 = 3.0;
const MANY: usize = 8;
/// Kept for each certificate beyond its DER, in bytes.
const KEPT: f64 = 5_000.0;
/// How far the 99th percentile may rise from the first step to the last and still be called flat.
const FLAT: f64 = 1.5;

/// Prints every aim that was measured, and whether it is met.
pub(crate) fn print(starts: &[(Program, Duration)], cells: &[Cell], growths: &[Growth]) {
    println!("\nAims");
    if let Some((_, start)) = starts.iter().find(|(program, _)| *program == Program::Mock) {
        let figure = format!("{:.1} ms", milliseconds(*start));
        line("the directory answers within 10 ms of the start", &figure, *start <= START);
    }
    for mock in cells.iter().filter(|cell| cell.program == Program::Mock) {
        let same = |cell: &&Cell| {
            cell.program == Program::Pebble && cell.clients == mock.clients && cell.proof == mock.proof
        };
        if let Some(pebble) = cells.iter().find(same) {
            compare(mock, pebble);
        }
    }
    if let Some(growth) = growths.iter().find(|growth| growth.program == Program::Mock) {
        grown(growth);
    }
}

fn compare(mock: &Cell, pebble: &Cell) {
    let (proof, clients): (Proof, usize) = (mock.proof, mock.clients);
    let cpu = mock.cpu.as_secs_f64() / pebble.cpu.as_secs_f64();
    let what = format!("{proof} at {clients}: at most a quarter of Pebble's processor time");
    line(&what, &format!("{cpu:.2}"), cpu <= CPU);
    if clients >= MANY {
        let rate = mock.rate / pebble.rate;
        let what = format!("{proof} at {clients}: at least 3 times Pebble's certificates per second");
        line(&what, &format!("{rate:.1}"), rate >= RATE);
    }
}

fn grown(growth: &Growth) {
    let (Some(first), Some(last)) = (growth.steps.first(), growth.steps.last()) else { return };
    let what = format!("under 5 kB kept per certificate beyond its DER, at {}", last.stored);
    line(&what, &format!("{:.2} kB", last.kept / 1e3), last.kept < KEPT);
    if last.stored > first.stored {
        let rise = last.p99.as_secs_f64() / first.p99.as_secs_f64();
        let what = format!("p99 flat from {} to {} stored", first.stored, last.stored);
        line(&what, &format!("x {rise:.2}"), rise <= FLAT);
    }
}

fn line(what: &str, figure: &str, met: bool) {
    println!("  {what:<72} {figure:>10}  {}", if met { "met" } else { "MISSED" });
}
