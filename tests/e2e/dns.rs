//! Names proven by the DNS, with the name servers that Debian has.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::common::nameserver::{self, FIRST, Key, NameServer, PROOFS, SECOND, ZONE, dns_port};
use crate::common::run::{try_poll, wait};
use crate::common::webserver::Webserver;
use crate::common::{CLIENT, Outcome, World, clean, poll, run, run_with_input};

/// A client's world whose DNS is a real server's.
struct Dns {
    world: World,
    server: NameServer,
    key: Key,
    port: u16,
}

impl Dns {
    /// With BIND, and more records in [`ZONE`].
    fn with_bind(records: &str) -> Self {
        Self::new(|port, key| nameserver::bind(port, key, &[FIRST], records))
    }

    fn new(start: impl FnOnce(u16, &Key) -> NameServer) -> Self {
        let keys = tempfile::tempdir().unwrap();
        let key = Key::generate(keys.path(), "acme");
        let port = dns_port();
        let server = start(port, &key);
        let world = World::with(|config| config.resolver = Some(server.address()));
        world.register();
        let key = Key::write(world.path("acme.key"), fs::read_to_string(&key.path).unwrap());
        Self { world, server, key, port }
    }

    /// `issue` with these arguments, by updates with the key, looking names up at the server.
    fn issue(&self, arguments: &[&str]) -> Outcome {
        run(self.command(&self.key, arguments))
    }

    fn command(&self, key: &Key, arguments: &[&str]) -> Command {
        let (resolver, port) = (self.server.address().to_string(), self.port.to_string());
        let by_dns = ["issue", "--dns-rfc2136", key.path.to_str().unwrap()];
        let where_asked = ["--dns-resolver", &resolver, "--dns-port", &port];
        self.world.command(&[&by_dns[..], &where_asked, arguments].concat())
    }

    /// A key like the server's, with one thing different.
    fn other_key(&self, change: impl FnOnce(String) -> String) -> Key {
        let text = fs::read_to_string(&self.key.path).unwrap();
        Key::write(self.world.path("other.key"), change(text))
    }

    /// Adds a record, as zone files have it, with a tool of BIND's.
    fn publish(&self, line: &str) {
        let (ip, port) = (self.server.address().ip(), self.port);
        let script = format!("server {ip} {port}\nzone {ZONE}\nupdate add {line}\nsend\n");
        let mut command = clean("nsupdate", self.world.folder.path());
        command.arg("-k").arg(&self.key.path);
        run_with_input(command, &script).succeeds();
    }

    /// Whether no proof is left in the zones.
    #[track_caller]
    fn is_clean(&self) {
        for zone in [ZONE, PROOFS] {
            let records = self.server.zone(zone);
            assert!(!records.contains("TXT"), "{records}");
        }
    }
}

pub(crate) fn wildcard_and_base_side_by_side_with_bind() {
    let dns = Dns::with_bind("");
    let issued = dns.issue(&["-d", "*.example.test", "-d", "example.test", "--json"]).succeeds().json();
    assert_eq!(issued["identifiers"], json!(["*.example.test", "example.test"]));
    dns.is_clean();
    let renewed = dns.world.client(&["renew", "--force", "--json"]).succeeds().json();
    assert_eq!(renewed["certificates"][0]["version"], 2, "renewal needs nothing else");
    dns.is_clean();
}

pub(crate) fn updates_of_knot() {
    let dns = Dns::new(nameserver::knot);
    dns.issue(&["-d", "*.example.test", "-d", "example.test"]).succeeds();
    assert_eq!(dns.server.dig("_acme-challenge.example.test", "TXT"), "");
    let other = dns.other_key(|text| text.replace(dns.key.secret(), "d3Jvbmc="));
    let refused = run(dns.command(&other, &["-d", "www.example.test"])).exits(5);
    refused.tells("does not accept the key acme (hmac-sha256): its own has another secret");
}

pub(crate) fn a_wrong_key_is_told_apart() {
    let dns = Dns::with_bind("");
    let other = dns.other_key(|text| text.replace(dns.key.secret(), "d3Jvbmc="));
    let refused = run(dns.command(&other, &["-d", "www.example.test"])).exits(5);
    let refused = refused.tells("does not accept the key acme (hmac-sha256): its own has another secret");
    assert!(!refused.stderr.contains("WARN"), "nothing was left behind: {}", refused.stderr);
    refused.tells("copy the secret again").keeps_secret("d3Jvbmc=");
    for change in [("\"acme\"", "\"other\""), ("hmac-sha256", "hmac-sha512")] {
        let other = dns.other_key(|text| text.replace(change.0, change.1));
        let refused = run(dns.command(&other, &["-d", "www.example.test"])).exits(5);
        refused.tells("it knows no such key");
    }
    // A zone that the key may not change.
    let refused = dns.issue(&["-d", "www.example.test", "--dns-alias", "_www.test"]).exits(5);
    refused.tells("did not update _www.test in the zone test: it refuses");
    // A file that others can read.
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    fs::set_permissions(&dns.key.path, mode).unwrap();
    dns.issue(&["-d", "www.example.test"]).exits(3).tells("chmod 600");
}

/// Starts the client, with its log in a file.
fn start(dns: &Dns, arguments: &[&str]) -> (Child, PathBuf) {
    let log = dns.world.path("log");
    let mut command = dns.command(&dns.key, &[arguments, &["-v"]].concat());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(fs::File::create(&log).unwrap());
    (command.spawn().unwrap(), log)
}

fn with_lagging_secondary() -> (Dns, NameServer) {
    let dns = Dns::new(|port, key| nameserver::bind(port, key, &[FIRST, SECOND], ""));
    let secondary = nameserver::knot_secondary(dns.port);
    (dns, secondary)
}

pub(crate) fn a_secondary_that_lags_is_awaited() {
    let (dns, secondary) = with_lagging_secondary();
    let (mut child, log) = start(&dns, &["-d", "www.example.test"]);
    let waits = format!(
        "waiting for ns2.example.test (127.0.0.2:{}) to show _acme-challenge.www.example.test (2 of 3 servers do)",
        dns.port
    );
    poll("the client waits for the secondary", || fs::read_to_string(&log).unwrap().contains(&waits));
    assert!(child.try_wait().unwrap().is_none());
    assert!(!fs::read_to_string(&log).unwrap().contains("waiting for the validation"));
    secondary.refresh();
    assert_eq!(wait(&mut child), 0, "{}", fs::read_to_string(&log).unwrap());
    dns.is_clean();
}

pub(crate) fn c44_a_signal_takes_records_down() {
    let (dns, _secondary) = with_lagging_secondary();
    let (mut child, log) = start(&dns, &["-d", "www.example.test"]);
    poll("the record is there", || !dns.server.dig("_acme-challenge.www.example.test", "TXT").is_empty());
    kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
    assert_eq!(wait(&mut child), 128 + 15, "{}", fs::read_to_string(&log).unwrap());
    dns.is_clean();
}

pub(crate) fn what_a_killed_run_left_is_taken_down_by_the_next() {
    let (dns, _secondary) = with_lagging_secondary();
    let (mut child, _) = start(&dns, &["-d", "www.example.test"]);
    poll("the record is there", || !dns.server.dig("_acme-challenge.www.example.test", "TXT").is_empty());
    child.kill().unwrap();
    child.wait().unwrap();
    dns.issue(&["-d", "www.example.test", "--dns-wait-for", "nobody"]).succeeds();
    dns.is_clean();
}

pub(crate) fn a_timeout_names_the_server_and_what_it_shows() {
    let (dns, _secondary) = with_lagging_secondary();
    let outcome = dns.issue(&["-d", "www.example.test,example.test", "--dns-timeout", "1s"]).exits(5);
    let outcome = outcome.tells(".example.test is not visible everywhere after 1 s");
    outcome.tells(&format!("ns2.example.test (127.0.0.2:{}): it has no such record", dns.port));
    dns.is_clean();
}

pub(crate) fn a_server_that_is_down_is_named() {
    let dns = Dns::new(|port, key| nameserver::bind(port, key, &[FIRST, SECOND], ""));
    let outcome = dns.issue(&["-d", "www.example.test", "--dns-timeout", "1s"]).exits(5);
    outcome.tells(&format!("ns2.example.test (127.0.0.2:{}): it does not answer", dns.port));
    dns.issue(&["-d", "www.example.test", "--dns-wait-for", "nobody"]).succeeds();
    dns.is_clean();
}

pub(crate) fn proofs_stand_where_cname_records_lead() {
    let dns = Dns::with_bind(
        "_acme-challenge.www CNAME hop.example.test.\nhop CNAME www.proofs.test.\n\
         _acme-challenge.circle CNAME circle.example.test.\ncircle CNAME _acme-challenge.circle.example.test.\n",
    );
    let outcome = dns.issue(&["-d", "www.example.test", "-d", "*.www.example.test", "-v"]).succeeds();
    outcome.tells("www.proofs.test is visible (2 of 2 servers show it)");
    dns.is_clean();
    dns.issue(&["-d", "circle.example.test"]).exits(5).tells("CNAME records go on for more than 10 names");
}

/// A wildcard leads all names to a zone that takes no updates: proofs that followed it would be refused.
pub(crate) fn a_wildcard_cname_is_not_followed() {
    let dns = Dns::with_bind("*.wild CNAME anything.test.\n");
    let outcome = dns.issue(&["-d", "www.wild.example.test", "-v"]).succeeds();
    outcome.tells("leads to anything.test by a wildcard, which is not followed");
    dns.is_clean();
}

/// A wildcard leads the server, which follows it, to where the user says that the proof is.
pub(crate) fn an_alias_is_named_outright() {
    let dns = Dns::with_bind("*.wild CNAME _one.proofs.test.\n");
    let names = ["-d", "www.wild.example.test", "-d", "example.test", "-v"];
    let alias = ["--dns-alias", "www.wild.example.test=_one.proofs.test"];
    let outcome = dns.issue(&[&names[..], &alias].concat()).succeeds();
    outcome.tells("_one.proofs.test is visible").tells("_acme-challenge.example.test is visible");
    dns.is_clean();
    dns.world.client(&["renew", "--force", "-v"]).succeeds().tells("_one.proofs.test is visible");
}

pub(crate) fn a_label_of_the_accounts_own() {
    let dns = Dns::with_bind("");
    let arguments = ["-d", "*.example.test", "--dns-challenge", "dns-account-01", "-v"];
    let outcome = dns.issue(&arguments).succeeds();
    outcome.tells("._acme-challenge.example.test is visible");
    dns.is_clean();
}

/// The zone's own servers are not asked: nothing listens on port 53 of their addresses.
pub(crate) fn resolvers_alone_are_asked_where_servers_cannot_be() {
    let dns = Dns::with_bind("");
    let (resolver, secret) = (dns.server.address().to_string(), dns.world.path("secret"));
    fs::write(&secret, dns.key.secret()).unwrap();
    fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let file = dns.world.path("update.toml");
    fs::write(&file, format!("server = '{resolver}'\nkey = 'acme'\nsecret-file = 'secret'\n")).unwrap();
    let by_dns = ["issue", "-d", "www.example.test", "--dns-rfc2136", file.to_str().unwrap()];
    let asked = ["--dns-resolver", &resolver, "--dns-wait-for", "resolvers", "-v"];
    let outcome = dns.world.client(&[&by_dns[..], &asked].concat()).succeeds();
    outcome.tells("_acme-challenge.www.example.test is visible (1 of 1 servers show it)");
    dns.is_clean();
}

/// The certificate that no single method can prove: a wildcard by DNS, the rest by HTTP over IPv4 and IPv6.
pub(crate) fn a_wildcard_its_base_and_two_addresses_in_one_certificate() {
    let dns = Dns::with_bind("");
    let by_dns = format!("*.example.test=dns-rfc2136:{}", dns.key.path.display());
    let by_http = format!("--standalone=[::]:{}", dns.world.mock().http_port());
    let (resolver, port) = (dns.server.address().to_string(), dns.port.to_string());
    let names = ["issue", "-d", "*.example.test", "-d", "example.test", "--ip", "127.0.0.1", "--ip", "::1"];
    let methods =
        ["--challenge", &by_dns, &by_http, "--dns-resolver", &resolver, "--dns-port", &port, "--json"];
    let issued = dns.world.client(&[&names[..], &methods].concat()).succeeds().json();
    assert_eq!(issued["identifiers"], json!(["*.example.test", "example.test", "127.0.0.1", "::1"]));
    dns.is_clean();
}

pub(crate) fn a_record_that_stands_for_good() {
    let dns = Dns::with_bind("");
    let (resolver, port) = (dns.server.address().to_string(), dns.port.to_string());
    let where_asked = ["--dns-resolver", &resolver, "--dns-port", &port];
    let names = ["issue", "-d", "*.example.test,example.test", "--dns-persist"];
    let issue = || dns.world.client(&[&names[..], &where_asked].concat());
    let missing = issue().exits(5).tells("it has no such record");
    missing.tells(
        "publish it once: _validation-persist.example.test. 3600 IN TXT \"cacert.org; accounturi=https://",
    );

    let print =
        |more: &[&str]| dns.world.client(&[&["dns-persist", "example.test"], more].concat()).succeeds();
    let narrow = print(&[]).stdout;
    assert!(narrow.lines().count() == 1 && !narrow.contains("policy"), "{narrow}");
    dns.publish(narrow.trim_end());
    issue().exits(5).tells("it shows \"cacert.org; accounturi=");

    let wide = print(&["*.example.test", "--until", "2100-01-01", "--json"]).json();
    let [record] = wide["records"].as_array().unwrap().as_slice() else { panic!("{wide}") };
    let value = record["value"].as_str().unwrap();
    assert!(value.ends_with("; policy=wildcard; persistUntil=4102444800"), "{value}");
    dns.publish(print(&["*.example.test"]).stdout.trim_end());
    issue().succeeds();
    dns.world.client(&["renew", "--force"]).succeeds();
    dns.world.client(&["dns-persist", "example.test", "--until", "2020-01-01"]).exits(2);
}

/// Its challenges are gone then, and the directory tells how the CA is called.
pub(crate) fn a_record_for_a_name_that_is_proven_already() {
    let world = World::with(|config| config.policy.reuse_authorizations = true);
    world.register();
    world.issue("www.example.test");
    let printed = world.client(&["dns-persist", "www.example.test"]).succeeds().stdout;
    let begin = "_validation-persist.www.example.test. 3600 IN TXT \"cacert.org; accounturi=https://";
    assert!(printed.starts_with(begin), "{printed}");
    world.client(&["renew", "--force"]).succeeds();
}

/// Runs the client on a terminal of its own, with what it shows in a file.
fn start_on_a_terminal(world: &World, arguments: &str, environment: &[(&str, &str)]) -> (Child, PathBuf) {
    let shown = world.path("terminal");
    let mut command = clean("script", world.folder.path());
    command.args(["-qfec", &format!("{CLIENT} {arguments}"), "/dev/null"]).env("TERM", "xterm");
    command.env("CACERT_ACME_SERVER", world.mock().directory_url());
    command.env("CACERT_ACME_CA_BUNDLE", world.path("ca-bundle.pem"));
    command.env("CACERT_ACME_STATE_DIR", world.state());
    command.envs(environment.iter().copied());
    command.stdin(Stdio::piped()).stdout(fs::File::create(&shown).unwrap()).stderr(Stdio::null());
    (command.spawn().unwrap(), shown)
}

/// The first line shown that has this in it.
fn shown_line(shown_in: &PathBuf, part: &str) -> String {
    let (mut text, mut found) = (String::new(), None);
    let shown = try_poll(Duration::from_secs(30), || {
        text = fs::read_to_string(shown_in).unwrap();
        found = text.lines().find(|line| line.contains(part)).map(|line| line.trim().to_owned());
        found.is_some()
    });
    assert!(shown, "{part:?} is not shown in\n{text}");
    found.unwrap()
}

pub(crate) fn records_by_hand() {
    let dns = Dns::with_bind("");
    let arguments = format!(
        "issue -d www.example.test --manual --dns-resolver {} --dns-port {}",
        dns.server.address(),
        dns.port
    );
    let (mut child, shown) = start_on_a_terminal(&dns.world, &arguments, &[]);
    let record = shown_line(&shown, " IN TXT ");
    assert!(record.starts_with("_acme-challenge.www.example.test. 60 IN TXT \""), "{record}");
    // Enter comes too early: what was said is checked, and awaited.
    child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    shown_line(&shown, "waiting for ns1.example.test");
    dns.publish(&record);
    assert_eq!(wait(&mut child), 0, "{}", fs::read_to_string(&shown).unwrap());
    assert!(shown_line(&shown, "is needed no more").contains(&record));
}

/// One name is asked for while another is awaited; neither keeps the other, nor Ctrl-C, from being heard.
pub(crate) fn ctrl_c_at_a_prompt_ends_the_run() {
    let dns = Dns::with_bind("");
    let arguments = format!(
        "issue -v -d www.example.test,example.test --manual --dns-resolver {} --dns-port {}",
        dns.server.address(),
        dns.port
    );
    let (mut child, shown) = start_on_a_terminal(&dns.world, &arguments, &[]);
    let first = shown_line(&shown, " IN TXT ");
    let name = first.split(". ").next().unwrap();
    let input = child.stdin.as_mut().unwrap();
    input.write_all(b"\n").unwrap();
    shown_line(&shown, &format!("to show {name} ("));
    dns.publish(&first);
    shown_line(&shown, &format!("{name} is visible"));
    input.write_all(b"\x03").unwrap();
    assert_eq!(wait(&mut child), 128 + 2, "{}", fs::read_to_string(&shown).unwrap());
    // Among those of all records that were asked for.
    shown_line(&shown, &format!("is needed no more: {first}"));
}

pub(crate) fn files_by_hand() {
    let world = World::registered();
    let web = Webserver::start(world.mock().http_port());
    let proxy = format!("http://127.0.0.1:{}", world.mock().http_port());
    let arguments = "issue -d www.example.test --manual=http";
    let (mut child, shown) = start_on_a_terminal(&world, arguments, &[("http_proxy", &proxy)]);
    let asked = shown_line(&shown, "To prove www.example.test, let http://www.example.test/.well-known/");
    let token = asked.split("acme-challenge/").nth(1).unwrap().split(' ').next().unwrap();
    let proof = shown_line(&shown, &format!("{token}."));
    let input = child.stdin.as_mut().unwrap();
    input.write_all(b"\n").unwrap();
    shown_line(&shown, "does not show the text: it answers 404");
    fs::write(web.challenges().join(token), proof).unwrap();
    input.write_all(b"\n").unwrap();
    assert_eq!(wait(&mut child), 0, "{}", fs::read_to_string(&shown).unwrap());
}

pub(crate) fn nobody_is_asked_without_a_terminal() {
    let world = World::registered();
    for manual in ["--manual", "--manual=http"] {
        let refused =
            world.client(&["issue", "-d", "www.example.test", "--dns-alias", "_proof.test", manual]);
        refused.exits(5).tells("no terminal to ask at");
    }
}
pub(crate) fn a_hundred_names_at_once() {
    let dns = Dns::with_bind("");
    let names: Vec<String> = (0..100).map(|number| format!("host{number}.example.test")).collect();
    dns.issue(&["-d", &names.join(",")]).succeeds();
    dns.is_clean();
}
