//! certbot's manual hooks: shell text, told everything by `CERTBOT_*`. All authenticate, then all are validated, then all
//! clean up. What their exit status says is a warning only.
//!
//! certbot has two commands, ours is one: `AUTH :: CLEANUP`. Without `::`, or with nothing after it, there is no clean-up,
//! as in certbot. A command that does both is named twice, and knows the clean-up by `CERTBOT_AUTH_OUTPUT`, which is set
//! then alone.

use super::call::{Call, Exit, Meaning, Phase, Program, Site, Step, each};
use super::challenge::{ChallengeKind, HookChallenge};
use super::dialect::{Form, Rules};

pub(super) struct Certbot;

const SEPARATOR: &str = " ::";

impl Rules for Certbot {
    fn name(&self) -> &'static str {
        "certbot"
    }

    fn kinds(&self) -> &'static [ChallengeKind] {
        &[ChallengeKind::Dns01, ChallengeKind::Http01]
    }

    fn form(&self) -> Form {
        Form::Shell
    }

    fn deploy(&self, site: &Site, challenges: &[HookChallenge]) -> Vec<Step> {
        let (auth, _) = commands(&site.command);
        each(challenges, |i, challenge| {
            let environment = environment(challenges, i, challenge);
            shell(auth, environment, format!("authentication of {}", challenge.domain()))
        })
    }

    fn clean(&self, site: &Site, challenges: &[HookChallenge], outputs: &[String]) -> Vec<Step> {
        let (_, Some(cleanup)) = commands(&site.command) else { return Vec::new() };
        each(challenges, |i, challenge| {
            let mut environment = environment(challenges, i, challenge);
            let output = outputs.get(i).map(|output| output.trim().to_owned());
            environment.push(("CERTBOT_AUTH_OUTPUT", Some(output.unwrap_or_default())));
            shell(cleanup, environment, format!("clean-up of {}", challenge.domain()))
        })
    }

    fn meaning(&self, _phase: Phase, exit: Exit) -> Meaning {
        if exit == Exit::Status(0) { Meaning::Done } else { Meaning::Warning }
    }
}

/// The command that authenticates and the one that cleans up.
fn commands(text: &str) -> (&str, Option<&str>) {
    let separated = text.split_once(SEPARATOR);
    // Only alone between blanks: `a::b` belongs to a command.
    match separated.filter(|(_, cleanup)| cleanup.is_empty() || cleanup.starts_with(' ')) {
        None => (text, None),
        Some((auth, cleanup)) => {
            let cleanup = cleanup.trim();
            (auth.trim(), (!cleanup.is_empty()).then_some(cleanup))
        }
    }
}

fn environment(
    challenges: &[HookChallenge],
    i: usize,
    challenge: &HookChallenge,
) -> Vec<(&'static str, Option<String>)> {
    let domain = challenge.domain().to_owned();
    let all = challenges.iter().map(HookChallenge::domain).collect::<Vec<_>>().join(",");
    let (validation, token) = match challenge.kind {
        ChallengeKind::Http01 => (challenge.key_authorization.clone(), Some(challenge.token.clone())),
        _ => (challenge.digest(), None),
    };
    vec![
        ("CERTBOT_DOMAIN", Some(domain.clone())),
        ("CERTBOT_IDENTIFIER", Some(domain)),
        ("CERTBOT_VALIDATION", Some(validation)),
        ("CERTBOT_TOKEN", token),
        ("CERTBOT_ALL_DOMAINS", Some(all.clone())),
        ("CERTBOT_ALL_IDENTIFIERS", Some(all)),
        ("CERTBOT_REMAINING_CHALLENGES", Some((challenges.len() - i - 1).to_string())),
        ("CERTBOT_AUTH_OUTPUT", None),
    ]
}

fn shell(text: &str, environment: Vec<(&'static str, Option<String>)>, purpose: String) -> Call {
    let program = Program::new("/bin/sh", vec!["-c".to_owned(), text.to_owned()]);
    Call::Run(Program { environment, purpose, ..program })
}

#[cfg(test)]
mod tests {
    use super::super::challenge::example;
    use super::*;

    fn variable(step: &Step, name: &str) -> Option<String> {
        let Call::Run(program) = &step.call else { panic!() };
        program
            .environment
            .iter()
            .rev()
            .find(|(known, _)| *known == name)
            .and_then(|(_, value)| value.clone())
    }

    fn text(step: &Step) -> &str {
        let Call::Run(program) = &step.call else { panic!() };
        assert_eq!((&*program.path, &*program.arguments[0]), ("/bin/sh", "-c"));
        &program.arguments[1]
    }

    #[test]
    fn everything_is_told_by_the_environment() {
        let site = Site { command: "auth.sh --x".into(), state: "/s".into() };
        let challenges =
            [example(ChallengeKind::Http01, "a.test", "a"), example(ChallengeKind::Dns01, "*.b.test", "a")];
        let steps = Certbot.deploy(&site, &challenges);
        assert_eq!(text(&steps[0]), "auth.sh --x");
        assert_eq!(variable(&steps[0], "CERTBOT_TOKEN").as_deref(), Some("a"));
        assert_eq!(variable(&steps[0], "CERTBOT_VALIDATION").as_deref(), Some("a.b"));
        assert_eq!(variable(&steps[0], "CERTBOT_REMAINING_CHALLENGES").as_deref(), Some("1"));
        assert_eq!(variable(&steps[1], "CERTBOT_DOMAIN").as_deref(), Some("b.test"));
        assert_eq!(variable(&steps[1], "CERTBOT_TOKEN"), None);
        assert_eq!(variable(&steps[1], "CERTBOT_REMAINING_CHALLENGES").as_deref(), Some("0"));
        assert_eq!(variable(&steps[1], "CERTBOT_ALL_DOMAINS").as_deref(), Some("a.test,b.test"));
        assert_eq!(variable(&steps[1], "CERTBOT_AUTH_OUTPUT"), None);
        assert_eq!(Certbot.clean(&site, &challenges, &[String::new(), String::new()]), [], "never again");
        let site = Site { command: "auth.sh --x :: cleanup.sh".into(), state: "/s".into() };
        let steps = Certbot.clean(&site, &challenges, &[" one\n".into(), String::new()]);
        assert_eq!(text(&steps[0]), "cleanup.sh");
        assert_eq!(variable(&steps[0], "CERTBOT_AUTH_OUTPUT").as_deref(), Some("one"));
        assert_eq!(variable(&steps[1], "CERTBOT_AUTH_OUTPUT").as_deref(), Some(""));
    }

    #[test]
    fn two_commands_are_told_apart() {
        assert_eq!(commands("a.sh :: c.sh x"), ("a.sh", Some("c.sh x")));
        assert_eq!(commands("a.sh ::"), ("a.sh", None));
        for one in ["a.sh", "a.sh b::c", "a.sh ::c"] {
            assert_eq!(commands(one), (one, None));
        }
    }

    #[test]
    fn a_bad_end_is_a_warning_only() {
        for phase in [Phase::Deploy, Phase::Clean] {
            assert_eq!(Certbot.meaning(phase, Exit::Status(1)), Meaning::Warning);
            assert_eq!(Certbot.meaning(phase, Exit::Signal(9)), Meaning::Warning);
        }
    }
}
