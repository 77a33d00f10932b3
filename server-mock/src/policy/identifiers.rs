//! Reading the identifiers that clients send.

use std::{collections::BTreeMap, net::IpAddr};

use serde_json::Value;

use crate::model::{DomainName, EmailAddress, Identifier, Problem, ProblemType};

/// Parses the `identifiers` of a newOrder request (RFC 8555 §7.4).
///
/// # Errors
/// `malformed` or `unsupportedIdentifier`, with a subproblem for each bad identifier when there are several.
pub fn parse_all(identifiers: &[Value]) -> Result<Vec<Identifier>, Problem> {
    let mut parsed = Vec::with_capacity(identifiers.len());
    let mut refused = Vec::new();
    for identifier in identifiers {
        match parse_one(identifier) {
            Ok(identifier) => parsed.push(identifier),
            Err(problem) => refused.push(problem),
        }
    }
    Problem::of_parts(refused)?;
    Ok(parsed)
}

/// Parses one identifier.
///
/// # Errors
/// As [`parse_all`].
pub fn parse(identifier: &Value) -> Result<Identifier, Problem> {
    let mut parsed = parse_all(std::slice::from_ref(identifier))?;
    // All that went in has come out.
    Ok(parsed.swap_remove(0))
}

fn parse_one(identifier: &Value) -> Result<Identifier, Problem> {
    let member = |name: &str| identifier.get(name).and_then(Value::as_str);
    let (Some(kind), Some(value)) = (member("type"), member("value")) else {
        return Err(Problem::malformed("an identifier has the strings `type` and `value`"));
    };
    match kind {
        "dns" => parse_dns(value).map_err(|problem| problem.about(Identifier::Dns(value.to_owned()))),
        "ip" => parse_ip(value),
        "email" => parse_email(value).map_err(|problem| problem.about(Identifier::Email(value.to_owned()))),
        other => {
            let detail = format!("identifiers of type {other:?} are not supported");
            Err(Problem::new(ProblemType::UnsupportedIdentifier, detail))
        }
    }
}

/// The `ancestorDomain` of each identifier that has one (RFC 9444 §4.2); `parsed` are the same identifiers, parsed.
///
/// # Errors
/// `malformed` when one is no domain above its identifier.
pub fn parse_ancestors(
    identifiers: &[Value],
    parsed: &[Identifier],
) -> Result<BTreeMap<Identifier, String>, Problem> {
    let mut ancestors = BTreeMap::new();
    for (value, identifier) in identifiers.iter().zip(parsed) {
        if let Some(ancestor) = value.get("ancestorDomain") {
            ancestors.insert(identifier.clone(), parse_ancestor(ancestor, identifier)?);
        }
    }
    Ok(ancestors)
}

fn parse_ancestor(ancestor: &Value, identifier: &Identifier) -> Result<String, Problem> {
    let refused = || {
        let value = identifier.value();
        Problem::malformed(format!("the `ancestorDomain` {ancestor} is no domain above {value}"))
    };
    let Ok(Identifier::Dns(domain)) = parse_dns(ancestor.as_str().ok_or_else(refused)?) else {
        return Err(refused());
    };
    match identifier {
        Identifier::Dns(name) => {
            let front = name.strip_suffix(&domain).filter(|front| front.ends_with('.'));
            front.filter(|_| !domain.starts_with("*.")).ok_or_else(refused)?;
            Ok(domain)
        }
        _ => Err(refused()),
    }
}

/// A DNS name, in A-labels, perhaps with `*.` before it.
///
/// # Errors
/// `malformed`.
pub fn parse_dns(value: &str) -> Result<Identifier, Problem> {
    let (star, base) = match value.strip_prefix("*.") {
        Some(base) => ("*.", base),
        None => ("", value),
    };
    match DomainName::parse(base) {
        Ok(base) => Ok(Identifier::Dns(format!("{star}{base}"))),
        Err(refused) => Err(Problem::malformed(format!("{value:?} is no DNS name: {}", refused.reason))),
    }
}

/// An IP address in its one textual form (RFC 8738 §3, RFC 5952).
///
/// # Errors
/// `malformed`.
pub fn parse_ip(value: &str) -> Result<Identifier, Problem> {
    match value.parse::<IpAddr>() {
        Ok(address) if address.to_string() == value => Ok(Identifier::Ip(address)),
        Ok(address) => Err(Problem::malformed(format!("{value:?} must be written {address} (RFC 5952)"))),
        Err(_) => Err(Problem::malformed(format!("{value:?} is no IP address"))),
    }
}

/// An e-mail address.
///
/// # Errors
/// `malformed`.
pub fn parse_email(value: &str) -> Result<Identifier, Problem> {
    Ok(Identifier::Email(EmailAddress::parse(value)?.into()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_normalised() {
        assert_eq!(parse_dns("WWW.Example.test").unwrap(), Identifier::Dns("www.example.test".into()));
        assert_eq!(parse_dns("*.example.test").unwrap().wildcard_base(), Some("example.test"));
        parse_dns("xn--bcher-kva.example").unwrap();
        parse_dns("r3---sn.example").unwrap();
    }

    #[test]
    fn bad_names_are_malformed() {
        let long = format!("{}.test", "a".repeat(64));
        let longer = vec!["abcdefg"; 40].join(".");
        for name in [
            "",
            "a..b",
            ".a",
            "a.",
            "*.*.x.test",
            "a.*.test",
            "-a.test",
            "a-.test",
            "a_b.test",
            "b\u{fc}cher.test",
            "192.0.2.1",
            "0x7f000001",
            "a.0x1",
            "a.1",
            "xn--a.test",
            "xn--999999999.test",
            "a b.test",
            &long,
            &longer,
        ] {
            assert_eq!(parse_dns(name).unwrap_err().kind, ProblemType::Malformed, "{name}");
        }
    }

    #[test]
    fn addresses_have_one_form() {
        parse_ip("2001:db8::1").unwrap();
        for ip in ["2001:DB8::1", "2001:db8:0::1", "192.0.2.01", "::1%eth0", "[::1]"] {
            assert!(parse_ip(ip).is_err(), "{ip}");
        }
    }

    #[test]
    fn email_addresses() {
        assert_eq!(parse_email("Bob@Example.test").unwrap(), Identifier::Email("Bob@example.test".into()));
        let composed = Identifier::Email("b\u{f6}b@example.test".into());
        for address in ["b\u{f6}b@example.test", "bo\u{308}b@Example.test"] {
            assert_eq!(parse_email(address).unwrap(), composed);
        }
        let long = format!("{}@x.test", "\u{f6}".repeat(33));
        for address in [
            "bob",
            "@x.test",
            "bob@",
            "a b@x.test",
            "a..b@x.test",
            "a@b@x.test",
            "a@x..test",
            "a@*.x.test",
            "a\u{a0}b@x.test",
            "a\u{85}b@x.test",
            "a@b\u{fc}cher.test",
            &long,
        ] {
            assert!(parse_email(address).is_err(), "{address}");
        }
    }

    #[test]
    fn each_bad_identifier_is_told() {
        let identifiers = [
            json!({"type": "dns", "value": "a..b"}),
            json!({"type": "dns", "value": "good.test"}),
            json!({"type": "face", "value": "x"}),
        ];
        let problem = parse_all(&identifiers).unwrap_err();
        assert_eq!(problem.kind, ProblemType::Compound);
        assert_eq!(problem.subproblems.len(), 2);
        assert_eq!(problem.subproblems[0].identifier, Some(Identifier::Dns("a..b".into())));
        assert_eq!(problem.subproblems[1].kind, ProblemType::UnsupportedIdentifier);
    }

    proptest! {
        #[test]
        fn what_is_parsed_is_parsed_again_to_itself(value in "[a-zA-Z0-9.*@:\u{f6}o\u{308}-]{0,30}") {
            if let Ok(Identifier::Dns(name)) = parse_dns(&value) {
                prop_assert_eq!(parse_dns(&name).unwrap(), Identifier::Dns(name));
            }
            if let Ok(Identifier::Email(address)) = parse_email(&value) {
                prop_assert_eq!(parse_email(&address).unwrap(), Identifier::Email(address));
            }
        }
    }
}
