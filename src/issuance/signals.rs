//! Signals that end a run.

use std::future::Future;
use std::io;

use tokio::signal::unix::{SignalKind, signal};

use crate::error::{Error, Kind};

use super::Presented;

/// Runs the work until it is done or a signal (SIGINT, SIGTERM, SIGHUP) ends it; then what was put in place for
/// challenges is taken away.
///
/// # Errors
/// The work's own, or [`Kind::Interrupted`].
pub async fn until_signal<T>(
    presented: &Presented,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let arrived = received().map_err(|error| {
        Error::new(Kind::Internal, "signals can't be received").because(error.to_string())
    })?;
    tokio::select! {
        done = work => done,
        number = arrived => {
            presented.clean_up_all().await;
            Err(Error::new(Kind::Interrupted(number), format!("ended by signal {number}"))
                .hint("run the same command again: it goes on where this run ended"))
        }
    }
}

fn received() -> io::Result<impl Future<Output = u8>> {
    // The numbers are those of every system that we run on (signal(7)).
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => 2,
            _ = terminate.recv() => 15,
            _ = hangup.recv() => 1,
        }
    })
}
