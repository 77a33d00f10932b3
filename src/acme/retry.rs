//! Trying again: with another nonce at once, after a failure that passes with a pause (RFC 8555 §6.5, §6.6).

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::AcmeError;

/// A server that refuses that many fresh nonces in a row will refuse the next one too. Some refuse half of them, to
/// see what clients do.
const MOST_NONCE_RETRIES: usize = 20;

/// A server that fails that often in a row is down.
const MOST_RETRIES: u32 = 4;

/// The pause before the first retry; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// A server that says «0» still gets a moment.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);

/// No request is tried again later than this after its first try, however long the server asks to wait: then it is
/// better told to the user, or left to the next run.
const PATIENCE: Duration = Duration::from_secs(60);

/// Which failures allow the same request once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeatable {
    /// All that pass: if the server did the work already, doing it again does no harm.
    Always,
    /// Those that say that nothing was done. After any other, whoever asked must find out.
    Unheard,
}

/// Does it, and again while that helps.
pub(super) async fn persist<T>(
    repeatable: Repeatable,
    mut request: impl AsyncFnMut() -> Result<T, AcmeError>,
) -> Result<T, AcmeError> {
    let started = Instant::now();
    let (mut nonces, mut failures) = (0, 0);
    loop {
        let error = match request().await {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        if error.is("badNonce") && nonces < MOST_NONCE_RETRIES {
            nonces += 1;
            tracing::debug!("badNonce, once more");
            continue;
        }
        let pause = pause(&error, repeatable, failures);
        let Some(pause) = pause.filter(|pause| started.elapsed() + *pause <= PATIENCE) else {
            return Err(error);
        };
        tracing::info!("{error}; once more in {:.1} s", pause.as_secs_f32());
        sleep(pause).await;
        failures += 1;
    }
}

/// How long to wait before the next try; `None` when there is to be none.
fn pause(error: &AcmeError, repeatable: Repeatable, failures: u32) -> Option<Duration> {
    let (again, asked) = match error {
        AcmeError::Refused(refusal) => {
            let unheard = refusal.status == 429;
            (unheard || repeatable == Repeatable::Always && error.is_passing(), refusal.retry_after)
        }
        // Nobody there: a retry within seconds only delays the news.
        AcmeError::Unreachable { source, .. } if source.is_connect() => (false, None),
        _ => (repeatable == Repeatable::Always && error.is_passing(), None),
    };
    let pause =
        asked.map_or(FIRST_PAUSE * 2_u32.pow(failures.min(MOST_RETRIES)), |asked| asked.max(SHORTEST_PAUSE));
    (again && failures < MOST_RETRIES).then_some(pause)
}

#[cfg(test)]
mod tests {
    use super::super::Refusal;
    use super::*;

    fn refused(status: u16, name: &str, retry_after: Option<u64>) -> AcmeError {
        let problem = format!(r#"{{"type":"urn:ietf:params:acme:error:{name}"}}"#);
        AcmeError::Refused(Box::new(Refusal {
            method: "POST".into(),
            url: "https://ca.test/".into(),
            status,
            problem: serde_json::from_str(&problem).unwrap(),
            retry_after: retry_after.map(Duration::from_secs),
        }))
    }

    /// How often it is tried, and how long that takes, when it always fails so.
    async fn tries_of(repeatable: Repeatable, error: impl Fn() -> AcmeError) -> (u32, Duration) {
        let started = Instant::now();
        let mut tries = 0;
        let result: Result<(), _> = persist(repeatable, async || {
            tries += 1;
            Err(error())
        })
        .await;
        result.unwrap_err();
        (tries, started.elapsed())
    }

    #[tokio::test]
    async fn c2_bad_nonces_in_a_row_are_survived() {
        let mut tries = 0;
        let result = persist(Repeatable::Unheard, async || {
            tries += 1;
            if tries <= 5 { Err(refused(400, "badNonce", None)) } else { Ok(tries) }
        });
        assert_eq!(result.await.unwrap(), 6);
        assert_eq!(tries_of(Repeatable::Always, || refused(400, "badNonce", None)).await.0, 21);
    }

    #[tokio::test(start_paused = true)]
    async fn c13_pauses_grow_or_are_the_servers_and_end() {
        let (number, taken) = tries_of(Repeatable::Always, || refused(503, "serverInternal", None)).await;
        assert_eq!((number, taken.as_millis() / 100), (5, 75));
        let (number, taken) = tries_of(Repeatable::Unheard, || refused(429, "rateLimited", Some(7))).await;
        assert_eq!((number, taken.as_secs()), (5, 28));
        // Two waits of 25 s fit into the patience; then the user is told, not kept waiting.
        assert_eq!(tries_of(Repeatable::Always, || refused(429, "rateLimited", Some(25))).await.0, 3);
        assert_eq!(tries_of(Repeatable::Always, || refused(429, "rateLimited", Some(3600))).await.0, 1);
        assert!(tries_of(Repeatable::Always, || refused(503, "x", Some(0))).await.1 >= SHORTEST_PAUSE);
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_have_been_done_is_not_done_again_blindly() {
        assert_eq!(tries_of(Repeatable::Unheard, || refused(503, "serverInternal", None)).await.0, 1);
        assert_eq!(tries_of(Repeatable::Unheard, || AcmeError::Empty("u".into())).await.0, 1);
        assert_eq!(tries_of(Repeatable::Always, || AcmeError::Empty("u".into())).await.0, 5);
        for repeatable in [Repeatable::Always, Repeatable::Unheard] {
            assert_eq!(tries_of(repeatable, || refused(403, "unauthorized", None)).await.0, 1);
        }
    }
}
