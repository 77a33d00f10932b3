//! The same hook, called by the client that it was written for and by ours: what it records must be the same.

use std::fs;
use std::process::Command;

use super::Call;
use crate::common::{World, clean, run};

const NAMES: [&str; 2] = ["*.example.test", "www.example.test"];

/// Our calls of a hook in this dialect.
fn ours(body: &str, dialect: &str, names: &[&str]) -> Vec<Call> {
    let world = World::registered();
    let mut hook = world.hook(body);
    if dialect == "certbot" {
        hook = format!("{hook} :: {hook}");
    }
    world.issue_by(&names.join(","), &["--dns-hook", &hook, "--hook-dialect", dialect]).succeeds();
    world.calls()
}

/// Their calls of the same hook.
fn theirs(body: &str, commands: impl FnOnce(&World, &str) -> Vec<Command>) -> Vec<Call> {
    let world = World::new();
    let hook = world.hook(body);
    for command in commands(&world, &hook) {
        run(command).succeeds();
    }
    world.calls()
}

/// Calls with what differs in every run replaced by its number of appearance, and paths by «set».
fn comparable(calls: &[Call]) -> Vec<String> {
    let mut seen = Vec::new();
    let mut lines = Vec::new();
    for call in calls {
        let mut words = vec![call.arguments.join("|")];
        for (name, value) in &call.environment {
            let is_setting = [
                "BASEDIR",
                "CERTDIR",
                "ALPNCERTDIR",
                "CONFIG",
                "WELLKNOWN",
                "UACME_CONFDIR",
                "UACME_VERBOSE",
            ]
            .contains(&name.as_str());
            // Older versions of certbot have not got these.
            if !name.starts_with("CERTBOT_IDENTIFIER") && name != "CERTBOT_ALL_IDENTIFIERS" {
                words.push(format!("{name}={}", if is_setting { "set" } else { value.as_str() }));
            }
        }
        lines.push(numbered(&words.join(" "), &mut seen));
    }
    lines
}

/// The text with tokens, digests and the like as numbers.
fn numbered(text: &str, seen: &mut Vec<String>) -> String {
    let part_of_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let mut numbered = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let length = rest.find(|c| !part_of_word(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(length);
        if word.len() >= 22 && !word.starts_with("CERTBOT_") {
            let number = seen.iter().position(|known| known == word).unwrap_or_else(|| {
                seen.push(word.to_owned());
                seen.len() - 1
            });
            numbered.push_str(&format!("#{number}"));
        } else {
            numbered.push_str(word);
        }
        let separator = after.chars().next().map_or(0, char::len_utf8);
        numbered.push_str(&after[..separator]);
        rest = &after[separator..];
    }
    numbered
}

/// Two proofs that stand under one name: one after the other, for a hook may replace what stands there.
pub(crate) fn lego() {
    let body = r#"case $1 in present) publish "$2" "$3" ;; cleanup) unpublish "$2" "$3" ;; esac"#;
    let names = ["*.example.test", "example.test"];
    let called = theirs(body, |world, hook| {
        let mut command = clean("lego", world.folder.path());
        let (server, resolver) = (world.mock().directory_url(), world.mock().dns_addr().to_string());
        command.args([
            "--server",
            &server,
            "--path",
            "lego",
            "--email",
            "alice@example.test",
            "--accept-tos",
        ]);
        command.args(["--eab", "--kid", &world.eab.kid, "--hmac", &world.eab.hmac_key, "--dns", "exec"]);
        command.args(["--dns.disable-cp", "--dns.resolvers", &resolver]);
        command.args(names.map(|name| format!("--domains={name}"))).arg("run");
        command.env("LEGO_CA_CERTIFICATES", world.path("ca-bundle.pem")).env("EXEC_PATH", hook);
        command.env("EXEC_SEQUENCE_INTERVAL", "1");
        vec![command]
    });
    assert_eq!(comparable(&ours(body, "lego", &names)), comparable(&called));
}

pub(crate) fn certbot() {
    let body = r#"name=_acme-challenge.$CERTBOT_DOMAIN
if [ -z "${CERTBOT_AUTH_OUTPUT+set}" ]; then
    publish "$name" "$CERTBOT_VALIDATION"; echo " said of $CERTBOT_DOMAIN "; exit 1
fi
unpublish "$name" "$CERTBOT_VALIDATION""#;
    let called = theirs(body, |world, hook| {
        let certbot = |arguments: &[&str]| {
            let mut command = clean("certbot", world.folder.path());
            let folders = ["--config-dir", "cb", "--work-dir", "cb", "--logs-dir", "cb"];
            command.args(arguments).arg("--non-interactive").args(folders);
            command.args(["--server", &world.mock().directory_url()]);
            command.env("REQUESTS_CA_BUNDLE", world.path("ca-bundle.pem"));
            command
        };
        let (kid, key) = (world.eab.kid.as_str(), world.eab.hmac_key.as_str());
        let register =
            ["register", "--agree-tos", "-m", "alice@example.test", "--eab-kid", kid, "--eab-hmac-key", key];
        let hooks =
            ["--manual-auth-hook", hook, "--manual-cleanup-hook", hook, "-d", NAMES[0], "-d", NAMES[1]];
        let manual = ["certonly", "--manual", "--preferred-challenges", "dns"];
        vec![certbot(&register), certbot(&[&manual[..], &hooks].concat())]
    });
    assert_eq!(comparable(&ours(body, "certbot", &NAMES)), comparable(&called));
}

/// With and without `HOOK_CHAIN`.
pub(crate) fn dehydrated() {
    let body = r#"operation=$1; shift
case $operation in deploy_challenge | clean_challenge) ;; *) exit 0 ;; esac
while [ $# -gt 0 ]; do
    case $operation in
        deploy_challenge) publish "_acme-challenge.$1" "$3" ;;
        clean_challenge) unpublish "_acme-challenge.$1" "$3" ;;
    esac
    shift 3
done"#;
    for (chain, dialect) in [("no", "dehydrated"), ("yes", "dehydrated-chain")] {
        let called = theirs(body, |world, hook| {
            let config = format!(
                "CA={:?}\nEAB_KID={:?}\nEAB_HMAC_KEY={:?}\nBASEDIR={:?}\nCURL_OPTS=\"--cacert {}\"\nHOOK_CHAIN={chain}\nKEY_ALGO=prime256v1\nACCOUNT_KEYSIZE=2048\n",
                world.mock().directory_url(),
                world.eab.kid,
                world.eab.hmac_key,
                world.path("dh"),
                world.path("ca-bundle.pem").display(),
            );
            fs::create_dir(world.path("dh")).unwrap();
            fs::write(world.path("dh/config"), config).unwrap();
            let dehydrated = |arguments: &[&str]| {
                let mut command = clean("dehydrated", world.folder.path());
                command.args(["-f", "dh/config"]).args(arguments);
                command
            };
            let names = ["-d", &NAMES.join(" "), "--alias", "both"];
            let issue = ["-c", "-t", "dns-01", "-k", hook];
            vec![dehydrated(&["--register", "--accept-terms"]), dehydrated(&[&issue[..], &names].concat())]
        });
        // What is called for certificates and not for challenges is left out.
        let of_challenges = |mut calls: Vec<Call>| {
            calls.retain(|call| call.arguments[0].ends_with("_challenge"));
            comparable(&calls)
        };
        assert_eq!(of_challenges(ours(body, dialect, &NAMES)), of_challenges(called), "HOOK_CHAIN={chain}");
    }
}

/// libcurl reads the system's roots and nothing else: for uacme, in a mount namespace, these are the mock's.
pub(crate) fn uacme() {
    let body = r#"case $1/$2 in
begin/dns-01) publish "_acme-challenge.$3" "$5" ;;
*/dns-01) unpublish "_acme-challenge.$3" "$5" ;;
*) exit 1 ;;
esac"#;
    let called = theirs(body, |world, hook| {
        let uacme = |arguments: &[&str]| {
            let script = "mount --bind ca-bundle.pem /etc/ssl/certs/ca-certificates.crt && exec uacme \"$@\"";
            let mut command = clean("unshare", world.folder.path());
            command.args(["--map-root-user", "--mount", "sh", "-c", script, "uacme", "-y", "-c", "ua"]);
            command.args(["-a", &world.mock().directory_url()]).args(arguments);
            command
        };
        let eab = format!("{}:{}", world.eab.kid, world.eab.hmac_key);
        vec![
            uacme(&["-t", "RSA", "-e", &eab, "new", "alice@example.test"]),
            uacme(&["-h", hook, "issue", NAMES[0], NAMES[1]]),
        ]
    });
    // Other types come first there, and are declined; and before 1.8 there are no variables.
    let accepted = |mut calls: Vec<Call>| {
        calls.retain(|call| call.arguments[1] == "dns-01");
        calls.iter_mut().for_each(|call| call.environment.clear());
        comparable(&calls)
    };
    assert_eq!(accepted(ours(body, "uacme", &NAMES)), accepted(called));
}
