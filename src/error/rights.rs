//! Refusals for want of a right: which one, for which names, and where in CAcert's web UI it is changed.

use crate::core::problem::Problem;
use crate::core::right::Right;

use super::WEB_UI;

/// More names than these are not told one by one.
const MOST_NAMES: usize = 5;

/// A hint for each right that the server says is missing; none when it does not say.
pub(super) fn right_hints(problem: &Problem) -> Vec<String> {
    let lacks = |right: &Right| {
        std::iter::once(problem).chain(&problem.subproblems).any(|problem| problem.right == Some(*right))
    };
    Right::ALL.into_iter().filter(lacks).map(|right| hint(right, &names(problem, right))).collect()
}

/// The names that this right refuses, for a sentence.
fn names(problem: &Problem, right: Right) -> String {
    let refused = problem.names_refused_by(right);
    match refused.len() {
        0 => "the name".to_owned(),
        1..=MOST_NAMES => refused.join(", "),
        more => format!("{} and {} more", refused[..MOST_NAMES].join(", "), more - MOST_NAMES),
    }
}

fn hint(right: Right, names: &str) -> String {
    let allow = |what: &str| format!("this client's key may not {what}: allow it {WEB_UI}");
    match right {
        Right::Server => allow("order server certificates (right «server»)"),
        Right::Client => allow("order client certificates (right «client»)"),
        Right::Revoke => allow("revoke certificates (right «revoke»)"),
        Right::Names => {
            format!(
                "the right «names» of this client's key does not cover {names}: add it {WEB_UI}, or leave it out"
            )
        }
        Right::RenewOnly => format!(
            "this client's key may only renew certificates (right «renew_only»): order exactly the names of one that there is, or change the right {WEB_UI}"
        ),
        Right::MaxAccounts => format!(
            "this key identifier has made as many accounts as its right «max_accounts» allows: create another one {WEB_UI}, or raise the number there"
        ),
        Right::MaxCertificates => format!(
            "this client's key has got as many certificates as its right «max_certificates» allows: raise the number {WEB_UI}"
        ),
        Right::NotAfter => {
            format!(
                "the rights of this client's key have ended (right «not_after»): set a later date {WEB_UI}"
            )
        }
        Right::Owner => format!(
            "{names} is not verified in the CAcert account that this client's key belongs to: verify it there first (web UI, «Domains» or «Email Accounts»), or leave it out"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_right_has_a_hint_that_names_it() {
        for right in Right::ALL {
            let problem = Problem { right: Some(right), ..Problem::default() };
            let [hint] = right_hints(&problem).try_into().unwrap();
            let name = serde_json::to_value(right).unwrap();
            let named = hint.contains(&format!("«{}»", name.as_str().unwrap())) && hint.contains(WEB_UI);
            assert!(named || right == Right::Owner && hint.contains("verify"), "{hint}");
        }
        assert!(right_hints(&Problem::default()).is_empty());
    }

    #[test]
    fn many_names_are_cut() {
        let sub = r#"{"right":"names","identifier":{"type":"dns","value":"a.test"}}"#;
        let problem = format!(r#"{{"subproblems":[{}]}}"#, [sub; 9].join(","));
        let [hint] = right_hints(&serde_json::from_str(&problem).unwrap()).try_into().unwrap();
        assert!(hint.contains("a.test and 4 more: add"), "{hint}");
    }
}
