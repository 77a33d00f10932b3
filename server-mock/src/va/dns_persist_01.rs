//! dns-persist-01: a TXT record that stays, and names the CA and the account (draft-ietf-acme-dns-persist-01).

use super::{
    Attempt,
    dns::Resolver,
    dns_01::found,
    domain_name,
    issue_value::{IssueValue, Parameter},
};
use crate::model::{Problem, ProblemType};

/// What a record must grant.
#[derive(Clone, Copy, Debug)]
struct Demand<'a> {
    /// The CA's names, in lower case; one of them is enough.
    issuers: &'a [String],
    /// The account, exactly so.
    account_url: &'a str,
    /// Whether more than the name itself is to be proved: its wildcard name, or all names below it.
    beyond_name: bool,
    /// Seconds since 1970.
    now: i64,
}

/// Why a record proves nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Flaw {
    /// It is none, or another CA's.
    NotOurs,
    /// It is ours, but not as the draft writes records.
    Malformed(String),
    /// It is ours, but does not grant this.
    Unauthorized(String),
}

/// # Errors
/// `dns`; `malformed` for a record that is not as it should be, `unauthorized` for those that are another CA's or
/// account's or have ended, `incorrectResponse` when there is none.
pub(super) async fn validate(
    resolver: &Resolver,
    attempt: &Attempt,
    issuers: &[String],
) -> Result<(), Problem> {
    let name = format!("_validation-persist.{}", domain_name(attempt)?);
    let texts = resolver.texts(&name).await?;
    let demand = Demand {
        issuers,
        account_url: &attempt.account_url,
        beyond_name: attempt.wildcard || attempt.subdomains,
        now: attempt.now.unix_timestamp(),
    };
    let mut refused = None;
    for text in &texts {
        match demand.judge(text) {
            Ok(()) => return Ok(()),
            Err(flaw) => refused = refused.or(flaw.told()),
        }
    }
    let (kind, why) = match refused {
        Some((kind, why)) => (kind, format!("the TXT record of {name} does not prove it: {why}")),
        None => {
            let kind = match texts.is_empty() {
                true => ProblemType::IncorrectResponse,
                false => ProblemType::Unauthorized,
            };
            (kind, format!("no TXT record of {name} names {}: {}", issuers.join(" or "), found(&texts)))
        }
    };
    Err(Problem::new(kind, why))
}

impl Flaw {
    /// The problem's type and what people are told; none for what is not ours.
    fn told(self) -> Option<(ProblemType, String)> {
        match self {
            Self::NotOurs => None,
            Self::Malformed(why) => Some((ProblemType::Malformed, why)),
            Self::Unauthorized(why) => Some((ProblemType::Unauthorized, why)),
        }
    }
}

impl Demand<'_> {
    fn judge(&self, text: &[u8]) -> Result<(), Flaw> {
        let record = IssueValue::parse(text).filter(|value| value.names_one_of(self.issuers));
        let record = record.ok_or(Flaw::NotOurs)?;
        match record.parameter("accounturi") {
            Parameter::Once(account) if account == self.account_url => {}
            Parameter::Once(_) => return unauthorized(format!("its accounturi is not {}", self.account_url)),
            Parameter::Absent => return malformed("it has no accounturi"),
            Parameter::Repeated => return malformed("it has several accounturi"),
        }
        let wildcard = matches!(record.parameter("policy"),
            Parameter::Once(policy) if policy.eq_ignore_ascii_case("wildcard"));
        if self.beyond_name && !wildcard {
            return unauthorized("wildcard names and subdomains need policy=wildcard");
        }
        match record.parameter("persistuntil") {
            Parameter::Absent => Ok(()),
            Parameter::Repeated => malformed("it has several persistUntil"),
            Parameter::Once(until) => match parse_seconds(until) {
                None => malformed("its persistUntil is no number of seconds"),
                Some(until) if self.now > until => unauthorized(format!("its persistUntil {until} is past")),
                Some(_) => Ok(()),
            },
        }
    }
}

fn malformed(why: impl Into<String>) -> Result<(), Flaw> {
    Err(Flaw::Malformed(why.into()))
}

fn unauthorized(why: impl Into<String>) -> Result<(), Flaw> {
    Err(Flaw::Unauthorized(why.into()))
}

/// A base-10 integer; one too large to count with lies far in the future.
fn parse_seconds(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ACCOUNT: &str = "https://ca.test/acme/account/1";
    const NOW: i64 = 1_900_000_000;

    fn judge(text: &str, beyond_name: bool) -> Result<(), Flaw> {
        let issuers = ["authority.test".to_owned(), "ca.test".to_owned()];
        Demand { issuers: &issuers, account_url: ACCOUNT, beyond_name, now: NOW }.judge(text.as_bytes())
    }

    #[test]
    fn s173_any_of_the_issuers_in_any_case_and_no_other() {
        for issuer in ["authority.test", "ca.test", "CA.Test"] {
            assert_eq!(judge(&format!("{issuer}; accounturi={ACCOUNT}"), false), Ok(()));
        }
        for text in ["other.test; accounturi=x", "; accounturi=x", "no value at all", ""] {
            assert_eq!(judge(text, false), Err(Flaw::NotOurs), "{text}");
        }
    }

    #[test]
    fn s174_the_account_is_mandatory_and_exact_and_unknown_tags_are_ignored() {
        assert_eq!(judge(&format!("ca.test; x=1; AccountURI={ACCOUNT}; y="), false), Ok(()));
        for text in [
            "ca.test".to_owned(),
            "ca.test; accounturi=".to_owned(),
            format!("ca.test; accounturi={ACCOUNT}/"),
            format!("ca.test; accounturi={}", ACCOUNT.to_uppercase()),
            format!("ca.test; accounturi={ACCOUNT}; accounturi={ACCOUNT}"),
        ] {
            assert!(!matches!(judge(&text, false), Ok(()) | Err(Flaw::NotOurs)), "{text}");
        }
    }

    #[test]
    fn s175_only_policy_wildcard_reaches_beyond_the_name() {
        for policy in ["wildcard", "WildCard"] {
            assert_eq!(judge(&format!("ca.test; accounturi={ACCOUNT}; policy={policy}"), true), Ok(()));
        }
        for policy in ["", "; policy=wild", "; policy=", "; policy=wildcard; policy=wildcard"] {
            let text = format!("ca.test; accounturi={ACCOUNT}{policy}");
            assert!(matches!(judge(&text, true), Err(Flaw::Unauthorized(_))), "{text}");
            assert_eq!(judge(&text, false), Ok(()), "{text}");
        }
    }

    #[test]
    fn s176_no_longer_than_it_says() {
        let with =
            |until: &str| judge(&format!("ca.test; accounturi={ACCOUNT}; persistUntil={until}"), false);
        assert_eq!(with(&NOW.to_string()), Ok(()));
        assert_eq!(with("99999999999999999999999999"), Ok(()));
        for until in ["1899999999", "0", "", "-1", "0x7fffffff", "1.9e9", "tomorrow"] {
            assert!(!matches!(with(until), Ok(()) | Err(Flaw::NotOurs)), "{until}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_proved_without_the_account(text in "ca\\.test;[ -~]{0,80}") {
            prop_assume!(!text.contains(ACCOUNT));
            prop_assert!(judge(&text, false).is_err());
        }
    }
}
