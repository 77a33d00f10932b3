//! acme.sh's dialect: our own helpers function by function, and DNS scripts of three styles that use them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use server_mock::testbed::RecordData;

use super::is_digest;
use crate::common::nameserver::{self, FIRST, Key, dns_port};
use crate::common::service::{Request, serve};
use crate::common::{World, clean, run};

fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A script of ours where acme.sh keeps its.
fn install(world: &World, name: &str) {
    let folder = world.path(".acme.sh/dnsapi");
    fs::create_dir_all(&folder).unwrap();
    fs::copy(source("tests/e2e/hooks/dnsapi").join(name), folder.join(name)).unwrap();
}

/// Every helper, in both shells that Debian has for /bin/sh.
pub(crate) fn helpers_in_dash_and_bash() {
    let told = |request: &Request| {
        let headers: String =
            request.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        (200, format!("{} {}\n{headers}\n{}", request.method, request.target, request.body))
    };
    for shell in ["dash", "bash"] {
        let folder = tempfile::tempdir().unwrap();
        let ((), _) = serve(told, |address| {
            let mut command = clean(shell, folder.path());
            command.arg(source("tests/e2e/hooks/helpers.sh")).arg(source("src/hooks/acme_sh/helpers.sh"));
            let outcome = run({
                command.arg(folder.path()).arg(format!("http://{address}"));
                command
            });
            assert_eq!((outcome.status, outcome.stdout.as_str()), (0, ""), "{shell}: {}", outcome.stderr);
        });
    }
}

/// A JSON API with a token: zones are looked up, records have identifiers.
pub(crate) fn a_json_api() {
    let world = World::registered();
    install(&world, "dns_json.sh");
    let table = world.mock().dns_table();
    let records: Mutex<Vec<(String, String)>> = Mutex::default();
    let answer = |request: &Request| {
        if request.header("authorization") != Some("Bearer hunter2") {
            return (401, "{}".to_owned());
        }
        let mut records = records.lock().unwrap();
        let text = |value: &str| RecordData::Txt(value.to_owned());
        match (request.method.as_str(), request.target.as_str()) {
            ("GET", "/zones?name=example.test") => (
                200,
                "{ \"zones\" : [\n  { \"id\" : \"z1\",\n    \"name\" : \"example.test\" } ] }".to_owned(),
            ),
            ("GET", target) if target.starts_with("/zones?name=") => (200, "{\"zones\": []}".to_owned()),
            ("POST", "/zones/z1/records") => {
                let asked: serde_json::Value = serde_json::from_str(&request.body).unwrap();
                let (name, value) = (asked["name"].as_str().unwrap(), asked["content"].as_str().unwrap());
                assert!(is_digest(value) && asked["type"] == "TXT", "{asked}");
                table.add(name, &text(value)).unwrap();
                records.push((name.to_owned(), value.to_owned()));
                (200, "{\"success\" : \"yes\"}".to_owned())
            }
            ("GET", target) if target.starts_with("/zones/z1/records?name=_acme-challenge.") => {
                let listed = records.iter().enumerate().map(|(id, (name, value))| {
                    format!("{{\"id\" : \"r{id}\", \"name\" : \"{name}\", \"content\" : \"{value}\"}}")
                });
                (200, format!("[{}]", listed.collect::<Vec<_>>().join(",\n")))
            }
            ("DELETE", target) => {
                let id: usize = target.strip_prefix("/zones/z1/records/r").unwrap().parse().unwrap();
                let (name, value) = records[id].clone();
                assert!(table.remove(&name, &text(&value)).unwrap());
                (200, "{}".to_owned())
            }
            _ => (404, String::new()),
        }
    };
    let ((), heard) = serve(answer, |address| {
        let resolver = world.mock().dns_addr().to_string();
        let names = ["issue", "-d", "*.example.test,example.test", "-vvv"];
        let by_hook = ["--dns-hook", "dns_json", "--hook-dialect", "acme.sh"];
        let dns = ["--dns-resolver", &resolver, "--dns-wait-for", "resolvers"];
        let mut command = world.command(&[&names[..], &by_hook, &dns].concat());
        command.env("JSON_Url", format!("http://{address}")).env("JSON_Token", "hunter2");
        let outcome = run(command).succeeds();
        assert!(!outcome.stderr.contains("hunter2"), "{}", outcome.stderr);
        // What a killed call left goes away with the next one.
        let left = world.state().join("hooks/acme.sh/call.999999999.abcdef");
        fs::create_dir(&left).unwrap();
        fs::write(left.join("headers"), "").unwrap();
        // What the script saved is there at the renewal, whose environment knows nothing.
        world.client(&["renew", "--force"]).succeeds();
    });
    assert_eq!(heard.iter().filter(|request| request.method == "POST").count(), 4);
    assert_eq!(heard.iter().filter(|request| request.method == "DELETE").count(), 4);
    assert!(world.texts().is_empty());
    let folder = world.state().join("hooks/acme.sh");
    for file in fs::read_dir(&folder).unwrap() {
        let file = file.unwrap();
        let metadata = file.metadata().unwrap();
        assert!(metadata.is_file(), "{:?}", file.path());
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{:?}", file.path());
    }
    assert_eq!(
        fs::read_to_string(folder.join("example.test.conf")).unwrap(),
        "JSON_Zone='z1'\n",
        "of this domain alone"
    );
}

/// A form API: signed fields in, fields out.
pub(crate) fn a_form_api() {
    let world = World::registered();
    install(&world, "dns_form.sh");
    let table = world.mock().dns_table();
    let refuse = Mutex::new(false);
    let answer = |request: &Request| {
        assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
        let authorization = request.header("authorization").unwrap().strip_prefix("Basic ").unwrap();
        let authorization = String::from_utf8(BASE64_STANDARD.decode(authorization).unwrap()).unwrap();
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, b"hunter2");
        let signature = aws_lc_rs::hmac::sign(&key, request.body.as_bytes());
        let signature: String = signature.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(authorization, format!("me:{signature}"));
        if *refuse.lock().unwrap() {
            return (200, "error=17&text=Zone locked".to_owned());
        }
        let fields: Vec<&str> =
            request.body.split('&').map(|field| field.split_once('=').unwrap().1).collect();
        let value = fields[2].strip_prefix("%22").and_then(|text| text.strip_suffix("%22")).unwrap();
        let data = RecordData::Txt(value.to_owned());
        match fields[0] {
            "ADD" => table.add(fields[1], &data).unwrap(),
            _ => assert!(table.remove(fields[1], &data).unwrap()),
        }
        (200, "error=0&text=Done".to_owned())
    };
    let ((), heard) = serve(answer, |address| {
        let resolver = world.mock().dns_addr().to_string();
        let issue = || {
            let mut command = world.command(&["issue", "--force", "-d", "www.example.test"]);
            command.args(["--dns-hook", "dns_form.sh", "--hook-dialect", "acme.sh"]);
            command.args(["--dns-resolver", &resolver, "--dns-wait-for", "resolvers"]);
            command.env("FORM_Url", format!("http://{address}/form"));
            command.env("FORM_User", "me").env("FORM_Secret", "hunter2");
            run(command)
        };
        issue().succeeds();
        assert!(world.texts().is_empty());
        *refuse.lock().unwrap() = true;
        issue()
            .exits(5)
            .tells("ended with status 1 (dns_form_add _acme-challenge.www.example.test)")
            .tells("error: The service said: error=17&text=Zone locked");
    });
    assert_eq!(heard.len(), 4, "{heard:?}");
    world
        .issue_by("www.example.test", &["--dns-hook", "dns_nobody", "--hook-dialect", "acme.sh"])
        .exits(3)
        .tells(".acme.sh/dnsapi/dns_nobody.sh");
}

/// Updates by nsupdate, in a zone of BIND's.
pub(crate) fn nsupdate_and_bind() {
    let keys = tempfile::tempdir().unwrap();
    let key = Key::generate(keys.path(), "acme");
    let port = dns_port();
    let server = nameserver::bind(port, &key, &[FIRST], "");
    let world = World::with(|config| config.resolver = Some(server.address()));
    world.register();
    install(&world, "dns_update.sh");
    let (resolver, dns_port) = (server.address().to_string(), port.to_string());
    let mut command = world.command(&["issue", "-d", "*.example.test,example.test"]);
    command.args(["--dns-hook", "dns_update", "--hook-dialect", "acme.sh"]);
    command.args(["--dns-resolver", &resolver, "--dns-port", &dns_port]);
    command.env("UPDATE_Server", "127.0.0.1").env("UPDATE_Port", &dns_port).env("UPDATE_Key", &key.path);
    run(command).succeeds();
    assert!(!server.zone(nameserver::ZONE).contains("TXT"));
    world.client(&["renew", "--force"]).succeeds();
}
