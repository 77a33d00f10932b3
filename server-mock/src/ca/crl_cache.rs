//! The latest CRL, so that asking for it often does not mean signing it often.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use time::{Duration, OffsetDateTime};

/// How long a CRL is handed out if nothing is revoked meanwhile. It is valid for longer than that.
const REFRESH: Duration = Duration::hours(1);

/// Keeps the latest CRL.
#[derive(Debug, Default)]
pub struct CrlCache(Mutex<Option<Latest>>);

#[derive(Debug)]
struct Latest {
    /// How often what is revoked had changed when it was made.
    revocations: u64,
    made: OffsetDateTime,
    der: Bytes,
}

impl CrlCache {
    /// The CRL that tells of so many changes of what is revoked, unless it is too old.
    #[must_use]
    pub fn get(&self, revocations: u64, now: OffsetDateTime) -> Option<Bytes> {
        let latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = |latest: &&Latest| {
            let age = now - latest.made;
            latest.revocations == revocations && age >= Duration::ZERO && age < REFRESH
        };
        latest.as_ref().filter(fresh).map(|latest| latest.der.clone())
    }

    /// Keeps a CRL, unless there is one that tells of more.
    pub fn put(&self, revocations: u64, made: OffsetDateTime, der: Bytes) {
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if latest.as_ref().is_none_or(|latest| latest.revocations <= revocations) {
            *latest = Some(Latest { revocations, made, der });
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_crl_counts_until_something_is_revoked_or_an_hour_is_over() {
        let (cache, now) = (CrlCache::default(), datetime!(2030-01-01 00:00 UTC));
        let crl = |text: &'static str| Bytes::from_static(text.as_bytes());
        assert_eq!(cache.get(0, now), None);
        cache.put(1, now, crl("one"));
        assert_eq!(cache.get(1, now + Duration::minutes(59)), Some(crl("one")));
        assert_eq!(cache.get(1, now + REFRESH), None);
        assert_eq!(cache.get(1, now - Duration::SECOND), None, "the clock was set back");
        assert_eq!(cache.get(2, now), None);
        cache.put(2, now, crl("two"));
        cache.put(1, now, crl("late"));
        assert_eq!(cache.get(2, now), Some(crl("two")));
    }
}
