//! Signals that end a run.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::error::{Error, Kind};

use super::Presented;

/// What a server saw can also stay: after a signal, taking it away and telling the end may take so long. systemd waits for
/// 90 seconds; who does not want to wait sends a second signal.
const CLEAN_UP_TIME: Duration = Duration::from_secs(60);

/// Runs the work until it is done or a signal (SIGINT, SIGTERM, SIGHUP) ends it; then what was put in place for
/// challenges is taken away, for a limited time. A second signal ends that too. When the work was done before the first
/// one, its outcome stands.
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
    let mut arrived = pin!(receive()?);
    let done = tokio::select! {
        done = work => done,
        number = &mut arrived => {
            let error = Error::new(Kind::Interrupted(number), format!("ended by signal {number}"))
                .hint("run the same command again: it goes on where this run ended");
            let goodbye = async {
                presented.clean_up_all().await;
                presented.end(Some(&error)).await;
            };
            limited(goodbye, receive()?).await;
            return Err(error);
        }
    };
    {
        // Each call that this makes has a limit of its own.
        let mut ending = pin!(presented.end(done.as_ref().err()));
        tokio::select! {
            () = &mut ending => {}
            _ = &mut arrived => limited(ending, receive()?).await,
        }
    }
    done
}

/// Ends the work of a run that got a signal: at its end, at a second signal, or when it takes too long (a disk may hang).
async fn limited(work: impl Future<Output = ()>, again: impl Future<Output = u8>) {
    tokio::select! {
        () = work => {}
        _ = again => {}
        () = tokio::time::sleep(CLEAN_UP_TIME) => {
            tracing::warn!("cleaning up took longer than {} s and was ended", CLEAN_UP_TIME.as_secs());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn after_a_signal_time_is_short_and_a_second_one_ends_it() {
        let begun = tokio::time::Instant::now();
        limited(std::future::pending(), std::future::ready(2)).await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
        limited(tokio::time::sleep(CLEAN_UP_TIME / 2), std::future::pending()).await;
        assert_eq!(begun.elapsed(), CLEAN_UP_TIME / 2);
        limited(std::future::pending(), std::future::pending()).await;
        assert!(begun.elapsed() >= CLEAN_UP_TIME * 3 / 2 && begun.elapsed() < CLEAN_UP_TIME * 2);
    }
}
