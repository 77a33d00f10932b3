//! What can be chosen about a run.

use std::time::Duration;

use clap::{Parser, ValueEnum};

/// Issue certificates at server-mock, and at pebble where it is installed, and print what that costs
#[derive(Debug, Parser)]
#[command(name = "issuance", max_term_width = 100)]
pub(crate) struct Flags {
    /// Everything once and briefly: some seconds, figures without weight
    #[arg(long)]
    quick: bool,
    /// How long each rate is measured
    #[arg(long, value_name = "N", default_value_t = 5)]
    seconds: u64,
    /// How many clients issue at once
    #[arg(long, value_name = "N,N", value_delimiter = ',', default_values_t = [1, 8, 32, 256])]
    concurrency: Vec<usize>,
    /// Up to how many stored certificates memory and latency are followed
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    stored: usize,
    /// How long each server may take to get there
    #[arg(long, value_name = "N", default_value_t = 120)]
    stored_seconds: u64,
    /// Measure this server alone
    #[arg(long)]
    pub(crate) only: Option<Only>,
    /// What server-mock signs with; Debian's pebble has RSA keys of 2048 bits
    #[arg(long, value_name = "KIND", default_value = "ec256")]
    pub(crate) ca_key: String,
    /// Given by `cargo bench`; without it, as from `cargo test --benches`, a run is quick
    #[arg(long, hide = true)]
    bench: bool,
}

/// One of the servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Only {
    Mock,
    Pebble,
}

impl Flags {
    /// Whether this run only shows that everything works.
    pub(crate) fn is_quick(&self) -> bool {
        self.quick || !self.bench
    }

    /// How long each rate is measured.
    pub(crate) fn rate_time(&self) -> Duration {
        if self.is_quick() { Duration::from_millis(300) } else { Duration::from_secs(self.seconds) }
    }

    /// How many clients issue at once, for each rate.
    pub(crate) fn concurrencies(&self) -> &[usize] {
        if self.is_quick() { &[1, 8] } else { &self.concurrency }
    }

    /// How many starts are measured.
    pub(crate) fn starts(&self) -> usize {
        if self.is_quick() { 3 } else { 11 }
    }

    /// The numbers of stored certificates at which memory and latency are looked at.
    pub(crate) fn steps(&self) -> Vec<usize> {
        if self.is_quick() {
            return vec![100, 200];
        }
        [1_000, 10_000, 100_000, 1_000_000].into_iter().filter(|step| *step <= self.stored).collect()
    }

    /// How long each server may take for all steps.
    pub(crate) fn steps_time(&self) -> Duration {
        if self.is_quick() { Duration::from_secs(10) } else { Duration::from_secs(self.stored_seconds) }
    }
}
