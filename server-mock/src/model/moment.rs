//! Moments that are far away stay within what can be told, whatever anybody asks for: adding never panics.

use time::OffsetDateTime;

/// The moment so much later, or the last one that there is.
#[must_use]
pub fn after(moment: OffsetDateTime, span: std::time::Duration) -> OffsetDateTime {
    moment.saturating_add(time::Duration::try_from(span).unwrap_or(time::Duration::MAX))
}

/// The moment so much earlier, or the first one that there is.
#[must_use]
pub fn before(moment: OffsetDateTime, span: std::time::Duration) -> OffsetDateTime {
    moment.saturating_sub(time::Duration::try_from(span).unwrap_or(time::Duration::MAX))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use time::macros::datetime;

    use super::*;

    #[test]
    fn time_has_an_end_and_nobody_falls_off() {
        let now = datetime!(2030-01-01 00:00 UTC);
        assert_eq!(after(now, Duration::from_secs(60)), datetime!(2030-01-01 00:01 UTC));
        assert_eq!(before(now, Duration::from_secs(60)), datetime!(2029-12-31 23:59 UTC));
        for span in [Duration::from_secs(9999 * 366 * 86_400), Duration::MAX] {
            assert!(after(now, span) > datetime!(9999-12-31 00:00 UTC));
            assert!(before(now, span) < datetime!(0000-01-01 00:00 UTC));
        }
    }
}
