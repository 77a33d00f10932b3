//! uacme's hook: `HOOK begin|done|failed TYPE IDENT TOKEN AUTH`, one authorization at a time. `begin` accepts a challenge
//! with status 0 and declines it with another one, and then the next type is tried; a signal that ends it ends the run.

use super::call::{Call, Exit, Meaning, Phase, Program, Site, Step, each};
use super::challenge::{ChallengeKind, HookChallenge, Verdict};
use super::dialect::{Judged, Rules};

pub(super) struct Uacme;

impl Rules for Uacme {
    fn name(&self) -> &'static str {
        "uacme"
    }

    fn kinds(&self) -> &'static [ChallengeKind] {
        &[ChallengeKind::Dns01, ChallengeKind::Http01, ChallengeKind::TlsAlpn01]
    }

    fn one_at_a_time(&self) -> bool {
        true
    }

    fn cleans_up_failures(&self) -> bool {
        false
    }

    fn deploy(&self, site: &Site, challenges: &[HookChallenge]) -> Vec<Step> {
        each(challenges, |_, challenge| call(site, "begin", challenge))
    }

    fn judged(&self, site: &Site, challenge: &HookChallenge, verdict: &Verdict) -> Judged {
        let method = if *verdict == Verdict::Valid { "done" } else { "failed" };
        let steps = vec![Step { call: call(site, method, challenge), challenges: 0..1 }];
        Judged { steps, cleaned: true }
    }

    /// What was begun and never judged.
    fn clean(&self, site: &Site, challenges: &[HookChallenge], _outputs: &[String]) -> Vec<Step> {
        each(challenges, |_, challenge| call(site, "failed", challenge))
    }

    fn meaning(&self, phase: Phase, exit: Exit) -> Meaning {
        match (phase, exit) {
            (Phase::Deploy, Exit::Status(0)) => Meaning::Done,
            (Phase::Deploy, Exit::Status(_)) => Meaning::Declined,
            (Phase::Deploy, Exit::Signal(_)) => Meaning::Failed,
            _ => Meaning::Done,
        }
    }
}

fn call(site: &Site, method: &str, challenge: &HookChallenge) -> Call {
    let auth = match challenge.kind {
        ChallengeKind::Http01 => challenge.key_authorization.clone(),
        ChallengeKind::Dns01 | ChallengeKind::TlsAlpn01 => challenge.digest(),
    };
    let arguments = vec![
        method.to_owned(),
        challenge.kind.to_string(),
        challenge.domain().to_owned(),
        challenge.token.clone(),
        auth,
    ];
    let names = ["UACME_METHOD", "UACME_TYPE", "UACME_IDENT", "UACME_TOKEN", "UACME_AUTH"];
    let told = names.into_iter().zip(arguments.iter().cloned().map(Some));
    let settings =
        [("UACME_CONFDIR", Some(site.state.display().to_string())), ("UACME_VERBOSE", Some("0".to_owned()))];
    let environment = settings.into_iter().chain(told).collect();
    let purpose = arguments[..3].join(" ");
    Call::Run(Program { environment, purpose, ..Program::new(&site.command, arguments) })
}

#[cfg(test)]
mod tests {
    use super::super::challenge::example;
    use super::*;

    #[test]
    fn arguments_and_environment_say_the_same() {
        let site = Site { command: "/h".into(), state: "/s".into() };
        let challenges = [example(ChallengeKind::TlsAlpn01, "a.test", "a")];
        let Call::Run(program) = Uacme.deploy(&site, &challenges).remove(0).call else { panic!() };
        let digest = "LnM23I66h-9HLfVow1SCq_JXXcPl6sDFxiuP-urCyTQ";
        assert_eq!(program.arguments, ["begin", "tls-alpn-01", "a.test", "a", digest]);
        let variable = |name| program.environment.iter().find(|(known, _)| *known == name).unwrap().1.clone();
        for (name, argument) in [("METHOD", 0), ("TYPE", 1), ("IDENT", 2), ("TOKEN", 3), ("AUTH", 4)] {
            assert_eq!(variable(format!("UACME_{name}")), Some(program.arguments[argument].clone()));
        }
        assert_eq!(variable("UACME_CONFDIR".to_owned()).as_deref(), Some("/s"));
    }

    #[test]
    fn above_0_declines_and_a_signal_fails() {
        assert_eq!(Uacme.meaning(Phase::Deploy, Exit::Status(1)), Meaning::Declined);
        assert_eq!(Uacme.meaning(Phase::Deploy, Exit::Signal(15)), Meaning::Failed);
        assert_eq!(Uacme.meaning(Phase::Judged, Exit::Status(1)), Meaning::Done);
        assert_eq!(Uacme.meaning(Phase::Clean, Exit::Signal(9)), Meaning::Done);
    }

    #[test]
    fn the_verdict_is_the_clean_up() {
        let site = Site { command: "/h".into(), state: "/s".into() };
        let challenge = example(ChallengeKind::Http01, "a.test", "a");
        let told = |verdict| {
            let judged = Uacme.judged(&site, &challenge, &verdict);
            assert!(judged.cleaned);
            let Call::Run(program) = judged.steps.into_iter().next().unwrap().call else { panic!() };
            program.arguments.join(" ")
        };
        assert_eq!(told(Verdict::Valid), "done http-01 a.test a a.b");
        assert_eq!(told(Verdict::Unknown), "failed http-01 a.test a a.b");
    }
}
