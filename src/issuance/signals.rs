//! Signals that end a run.

use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::error::{Error, Kind};

use super::Presented;

/// What a server saw can also stay; longer than this, nobody who pressed Ctrl-C waits.
const CLEAN_UP_TIME: Duration = Duration::from_secs(10);

/// Runs the work until it is done or a signal (SIGINT, SIGTERM, SIGHUP) ends it; then what was put in place for
/// challenges is taken away.
///
/// # Errors
/// The work's own, or [`Kind::Interrupted`].
pub async fn until_signal<T>(
    presented: &Presented,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let receive = || {
        received().map_err(|error| {
            Error::new(Kind::Internal, "signals can't be received").because(error.to_string())
        })
    };
    let arrived = receive()?;
    let outcome = tokio::select! {
        done = work => done,
        number = arrived => {
            let again = receive()?;
            // A second signal, or a disk that hangs, ends the cleaning too.
            tokio::select! {
                () = presented.clean_up_all() => {}
                _ = again => {}
                () = tokio::time::sleep(CLEAN_UP_TIME) => {}
            }
            Err(Error::new(Kind::Interrupted(number), format!("ended by signal {number}"))
                .hint("run the same command again: it goes on where this run ended"))
        }
    };
    // Nobody waits long for those who only want to know.
    let _ = tokio::time::timeout(CLEAN_UP_TIME, presented.end(outcome.as_ref().err())).await;
    outcome
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
