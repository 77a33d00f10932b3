//! The log on standard error: `-v` what happens, `-vv` requests, `-vvv` everything of ours.

use std::io::{self, Write};

use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::prelude::*;

use super::Progress;

/// Starts the log. Only our own events are shown: those of HTTP and TLS libraries may hold what is secret.
pub(super) fn start(verbosity: u8, colored: bool, progress: Progress) {
    let level = match verbosity {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let format = tracing_subscriber::fmt::layer()
        .with_ansi(colored)
        .with_target(level >= Level::DEBUG)
        .with_writer(Stderr(progress))
        .without_time();
    let ours = Targets::new().with_target("cacert_acme", level);
    // A second start in one process (tests) keeps the first.
    let _ = tracing_subscriber::registry().with(format.with_filter(ours)).try_init();
}

/// Standard error beside the progress line: an event is written whole while the line is away.
#[derive(Clone)]
struct Stderr(Progress);

struct Event<'a> {
    progress: &'a Progress,
    text: Vec<u8>,
}

impl<'a> MakeWriter<'a> for Stderr {
    type Writer = Event<'a>;

    fn make_writer(&'a self) -> Event<'a> {
        Event { progress: &self.0, text: Vec::new() }
    }
}

impl Write for Event<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Event<'_> {
    fn drop(&mut self) {
        let _ = self.progress.suspend(|| io::stderr().write_all(&self.text));
    }
}
