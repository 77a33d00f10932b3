//! uacme's dialect.

use super::{Call, digest_of};
use crate::common::webserver::Webserver;
use crate::common::{World, run};

fn lines(calls: &[Call]) -> Vec<String> {
    calls.iter().map(|call| call.arguments[..3].join(" ")).collect()
}

const PUBLISH: &str = r#"case $1/$2 in
begin/dns-01) publish "_acme-challenge.$3" "$5" ;;
*/dns-01) unpublish "_acme-challenge.$3" "$5"; exit 9 ;;
*) exit 1 ;;
esac"#;

/// One authorization at a time; what `done` says does not matter.
pub(crate) fn dns() {
    let world = World::registered();
    let hook = world.hook(PUBLISH);
    let arguments = ["--dns-hook", &hook, "--hook-dialect", "uacme"];
    world.issue_by("*.example.test,www.example.test", &arguments).succeeds();
    let calls = world.calls();
    assert_eq!(
        lines(&calls),
        [
            "begin dns-01 example.test",
            "done dns-01 example.test",
            "begin dns-01 www.example.test",
            "done dns-01 www.example.test"
        ]
    );
    for call in &calls {
        for (i, name) in ["METHOD", "TYPE", "IDENT", "TOKEN", "AUTH"].iter().enumerate() {
            assert_eq!(call.variable(&format!("UACME_{name}")), Some(call.arguments[i].as_str()));
        }
        assert_eq!(call.variable("UACME_CONFDIR"), world.state().to_str());
        assert_eq!(call.variable("UACME_VERBOSE"), Some("0"));
    }
    assert!(world.texts().is_empty() && world.presented().is_empty());
}

/// A hook that declines a type is asked for the next one, and hears no `failed` of the first.
pub(crate) fn the_next_type_is_tried() {
    let world = World::registered();
    let hook = world.hook(PUBLISH);
    world.issue_by("www.example.test", &["--http-hook", &hook, "--hook-dialect", "uacme"]).succeeds();
    assert_eq!(
        lines(&world.calls()),
        ["begin http-01 www.example.test", "begin dns-01 www.example.test", "done dns-01 www.example.test"]
    );
    // One that declines everything is told so.
    let hook = world.hook("exit 1");
    world
        .issue_by("www.example.test", &["--http-hook", &hook, "--hook-dialect", "uacme"])
        .exits(5)
        .tells("nothing is left to prove www.example.test by")
        .tells("declined");
    assert!(world.calls().iter().all(|call| call.arguments[0] == "begin"));
    assert!(world.presented().is_empty());
}

pub(crate) fn files() {
    let world = World::registered();
    let web = Webserver::start(world.mock().http_port());
    let body = format!(
        r#"case $1/$2 in begin/http-01) printf %s "$5" >{0}/"$4" ;; */http-01) rm {0}/"$4" ;; *) exit 1 ;; esac"#,
        web.challenges().display()
    );
    let hook = world.hook(&body);
    world.issue_by("www.example.test", &["--http-hook", &hook, "--hook-dialect", "uacme"]).succeeds();
    let call = &world.calls()[0].arguments;
    assert!(call[4].starts_with(&format!("{}.", call[3])), "{call:?}");
    assert_ne!(digest_of(&call[4]), call[4]);
}

/// The script that comes with uacme, told by the environment where the web server's files are.
pub(crate) fn the_packages_own_script() {
    let world = World::registered();
    let web = Webserver::start(world.mock().http_port());
    let mut command = world.command(&["issue", "-d", "www.example.test,example.test"]);
    command.args(["--http-hook", "/usr/share/uacme/uacme.sh", "--hook-dialect", "uacme"]);
    command.env("UACME_CHALLENGE_PATH", web.challenges());
    run(command).succeeds();
    assert_eq!(std::fs::read_dir(web.challenges()).unwrap().count(), 0);
}

/// A validation that fails is `failed`; a `begin` that dies ends the run without a word.
pub(crate) fn failures() {
    let world = World::registered();
    let hook = world.hook("");
    let arguments = ["--dns-hook", &hook, "--hook-dialect", "uacme", "--dns-wait-for", "nobody"];
    let issue = |names: &str| world.client(&[&["issue", "-d", names], &arguments[..]].concat());
    issue("a.example.test,b.example.test").exits(5).tells("could not validate a.example.test");
    assert_eq!(
        lines(&world.calls()),
        ["begin dns-01 a.example.test", "failed dns-01 a.example.test"],
        "the first failure ends it"
    );
    world.hook("rmdir \"$RECORD.busy\"; kill -9 $$");
    issue("www.example.test").exits(5).tells("was ended by signal 9 (begin dns-01 www.example.test)");
    assert_eq!(lines(&world.calls()), ["begin dns-01 www.example.test"]);
    assert!(world.presented().is_empty());
}
