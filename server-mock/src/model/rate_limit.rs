//! Rate limits (RFC 8555 §6.6): so many within so long, counted in a window that slides.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    str::FromStr,
    time::Duration,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use time::OffsetDateTime;

use super::{
    AccountId, Identifier, Model, OwnerId, Problem, ProblemType, Settings, authorization::Scope, duration,
    moment::after,
};

/// A limit; in configuration files `"10/1h"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// How often.
    pub count: u32,
    /// Within any time of this length.
    pub per: Duration,
}

impl fmt::Display for RateLimit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.count, duration::format(self.per))
    }
}

/// This is no rate limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a rate limit is a number and a duration, such as \"10/1h\"")]
pub struct NoRateLimit;

impl FromStr for RateLimit {
    type Err = NoRateLimit;

    fn from_str(text: &str) -> Result<Self, NoRateLimit> {
        let (count, per) = text.split_once('/').ok_or(NoRateLimit)?;
        let per = duration::parse(per).filter(|per| !per.is_zero()).ok_or(NoRateLimit)?;
        Ok(Self { count: count.parse().map_err(|_| NoRateLimit)?, per })
    }
}

impl Serialize for RateLimit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RateLimit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|error| D::Error::custom(format!("{text:?}: {error}")))
    }
}

/// What is counted, each for itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Occasion {
    /// An owner's accounts.
    NewAccount(OwnerId),
    /// An account's orders.
    NewOrder(AccountId),
    /// An account's failures to prove an identifier.
    Failure(AccountId, Identifier),
}

/// What happened lately. It is forgotten when the server ends.
#[derive(Clone, Debug, Default)]
pub(super) struct Rates(BTreeMap<Occasion, Lately>);

#[derive(Clone, Debug)]
struct Lately {
    /// How long each counts.
    per: Duration,
    /// The oldest first; never more than the limit.
    times: VecDeque<OffsetDateTime>,
}

impl Lately {
    fn forget(&mut self, now: OffsetDateTime) {
        while self.times.front().is_some_and(|time| after(*time, self.per) <= now) {
            self.times.pop_front();
        }
    }
}

impl Rates {
    /// Counts what is about to happen, unless the limit is reached.
    ///
    /// # Errors
    /// `rateLimited` with the time after which it may happen.
    pub(super) fn count(
        &mut self,
        limit: Option<RateLimit>,
        occasion: Occasion,
        now: OffsetDateTime,
        settings: &Settings,
    ) -> Result<(), Problem> {
        self.check(limit, &occasion, now, settings)?;
        self.note(limit, occasion, now);
        Ok(())
    }

    /// Whether it may happen once more.
    ///
    /// # Errors
    /// `rateLimited` with the time after which it may happen.
    pub(super) fn check(
        &mut self,
        limit: Option<RateLimit>,
        occasion: &Occasion,
        now: OffsetDateTime,
        settings: &Settings,
    ) -> Result<(), Problem> {
        let Some(limit) = limit else { return Ok(()) };
        let lately = self.0.get_mut(occasion).map(|lately| {
            lately.forget(now);
            &lately.times
        });
        if lately.map_or(0, VecDeque::len) < limit.count as usize {
            return Ok(());
        }
        let oldest = lately.and_then(VecDeque::front).copied().unwrap_or(now);
        let wait = Duration::try_from(after(oldest, limit.per) - now).unwrap_or_default();
        Err(limited(limit, occasion, wait, settings))
    }

    /// Remembers that it happened.
    pub(super) fn note(&mut self, limit: Option<RateLimit>, occasion: Occasion, now: OffsetDateTime) {
        let Some(limit) = limit else { return };
        let new = || Lately { per: limit.per, times: VecDeque::new() };
        let lately = self.0.entry(occasion).or_insert_with(new);
        lately.forget(now);
        if lately.times.len() >= limit.count as usize {
            lately.times.pop_front();
        }
        lately.times.push_back(now);
    }

    /// Forgets what counts no more.
    pub(super) fn sweep(&mut self, now: OffsetDateTime) {
        self.0.retain(|_, lately| {
            lately.forget(now);
            !lately.times.is_empty()
        });
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

fn limited(limit: RateLimit, occasion: &Occasion, wait: Duration, settings: &Settings) -> Problem {
    let what = match occasion {
        Occasion::NewAccount(_) => "new accounts of an owner".to_owned(),
        Occasion::NewOrder(_) => "new orders of an account".to_owned(),
        Occasion::Failure(_, identifier) => format!("failed validations of {}", identifier.value()),
    };
    // A client that comes back to the second must not be too early.
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let detail = format!("too many {what}: the limit is {limit}; try again in {seconds} s");
    let mut problem = Problem::new(ProblemType::RateLimited, detail);
    problem.retry_after = Some(Duration::from_secs(seconds));
    problem.help = Some(settings.website.clone());
    problem
}

impl Model {
    /// Refuses what the account failed to prove too often.
    pub(super) fn check_failures(
        &mut self,
        account: &AccountId,
        scopes: &[Scope],
        now: OffsetDateTime,
        settings: &Settings,
    ) -> Result<(), Problem> {
        for scope in scopes {
            let occasion = Occasion::Failure(account.clone(), scope.identifier.clone());
            self.rates.check(settings.limits.failed_validations, &occasion, now, settings)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2030-01-01 00:00 UTC);

    #[test]
    fn limits_are_read_and_written() {
        let limit: RateLimit = "10/1h".parse().unwrap();
        assert_eq!(limit, RateLimit { count: 10, per: Duration::from_secs(3600) });
        assert_eq!(limit.to_string(), "10/1h");
        for text in ["", "10", "10/", "/1h", "-1/1h", "10/0s", "10/1y", "10/1h/1h"] {
            assert_eq!(text.parse::<RateLimit>(), Err(NoRateLimit), "{text}");
        }
    }

    #[test]
    fn the_window_slides() {
        let mut rates = Rates::default();
        let (limit, settings) = ("2/10s".parse().ok(), Settings::default());
        let occasion = || Occasion::NewOrder("account".into());
        let mut count = |second| rates.count(limit, occasion(), NOW + Duration::from_secs(second), &settings);
        for second in [0, 6] {
            count(second).unwrap();
        }
        assert_eq!(count(8).unwrap_err().retry_after, Some(Duration::from_secs(2)));
        count(10).unwrap();
        assert_eq!(count(11).unwrap_err().retry_after, Some(Duration::from_secs(5)));
        count(16).unwrap();
        rates.sweep(NOW + Duration::from_secs(20));
        assert_eq!(rates.len(), 1);
        rates.sweep(NOW + Duration::from_secs(26));
        assert_eq!(rates.len(), 0);
    }

    #[test]
    fn a_limit_of_none_allows_nothing_and_no_limit_everything() {
        let mut rates = Rates::default();
        let occasion = || Occasion::NewOrder("account".into());
        let none = "0/1m".parse().ok();
        assert!(rates.count(none, occasion(), NOW, &Settings::default()).is_err());
        for _ in 0..100 {
            rates.count(None, occasion(), NOW, &Settings::default()).unwrap();
        }
        assert_eq!(rates.len(), 0);
    }
}
