//! What the server refuses is told in words that help, and never more than words.

use serde_json::json;
use server_mock::faults::{Endpoint, Fault, Kind};
use server_mock::model::{Rights, rights::NameRight};

use super::{NAME, problem};
use crate::common::{Outcome, World};

pub(crate) fn c27_a_bad_csr_ends_it_with_the_reason() {
    let world = World::registered();
    let bad = problem(json!({"type": "badCSR", "detail": "this key is on a list"}));
    world.strike(Fault::at(Endpoint::Finalize, bad));
    let outcome = world.client(&["issue", "-d", NAME, &world.standalone()]).exits(4);
    outcome.tells("this key is on a list (badCSR)").tells("--key-type");
    assert_eq!(world.seen(Endpoint::Finalize), 1);
    assert!(!world.state().join("orders").join(NAME).exists());
}

pub(crate) fn c28_each_refused_name_is_told() {
    let world = World::registered();
    let outcome = world.issue_all(&["www.other.test", NAME, "www.more.test"]).exits(4);
    outcome.tells("www.more.test: names:").tells("www.other.test: names:");
}

/// Which name, by which right, and where that is changed.
pub(crate) fn rights_are_told_in_cacerts_terms() {
    let world = World::registered();
    let refused = |rights: Rights, arguments: &[&str]| -> Outcome {
        world.mock().admin().set_rights(&world.eab.kid, rights).unwrap();
        world.client(arguments).exits(4).tells("CAcert web UI").tells("«ACME clients»")
    };
    let standalone = world.standalone();
    let issue = ["issue", "-d", NAME, "-d", "www.other.test", &standalone];
    let everything = Rights { max_accounts: None, ..Rights::default() };

    let one = vec![NameRight::Dns { dns: NAME.parse().unwrap(), subdomains: false, wildcard: false }];
    refused(Rights { names: one, ..everything.clone() }, &issue)
        .tells("could not order")
        .tells("the right «names» of this client's key does not cover www.other.test:");
    let outcome = world.mock().admin().set_rights(&world.eab.kid, everything.clone());
    outcome.unwrap();
    world.client(&issue).exits(4).tells("www.other.test is not verified in the CAcert account");

    let issue = &issue[..3];
    let issue = [issue, &[standalone.as_str()]].concat();
    refused(Rights { server: false, ..everything.clone() }, &issue).tells("right «server»");
    refused(Rights { renew_only: true, ..everything.clone() }, &issue).tells("right «renew_only»");
    refused(Rights { max_certificates: Some(0), ..everything.clone() }, &issue)
        .tells("right «max_certificates»");
    let past = Some(time::OffsetDateTime::UNIX_EPOCH);
    refused(Rights { not_after: past, ..everything.clone() }, &issue).tells("right «not_after»");
    world.mock().admin().set_rights(&world.eab.kid, everything.clone()).unwrap();
    world.client(&issue).succeeds();
    refused(Rights { revoke: false, ..everything }, &["revoke", NAME]).tells("right «revoke»");
}

pub(crate) fn c52_escape_sequences_never_reach_the_terminal() {
    let world = World::new();
    let (escape, bell) = ('\u{1b}', '\u{7}');
    let nasty = format!("x{escape}]0;owned{bell}{escape}[31m\u{9b}2K\u{202e}\r");
    let clean = |outcome: Outcome| {
        let text = format!("{}{}", outcome.stdout, outcome.stderr);
        let treacherous = |c: char| c.is_control() && !matches!(c, '\n' | '\t') || c == '\u{202e}';
        assert!(!text.contains(treacherous), "{text:?}");
        outcome
    };
    let document = json!({
        "type": nasty, "title": nasty, "detail": nasty, "instance": nasty, "status": 403,
        "identifier": {"type": nasty, "value": nasty}, "right": nasty, "algorithms": [nasty],
        "subproblems": [{"type": nasty, "detail": nasty, "identifier": {"type": nasty, "value": nasty}}],
    });
    let key = world.path("eab-key");
    let register = ["--eab-kid", &world.eab.kid, "--eab-key-file", key.to_str().unwrap(), "-vv"];
    world.strike(Fault::at(Endpoint::NewAccount, problem(document.clone())).times(1));
    clean(world.client(&world.registration(&register)).exits(4)).tells("owned");
    world.strike(Fault::always(Kind::EscapeSequences));
    clean(world.client(&world.registration(&register)).succeeds());
    clean(world.client(&["issue", "-d", "www.other.test", &world.standalone(), "-vv"]).exits(4))
        .tells("owned");
    clean(world.client(&["issue", "-d", "www.other.test", &world.standalone(), "--json"]).exits(4));
    // Nobody answers the challenge: its error is the server's text too.
    let webroot = world.path("www");
    std::fs::create_dir(&webroot).unwrap();
    let webroot = webroot.to_str().unwrap();
    clean(world.client(&["issue", "-d", NAME, "--webroot", webroot, "-vv"]).exits(5)).tells("owned");

    world.mock().faults().clear();
    for patch in [
        json!({"status": nasty}),
        json!({"status": "invalid", "error": document}),
        json!({"status": 7, "finalize": nasty}),
        json!({"status": "ready", "finalize": nasty}),
        json!({"status": "valid", "certificate": nasty}),
        json!({"identifiers": [{"type": nasty, "value": nasty}]}),
        json!({"authorizations": [nasty]}),
    ] {
        world.mock().faults().clear();
        world.strike(Fault::at(Endpoint::NewOrder, super::merge(patch)));
        let outcome = clean(world.client(&["issue", "-d", NAME, "--webroot", webroot, "-vv"]));
        assert_ne!(outcome.status, 0);
    }
}
