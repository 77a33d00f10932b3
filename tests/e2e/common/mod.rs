//! What every end-to-end test stands on: a mock of its own, a folder of its own, a cleared environment.

pub(crate) mod nameserver;
pub(crate) mod programs;
pub(crate) mod run;
pub(crate) mod scripted;
pub(crate) mod service;
pub(crate) mod webserver;

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use server_mock::admin::EabCredentials;
use server_mock::{Config, Handle, MockServer};
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub(crate) use run::{Outcome, poll, run, run_with_input};

/// The program under test.
pub(crate) const CLIENT: &str = env!("CARGO_BIN_EXE_cacert-acme");

/// A mock server, a demo owner with a key, and a folder for one client.
pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) eab: EabCredentials,
    mock: Option<Handle>,
    runtime: Runtime,
}

impl World {
    /// With the mock's defaults, but no polite waiting.
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// With a mock that is set up differently.
    pub(crate) fn with(adapt: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let mut config = Config { http_port: free_port(), tls_port: free_port(), ..Config::ephemeral() };
        config.policy.retry_after = Duration::ZERO;
        // Every order is proven anew; a test that wants it otherwise says so.
        config.policy.reuse_authorizations = false;
        adapt(&mut config);
        let mock = runtime.block_on(MockServer::start(config)).unwrap();
        std::fs::write(folder.path().join("ca-bundle.pem"), mock.ca_bundle_pem()).unwrap();
        std::fs::write(folder.path().join("root.pem"), mock.root_pem()).unwrap();
        let eab = mock.create_demo_owner().unwrap();
        std::fs::write(folder.path().join("eab-key"), &eab.hmac_key).unwrap();
        Self { folder, eab, mock: Some(mock), runtime }
    }

    /// The same, with the client's account registered.
    pub(crate) fn registered() -> Self {
        let world = Self::new();
        world.register();
        world
    }

    pub(crate) fn register(&self) {
        self.client(&self.registration(&[
            "--eab-kid",
            &self.eab.kid,
            "--eab-key-file",
            self.path("eab-key").to_str().unwrap(),
        ]))
        .succeeds();
    }

    /// `register` with everything agreed to, and these arguments.
    pub(crate) fn registration<'a>(&self, arguments: &[&'a str]) -> Vec<&'a str> {
        let agreed =
            ["register", "--contact", "alice@example.test", "--agree-tos", "--accept-responsibility"];
        agreed.into_iter().chain(arguments.iter().copied()).collect()
    }

    pub(crate) fn mock(&self) -> &Handle {
        self.mock.as_ref().unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.path("state")
    }

    /// A file of the current version of a certificate.
    pub(crate) fn current(&self, certificate: &str, file: &str) -> PathBuf {
        self.state().join("certificates").join(certificate).join("current").join(file)
    }

    /// `--standalone` where the mock looks.
    pub(crate) fn standalone(&self) -> String {
        format!("--standalone=127.0.0.1:{}", self.mock().http_port())
    }

    /// The client as a command with nothing in its environment but what it needs.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = clean(CLIENT, self.folder.path());
        command
            .env("CACERT_ACME_SERVER", self.mock().directory_url())
            .env("CACERT_ACME_CA_BUNDLE", self.path("ca-bundle.pem"))
            .env("CACERT_ACME_STATE_DIR", self.state())
            .args(arguments);
        command
    }

    /// Runs the client to its end.
    pub(crate) fn client(&self, arguments: &[&str]) -> Outcome {
        run(self.command(arguments))
    }

    /// Issues one certificate, which must succeed.
    pub(crate) fn issue(&self, name: &str) -> Outcome {
        self.client(&["issue", "-d", name, &self.standalone()]).succeeds()
    }

    /// Stops the mock, as a server that is down.
    pub(crate) fn stop_mock(&mut self) {
        if let Some(mock) = self.mock.take() {
            self.runtime.block_on(mock.shutdown());
        }
    }
}

/// A command in a cleared environment, at home in this folder.
pub(crate) fn clean(program: impl AsRef<std::ffi::OsStr>, home: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("HOME", home)
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .env("LC_ALL", "C.UTF-8")
        .current_dir(home);
    command
}

/// A port of 127.0.0.1 that nobody listens on.
pub(crate) fn free_port() -> u16 {
    free_address().port()
}

/// Below the ports that systems give to whoever asks for any, so that no other test's server gets it in between.
pub(crate) fn free_address() -> SocketAddr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let is_free = |address: &SocketAddr| TcpListener::bind(address).is_ok();
    let candidates = std::iter::repeat_with(|| {
        let number = std::process::id() * 101 + NEXT.fetch_add(1, Ordering::Relaxed);
        // A remainder below 20,000 is a port.
        SocketAddr::from(([127, 0, 0, 1], 12_000 + u16::try_from(number % 20_000).unwrap()))
    });
    candidates.take(20_000).find(is_free).expect("a free port")
}
