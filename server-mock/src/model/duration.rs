//! Durations in configuration files: `"90d"`, `"12h"`, `"30m"`, `"10s"`, `"250ms"`. For use with `#[serde(with = …)]`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer, de::Error};

/// Each unit and its milliseconds, the largest first.
const UNITS: [(&str, u128); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// Longer ones are mistakes, and moments that far away have no date.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format(*duration))
}

/// # Errors
/// When it is no number followed by a unit, or longer than a century.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).ok_or_else(|| {
        D::Error::custom(format!(
            "{text:?} is no duration such as \"90d\", \"12h\", \"30m\", \"10s\" or \"250ms\", up to a century"
        ))
    })
}

/// The same where nothing would work with none at all.
pub mod positive {
    use std::time::Duration;

    use serde::{Deserializer, de::Error};

    pub use super::serialize;

    /// # Errors
    /// As [`super::deserialize`], and for 0.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let duration = super::deserialize(deserializer)?;
        if duration.is_zero() {
            return Err(D::Error::custom("this duration must be more than 0"));
        }
        Ok(duration)
    }
}

/// The same where it may be left out.
pub mod positive_option {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Text(#[serde(with = "super::positive")] Duration);

    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        match duration {
            Some(duration) => serializer.serialize_some(&super::format(*duration)),
            None => serializer.serialize_none(),
        }
    }

    /// # Errors
    /// As [`super::positive::deserialize`].
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<Text>::deserialize(deserializer)?.map(|Text(duration)| duration))
    }
}

/// The largest unit that leaves no rest; parts of a millisecond are cut off.
pub(super) fn format(duration: Duration) -> String {
    let millis = duration.as_millis();
    let fits = UNITS.iter().find(|(_, size)| millis > 0 && millis.is_multiple_of(*size));
    let (unit, size) = fits.unwrap_or(&("s", 1000));
    format!("{}{unit}", millis / size)
}

pub(super) fn parse(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let (_, size) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let millis = number.parse::<u64>().ok()?.checked_mul(u64::try_from(*size).ok()?)?;
    Some(Duration::from_millis(millis)).filter(|duration| *duration <= LONGEST)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn units() {
        for (text, seconds) in [("90d", 7_776_000), ("12h", 43_200), ("30m", 1800), ("10s", 10), ("0s", 0)] {
            assert_eq!(parse(text), Some(Duration::from_secs(seconds)));
            assert_eq!(format(Duration::from_secs(seconds)), text);
        }
        assert_eq!(parse("250ms"), Some(Duration::from_millis(250)));
    }

    #[test]
    fn nonsense() {
        for text in [
            "",
            "d",
            "90",
            "90 d",
            "-1d",
            "1w",
            "1.5h",
            "1d2h",
            "36501d",
            "99999999999999999999d",
            "999999999999999999d",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(millis in 0..=100 * 365 * 86_400_000_u64) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(parse(&format(duration)), Some(duration));
        }
    }
}
