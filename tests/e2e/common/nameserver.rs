//! Name servers that others wrote, on ports and in folders of their own: BIND and Knot.

use std::fmt::Write as _;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::programs::Server;
use super::{clean, poll, run};

/// A name server with its zones.
pub(crate) struct NameServer {
    folder: TempDir,
    address: SocketAddr,
    _server: Server,
}

/// The zone that holds the test names. Its servers are `ns1` on 127.0.0.1 and ::1, and more if the test says so.
pub(crate) const ZONE: &str = "example.test";

/// A zone that other zones hand their proofs to.
pub(crate) const PROOFS: &str = "proofs.test";

/// The key with which zones are updated, made by `tsig-keygen`.
pub(crate) struct Key {
    /// The file, 0600.
    pub(crate) path: PathBuf,
    text: String,
}

impl Key {
    pub(crate) fn generate(folder: &Path, name: &str) -> Self {
        let mut command = clean("tsig-keygen", folder);
        command.args(["-a", "hmac-sha256", name]);
        Self::write(folder.join(format!("{name}.key")), run(command).succeeds().stdout)
    }

    pub(crate) fn write(path: PathBuf, text: String) -> Self {
        fs::write(&path, &text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        Self { path, text }
    }

    pub(crate) fn secret(&self) -> &str {
        self.text.split('"').nth(3).unwrap()
    }
}

/// A port that is free on all addresses that name servers of a test use.
pub(crate) fn dns_port() -> u16 {
    let addresses: [IpAddr; 3] =
        [Ipv4Addr::LOCALHOST.into(), Ipv4Addr::new(127, 0, 0, 2).into(), Ipv6Addr::LOCALHOST.into()];
    let free = |port: u16| {
        addresses
            .iter()
            .all(|ip| UdpSocket::bind((*ip, port)).is_ok() && TcpListener::bind((*ip, port)).is_ok())
    };
    std::iter::repeat_with(super::free_port).find(|port| free(*port)).unwrap()
}

/// A zone file with a SOA record, one server for each address, and these records.
fn zone_file(servers: &[&[IpAddr]], records: &str) -> String {
    let mut text = String::from("$TTL 5\n@ SOA ns1.example.test. admin.example.test. 1 3600 600 86400 1\n");
    for (number, addresses) in (1..).zip(servers) {
        writeln!(text, "@ NS ns{number}.example.test.").unwrap();
        for address in *addresses {
            let kind = if address.is_ipv4() { "A" } else { "AAAA" };
            writeln!(text, "ns{number}.{ZONE}. {kind} {address}").unwrap();
        }
    }
    text + records
}

/// 127.0.0.1 and ::1, where every test's first server listens.
pub(crate) const FIRST: &[IpAddr] = &[IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

/// 127.0.0.2, where a second one does.
pub(crate) const SECOND: &[IpAddr] = &[IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2))];

/// What every zone of test names has, so that the names can be validated by HTTP too.
pub(crate) const RECORDS: &str = "@ A 127.0.0.1\nwww A 127.0.0.1\n";

/// The zones of a test: [`ZONE`] with these records, [`PROOFS`], and `test` above both, where CAA records are looked
/// for. The key may change all TXT records of the first two.
pub(crate) fn bind(port: u16, key: &Key, servers: &[&[IpAddr]], records: &str) -> NameServer {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: String| fs::write(folder.path().join(name), text).unwrap();
    file("zone", zone_file(servers, &format!("{RECORDS}{records}")));
    file("proofs", zone_file(&[], "@ NS ns1.example.test.\n"));
    let delegations = format!("{ZONE}. NS ns1.{ZONE}.\n{PROOFS}. NS ns1.{ZONE}.\n");
    file("top", zone_file(&servers[..1], &delegations));
    let name = key.text.split('"').nth(1).unwrap();
    let updated = |zone: &str, file: &str| {
        format!(
            "zone \"{zone}\" {{ type primary; file \"{file}\"; update-policy {{ grant {name} zonesub TXT; }}; }};\n"
        )
    };
    file(
        "named.conf",
        format!(
            "{}options {{ directory \"{}\"; pid-file none; session-keyfile none; recursion no; notify no;
               dnssec-validation no; allow-transfer {{ any; }};
               listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 port {port} {{ ::1; }}; }};
             controls {{ }};
             zone \"test\" {{ type primary; file \"top\"; }};\n{}{}",
            key.text,
            folder.path().display(),
            updated(ZONE, "zone"),
            updated(PROOFS, "proofs"),
        ),
    );
    let mut command = clean("named", folder.path());
    command.args(["-g", "-c", "named.conf"]);
    let address = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port);
    NameServer::start(folder, command, address, &[ZONE, PROOFS, "test"])
}

/// Knot as the primary of [`ZONE`], updated with the same key, and of `test` above it.
pub(crate) fn knot(port: u16, key: &Key) -> NameServer {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: String| fs::write(folder.path().join(name), text).unwrap();
    file("zone", zone_file(&[&FIRST[..1]], RECORDS));
    file("top", zone_file(&[&FIRST[..1]], &format!("{ZONE}. NS ns1.{ZONE}.\n")));
    let sections = format!(
        "key:\n  - id: acme\n    algorithm: hmac-sha256\n    secret: {}\n\
         acl:\n  - id: update\n    key: acme\n    action: update\n    update-type: TXT\n\
         zone:\n  - domain: test\n    file: top\n  - domain: {ZONE}\n    file: zone\n    acl: update\n",
        key.secret()
    );
    start_knot(folder, SocketAddr::new(FIRST[0], port), &sections, &[ZONE, "test"])
}

/// Knot as a secondary of [`ZONE`] on 127.0.0.2, which takes no notice of changes until it is told to look.
pub(crate) fn knot_secondary(port: u16) -> NameServer {
    let sections = format!(
        "remote:\n  - id: primary\n    address: 127.0.0.1@{port}\nzone:\n  - domain: {ZONE}\n    master: primary\n"
    );
    start_knot(tempfile::tempdir().unwrap(), SocketAddr::new(SECOND[0], port), &sections, &[ZONE])
}

fn start_knot(folder: TempDir, address: SocketAddr, sections: &str, zones: &[&str]) -> NameServer {
    let (ip, port, path) = (address.ip(), address.port(), folder.path().display());
    let config = format!(
        "server:\n  rundir: {path}\n  listen: {ip}@{port}\ndatabase:\n  storage: {path}\n\
         template:\n  - id: default\n    storage: {path}\n{sections}"
    );
    fs::write(folder.path().join("knot.conf"), config).unwrap();
    let mut command = clean("knotd", folder.path());
    command.args(["-c", "knot.conf"]);
    NameServer::start(folder, command, address, zones)
}

impl NameServer {
    /// Starts it and waits until it answers for its zones: it listens before it has them.
    fn start(folder: TempDir, command: Command, address: SocketAddr, zones: &[&str]) -> Self {
        let server = Self { folder, address, _server: Server::start(command, address) };
        for zone in zones {
            poll("the zone is there", || server.dig(zone, "SOA").contains("admin.example.test."));
        }
        server
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// A Knot secondary looks for changes now.
    pub(crate) fn refresh(&self) {
        let mut command = clean("knotc", self.folder.path());
        command.args(["-c", "knot.conf", "zone-refresh", ZONE]);
        run(command).succeeds();
    }

    /// What dig shows of a name's records of this type.
    pub(crate) fn dig(&self, name: &str, kind: &str) -> String {
        let mut command = clean("dig", self.folder.path());
        command.arg(format!("@{}", self.address.ip())).args(["-p", &self.address.port().to_string()]);
        command.args(["+short", "+norecurse", name, kind]);
        run(command).succeeds().stdout
    }

    /// All records of a zone.
    pub(crate) fn zone(&self, zone: &str) -> String {
        let mut command = clean("dig", self.folder.path());
        command.arg(format!("@{}", self.address.ip())).args(["-p", &self.address.port().to_string()]);
        command.args(["+noall", "+answer", zone, "AXFR"]);
        run(command).succeeds().stdout
    }
}
