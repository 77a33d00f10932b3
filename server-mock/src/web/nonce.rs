//! Nonces (RFC 8555 §6.5, §7.2): unpredictable, good for one request, bounded in number.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    extract::State,
    http::{Method, StatusCode},
};

use super::{App, extract::ByAccount};
use crate::{
    model::{Problem, ProblemType},
    protocol::base64url,
    random::Random,
};

/// How many of the latest nonces are honoured.
const CAPACITY: usize = 1 << 15;

type Nonce = [u8; 16];

/// Remembers which nonces were given out and not used yet.
#[derive(Default)]
pub(super) struct NoncePool(Mutex<Pool>);

#[derive(Default)]
struct Pool {
    unused: HashSet<Nonce>,
    /// All of the last [`CAPACITY`], used ones too, the oldest first.
    issued: VecDeque<Nonce>,
}

impl NoncePool {
    /// A new nonce.
    pub(super) fn issue(&self, random: &dyn Random) -> String {
        let mut nonce = Nonce::default();
        random.fill(&mut nonce);
        let mut pool = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if pool.issued.len() == CAPACITY
            && let Some(oldest) = pool.issued.pop_front()
        {
            pool.unused.remove(&oldest);
        }
        pool.issued.push_back(nonce);
        pool.unused.insert(nonce);
        base64url::encode(nonce)
    }

    /// Takes a nonce out of circulation.
    ///
    /// # Errors
    /// `badNonce` when it was never given out, is used up, or too old.
    pub(super) fn spend(&self, nonce: Option<&str>) -> Result<(), Problem> {
        let bad = |detail: &str| Problem::new(ProblemType::BadNonce, detail);
        let nonce = nonce.ok_or_else(|| bad("`nonce` is missing"))?;
        let bytes = base64url::decode("nonce", nonce)?;
        let known = Nonce::try_from(bytes).is_ok_and(|nonce| {
            let mut pool = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
    use super::*;
    use crate::random::OsRandom;

    #[test]
    fn a_nonce_is_good_once() {
        let pool = NoncePool::default();
        let nonce = pool.issue(&OsRandom);
        pool.spend(Some(&nonce)).unwrap();
        for nonce in [Some(nonce.as_str()), Some("AAAA"), None] {
            assert_eq!(pool.spend(nonce).unwrap_err().kind, ProblemType::BadNonce);
        }
    }

    #[test]
    fn the_pool_is_bounded_and_forgets_the_oldest() {
        let pool = NoncePool::default();
        let oldest = pool.issue(&OsRandom);
        let second = pool.issue(&OsRandom);
        for _ in 1..CAPACITY {
            pool.issue(&OsRandom);
        }
        assert!(pool.spend(Some(&oldest)).is_err());
        pool.spend(Some(&second)).unwrap();
        assert_eq!(pool.0.lock().unwrap().issued.len(), CAPACITY);
    }
}
