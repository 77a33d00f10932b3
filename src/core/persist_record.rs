//! dns-persist-01: a TXT record that stands for good, and names the CA and the account
//! (draft-ietf-acme-dns-persist-01).

use time::OffsetDateTime;

use super::dns_record::{InvalidRecordName, RecordName};
use super::identifier::DnsName;

/// The challenge type.
pub const DNS_PERSIST_01: &str = "dns-persist-01";

/// A challenge that lists more names than this is malformed.
const MOST_ISSUERS: usize = 10;

/// The names that a CA goes by in such records: one at least, and ten at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuers(Vec<String>);

/// Why a challenge can't be answered.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum MalformedChallenge {
    /// None, or more than ten.
    #[error("it lists {0} issuer domain names, not 1 to {MOST_ISSUERS}")]
    Count(usize),
    /// Not in lower case and A-labels without a final dot.
    #[error("{0:?} is not an issuer domain name in its normal form")]
    Name(String),
    /// An account that no record can hold.
    #[error("{0:?} can't be written into a record")]
    Account(String),
}

impl Issuers {
    /// Reads the challenge's list.
    ///
    /// # Errors
    /// [`MalformedChallenge`]: such challenges must be rejected (§3.1 of the draft).
    pub fn parse(names: &[String]) -> Result<Self, MalformedChallenge> {
        if names.is_empty() || names.len() > MOST_ISSUERS {
            return Err(MalformedChallenge::Count(names.len()));
        }
        let is_normal = |name: &str| DnsName::parse(name).is_ok_and(|parsed| parsed.as_str() == name);
        match names.iter().find(|name| !is_normal(name) || name.contains('*')) {
            Some(name) => Err(MalformedChallenge::Name(name.clone())),
            None => Ok(Self(names.to_vec())),
        }
    }

    /// The one that is put into records.
    #[must_use]
    pub fn first(&self) -> &str {
        // There is one at least.
        self.0.first().map_or("", String::as_str)
    }
}

/// What a record must grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    /// One of them must be named.
    issuers: Issuers,
    /// Who must be named.
    account: String,
    /// Whether the record must reach beyond its name.
    wildcard: bool,
}

/// What a text means for a demand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It grants what is demanded.
    Grants,
    /// It is meant for this CA, and does not; why.
    Falls(&'static str),
    /// It is something else.
    Other,
}

impl Demand {
    /// A demand of the CA with these names, for this account; for a wildcard name too if `wildcard`.
    ///
    /// # Errors
    /// [`MalformedChallenge::Account`] for a URL that is no visible ASCII, or has a semicolon (RFC 8659 §4.2).
    pub fn new(issuers: Issuers, account: &str, wildcard: bool) -> Result<Self, MalformedChallenge> {
        let fits = |byte: u8| (0x21..=0x7e).contains(&byte) && byte != b';';
        if account.is_empty() || !account.bytes().all(fits) {
            return Err(MalformedChallenge::Account(account.to_owned()));
        }
        Ok(Self { issuers, account: account.to_owned(), wildcard })
    }

    /// The record that grants it, until a time if there is one.
    #[must_use]
    pub fn record(&self, until: Option<OffsetDateTime>) -> String {
        let mut text = format!("{}; accounturi={}", self.issuers.first(), self.account);
        if self.wildcard {
            text.push_str("; policy=wildcard");
        }
        if let Some(until) = until {
            text.push_str(&format!("; persistUntil={}", until.unix_timestamp()));
        }
        text
    }

    /// What a TXT record's text means for it, now.
    #[must_use]
    pub fn judge(&self, text: &str, now: OffsetDateTime) -> Judgement {
        let mut parts = text.split(';').map(|part| part.trim_matches([' ', '\t']));
        let issuer = parts.next().unwrap_or_default().to_ascii_lowercase();
        if !self.issuers.0.contains(&issuer) {
            return Judgement::Other;
        }
        let (mut account, mut policy, mut until) = (None, None, None);
        for (tag, value) in parts.filter_map(|part| part.split_once('=')) {
            let known = match tag.trim_end_matches([' ', '\t']).to_ascii_lowercase().as_str() {
                "accounturi" => &mut account,
                "policy" => &mut policy,
                "persistuntil" => &mut until,
                _ => continue,
            };
            if known.replace(value.trim_start_matches([' ', '\t'])).is_some() {
                return Judgement::Falls("it says something twice");
            }
        }
        if account != Some(self.account.as_str()) {
            return Judgement::Falls("it names another account");
        }
        if self.wildcard && !policy.is_some_and(|policy| policy.eq_ignore_ascii_case("wildcard")) {
            return Judgement::Falls("it lacks policy=wildcard");
        }
        match until.map(str::parse::<i64>) {
            Some(Err(_)) => Judgement::Falls("its persistUntil is no number of seconds"),
            Some(Ok(until)) if until < now.unix_timestamp() => Judgement::Falls("its persistUntil is past"),
            _ => Judgement::Grants,
        }
    }
}

/// Where the record of a name (with or without its `*.`) stands.
///
/// # Errors
/// When the name is too long to have a record before it.
pub fn persist_name(name: &str) -> Result<RecordName, InvalidRecordName> {
    RecordName::parse(&format!("_validation-persist.{}", name.strip_prefix("*.").unwrap_or(name)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ACCOUNT: &str = "https://ca.test/account/1";

    fn issuers(names: &[&str]) -> Result<Issuers, MalformedChallenge> {
        Issuers::parse(&names.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    fn demand(wildcard: bool) -> Demand {
        Demand::new(issuers(&["ca.test", "authority.test"]).unwrap(), ACCOUNT, wildcard).unwrap()
    }

    fn now() -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_900_000_000).unwrap()
    }

    #[test]
    fn c50_a_list_of_no_or_over_ten_issuers_is_refused() {
        assert_eq!(issuers(&[]), Err(MalformedChallenge::Count(0)));
        assert_eq!(issuers(&["ca.test"; 11]), Err(MalformedChallenge::Count(11)));
        assert_eq!(issuers(&["b.test", "a.test"]).unwrap().first(), "b.test");
        issuers(&["xn--bcher-kva.example"; 10]).unwrap();
        for name in ["CA.test", "ca.test.", "bücher.test", "", "*.ca.test", "a b.test"] {
            assert_eq!(issuers(&[name]), Err(MalformedChallenge::Name(name.into())));
        }
    }

    #[test]
    fn the_record_says_who_may_and_until_when() {
        assert_eq!(demand(false).record(None), "ca.test; accounturi=https://ca.test/account/1");
        assert_eq!(
            demand(true).record(Some(now())),
            "ca.test; accounturi=https://ca.test/account/1; policy=wildcard; persistUntil=1900000000"
        );
        for bad in ["", "https://ca.test/a;b", "https://ca.test/a b", "https://ca.test/ä"] {
            assert!(Demand::new(issuers(&["ca.test"]).unwrap(), bad, false).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_missing_is_told() {
        let judge = |text: &str| demand(true).judge(text, now());
        let ours = format!("Authority.TEST ; x=1; accountURI = {ACCOUNT}");
        assert_eq!(judge(&format!("{ours}; policy=WildCard")), Judgement::Grants);
        assert_eq!(judge(&ours), Judgement::Falls("it lacks policy=wildcard"));
        assert_eq!(demand(false).judge(&ours, now()), Judgement::Grants);
        let full = format!("{ours}; policy=wildcard");
        assert_eq!(judge(&full.replace("/1", "/2")), Judgement::Falls("it names another account"));
        assert_eq!(judge(&format!("{full}; persistUntil=1900000000")), Judgement::Grants);
        assert_eq!(
            judge(&format!("{full}; persistUntil=1899999999")),
            Judgement::Falls("its persistUntil is past")
        );
        assert!(matches!(judge(&format!("{full}; persistUntil=soon")), Judgement::Falls(_)));
        assert!(matches!(judge(&format!("{full}; policy=wildcard")), Judgement::Falls(_)));
        for other in ["", "v=spf1 -all", "other.test; accounturi=x", "ca.test.; accounturi=x"] {
            assert_eq!(judge(other), Judgement::Other, "{other}");
        }
    }

    proptest! {
        #[test]
        fn every_record_that_is_made_grants(wildcard: bool, later in proptest::option::of(0..1_000_000_i64)) {
            let until = later.map(|seconds| now() + time::Duration::seconds(seconds));
            let demand = demand(wildcard);
            prop_assert_eq!(demand.judge(&demand.record(until), now()), Judgement::Grants);
        }

        #[test]
        fn any_text_is_judged(text in any::<String>()) {
            prop_assert_ne!(demand(false).judge(&text, now()), Judgement::Grants);
        }
    }
}
