//! certbot's dialect.

use super::is_digest;
use crate::common::World;
use crate::common::webserver::Webserver;

/// All authenticate, then all are validated, then all clean up; a bad end is only a warning.
pub(crate) fn dns() {
    let world = World::registered();
    let hook = world.hook(
        r#"name=_acme-challenge.$CERTBOT_DOMAIN
if [ -z "${CERTBOT_AUTH_OUTPUT+set}" ]; then
    publish "$name" "$CERTBOT_VALIDATION"; echo "  id of $CERTBOT_DOMAIN "; echo 'not my day' >&2; exit 4
fi
unpublish "$name" "$CERTBOT_VALIDATION""#,
    );
    // Shell text, with an argument of its own.
    let hook = format!("{hook} 'my own'");
    let command = format!("{hook} :: {hook}");
    let arguments = ["--dns-hook", &command, "--hook-dialect", "certbot"];
    world.issue_by("*.example.test,www.example.test", &arguments).succeeds().tells(&format!(
        "the hook {command} ended with status 4 (authentication of example.test): not my day"
    ));
    let calls = world.calls();
    assert!(calls.iter().all(|call| call.line() == "my own"));
    let told = |name: &str| -> Vec<&str> {
        calls.iter().map(|call| call.variable(name).unwrap_or("(unset)")).collect()
    };
    let domains = ["example.test", "www.example.test", "example.test", "www.example.test"];
    assert_eq!(told("CERTBOT_DOMAIN"), domains);
    assert_eq!(told("CERTBOT_IDENTIFIER"), domains);
    assert_eq!(told("CERTBOT_ALL_DOMAINS"), ["example.test,www.example.test"; 4]);
    assert_eq!(told("CERTBOT_ALL_IDENTIFIERS"), ["example.test,www.example.test"; 4]);
    assert_eq!(told("CERTBOT_REMAINING_CHALLENGES"), ["1", "0", "1", "0"]);
    assert_eq!(told("CERTBOT_TOKEN"), ["(unset)"; 4]);
    assert_eq!(
        told("CERTBOT_AUTH_OUTPUT"),
        ["(unset)", "(unset)", "id of example.test", "id of www.example.test"]
    );
    let values = told("CERTBOT_VALIDATION");
    assert!(values.iter().all(|value| is_digest(value)), "{values:?}");
    assert_eq!((values[0], values[1]), (values[2], values[3]));
    assert!(world.texts().is_empty());
    // One command alone authenticates, and is not run for a clean-up that it does not know.
    world.issue_by("www.example.test", &["--dns-hook", &hook, "--hook-dialect", "certbot"]).succeeds();
    assert_eq!(world.calls().len(), 4 + 1);
    assert_eq!(world.texts(), ["_acme-challenge.www.example.test"]);
    assert!(world.presented().is_empty());
}

/// Two commands, as certbot has them, and a token for files.
pub(crate) fn files_with_two_commands() {
    let world = World::registered();
    let web = Webserver::start(world.mock().http_port());
    let hook = world.hook("");
    let folder = web.challenges();
    let command = format!(
        r#"{hook} auth; printf %s "$CERTBOT_VALIDATION" >{0}/"$CERTBOT_TOKEN" :: {hook} cleanup; rm {0}/"$CERTBOT_TOKEN""#,
        folder.display()
    );
    let outcome = world.issue_by("www.example.test", &["--http-hook", &command, "--hook-dialect", "certbot"]);
    outcome.succeeds();
    let calls = world.calls();
    assert_eq!(calls.iter().map(super::Call::line).collect::<Vec<_>>(), ["auth", "cleanup"]);
    for call in &calls {
        let (token, validation) =
            (call.variable("CERTBOT_TOKEN").unwrap(), call.variable("CERTBOT_VALIDATION").unwrap());
        assert!(validation.starts_with(&format!("{token}.")), "{call:?}");
    }
    assert_eq!(calls[1].variable("CERTBOT_AUTH_OUTPUT"), Some(""));
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
}
