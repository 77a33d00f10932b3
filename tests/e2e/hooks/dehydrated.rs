//! dehydrated's dialect.

use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::{Call, is_digest};
use crate::common::run::wait;
use crate::common::webserver::Webserver;
use crate::common::{World, poll};

const PUBLISH: &str = r#"operation=$1
case $operation in deploy_challenge | clean_challenge) ;; *) exit 0 ;; esac
shift
while [ $# -gt 0 ]; do
    case $operation in
        deploy_challenge) publish "_acme-challenge.$1" "$3" ;;
        clean_challenge) unpublish "_acme-challenge.$1" "$3" ;;
    esac
    shift 3
done"#;

fn operations(calls: &[Call]) -> Vec<&str> {
    calls.iter().skip(1).map(|call| call.arguments[0].as_str()).collect()
}

pub(crate) fn dns() {
    let world = World::registered();
    let hook = world.hook(PUBLISH);
    let arguments = ["--dns-hook", &hook, "--hook-dialect", "dehydrated"];
    world.issue_by("*.example.test,www.example.test", &arguments).succeeds();
    let calls = world.calls();
    assert!(calls[0].line().contains("no_hook_knows"), "a probe comes first: {:?}", calls[0]);
    assert_eq!(
        operations(&calls),
        [
            "startup_hook",
            "deploy_challenge",
            "deploy_challenge",
            "clean_challenge",
            "clean_challenge",
            "exit_hook"
        ]
    );
    for (call, domain) in calls[2..6].iter().zip(["example.test", "www.example.test"].repeat(2)) {
        assert_eq!((call.arguments.len(), call.arguments[1].as_str()), (4, domain));
        assert!(!call.arguments[2].is_empty() && is_digest(&call.arguments[3]), "{call:?}");
        assert_eq!(call.variable("altnames"), Some("*.example.test www.example.test"));
    }
    assert_eq!(calls[2].arguments[1..], calls[4].arguments[1..]);
    assert_eq!(calls[6].arguments, ["exit_hook"], "without an error");
    let state = world.state().display().to_string();
    for call in &calls {
        assert_eq!(call.variable("WELLKNOWN"), Some("/var/www/dehydrated"));
        assert_eq!(call.variable("BASEDIR"), Some(state.as_str()));
        assert_eq!(call.variable("CERTDIR"), Some(&*format!("{state}/certificates")));
        assert_eq!(call.variable("ALPNCERTDIR"), Some(&*format!("{state}/alpn-certs")));
        assert_eq!(call.variable("CONFIG"), Some("/etc/dehydrated/config"));
        assert_eq!(call.variable("COMMAND"), Some("sign_domains"));
    }
    assert!(world.texts().is_empty());
}

/// However many certificates it is about, a run begins and ends once.
pub(crate) fn begin_and_end_once() {
    let world = World::registered();
    let hook = world.hook(PUBLISH);
    let arguments = ["--dns-hook", &hook, "--hook-dialect", "dehydrated"];
    for name in ["a.example.test", "b.example.test"] {
        world.issue_by(name, &arguments).succeeds();
    }
    std::fs::remove_file(world.path("record")).unwrap();
    world.client(&["renew", "--force"]).succeeds();
    let calls = world.calls();
    let count = |operation| operations(&calls).iter().filter(|said| **said == operation).count();
    assert_eq!((count("startup_hook"), count("deploy_challenge"), count("exit_hook")), (1, 2, 1));
    assert_eq!(operations(&calls).last(), Some(&"exit_hook"));
    // An end that does not end is left at the second signal; what the run did stands.
    world.hook(&format!("case $1 in exit_hook) touch \"$RECORD.end\"; sleep 300 ;; esac\n{PUBLISH}"));
    let mut command = world.command(&["renew", "--force"]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    poll("the run ends", || world.path("record.end").exists());
    poll("the end is left", || {
        kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
        child.try_wait().unwrap().is_some()
    });
    assert_eq!(wait(&mut child), 0);
    assert!(world.texts().is_empty());
}

/// `HOOK_CHAIN=yes`: all at once, in one call.
pub(crate) fn chain() {
    let world = World::registered();
    let hook = world.hook(PUBLISH);
    let arguments = ["--dns-hook", &hook, "--hook-dialect", "dehydrated-chain"];
    world.issue_by("a.example.test,b.example.test", &arguments).succeeds();
    let calls = world.calls();
    assert_eq!(operations(&calls), ["startup_hook", "deploy_challenge", "clean_challenge", "exit_hook"]);
    let arguments = &calls[2].arguments;
    assert_eq!(
        (arguments[1].as_str(), arguments[4].as_str(), arguments.len()),
        ("a.example.test", "b.example.test", 7)
    );
    assert!(is_digest(&arguments[3]) && is_digest(&arguments[6]));
    assert_eq!(arguments[1..], calls[3].arguments[1..]);
    assert!(world.texts().is_empty());
}

pub(crate) fn files() {
    let world = World::registered();
    let web = Webserver::start(world.mock().http_port());
    let body = format!(
        r#"case $1 in deploy_challenge) printf %s "$4" >{0}/"$3" ;; clean_challenge) rm {0}/"$3" ;; esac"#,
        web.challenges().display()
    );
    let hook = world.hook(&body);
    let arguments = ["--http-hook", &hook, "--hook-dialect", "dehydrated"];
    world.issue_by("www.example.test", &arguments).succeeds();
    let deployed = &world.calls()[2].arguments;
    assert!(deployed[3].starts_with(&format!("{}.", deployed[2])), "{deployed:?}");
}

/// A hook that serves tls-alpn-01 with what it was told, by a server that it leaves running.
pub(crate) fn tls() {
    let world = World::registered();
    let port = world.mock().tls_port();
    let body = format!(
        r#"cd "${{RECORD%/*}}"
case $1 in
deploy_challenge)
    openssl req -x509 -newkey rsa:2048 -noenc -keyout alpn.key -out alpn.pem -subj / -days 1         -addext "subjectAltName=DNS:$2" -addext "1.3.6.1.5.5.7.1.31=critical,DER:04:20:$4" 2>req.log || exit 1
    openssl s_server -accept 127.0.0.1:{port} -cert alpn.pem -key alpn.key -alpn acme-tls/1 -quiet         >server.log 2>&1 </dev/null &
    echo $! >server.pid
    until openssl s_client -connect 127.0.0.1:{port} </dev/null >client.log 2>&1; do kill -0 $! || exit 1; done ;;
clean_challenge) kill "$(cat server.pid)" ;;
esac"#
    );
    let hook = world.hook(&body);
    let method = format!("www.example.test=tls-alpn-hook:{hook}");
    let outcome = world.issue_by("www.example.test", &["--challenge", &method]).succeeds();
    assert_eq!(operations(&world.calls()).len(), 4, "{}", outcome.stderr);
    let digest = &world.calls()[2].arguments[3];
    assert_eq!(digest.split(':').filter(|byte| byte.len() == 2).count(), 32, "{digest}");
}

/// Whatever does not end with status 0 ends the run, but for `exit_hook`.
pub(crate) fn failures_are_fatal() {
    let world = World::registered();
    let fails = |operation: &str| {
        let body = format!("[ \"$1\" != {operation} ] || {{ echo no {operation}; exit 1; }}\n{PUBLISH}");
        let hook = world.hook(&body);
        let arguments = ["--dns-hook", &hook, "--hook-dialect", "dehydrated"];
        (world.issue_by("www.example.test", &arguments), world.calls())
    };
    let (outcome, calls) = fails("startup_hook");
    outcome.exits(5).tells("no startup_hook");
    assert_eq!(operations(&calls), ["startup_hook"]);
    let (outcome, calls) = fails("deploy_challenge");
    outcome.exits(5).tells("(deploy_challenge www.example.test)").tells("no deploy_challenge");
    assert_eq!(calls.last().unwrap().arguments[0], "exit_hook");
    assert!(calls.last().unwrap().arguments[1].contains("deploy_challenge"), "the error is its argument");
    let (outcome, _) = fails("exit_hook");
    outcome.succeeds().tells("no exit_hook");
    // A hook that does not let unknown operations pass.
    let hook = world.hook("case $1 in startup_hook | exit_hook) ;; *) exit 1 ;; esac");
    world
        .issue_by("www.example.test", &["--dns-hook", &hook, "--hook-dialect", "dehydrated"])
        .exits(5)
        .tells("no_hook_knows");
    // Last, for the server is content by then, and the next run goes on from there.
    let (outcome, _) = fails("clean_challenge");
    outcome.exits(5).tells("no clean_challenge");
}

/// What the server did not accept is told to the hook, before it is cleaned.
pub(crate) fn an_invalid_challenge_is_told() {
    let world = World::registered();
    let hook = world.hook(
        r#"case $1 in deploy_challenge) publish "_acme-challenge.$2" wrong ;; clean_challenge) unpublish "_acme-challenge.$2" wrong ;; esac"#,
    );
    let arguments = ["--dns-hook", &hook, "--hook-dialect", "dehydrated", "--dns-wait-for", "nobody"];
    world.client(&[&["issue", "-d", "www.example.test"], &arguments[..]].concat()).exits(5);
    let calls = world.calls();
    assert_eq!(
        operations(&calls),
        ["startup_hook", "deploy_challenge", "invalid_challenge", "clean_challenge", "exit_hook"]
    );
    assert_eq!(calls[3].arguments[1], "www.example.test");
    let response: Value = serde_json::from_str(&calls[3].arguments[2]).unwrap();
    assert_eq!((&response["type"], &response["status"]), (&Value::from("dns-01"), &Value::from("invalid")));
    assert!(response["error"]["detail"].is_string(), "{response}");
}
