//! Nonces (RFC 8555 §6.5, §7.2): unpredictable, good for one request, bounded in number.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    extract::State,
    http::{Method, StatusCode},
};
use time::OffsetDateTime;

use super::{App, extract::ByAccount};
use crate::{
    model::{Problem, ProblemType},
    protocol::base64url,
    random::Random,
};

type Nonce = [u8; 16];

/// Remembers which nonces were given out and not used yet.
pub(super) struct NoncePool {
    capacity: usize,
    lifetime: Duration,
    pool: Mutex<Pool>,
}

#[derive(Default)]
struct Pool {
    unused: HashSet<Nonce>,
    /// All that were given out lately, used ones too, the oldest first.
    issued: VecDeque<(Nonce, OffsetDateTime)>,
}

impl Pool {
    /// Forgets nonces until fewer than `capacity` are left, and all of them young enough.
    fn forget(&mut self, capacity: usize, lifetime: Duration, now: OffsetDateTime) {
        let over = |(_, issued): &(Nonce, OffsetDateTime)| *issued + lifetime <= now;
        while self.issued.len() >= capacity || self.issued.front().is_some_and(over) {
            let Some((oldest, _)) = self.issued.pop_front() else { break };
            self.unused.remove(&oldest);
        }
    }
}

impl NoncePool {
    /// A pool of so many nonces, each good for so long.
    pub(super) fn new(capacity: usize, lifetime: Duration) -> Self {
        Self { capacity: capacity.max(1), lifetime, pool: Mutex::default() }
    }

    /// A new nonce.
    pub(super) fn issue(&self, random: &dyn Random, now: OffsetDateTime) -> String {
        let mut nonce = Nonce::default();
        random.fill(&mut nonce);
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        pool.forget(self.capacity, self.lifetime, now);
        pool.issued.push_back((nonce, now));
        pool.unused.insert(nonce);
        base64url::encode(nonce)
    }

    /// Takes a nonce out of circulation.
    ///
    /// # Errors
    /// `badNonce` when it was never given out, is used up, or too old.
    pub(super) fn spend(&self, nonce: Option<&str>, now: OffsetDateTime) -> Result<(), Problem> {
        let bad = |detail: &str| Problem::new(ProblemType::BadNonce, detail);
        let nonce = nonce.ok_or_else(|| bad("`nonce` is missing"))?;
        let bytes = base64url::decode("nonce", nonce)?;
        let known = Nonce::try_from(bytes).is_ok_and(|nonce| {
            let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
            pool.forget(usize::MAX, self.lifetime, now);
            pool.unused.remove(&nonce)
        });
        if known { Ok(()) } else { Err(bad("the nonce is unknown, used up or too old")) }
    }
}

/// `GET` and `HEAD`; [`finish`](super::respond::finish) adds the nonce.
pub(super) async fn get(method: Method) -> StatusCode {
    if method == Method::HEAD { StatusCode::OK } else { StatusCode::NO_CONTENT }
}

/// POST-as-GET.
pub(super) async fn post(State(_): State<Arc<App>>, request: ByAccount) -> Result<StatusCode, Problem> {
    request.body.expect_empty()?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::random::OsRandom;

    const NOW: OffsetDateTime = datetime!(2030-01-01 00:00 UTC);

    fn pool() -> NoncePool {
        NoncePool::new(1000, Duration::from_secs(60))
    }

    #[test]
    fn a_nonce_is_good_once() {
        let pool = pool();
        let nonce = pool.issue(&OsRandom, NOW);
        pool.spend(Some(&nonce), NOW).unwrap();
        for nonce in [Some(nonce.as_str()), Some("AAAA"), None] {
            assert_eq!(pool.spend(nonce, NOW).unwrap_err().kind, ProblemType::BadNonce);
        }
    }

    #[test]
    fn a_nonce_is_good_for_a_while() {
        let pool = pool();
        let (old, young) = (pool.issue(&OsRandom, NOW), pool.issue(&OsRandom, NOW + Duration::from_secs(1)));
        let later = NOW + Duration::from_secs(60);
        assert!(pool.spend(Some(&old), later).is_err());
        pool.spend(Some(&young), later).unwrap();
    }

    #[test]
    fn a_million_nonces_asked_for_and_not_used_take_no_more_room_than_the_bound() {
        let pool = pool();
        let oldest = pool.issue(&OsRandom, NOW);
        let room = |pool: &NoncePool| {
            let pool = pool.pool.lock().unwrap();
            (pool.issued.len(), pool.unused.len(), pool.issued.capacity(), pool.unused.capacity())
        };
        for _ in 0..10_000 {
            pool.issue(&OsRandom, NOW);
        }
        let early = room(&pool);
        for _ in 10_000..1_000_000 {
            pool.issue(&OsRandom, NOW);
        }
        let late = room(&pool);
        assert_eq!((early.0, early.1, late.0, late.1), (1000, 1000, 1000, 1000));
        // Deleted entries make the set's room vary; it stays a small multiple of what is in it.
        assert!(late.2 <= 2048 && late.3 <= 4096, "{late:?}");
        assert!(pool.spend(Some(&oldest), NOW).is_err());
        let young = pool.issue(&OsRandom, NOW);
        pool.spend(Some(&young), NOW).unwrap();
    }
}
