//! CAA: whom the domain lets issue (RFC 8659), for which account and by which method (RFC 8657), and for mail
//! addresses (RFC 9495).

use std::time::Duration;

use futures_util::{StreamExt, stream};
use hickory_proto::rr::rdata::CAA;

use super::{
    dns::Resolver,
    issue_value::{IssueValue, Parameter},
    shown,
};
use crate::model::{Identifier, Problem, ProblemType};

/// For all questions about one identifier.
const TIMEOUT: Duration = Duration::from_secs(10);
/// For all identifiers of an order.
const TIMEOUT_ALL: Duration = Duration::from_secs(30);
/// How many identifiers are looked at at the same time.
const AT_ONCE: usize = 16;
/// The properties that are understood: a critical one of another name forbids everything.
const UNDERSTOOD: &[&str] =
    &["issue", "issuewild", "issuemail", "issuevmc", "iodef", "contactemail", "contactphone"];

/// The issuance that is to be allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuance {
    /// For what; a DNS name may begin with `*.`.
    pub identifier: Identifier,
    /// The URL of the account that asks.
    pub account_url: String,
    /// How control was shown: a registered validation method, or nothing when no method was needed.
    pub method: Option<&'static str>,
}

/// Whether all of them are allowed; if not, a subproblem for each that is not.
///
/// # Errors
/// `caa` or `dns`, or `compound` when both occur.
pub(super) async fn check_all(
    resolver: &Resolver,
    issuers: &[String],
    issuances: Vec<Issuance>,
) -> Result<(), Problem> {
    let checks = stream::iter(issuances).map(|issuance| async move {
        let refused = check(resolver, issuers, &issuance).await.err()?;
        Some(refused.about(issuance.identifier))
    });
    let refused = checks.buffered(AT_ONCE).filter_map(std::future::ready).collect::<Vec<_>>();
    let refused = tokio::time::timeout(TIMEOUT_ALL, refused).await.map_err(|_| {
        let detail = format!("the CAA records of all names could not be had within {TIMEOUT_ALL:?}");
        Problem::new(ProblemType::Dns, detail)
    })?;
    Problem::of_parts(refused)
}

/// # Errors
/// `caa` when the records forbid it, `dns` when they can't be had.
pub(super) async fn check(
    resolver: &Resolver,
    issuers: &[String],
    issuance: &Issuance,
) -> Result<(), Problem> {
    let Some((domain, tag)) = subject(&issuance.identifier) else { return Ok(()) };
    let (owner, records) =
        tokio::time::timeout(TIMEOUT, relevant_records(resolver, domain)).await.map_err(|_| {
            let detail = format!("the CAA records of {domain} could not be had within {TIMEOUT:?}");
            Problem::new(ProblemType::Dns, detail)
        })??;
    verdict(&records, tag, issuers, issuance).map_err(|why| {
        let value = issuance.identifier.value();
        let detail = format!("the CAA records of {owner} do not allow a certificate for {value}: {why}");
        Problem::new(ProblemType::Caa, detail)
    })
}

/// The domain to begin at, and the property that decides. Addresses have none.
fn subject(identifier: &Identifier) -> Option<(&str, &'static str)> {
    match identifier {
        Identifier::Dns(_) if let Some(base) = identifier.wildcard_base() => Some((base, "issuewild")),
        Identifier::Dns(name) => Some((name, "issue")),
        Identifier::Email(address) => Some((address.rsplit_once('@')?.1, "issuemail")),
        Identifier::Ip(_) => None,
    }
}

/// The records of the domain or of the nearest domain above it that has some, but never of the root (RFC 8659 §3).
async fn relevant_records<'a>(resolver: &Resolver, domain: &'a str) -> Result<(&'a str, Vec<CAA>), Problem> {
    let mut owner = domain;
    loop {
        let records = resolver.caa(owner).await?;
        match owner.split_once('.') {
            Some((_, parent)) if records.is_empty() => owner = parent,
            _ => return Ok((owner, records)),
        }
    }
}

/// Whether the relevant records allow the issuance; if not, why.
fn verdict(records: &[CAA], tag: &str, issuers: &[String], issuance: &Issuance) -> Result<(), String> {
    let understood = |record: &&CAA| UNDERSTOOD.iter().any(|tag| record.tag.eq_ignore_ascii_case(tag));
    if let Some(record) = records.iter().find(|record| record.issuer_critical && !understood(record)) {
        let tag = shown(record.tag.as_bytes());
        return Err(format!("the critical property \"{tag}\" is not understood"));
    }
    let tagged = |tag: &str| -> Vec<&CAA> {
        records.iter().filter(|record| record.tag.eq_ignore_ascii_case(tag)).collect()
    };
    // Without a property of their own, wildcard names follow the one for all names (RFC 8659 §4.3).
    let properties = match tagged(tag) {
        own if own.is_empty() && tag == "issuewild" => tagged("issue"),
        own => own,
    };
    let mut refusal = None;
    for property in &properties {
        match allows(&property.value, issuers, issuance) {
            Ok(()) => return Ok(()),
            // A reason that concerns us tells more than that somebody else is allowed.
            Err(Some(why)) => refusal = Some(why),
            Err(None) => {}
        }
    }
    if properties.is_empty() {
        return Ok(());
    }
    Err(refusal.unwrap_or_else(|| {
        let values: Vec<String> = properties.iter().take(3).map(|property| shown(&property.value)).collect();
        format!("they name \"{}\", and not {}", values.join("\", \""), issuers.join(" or "))
    }))
}

/// Whether one property allows the issuance; if not, why, unless it simply is another CA's.
fn allows(value: &[u8], issuers: &[String], issuance: &Issuance) -> Result<(), Option<String>> {
    let value = IssueValue::parse(value).filter(|value| value.names_one_of(issuers)).ok_or(None)?;
    match value.parameter("accounturi") {
        Parameter::Absent => {}
        Parameter::Once(account) if account == issuance.account_url => {}
        Parameter::Once(_) => return Err(Some(format!("accounturi is not {}", issuance.account_url))),
        Parameter::Repeated => return Err(Some("accounturi occurs several times".to_owned())),
    }
    match (value.parameter("validationmethods"), issuance.method) {
        (Parameter::Absent, _) => Ok(()),
        (Parameter::Once(methods), _) if !methods.split(',').all(is_label) => {
            Err(Some(format!("validationmethods \"{}\" is no list of methods", shown(methods.as_bytes()))))
        }
        (Parameter::Once(methods), Some(method)) if methods.split(',').any(|own| own == method) => Ok(()),
        (Parameter::Once(methods), Some(method)) => {
            Err(Some(format!("validationmethods \"{}\" lacks {method}", shown(methods.as_bytes()))))
        }
        (Parameter::Once(methods), None) => Err(Some(format!(
            "validationmethods \"{}\" demands one, and control was shown by none",
            shown(methods.as_bytes())
        ))),
        (Parameter::Repeated, _) => Err(Some("validationmethods occurs several times".to_owned())),
    }
}

/// A method in `validationmethods` (RFC 8657 §4): letters, digits and hyphens.
fn is_label(method: &str) -> bool {
    !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ACCOUNT: &str = "https://ca.test/acme/account/1";

    fn record(flags: u8, tag: &str, value: &str) -> CAA {
        let mut record = CAA::new_issue(flags & 128 != 0, None, vec![]);
        record.tag = tag.to_owned();
        record.value = value.as_bytes().to_vec();
        record
    }

    fn issuance(identifier: Identifier) -> Issuance {
        Issuance { identifier, account_url: ACCOUNT.to_owned(), method: Some("dns-01") }
    }

    fn dns(name: &str) -> Identifier {
        Identifier::Dns(name.to_owned())
    }

    fn judge(identifier: Identifier, records: &[(u8, &str, &str)]) -> Result<(), String> {
        let records: Vec<CAA> =
            records.iter().map(|(flags, tag, value)| record(*flags, tag, value)).collect();
        let (_, tag) = subject(&identifier).unwrap();
        verdict(&records, tag, &["ca.test".to_owned()], &issuance(identifier))
    }

    fn allowed(identifier: Identifier, records: &[(u8, &str, &str)]) -> bool {
        judge(identifier, records).is_ok()
    }

    #[test]
    fn s177_issue() {
        let name = || dns("www.example.test");
        assert!(allowed(name(), &[]));
        assert!(allowed(name(), &[(0, "issue", "ca.test")]));
        assert!(allowed(name(), &[(0, "ISSUE", "CA.test")]));
        assert!(allowed(name(), &[(0, "issue", ";"), (0, "issue", "ca.test")]));
        assert!(allowed(name(), &[(0, "issuewild", ";"), (0, "issuemail", ";"), (0, "iodef", "mailto:a@b")]));
        for value in [";", "", "other.test", "%%%%%", "ca.test; x", "www.ca.test"] {
            assert!(!allowed(name(), &[(0, "issue", value)]), "{value}");
        }
    }

    #[test]
    fn s177_issuewild_decides_about_wildcard_names_alone() {
        let name = || dns("*.example.test");
        assert!(allowed(name(), &[(0, "issuewild", "ca.test"), (0, "issue", ";")]));
        assert!(!allowed(name(), &[(0, "issuewild", ";"), (0, "issue", "ca.test")]));
        assert!(allowed(name(), &[(0, "issue", "ca.test")]));
        assert!(!allowed(name(), &[(0, "issue", ";")]));
        assert!(allowed(dns("example.test"), &[(0, "issuewild", ";")]));
    }

    #[test]
    fn s177_issuemail_decides_about_mail_addresses_alone() {
        let address = || Identifier::Email("alice@example.test".to_owned());
        assert_eq!(subject(&address()), Some(("example.test", "issuemail")));
        assert!(allowed(address(), &[(0, "issue", ";"), (0, "issuewild", ";")]));
        assert!(allowed(address(), &[(0, "issuemail", "ca.test")]));
        assert!(!allowed(address(), &[(0, "issuemail", ";"), (0, "issue", "ca.test")]));
    }

    #[test]
    fn s177_critical_properties_must_be_understood() {
        let name = || dns("www.example.test");
        assert!(allowed(name(), &[(0, "tbs", "x"), (128, "issue", "ca.test"), (128, "iodef", "x")]));
        assert!(!allowed(name(), &[(128, "tbs", "x"), (0, "issue", "ca.test")]));
    }

    #[test]
    fn s178_the_account_and_the_method() {
        let judge =
            |parameters: &str| judge(dns("a.test"), &[(0, "issue", &format!("ca.test; {parameters}"))]);
        for parameters in [
            "accounturi=https://ca.test/acme/account/1",
            "validationmethods=dns-01",
            "validationmethods=http-01,dns-01,ca-phone; accounturi=https://ca.test/acme/account/1",
            "unknown=x",
        ] {
            assert_eq!(judge(parameters), Ok(()), "{parameters}");
        }
        for parameters in [
            "accounturi=https://ca.test/acme/account/2",
            "accounturi=",
            "accounturi=https://ca.test/acme/account/1; accounturi=https://ca.test/acme/account/1",
            "validationmethods=http-01",
            "validationmethods=",
            "validationmethods=DNS-01",
            "validationmethods=dns-01,,x",
            "validationmethods=dns-01,a_b",
            "validationmethods=dns-01; validationmethods=dns-01",
            "validationmethods=dns-01; accounturi=x",
        ] {
            judge(parameters).unwrap_err();
        }
    }

    #[test]
    fn addresses_have_no_caa() {
        assert_eq!(subject(&Identifier::Ip([192, 0, 2, 1].into())), None);
    }

    proptest! {
        #[test]
        fn records_are_additive(values in prop::collection::vec("[a-z.;= ]{0,12}", 0..4), wildcard: bool) {
            let name = || if wildcard { dns("*.example.test") } else { dns("example.test") };
            let mut records: Vec<_> = values.iter().map(|value| (0, "issue", value.as_str())).collect();
            let without = allowed(name(), &records);
            prop_assert_eq!(without, records.is_empty(), "no value so short names us");
            records.push((0, "issue", "ca.test"));
            prop_assert!(allowed(name(), &records));
            records.reverse();
            prop_assert!(allowed(name(), &records));
        }

        #[test]
        fn an_unknown_critical_property_always_forbids(tag in "[a-z]{1,4}", value: String) {
            let records = [(0, "issue", "ca.test"), (128, tag.as_str(), value.as_str())];
            prop_assert!(!allowed(dns("example.test"), &records));
        }
    }
}
