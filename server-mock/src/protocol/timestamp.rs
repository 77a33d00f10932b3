//! Moments in JSON documents (RFC 3339).

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// A moment in whole seconds.
#[must_use]
pub fn timestamp(time: OffsetDateTime) -> String {
    // Only years before 0 have no such form: the model adds to the present, and never beyond 9999.
    time.truncate_to_second().format(&Rfc3339).unwrap_or_default()
}
