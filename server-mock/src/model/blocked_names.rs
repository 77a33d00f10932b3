//! Names that the server issues for to nobody, whatever their owner may.

use super::{Identifier, Problem, ProblemType, Settings, identifier::is_same_mailbox, owner::is_or_is_below};

/// Refuses identifiers that the settings block: a domain blocks all names and mail addresses below it.
///
/// # Errors
/// `rejectedIdentifier` with a subproblem for each.
pub(super) fn check_blocked(identifiers: &[Identifier], settings: &Settings) -> Result<(), Problem> {
    let blocked =
        |identifier: &&Identifier| settings.blocked_names.iter().any(|name| blocks(name, identifier));
    let refused: Vec<Problem> = identifiers
        .iter()
        .filter(blocked)
        .map(|identifier| {
            let detail = format!("blocked: nobody gets certificates for {} here", identifier.value());
            Problem::new(ProblemType::RejectedIdentifier, detail).about(identifier.clone())
        })
        .collect();
    Problem::of_parts(refused)
}

fn blocks(name: &str, identifier: &Identifier) -> bool {
    match identifier {
        Identifier::Dns(wanted) => match identifier.wildcard_base() {
            // A wildcard name stands for exactly one label more (RFC 6125 §6.4.3).
            Some(base) => is_or_is_below(base, name) || is_parent(base, name),
            None => is_or_is_below(wanted, name),
        },
        Identifier::Email(address) => {
            let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain).to_ascii_lowercase();
            is_same_mailbox(address, name) || is_or_is_below(&domain, name)
        }
        Identifier::Ip(address) => name.parse() == Ok(*address),
    }
}

fn is_parent(domain: &str, name: &str) -> bool {
    name.split_once('.').is_some_and(|(_, parent)| parent.eq_ignore_ascii_case(domain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_blocks_what_is_below_it() {
        let dns = |name: &str| Identifier::Dns(name.to_owned());
        let mail = |address: &str| Identifier::Email(address.to_owned());
        for identifier in
            [dns("bank.test"), dns("*.bank.test"), dns("www.bank.test"), mail("a@mail.bank.test")]
        {
            assert!(blocks("Bank.test", &identifier), "{identifier:?}");
        }
        for identifier in [dns("thebank.test"), dns("test"), mail("bank.test@other.test")] {
            assert!(!blocks("bank.test", &identifier), "{identifier:?}");
        }
        // A wildcard certificate would serve the blocked name too.
        assert!(blocks("pay.Bank.test", &dns("*.bank.test")));
        assert!(
            !blocks("a.pay.bank.test", &dns("*.bank.test")) && !blocks("pay.bank.test", &dns("bank.test"))
        );
        assert!(blocks("192.0.2.1", &Identifier::Ip([192, 0, 2, 1].into())));
        assert!(blocks("root@example.test", &mail("root@example.test")));
        assert!(!blocks("root@example.test", &mail("alice@example.test")));
    }
}
