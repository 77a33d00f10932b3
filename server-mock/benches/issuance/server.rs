//! The two servers as processes, each with a registered account.

use std::{
    fmt, fs, io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hyper::Method;
use rcgen::{CertificateParams, KeyPair, SanType};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use serde_json::{Value, json};

use crate::{
    acme::{Account, Directory, Eab, parse},
    connection::{Connection, Endpoint},
    failure::Failure,
    flags::{Flags, Only},
    surroundings::Surroundings,
};

/// How long a server may take to start.
const START_DEADLINE: Duration = Duration::from_secs(20);
const PEBBLE_KID: &str = "kid-1";
const PEBBLE_MAC_KEY: &[u8] = b"a key of 32 bytes for benchmarks";

/// A server that is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    Mock,
    Pebble,
}

impl fmt::Display for Program {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Mock => "server-mock",
            Self::Pebble => "pebble",
        })
    }
}

/// What proves a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// Valid authorizations from before: orders are born ready.
    PreValid,
    /// A new authorization for each certificate, which the server takes on trust. Only Pebble can do that.
    Unchecked,
    /// A new authorization for each certificate, validated over HTTP.
    Http01,
}

impl fmt::Display for Proof {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::PreValid => "pre-valid",
            Self::Unchecked => "unchecked",
            Self::Http01 => "http-01",
        })
    }
}

impl Program {
    /// Those that this machine has and that are asked for.
    pub(crate) fn installed(only: Option<Only>) -> Vec<Self> {
        let mut programs = Vec::new();
        if only != Some(Only::Pebble) {
            programs.push(Self::Mock);
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        if only != Some(Only::Mock)
            && std::env::split_paths(&path).any(|folder| folder.join("pebble").is_file())
        {
            programs.push(Self::Pebble);
        }
        programs
    }
}

/// A running server, killed when dropped.
pub(crate) struct Server {
    child: Child,
    home: tempfile::TempDir,
    endpoint: Endpoint,
    directory: Directory,
    /// From the start of the process to the answer with the directory.
    pub(crate) start: Duration,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have died before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts a server and waits until its directory answers.
    pub(crate) async fn start(
        program: Program,
        proof: Proof,
        flags: &Flags,
        surroundings: &Surroundings,
    ) -> Result<Self, Failure> {
        let home = tempfile::tempdir()?;
        let acme = free_address()?;
        let (mut command, pebble_ca) = match program {
            Program::Mock => (mock(home.path(), acme, flags, surroundings)?, None),
            Program::Pebble => {
                let (command, ca) = pebble(home.path(), acme, proof, surroundings)?;
                (command, Some(ca))
            }
        };
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let begin = Instant::now();
        let mut child = command.spawn()?;
        let ready = async {
            let endpoint = match pebble_ca {
                Some(ca) => Endpoint::tls(acme, ca)?,
                None => Endpoint::tls(acme, mock_ca(home.path()).await?)?,
            };
            let path = if program == Program::Mock { "/directory" } else { "/dir" };
            let directory = poll(async || Directory::fetch(&endpoint, path).await.ok()).await?;
            Ok::<_, Failure>((endpoint, directory))
        };
        match ready.await {
            Ok((endpoint, directory)) => {
                Ok(Self { child, home, endpoint, directory, start: begin.elapsed() })
            }
            Err(failure) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(failure)
            }
        }
    }

    /// The process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Registers the account of the run.
    pub(crate) async fn register(&self, surroundings: &Surroundings) -> Result<Arc<Account>, Failure> {
        let ready = self.home.path().join(READY);
        let eab = if ready.exists() { mock_eab(&ready).await? } else { pebble_eab() };
        Account::register(self.endpoint.clone(), self.directory.clone(), surroundings.key.clone(), &eab).await
    }
}

/// How long each program takes until its directory answers: the median of several starts.
pub(crate) async fn starts(
    programs: &[Program],
    flags: &Flags,
    surroundings: &Surroundings,
) -> Result<Vec<(Program, Duration)>, Failure> {
    println!("Start, until the directory answers (median of {})", flags.starts());
    let mut medians = Vec::new();
    for program in programs {
        match median_start(*program, flags, surroundings).await {
            Ok(median) => {
                println!("  {program:<12} {:>7.1} ms", median.as_secs_f64() * 1e3);
                medians.push((*program, median));
            }
            Err(failure) if *program == Program::Mock => return Err(failure),
            Err(failure) => println!("  {program:<12} {failure}"),
        }
    }
    Ok(medians)
}

async fn median_start(
    program: Program,
    flags: &Flags,
    surroundings: &Surroundings,
) -> Result<Duration, Failure> {
    let mut times = Vec::new();
    for _ in 0..flags.starts() {
        times.push(Server::start(program, Proof::Http01, flags, surroundings).await?.start);
    }
    times.sort();
    Ok(times[times.len() / 2])
}

const READY: &str = "ready.json";

fn mock(home: &Path, acme: SocketAddr, flags: &Flags, surroundings: &Surroundings) -> io::Result<Command> {
    let config = home.join("config.toml");
    fs::write(&config, format!("ca_key = \"{}\"\n", flags.ca_key))?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_server-mock"));
    command.arg("serve").arg("--config").arg(config).arg("--ready-file").arg(home.join(READY));
    command.args(["--admin", "127.0.0.1:0", "--dns", "127.0.0.1:0", "--acme"]).arg(acme.to_string());
    command.arg("--http-port").arg(surroundings.http_port.to_string());
    Ok(command)
}

async fn mock_ca(home: &Path) -> Result<CertificateDer<'static>, Failure> {
    let ready = home.join(READY);
    let document = poll(async || fs::read(&ready).ok()).await?;
    let pem = serde_json::from_slice::<Value>(&document).unwrap_or_default()["ca_bundle_pem"].take();
    CertificateDer::from_pem_slice(pem.as_str().unwrap_or_default().as_bytes())
        .map_err(|error| Failure::Nonconforming(format!("the ready file: {error}")))
}

/// Makes an owner and an EAB key by the admin API.
async fn mock_eab(ready: &PathBuf) -> Result<Eab, Failure> {
    let lacks = || Failure::lacks("the admin API", "a member");
    let document: Value = serde_json::from_slice(&fs::read(ready)?).unwrap_or_default();
    let address = document["admin_url"].as_str().and_then(|url| url.strip_prefix("http://")?.parse().ok());
    let mut admin = Connection::open(Endpoint::plain(address.ok_or_else(lacks)?)).await?;
    let mut post = async |path: &str, body: Value| -> Result<Value, Failure> {
        let answer = admin.send(Method::POST, path, "application/json", body.to_string()).await?;
        parse(path, &answer)
    };
    let owner = json!({"name": "Alice", "assurance_points": 100, "domains": ["example.test"]});
    let owner = post("/api/owners", owner).await?["id"].take();
    let key = post("/api/eab-keys", json!({"owner": owner})).await?;
    let mac_key = key["hmac_key"].as_str().and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    let kid = key["kid"].as_str().ok_or_else(lacks)?.to_owned();
    Ok(Eab { kid, mac_key: mac_key.ok_or_else(lacks)? })
}

fn pebble(
    home: &Path,
    acme: SocketAddr,
    proof: Proof,
    surroundings: &Surroundings,
) -> Result<(Command, CertificateDer<'static>), Failure> {
    let refused =
        |error: rcgen::Error| Failure::Nonconforming(format!("the endpoint's certificate: {error}"));
    let key = KeyPair::generate().map_err(refused)?;
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![SanType::IpAddress(acme.ip())];
    let certificate = params.self_signed(&key).map_err(refused)?;
    fs::write(home.join("cert.pem"), certificate.pem())?;
    fs::write(home.join("key.pem"), key.serialize_pem())?;
    let config = json!({"pebble": {
        "listenAddress": acme.to_string(), "managementListenAddress": free_address()?.to_string(),
        "certificate": "cert.pem", "privateKey": "key.pem",
        "httpPort": surroundings.http_port, "tlsPort": 5001, "ocspResponderURL": "",
        "externalAccountBindingRequired": true,
        "externalAccountMACKeys": { PEBBLE_KID: URL_SAFE_NO_PAD.encode(PEBBLE_MAC_KEY) },
    }});
    fs::write(home.join("pebble.json"), config.to_string())?;
    let mut command = Command::new("pebble");
    command
        .current_dir(home)
        .args(["-config", "pebble.json", "-dnsserver"])
        .arg(surroundings.dns.to_string());
    command.env("PEBBLE_VA_NOSLEEP", "1").env("PEBBLE_WFE_NONCEREJECT", "0");
    command.env("PEBBLE_AUTHZREUSE", if proof == Proof::PreValid { "100" } else { "0" });
    if proof != Proof::Http01 {
        command.env("PEBBLE_VA_ALWAYS_VALID", "1");
    }
    Ok((command, certificate.der().clone()))
}

fn pebble_eab() -> Eab {
    Eab { kid: PEBBLE_KID.to_owned(), mac_key: PEBBLE_MAC_KEY.to_vec() }
}

/// An address that is free now; the server will take it.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// Tries until there is something.
async fn poll<T>(mut attempt: impl AsyncFnMut() -> Option<T>) -> Result<T, Failure> {
    let end = Instant::now() + START_DEADLINE;
    loop {
        if let Some(found) = attempt().await {
            return Ok(found);
        }
        if Instant::now() > end {
            return Err(Failure::Hangs { what: "its start".to_owned(), deadline: START_DEADLINE });
        }
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
}
