//! Names proven by the DNS, with the name servers that Debian has.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::common::nameserver::{self, FIRST, Key, NameServer, PROOFS, SECOND, ZONE, dns_port};
use crate::common::run::wait;
use crate::common::{Outcome, World, poll, run};

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
fn start(dns: &Dns, arguments: &[&str]) -> (std::process::Child, std::path::PathBuf) {
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

pub(crate) fn a_timeout_names_the_server_and_what_it_shows() {
    let (dns, _secondary) = with_lagging_secondary();
    let outcome = dns.issue(&["-d", "www.example.test,example.test", "--dns-timeout", "1s"]).exits(5);
    let outcome = outcome.tells(".example.test is not visible everywhere after 1 s");
    outcome.tells(&format!("ns2.example.test (127.0.0.2:{}): it has no such record", dns.port));
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
