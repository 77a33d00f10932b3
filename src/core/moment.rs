//! When a certificate's life is to begin or end, as the user says it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

/// A fixed moment, or one counted from the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// `2027-01-31T00:00:00Z`: for one certificate.
    At(OffsetDateTime),
    /// `+90d`: for its renewals too.
    After(Duration),
}

/// Text that is no moment.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a moment is 2027-01-31T00:00:00Z, or counted from now: +90d (with w, d, h or m)")]
pub struct InvalidMoment;

/// The units, longest first.
const UNITS: [(char, Duration); 4] =
    [('w', Duration::WEEK), ('d', Duration::DAY), ('h', Duration::HOUR), ('m', Duration::MINUTE)];

impl Moment {
    /// When it is, to the second, for an order made now.
    #[must_use]
    pub fn from(self, now: OffsetDateTime) -> OffsetDateTime {
        let moment = match self {
            Self::At(moment) => moment,
            Self::After(duration) => now.saturating_add(duration),
        };
        moment.replace_nanosecond(0).unwrap_or(moment)
    }
}

impl FromStr for Moment {
    type Err = InvalidMoment;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let Some(count) = text.strip_prefix('+') else {
            return OffsetDateTime::parse(text, &Rfc3339).map(Self::At).map_err(|_| InvalidMoment);
        };
        let (unit, length) =
            UNITS.into_iter().find(|(unit, _)| count.ends_with(*unit)).ok_or(InvalidMoment)?;
        let count = count.trim_end_matches(unit).parse::<i32>().map_err(|_| InvalidMoment)?;
        let duration = length.checked_mul(count).filter(|duration| !duration.is_negative());
        duration.map(Self::After).ok_or(InvalidMoment)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(moment) => f.write_str(&moment.format(&Rfc3339).map_err(|_| fmt::Error)?),
            Self::After(duration) => {
                let seconds = duration.whole_seconds();
                let fits = |(_, length): &&(char, Duration)| seconds % length.whole_seconds() == 0;
                // Durations are read in minutes at least.
                let (unit, length) = UNITS.iter().find(fits).unwrap_or(&('m', Duration::MINUTE));
                write!(f, "+{}{unit}", seconds / length.whole_seconds())
            }
        }
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    #[test]
    fn fixed_and_counted() {
        let now = datetime!(2026-11-23 12:00:00.5 UTC);
        let when = |text: &str| text.parse::<Moment>().unwrap().from(now);
        assert_eq!(when("2027-01-31T01:00:00+01:00"), datetime!(2027-01-31 00:00 UTC));
        assert_eq!(when("+90d"), datetime!(2027-02-21 12:00 UTC));
        assert_eq!((when("+2w"), when("+36h")), (when("+14d"), datetime!(2026-11-25 0:00 UTC)));
        for bad in ["", "90d", "+", "+d", "+90", "+-1d", "+1y", "2027-01-31", "+99999999999d"] {
            assert_eq!(bad.parse::<Moment>(), Err(InvalidMoment), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(count in 0..=i32::MAX, unit in "[wdhm]", seconds in 0i64..4_000_000_000) {
            for moment in [
                format!("+{count}{unit}").parse().unwrap(),
                Moment::At(OffsetDateTime::from_unix_timestamp(seconds).unwrap()),
            ] {
                prop_assert_eq!(moment.to_string().parse(), Ok(moment));
            }
        }
    }
}
