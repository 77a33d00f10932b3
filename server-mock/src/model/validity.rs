//! From when until when a certificate is valid (RFC 8555 §7.4).

use std::time::Duration;

use time::OffsetDateTime;

use super::{
    Account, Identifier, Model, Problem, Settings,
    moment::{after, before},
};

/// How far before its order a certificate may begin: for clients whose clock is behind.
const BACKDATE_MAX: Duration = Duration::from_secs(3600);

impl Model {
    /// The end of the CA that issues, which no certificate outlives.
    pub fn set_issuer_end(&mut self, end: OffsetDateTime) {
        self.issuer_end = Some(end);
    }

    /// How long certificates for these identifiers may live: the profile's word comes first, then the operator's,
    /// then CAcert's own rule.
    ///
    /// # Errors
    /// As [`profile_for`](Self::profile_for).
    pub(super) fn lifetime(
        &self,
        account: &Account,
        identifiers: &[Identifier],
        profile: Option<&str>,
        settings: &Settings,
    ) -> Result<Duration, Problem> {
        let profile = self.profile_for(profile, identifiers)?;
        let owner = self.owner(&account.owner)?;
        let chosen =
            profile.and_then(|profile| profile.certificate_lifetime).or(settings.certificate_lifetime);
        Ok(chosen.unwrap_or_else(|| owner.certificate_lifetime(identifiers)))
    }

    /// The validity of the certificate: exactly what was asked for, or refused.
    ///
    /// # Errors
    /// `malformed`.
    pub(super) fn validity(
        &self,
        account: &Account,
        not_before: Option<OffsetDateTime>,
        not_after: Option<OffsetDateTime>,
        now: OffsetDateTime,
        lifetime: Duration,
    ) -> Result<(OffsetDateTime, OffsetDateTime), Problem> {
        let rights_end = self.eab_key(&account.kid).and_then(|key| key.rights.not_after);
        let start = not_before.unwrap_or_else(|| whole_second(now));
        let ends = [rights_end, self.issuer_end].into_iter().flatten().map(whole_second);
        let latest = ends.fold(after(start, lifetime), OffsetDateTime::min);
        let end = not_after.unwrap_or(latest);
        if whole_second(start) != start || whole_second(end) != end {
            return Err(Problem::malformed("notBefore and notAfter are whole seconds in a certificate"));
        }
        if start >= end {
            return Err(Problem::malformed("notAfter must lie after notBefore"));
        }
        if end <= now || end > latest {
            let detail = format!("notAfter must lie in the future and not after {latest}");
            return Err(Problem::malformed(detail));
        }
        Ok((start, end))
    }
}

/// Refuses a start that lies too far before the order. What passed then is good when the order is finalized, too.
///
/// # Errors
/// `malformed`.
pub(super) fn check_start(not_before: Option<OffsetDateTime>, now: OffsetDateTime) -> Result<(), Problem> {
    let earliest = whole_second(before(now, BACKDATE_MAX));
    match not_before {
        Some(start) if start < earliest => {
            Err(Problem::malformed(format!("notBefore must not lie before {earliest}")))
        }
        _ => Ok(()),
    }
}

/// Certificates know no fractions of a second.
fn whole_second(time: OffsetDateTime) -> OffsetDateTime {
    time.truncate_to_second()
}
