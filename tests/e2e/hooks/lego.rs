//! lego's dialects: `exec`, raw, and `httpreq`.

use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use server_mock::testbed::RecordData;

use super::is_digest;
use crate::common::run::wait;
use crate::common::service::{Request, serve};
use crate::common::webserver::Webserver;
use crate::common::{World, poll, run};

const PUBLISH: &str = r#"case $1 in present) publish "$2" "$3" ;; cleanup) unpublish "$2" "$3" ;; esac"#;

pub(crate) fn exec() {
    let world = World::registered();
    let hook = world.hook(PUBLISH);
    let outcome = world.issue_by("*.example.test,www.example.test", &["--dns-hook", &hook, "--json"]);
    assert_eq!(
        outcome.succeeds().json()["challenges"]["www.example.test"],
        format!("dns-hook:{hook}"),
        "what renewal needs"
    );
    let calls = world.calls();
    let values: Vec<&str> = calls.iter().map(|call| call.arguments[2].as_str()).collect();
    assert!(values.iter().all(|value| is_digest(value)), "{values:?}");
    assert_eq!((values[0], values[1]), (values[2], values[3]));
    let said: Vec<String> = calls.iter().map(|call| call.arguments[..2].join(" ")).collect();
    assert_eq!(
        said,
        [
            "present _acme-challenge.example.test.",
            "present _acme-challenge.www.example.test.",
            "cleanup _acme-challenge.example.test.",
            "cleanup _acme-challenge.www.example.test."
        ]
    );
    assert!(world.texts().is_empty() && world.presented().is_empty());
    // A renewal from cron: another folder, no argument but its name.
    let mut renew = world.command(&["renew", "--force"]);
    renew.current_dir("/").env("CACERT_ACME_EAB_KEY", "hunter2").env("HTTPREQ_PASSWORD", "hunter2");
    run(renew).succeeds();
    assert_eq!(world.calls().len(), 8);
    for secret in ["CACERT_ACME_EAB_KEY", "HTTPREQ_PASSWORD"] {
        assert!(world.calls().iter().all(|call| call.variable(secret).is_none()), "{secret}");
    }
}

/// Names that the server holds for proven already are no matter for hooks.
pub(crate) fn a_valid_authorization_calls_no_hook() {
    let world = World::with(|config| config.policy.reuse_authorizations = true);
    world.register();
    let hook = world.hook(PUBLISH);
    for _ in 0..2 {
        world.issue_by("www.example.test", &["--dns-hook", &hook]).succeeds();
    }
    assert_eq!(world.calls().len(), 2, "of the first run");
}

/// All certificates of a run share the hook, whose calls never overlap (the recorder would tell).
pub(crate) fn one_call_at_a_time() {
    let world = World::registered();
    let hook = world.hook(PUBLISH);
    for name in ["a.example.test", "b.example.test", "c.example.test"] {
        world.issue_by(name, &["--dns-hook", &hook]).succeeds();
    }
    let before = world.calls().len();
    world.client(&["renew", "--force"]).succeeds();
    assert_eq!((before, world.calls().len()), (6, 12));
    assert!(world.texts().is_empty());
}

/// The FQDN is where the record really stands.
pub(crate) fn an_alias_is_told_to_the_hook() {
    let world = World::registered();
    let target = "www.proofs.example.test";
    world
        .mock()
        .dns_table()
        .add("_acme-challenge.www.example.test", &RecordData::Cname(target.to_owned()))
        .unwrap();
    let hook = world.hook(PUBLISH);
    let alias = format!("www.example.test={target}");
    world.issue_by("www.example.test", &["--dns-hook", &hook, "--dns-alias", &alias]).succeeds();
    let said: Vec<String> = world.calls().iter().map(|call| call.arguments[..2].join(" ")).collect();
    assert_eq!(said, [format!("present {target}."), format!("cleanup {target}.")]);
}

pub(crate) fn a_failure_is_told_and_cleaned_up() {
    let world = World::registered();
    let hook = world.hook("printf 'zone \\033[31mlocked\\n' >&2; exit 3");
    world
        .issue_by("a.example.test,b.example.test", &["--dns-hook", &hook])
        .exits(5)
        .tells(&format!("the hook {hook} ended with status 3 (present _acme-challenge.a.example.test.)"))
        .tells("zone \u{fffd}[31mlocked");
    let said: Vec<String> = world.calls().iter().map(|call| call.arguments[..2].join(" ")).collect();
    assert_eq!(
        said,
        ["present _acme-challenge.a.example.test.", "cleanup _acme-challenge.a.example.test."],
        "the second name was not tried, and only what was tried is cleaned up"
    );
    assert!(world.presented().is_empty());
    let missing = world.issue_by("a.example.test", &["--dns-hook", "./no-such-hook"]);
    missing.exits(3).tells("there is no hook ./no-such-hook");
}

pub(crate) fn raw_for_files() {
    let world = World::registered();
    let web = Webserver::start(world.mock().http_port());
    let folder = web.challenges();
    let body = format!(
        r#"case $1 in present) printf %s "$5" >{0}/"$4" ;; cleanup) rm {0}/"$4" ;; esac"#,
        folder.display()
    );
    let hook = world.hook(&body);
    let names = ["issue", "-d", "www.example.test", "--ip", "127.0.0.1", "--http-hook", &hook];
    world.client(&names).succeeds();
    let calls = world.calls();
    let said: Vec<String> = calls.iter().map(|call| call.arguments[..3].join(" ")).collect();
    assert_eq!(
        said,
        [
            "present -- www.example.test",
            "present -- 127.0.0.1",
            "cleanup -- www.example.test",
            "cleanup -- 127.0.0.1"
        ]
    );
    for call in &calls {
        assert!(call.arguments[4].starts_with(&format!("{}.", call.arguments[3])), "{call:?}");
    }
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
    world
        .issue_by("www.example.test", &["--http-hook", &hook, "--hook-dialect", "lego"])
        .exits(2)
        .tells("hooks of the dialect lego do not answer http-01; those of lego-raw, certbot");
}

/// A signal while the hook works: the hook is ended, then asked to clean up.
pub(crate) fn a_signal_ends_the_hook() {
    let world = World::registered();
    let hook = world.hook("case $1 in present) echo $$ >\"$RECORD.pid\"; sleep 300 ;; esac");
    let mut command = world.command(&["issue", "-d", "www.example.test", "--dns-hook", &hook]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let working = world.path("record.pid");
    poll("the hook works", || std::fs::read_to_string(&working).is_ok_and(|pid| pid.ends_with('\n')));
    // The first call never comes to the trap that removes this.
    std::fs::remove_dir(world.path("record.busy")).unwrap();
    kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
    assert_eq!(wait(&mut child), 128 + 15);
    let said: Vec<String> = world.calls().iter().map(|call| call.arguments[0].clone()).collect();
    assert_eq!(said, ["present", "cleanup"]);
    let pid = std::fs::read_to_string(&working).unwrap();
    poll("the hook has ended", || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        stat.is_ok_and(|stat| stat.contains(") Z"))
            || kill(Pid::from_raw(pid.trim().parse().unwrap()), None).is_err()
    });
}

/// Killed at once while its record stands, the run is made up for by the next one.
pub(crate) fn what_a_killed_run_left_is_cleaned_up() {
    let world = World::registered();
    let hook = world.hook(
        r#"case $1 in present) publish "$2" "$3"; [ -e "$RECORD.again" ] || { touch "$RECORD.again"; rmdir "$RECORD.busy"; kill -9 $PPID; } ;;
           cleanup) unpublish "$2" "$3" ;; esac"#,
    );
    world.issue_by("www.example.test", &["--dns-hook", &hook]).exits(128 + 9);
    assert_eq!(world.presented().len(), 1);
    world.issue_by("www.example.test", &["--dns-hook", &hook]).succeeds();
    assert!(world.texts().is_empty() && world.presented().is_empty());
}

/// A service that publishes in the mock's DNS, for whoever knows the password.
pub(crate) fn httpreq() {
    let world = World::registered();
    let table = world.mock().dns_table();
    let known = |request: &Request| request.header("authorization") == Some("Basic bWU6aHVudGVyMg==");
    let answer = |request: &Request| {
        if !known(request) {
            return (401, "who are you\n".to_owned());
        }
        let asked: Value = serde_json::from_str(&request.body).unwrap();
        let data = RecordData::Txt(asked["value"].as_str().unwrap().to_owned());
        let name = asked["fqdn"].as_str().unwrap();
        match request.target.as_str() {
            "/api/present" => table.add(name, &data).unwrap(),
            _ => drop(table.remove(name, &data).unwrap()),
        }
        (204, String::new())
    };
    let ((), heard) = serve(answer, |address| {
        let url = format!("http://me@{address}/api");
        let resolver = world.mock().dns_addr().to_string();
        let mut command = world.command(&["issue", "-d", "www.example.test", "-vvv", "--dns-hook", &url]);
        command.args(["--dns-resolver", &resolver, "--dns-wait-for", "resolvers"]);
        command.env("HTTPREQ_PASSWORD", "hunter2");
        let outcome = run(command).succeeds();
        assert!(!outcome.stderr.contains("hunter2") && !outcome.stdout.contains("hunter2"));
        world
            .issue_by("www.example.test", &["--dns-hook", &url])
            .exits(5)
            .tells("answered with HTTP status 401 (present www.example.test)")
            .tells("who are you")
            .tells("HTTPREQ_PASSWORD");
        // A password in the URL would be kept in certificate.toml and shown.
        let refused = world.issue_by("www.example.test", &["--dns-hook", "https://me:hunter2@dns.test/"]);
        let refused = refused.exits(2).tells("HTTPREQ_PASSWORD_FILE");
        assert!(!refused.stderr.contains("hunter2"), "{}", refused.stderr);
    });
    let said: Vec<String> =
        heard.iter().map(|request| format!("{} {}", request.method, request.target)).collect();
    assert_eq!(said, ["POST /api/present", "POST /api/cleanup", "POST /api/present", "POST /api/cleanup"]);
    for request in &heard[..2] {
        assert!(known(request), "me:hunter2");
        assert_eq!(request.header("content-type"), Some("application/json"));
        let asked: Value = serde_json::from_str(&request.body).unwrap();
        assert_eq!(asked["fqdn"], "_acme-challenge.www.example.test.");
        assert!(is_digest(asked["value"].as_str().unwrap()));
        assert_eq!(asked.as_object().unwrap().len(), 2);
    }
    assert!(world.texts().is_empty());
}
