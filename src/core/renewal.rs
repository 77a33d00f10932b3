//! When a certificate is due for renewal.

use time::{Duration, OffsetDateTime};

/// Certificates that live shorter than this are renewed at half of their life.
const SHORT_LIFETIME: Duration = Duration::days(10);

/// The moment from which a certificate should be renewed: a third of its lifetime before its end, or half of it
/// when it lives less than ten days. A share, never a number of days: CAcert's lifetimes range from days to years.
#[must_use]
pub fn due_at(not_before: OffsetDateTime, not_after: OffsetDateTime) -> OffsetDateTime {
    let lifetime = not_after - not_before;
    let margin = if lifetime < SHORT_LIFETIME { lifetime / 2 } else { lifetime / 3 };
    not_after - margin
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_third_of_the_lifetime_is_left() {
        let start = datetime!(2026-01-01 0:00 UTC);
        assert_eq!(due_at(start, start + Duration::days(90)), start + Duration::days(60));
        assert_eq!(due_at(start, start + Duration::days(730)) - start, Duration::days(730) * 2 / 3);
        assert_eq!(due_at(start, start + Duration::days(6)), start + Duration::days(3));
    }
}
