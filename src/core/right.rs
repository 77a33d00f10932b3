//! What an owner allows the clients that use a key of his, as CAcert's web UI has it.

use serde::{Deserialize, Serialize};

/// A right of a key identifier, or what its owner himself may do. Unknown ones count as none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// Server certificates.
    Server,
    /// Client certificates.
    Client,
    /// Revoking.
    Revoke,
    /// The names that may be ordered.
    Names,
    /// Nothing but the renewal of certificates that there are.
    RenewOnly,
    /// How many accounts may be made.
    MaxAccounts,
    /// How many certificates may be ordered.
    MaxCertificates,
    /// Until when the rights last.
    NotAfter,
    /// What the owner has verified with CAcert.
    Owner,
}

impl Right {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Server,
        Self::Client,
        Self::Revoke,
        Self::Names,
        Self::RenewOnly,
        Self::MaxAccounts,
        Self::MaxCertificates,
        Self::NotAfter,
        Self::Owner,
    ];
}

#[cfg(test)]
mod tests {
    use super::super::problem::Problem;
    use super::*;

    #[test]
    fn rights_are_known_by_their_names_in_the_web_ui() {
        let names = ["server", "client", "revoke", "names", "renew_only", "max_accounts", "max_certificates"];
        for (right, name) in Right::ALL.into_iter().zip(names.into_iter().chain(["not_after", "owner"])) {
            assert_eq!(serde_json::to_value(right).unwrap(), name);
        }
    }

    #[test]
    fn a_problem_tells_which_names_a_right_refuses() {
        let problem: Problem = serde_json::from_str(
            r#"{"right":"names","subproblems":[{"right":"names","identifier":{"type":"dns","value":"a.test"}},
                {"right":"owner","identifier":{"type":"dns","value":"b.test"}}, {"right":"new","identifier":7}]}"#,
        )
        .unwrap();
        assert_eq!(problem.right, Some(Right::Names));
        assert_eq!(problem.names_refused_by(Right::Names), ["a.test"]);
        assert_eq!(problem.names_refused_by(Right::Owner), ["b.test"]);
        assert_eq!(problem.subproblems[2].right, None);
    }
}
