//! Names proven by the DNS, with the name servers that Debian has.

use serde_json::json;

use crate::common::nameserver::{self, FIRST, Key, NameServer, ZONE, dns_port};
use crate::common::{Outcome, World};

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
        let key = Key::write(world.path("acme.key"), std::fs::read_to_string(&key.path).unwrap());
        Self { world, server, key, port }
    }

    /// `issue` with these arguments, by updates with the key, looking names up at the server.
    fn issue(&self, arguments: &[&str]) -> Outcome {
        self.issue_with(&self.key, arguments)
    }

    fn issue_with(&self, key: &Key, arguments: &[&str]) -> Outcome {
        let (resolver, port) = (self.server.address().to_string(), self.port.to_string());
        let by_dns = ["issue", "--dns-rfc2136", key.path.to_str().unwrap()];
        let where_asked = ["--dns-resolver", &resolver, "--dns-port", &port];
        self.world.client(&[&by_dns[..], &where_asked, arguments].concat())
    }

    /// Whether no proof is left in the zones.
    #[track_caller]
    fn is_clean(&self) {
        for zone in [ZONE, nameserver::PROOFS] {
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
