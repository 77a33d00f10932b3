//! Authorizations and their challenges (RFC 8555 §7.1.4, §8).

use serde::Deserialize;

use crate::core::persist_record::{Demand, Issuers};
use crate::core::plan::AuthorizationStatus;
use crate::core::problem::{Problem, ProblemIdentifier, lenient};
use crate::core::text::printable;

use super::AcmeError;

/// An authorization as a server tells it. Unknown members, types and states are tolerated.
#[derive(Clone, Debug, Deserialize)]
pub struct Authorization {
    /// What it is for; without a wildcard's `*.`.
    pub identifier: ProblemIdentifier,
    /// Its state.
    pub status: AuthorizationStatus,
    /// The ways to prove it.
    #[serde(default)]
    pub challenges: Vec<Challenge>,
    /// Whether it stands for a wildcard name.
    #[serde(default)]
    pub wildcard: bool,
}

/// A challenge as a server tells it.
#[derive(Clone, Debug, Deserialize)]
pub struct Challenge {
    /// `http-01` and so on.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where it is answered.
    pub url: String,
    /// Its state.
    pub status: AuthorizationStatus,
    /// Its token, where the type has one.
    pub token: Option<String>,
    /// The names that the CA goes by in dns-persist-01 records.
    #[serde(default, rename = "issuer-domain-names")]
    pub issuer_domain_names: Vec<String>,
    /// Why it failed.
    #[serde(default, deserialize_with = "lenient")]
    pub error: Option<Problem>,
}

impl Challenge {
    /// What a record must grant to answer it, a dns-persist-01 challenge.
    ///
    /// # Errors
    /// [`AcmeError::Protocol`] when it is malformed.
    pub fn demand(&self, account_url: &str, wildcard: bool) -> Result<Demand, AcmeError> {
        let issuers = Issuers::parse(&self.issuer_domain_names);
        let demand = issuers.and_then(|issuers| Demand::new(issuers, account_url, wildcard));
        demand.map_err(|error| {
            let challenge = printable(&self.url);
            AcmeError::Protocol(format!("the challenge {challenge} is malformed: {error}"))
        })
    }
}

impl Authorization {
    /// The challenge of this type, if the server offers it.
    #[must_use]
    pub fn challenge(&self, kind: &str) -> Option<&Challenge> {
        self.challenges.iter().find(|challenge| challenge.kind == kind)
    }

    /// What the server says went wrong with it.
    #[must_use]
    pub fn error(&self) -> Option<&Problem> {
        self.challenges.iter().find_map(|challenge| challenge.error.as_ref())
    }

    /// The name it is for, with the `*.` of a wildcard, made printable.
    #[must_use]
    pub fn name(&self) -> String {
        let name = self.identifier.value.as_deref().unwrap_or_default();
        if self.wildcard { format!("*.{name}") } else { name.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c9_unknown_fields_types_and_statuses_are_tolerated() {
        let authorization: Authorization = serde_json::from_str(
            r#"{"identifier":{"type":"dns","value":"a.test","x":1},"status":"pending","more":[],"wildcard":true,
                "challenges":[{"type":"new-07","url":"u","status":"sleeping"},
                              {"type":"dns-02","url":"w","status":"invalid","error":"a text"},
                              {"type":"http-01","url":"v","status":"pending","token":"t","extra":null}]}"#,
        )
        .unwrap();
        assert_eq!(authorization.name(), "*.a.test");
        assert_eq!(authorization.challenge("http-01").unwrap().url, "v");
        assert!(authorization.challenge("dns-01").is_none());
    }

    #[test]
    fn c50_a_persist_challenge_with_no_or_over_ten_issuers_is_malformed() {
        let challenge = |count: usize| {
            let document = serde_json::json!({"type": "dns-persist-01", "url": "u", "status": "pending",
                "issuer-domain-names": vec!["ca.test"; count]});
            serde_json::from_value::<Challenge>(document).unwrap()
        };
        for count in [0, 11] {
            let error = challenge(count).demand("https://ca.test/account/1", false).unwrap_err();
            assert!(error.to_string().contains(&format!("it lists {count} issuer")), "{error}");
        }
        let demand = challenge(10).demand("https://ca.test/account/1", false).unwrap();
        assert_eq!(demand.record(None), "ca.test; accounturi=https://ca.test/account/1");
    }
}
