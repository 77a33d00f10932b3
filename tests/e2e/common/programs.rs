//! Programs that others wrote.

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::{clean, poll, run};

/// Where a program is, if this machine has it; for npm's `acme-client`, where its package is.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    if name == "acme-client" {
        return Some(Path::new(crate::interop::acme_client::FOLDER).join(name)).filter(|path| path.is_dir());
    }
    let folders = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
    folders.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.is_file())
}

/// A server in the background, ended with the test.
pub(crate) struct Server(Child);

impl Server {
    /// Starts it and waits until it listens.
    pub(crate) fn start(mut command: Command, address: SocketAddr) -> Self {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let server = Self(child);
        poll("the server listens", || TcpStream::connect(address).is_ok());
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// OpenSSL's word on a chain.
#[track_caller]
pub(crate) fn openssl_verifies(root: &Path, untrusted: &Path, leaf: &Path) {
    let mut command = clean("openssl", Path::new("/"));
    command.args(["verify", "-CAfile"]).arg(root).arg("-untrusted").arg(untrusted).arg(leaf);
    let outcome = run(command).succeeds();
    assert!(outcome.stdout.ends_with(": OK\n"), "{}", outcome.stdout);
}

/// OpenSSL's word on whether a key belongs to a certificate.
#[track_caller]
pub(crate) fn openssl_key_matches(key: &Path, leaf: &Path) {
    let mut of_key = clean("openssl", Path::new("/"));
    of_key.args(["pkey", "-pubout", "-in"]).arg(key);
    let mut of_leaf = clean("openssl", Path::new("/"));
    of_leaf.args(["x509", "-pubkey", "-noout", "-in"]).arg(leaf);
    assert_eq!(run(of_key).succeeds().stdout, run(of_leaf).succeeds().stdout);
}

/// Whether the certificate that is served there for this name comes from this root, by OpenSSL's word.
pub(crate) fn serves_certificate(address: SocketAddr, name: &str, root: &Path) -> bool {
    let mut command = clean("openssl", Path::new("/"));
    command.args([
        "s_client",
        "-verify_return_error",
        "-servername",
        name,
        "-verify_hostname",
        name,
        "-connect",
    ]);
    command.arg(address.to_string()).arg("-CAfile").arg(root);
    let outcome = run(command);
    outcome.status == 0 && outcome.stdout.contains("Verification: OK")
}

/// The certificate that is served there for this name, in PEM, by OpenSSL's word; empty when there is none.
pub(crate) fn served_certificate(address: SocketAddr, name: &str) -> String {
    let mut command = clean("openssl", Path::new("/"));
    command.args(["s_client", "-servername", name, "-connect"]).arg(address.to_string());
    let shown = run(command).stdout;
    let begin = shown.find("-----BEGIN CERTIFICATE-----");
    let end = shown.find("-----END CERTIFICATE-----");
    begin.zip(end).map(|(begin, end)| shown[begin..end].to_owned()).unwrap_or_default()
}
