//! dehydrated's hook: `HOOK OPERATION ARGUMENT…`. All are deployed, then all validated, then all cleaned. A status
//! other than 0 ends the run, but for `exit_hook`.
//!
//! `HOOK_CHAIN=yes`, in which one call gets all challenges, is the dialect `dehydrated-chain`: so it is kept with the
//! certificate, and a renewal from cron does the same.

use super::call::{Call, Exit, Meaning, Phase, Program, Site, Step, each};
use super::challenge::{ChallengeKind, HookChallenge, Verdict};
use super::dialect::{Judged, Rules};

pub(super) struct Dehydrated {
    pub(super) chain: bool,
}

/// An operation that no hook knows: hooks must let it pass, for newer versions have more of them.
const UNKNOWN_OPERATION: &str = "an_operation_that_no_hook_knows__hooks_must_ignore_those_with_status_0";

impl Rules for Dehydrated {
    fn name(&self) -> &'static str {
        if self.chain { "dehydrated-chain" } else { "dehydrated" }
    }

    fn kinds(&self) -> &'static [ChallengeKind] {
        &[ChallengeKind::Dns01, ChallengeKind::Http01, ChallengeKind::TlsAlpn01]
    }

    fn begin(&self, site: &Site) -> Vec<Step> {
        [UNKNOWN_OPERATION, "startup_hook"].map(|operation| lone(call(site, &[], operation, vec![]))).into()
    }

    fn deploy(&self, site: &Site, challenges: &[HookChallenge]) -> Vec<Step> {
        self.of_each(site, "deploy_challenge", challenges)
    }

    fn judged(&self, site: &Site, challenge: &HookChallenge, verdict: &Verdict) -> Judged {
        let of = std::slice::from_ref(challenge);
        let domain = challenge.domain().to_owned();
        let step = match verdict {
            Verdict::Valid | Verdict::Unknown => return Judged::default(),
            Verdict::Invalid(response) => call(site, of, "invalid_challenge", vec![domain, response.clone()]),
            Verdict::RequestFailed { status, reason } => {
                let arguments = vec![status.to_string(), reason.clone(), "post".to_owned(), String::new()];
                call(site, of, "request_failure", arguments)
            }
        };
        Judged { steps: vec![lone(step)], cleaned: false }
    }

    fn clean(&self, site: &Site, challenges: &[HookChallenge], _outputs: &[String]) -> Vec<Step> {
        self.of_each(site, "clean_challenge", challenges)
    }

    fn end(&self, site: &Site, error: Option<&str>) -> Vec<Step> {
        vec![lone(call(site, &[], "exit_hook", error.map(ToOwned::to_owned).into_iter().collect()))]
    }

    fn meaning(&self, phase: Phase, exit: Exit) -> Meaning {
        match exit {
            Exit::Status(0) => Meaning::Done,
            _ if phase == Phase::End => Meaning::Warning,
            _ => Meaning::Failed,
        }
    }
}

impl Dehydrated {
    fn of_each(&self, site: &Site, operation: &str, challenges: &[HookChallenge]) -> Vec<Step> {
        if !self.chain {
            return each(challenges, |_, challenge| call(site, challenges, operation, triple(challenge)));
        }
        let triples = challenges.iter().flat_map(triple).collect();
        vec![Step { call: call(site, challenges, operation, triples), challenges: 0..challenges.len() }]
    }
}

/// Domain, token, and what belongs in file, record or certificate.
fn triple(challenge: &HookChallenge) -> Vec<String> {
    let value = match challenge.kind {
        ChallengeKind::Http01 => challenge.key_authorization.clone(),
        ChallengeKind::Dns01 => challenge.digest(),
        ChallengeKind::TlsAlpn01 => challenge.digest_with_colons(),
    };
    vec![challenge.domain().to_owned(), challenge.token.clone(), value]
}

fn call(site: &Site, challenges: &[HookChallenge], operation: &str, mut arguments: Vec<String>) -> Call {
    arguments.insert(0, operation.to_owned());
    let below = |name: &str| site.state.join(name).display().to_string();
    let names = challenges.iter().map(|challenge| challenge.name.as_str()).collect::<Vec<_>>().join(" ");
    let environment = vec![
        ("BASEDIR", Some(site.state.display().to_string())),
        ("CERTDIR", Some(below("certificates"))),
        ("ALPNCERTDIR", Some(below("alpn-certs"))),
        ("COMMAND", Some("sign_domains".to_owned())),
        ("altnames", Some(names)),
    ];
    // Who moves here has them in his scripts' environment, or none.
    let defaults = vec![
        ("WELLKNOWN", "/var/www/dehydrated".to_owned()),
        ("CONFIG", "/etc/dehydrated/config".to_owned()),
    ];
    Call::Run(Program { environment, defaults, ..Program::new(&site.command, arguments) })
}

/// A step that is for no challenge.
fn lone(call: Call) -> Step {
    Step { call, challenges: 0..0 }
}

#[cfg(test)]
mod tests {
    use super::super::challenge::example;
    use super::*;

    fn arguments(step: &Step) -> Vec<&str> {
        let Call::Run(program) = &step.call else { panic!() };
        program.arguments.iter().map(String::as_str).collect()
    }

    fn site() -> Site {
        Site { command: "/h".into(), state: "/s".into() }
    }

    const DIGEST: &str = "LnM23I66h-9HLfVow1SCq_JXXcPl6sDFxiuP-urCyTQ";

    #[test]
    fn values_are_those_of_the_type() {
        let kinds = [ChallengeKind::Http01, ChallengeKind::Dns01, ChallengeKind::TlsAlpn01];
        let challenges = kinds.map(|kind| example(kind, "*.a.test", "a"));
        let steps = Dehydrated { chain: false }.deploy(&site(), &challenges);
        assert_eq!(arguments(&steps[0]), ["deploy_challenge", "a.test", "a", "a.b"]);
        assert_eq!(arguments(&steps[1]), ["deploy_challenge", "a.test", "a", DIGEST]);
        assert!(arguments(&steps[2])[3].starts_with("2E:73:36:DC"));
        assert_eq!(steps.iter().map(|step| step.challenges.clone()).collect::<Vec<_>>(), [0..1, 1..2, 2..3]);
    }

    #[test]
    fn a_chain_is_one_call() {
        let challenges = ["a.test", "b.test"].map(|name| example(ChallengeKind::Dns01, name, "a"));
        let steps = Dehydrated { chain: true }.clean(&site(), &challenges, &[]);
        assert_eq!(steps.len(), 1);
        assert_eq!(steps[0].challenges, 0..2);
        assert_eq!(arguments(&steps[0]), ["clean_challenge", "a.test", "a", DIGEST, "b.test", "a", DIGEST]);
    }

    #[test]
    fn failures_are_told() {
        let challenge = example(ChallengeKind::Dns01, "a.test", "a");
        let told = |verdict| Dehydrated { chain: false }.judged(&site(), &challenge, &verdict).steps;
        assert_eq!(arguments(&told(Verdict::Invalid("{}".into()))[0]), ["invalid_challenge", "a.test", "{}"]);
        assert_eq!(
            arguments(&told(Verdict::RequestFailed { status: 429, reason: "later".into() })[0]),
            ["request_failure", "429", "later", "post", ""]
        );
        assert!(told(Verdict::Valid).is_empty());
    }

    #[test]
    fn only_the_end_may_fail() {
        let rules = Dehydrated { chain: false };
        for phase in [Phase::Begin, Phase::Deploy, Phase::Clean, Phase::Judged] {
            assert_eq!(rules.meaning(phase, Exit::Status(1)), Meaning::Failed);
        }
        assert_eq!(rules.meaning(Phase::End, Exit::Status(1)), Meaning::Warning);
        assert_eq!(arguments(&rules.end(&site(), Some("no"))[0]), ["exit_hook", "no"]);
        assert_eq!(arguments(&rules.end(&site(), None)[0]), ["exit_hook"]);
    }
}
