//! Debian's Pebble, a server that none of the clients was made for, with its tricks turned off.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rcgen::{CertificateParams, KeyPair};
use serde_json::json;
use server_mock::testbed::{DnsServer, DnsTable};
use tokio::runtime::Runtime;

/// Longer, and it does not start at all.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs until it is dropped; all names lead to 127.0.0.1.
pub(crate) struct Pebble {
    pub(crate) address: SocketAddr,
    /// Where http-01 is asked.
    pub(crate) http_port: u16,
    child: Child,
    _dns: DnsServer,
    _runtime: Runtime,
}

impl Pebble {
    /// Starts it with a TLS certificate in `cert.pem` of this folder, which is its own root.
    pub(crate) fn start(folder: &Path) -> Result<Self, String> {
        let told = |error: &dyn std::fmt::Display| error.to_string();
        let key = KeyPair::generate().map_err(|error| told(&error))?;
        let params = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()]);
        let certificate = params.and_then(|params| params.self_signed(&key)).map_err(|error| told(&error))?;
        let write =
            |name: &str, text: &str| std::fs::write(folder.join(name), text).map_err(|error| told(&error));
        write("cert.pem", &certificate.pem())?;
        write("key.pem", &key.serialize_pem())?;
        let (address, management, http_port) = (free_address(), free_address(), free_address().port());
        let config = json!({"pebble": {
            "listenAddress": address, "managementListenAddress": management,
            "certificate": "cert.pem", "privateKey": "key.pem",
            "httpPort": http_port, "tlsPort": free_address().port(), "ocspResponderURL": "",
        }});
        write("pebble.json", &config.to_string())?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| told(&error))?;
        let table = Arc::new(DnsTable::default());
        table.set_default_ipv4(Some(Ipv4Addr::LOCALHOST));
        let dns = runtime.block_on(DnsServer::start((Ipv4Addr::LOCALHOST, 0).into(), table));
        let dns = dns.map_err(|error| told(&error))?;
        let mut command = Command::new("pebble");
        command.args(["-config", "pebble.json", "-dnsserver", &dns.local_addr().to_string()]);
        command
            .env("PEBBLE_VA_NOSLEEP", "1")
            .env("PEBBLE_AUTHZREUSE", "0")
            .env("PEBBLE_WFE_NONCEREJECT", "0");
        command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().map_err(|error| format!("pebble: {error}"))?;
        let pebble = Self { address, http_port, child, _dns: dns, _runtime: runtime };
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_err() {
            if Instant::now() > deadline {
                return Err("pebble does not start".into());
            }
            std::thread::park_timeout(Duration::from_millis(5));
        }
        Ok(pebble)
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_address() -> SocketAddr {
    // A machine whose ports are used up has no benchmark.
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port")
}
