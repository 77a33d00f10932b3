//! lego's `exec` and `httpreq`: `HOOK present|cleanup FQDN. VALUE`, raw: `HOOK present|cleanup -- DOMAIN TOKEN KEYAUTH`.
//!
//! lego's `exec` proves one name after the other, and waits for each. We prove all at once, but for two that stand under
//! one name (a wildcard and its base, or what is delegated to one place): there hooks were never asked for a second record.

use serde_json::json;

use super::call::{Call, Post, Program, Site, Step, each};
use super::challenge::{ChallengeKind, HookChallenge};
use super::dialect::{Form, Rules};

/// The record as it shall stand in the DNS.
pub(super) struct Lego;

/// The challenge as the server set it (`EXEC_MODE=RAW`, `HTTPREQ_MODE=RAW`).
pub(super) struct LegoRaw;

impl Rules for Lego {
    fn name(&self) -> &'static str {
        "lego"
    }

    fn kinds(&self) -> &'static [ChallengeKind] {
        &[ChallengeKind::Dns01]
    }

    fn form(&self) -> Form {
        Form::ProgramOrUrl
    }

    fn records_alone(&self) -> bool {
        true
    }

    fn deploy(&self, site: &Site, challenges: &[HookChallenge]) -> Vec<Step> {
        each(challenges, |_, challenge| with_record(site, "present", challenge))
    }

    fn clean(&self, site: &Site, challenges: &[HookChallenge], _outputs: &[String]) -> Vec<Step> {
        each(challenges, |_, challenge| with_record(site, "cleanup", challenge))
    }
}

impl Rules for LegoRaw {
    fn name(&self) -> &'static str {
        "lego-raw"
    }

    fn kinds(&self) -> &'static [ChallengeKind] {
        &[ChallengeKind::Dns01, ChallengeKind::Http01]
    }

    fn form(&self) -> Form {
        Form::ProgramOrUrl
    }

    fn records_alone(&self) -> bool {
        true
    }

    fn deploy(&self, site: &Site, challenges: &[HookChallenge]) -> Vec<Step> {
        each(challenges, |_, challenge| raw(site, "present", challenge))
    }

    fn clean(&self, site: &Site, challenges: &[HookChallenge], _outputs: &[String]) -> Vec<Step> {
        each(challenges, |_, challenge| raw(site, "cleanup", challenge))
    }
}

fn with_record(site: &Site, action: &str, challenge: &HookChallenge) -> Call {
    let (fqdn, value) = (format!("{}.", challenge.record_name()), challenge.digest());
    if is_url(&site.command) {
        return post(site, action, challenge, &json!({ "fqdn": fqdn, "value": value }));
    }
    Call::Run(Program::new(&site.command, vec![action.to_owned(), fqdn, value]))
}

fn raw(site: &Site, action: &str, challenge: &HookChallenge) -> Call {
    let (domain, token) = (challenge.domain().to_owned(), challenge.token.clone());
    let key_authorization = challenge.key_authorization.clone();
    if is_url(&site.command) {
        let body = json!({ "domain": domain, "token": token, "keyAuth": key_authorization });
        return post(site, action, challenge, &body);
    }
    let purpose = format!("{action} {domain}");
    let arguments = vec![action.to_owned(), "--".to_owned(), domain, token, key_authorization];
    Call::Run(Program { purpose, ..Program::new(&site.command, arguments) })
}

fn post(site: &Site, action: &str, challenge: &HookChallenge, body: &serde_json::Value) -> Call {
    Call::Post(Post {
        url: format!("{}/{action}", site.command.trim_end_matches('/')),
        body: body.to_string(),
        purpose: format!("{action} {}", challenge.domain()),
    })
}

/// Whether the command is a service's URL.
pub(super) fn is_url(command: &str) -> bool {
    ["https://", "http://"].iter().any(|scheme| command.starts_with(scheme))
}

#[cfg(test)]
mod tests {
    use super::super::challenge::example;
    use super::*;

    fn arguments(steps: &[Step]) -> Vec<Vec<&str>> {
        let of = |step: &'_ Step| -> Vec<String> {
            match &step.call {
                Call::Run(program) => program.arguments.clone(),
                Call::Post(post) => vec![post.url.clone(), post.body.clone()],
            }
        };
        steps.iter().map(|step| of(step).into_iter().map(|text| &*text.leak()).collect()).collect()
    }

    #[test]
    fn present_and_cleanup_name_the_record() {
        let site = Site { command: "/h".into(), state: "/s".into() };
        let mut challenge = example(ChallengeKind::Dns01, "*.a.test", "a");
        challenge.record = Some("a.elsewhere.test".into());
        let value = "LnM23I66h-9HLfVow1SCq_JXXcPl6sDFxiuP-urCyTQ";
        let challenges = [challenge];
        assert_eq!(arguments(&Lego.deploy(&site, &challenges)), [["present", "a.elsewhere.test.", value]]);
        assert_eq!(
            arguments(&Lego.clean(&site, &challenges, &[String::new()])),
            [["cleanup", "a.elsewhere.test.", value]]
        );
        assert_eq!(arguments(&LegoRaw.deploy(&site, &challenges)), [["present", "--", "a.test", "a", "a.b"]]);
    }

    #[test]
    fn a_url_is_posted_to() {
        let site = Site { command: "https://dns.test/api/".into(), state: "/s".into() };
        let challenges = [example(ChallengeKind::Dns01, "a.test", "a")];
        assert_eq!(
            arguments(&LegoRaw.clean(&site, &challenges, &[String::new()])),
            [["https://dns.test/api/cleanup", r#"{"domain":"a.test","keyAuth":"a.b","token":"a"}"#]]
        );
    }
}
