//! Nonces (RFC 8555 §6.5, §7.2): unpredictable, good for one request, bounded in number.

use std::{
    collections::{BTreeMap, HashMap},
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

/// Only what is unused is here, so that those who use what they are given take no room from the others.
#[derive(Default)]
struct Pool {
    /// Each with its place in `issued`.
    unused: HashMap<Nonce, u64>,
    /// The oldest first.
    issued: BTreeMap<u64, (Nonce, OffsetDateTime)>,
    next: u64,
}

impl Pool {
    fn add(&mut self, nonce: Nonce, now: OffsetDateTime) {
        self.unused.insert(nonce, self.next);
        self.issued.insert(self.next, (nonce, now));
        self.next += 1;
    }

    /// Whether the nonce was there.
    fn take(&mut self, nonce: &Nonce) -> bool {
        let place = self.unused.remove(nonce);
        place.is_some_and(|place| self.issued.remove(&place).is_some())
    }

    /// Forgets nonces until fewer than `capacity` are left, and all of them young enough.
    fn forget(&mut self, capacity: usize, lifetime: Duration, now: OffsetDateTime) {
        while let Some(oldest) = self.issued.first_entry() {
            let (nonce, issued) = *oldest.get();
            if self.unused.len() < capacity && now < issued + lifetime {
                break;
            }
            oldest.remove();
            self.unused.remove(&nonce);
        }
    }
}

impl NoncePool {
    /// A pool of so many unused nonces, each good for so long.
    pub(super) fn new(capacity: usize, lifetime: Duration) -> Self {
        Self { capacity: capacity.max(1), lifetime, pool: Mutex::default() }
    }

    /// A new nonce.
    pub(super) fn issue(&self, random: &dyn Random, now: OffsetDateTime) -> String {
        let mut nonce = Nonce::default();
        random.fill(&mut nonce);
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        pool.forget(self.capacity, self.lifetime, now);
        pool.add(nonce, now);
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
            pool.take(&nonce)
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
        for _ in 0..1_000_000 {
            pool.issue(&OsRandom, NOW);
        }
        let (unused, issued, room) = {
            let pool = pool.pool.lock().unwrap();
            (pool.unused.len(), pool.issued.len(), pool.unused.capacity())
        };
        assert_eq!((unused, issued), (1000, 1000));
        // Deleted entries make the map's room vary; it stays a small multiple of what is in it.
        assert!(room <= 4096, "{room}");
        assert!(pool.spend(Some(&oldest), NOW).is_err());
        let young = pool.issue(&OsRandom, NOW);
        pool.spend(Some(&young), NOW).unwrap();
    }

    #[test]
    fn those_who_use_their_nonces_leave_the_others_theirs() {
        let pool = pool();
        let quiet = pool.issue(&OsRandom, NOW);
        for _ in 0..10_000 {
            let busy = pool.issue(&OsRandom, NOW);
            pool.spend(Some(&busy), NOW).unwrap();
        }
        assert_eq!(pool.pool.lock().unwrap().issued.len(), 1, "what is spent takes no room");
        pool.spend(Some(&quiet), NOW).unwrap();
    }
}
