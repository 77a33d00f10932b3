//! A server on a state file that is killed at any moment goes on where it was.
#![allow(clippy::unwrap_used, reason = "a step that fails fails the test")]

#[path = "conformance/common/key.rs"]
#[allow(dead_code, reason = "the conformance tests use all of it")]
mod key;

use std::{
    collections::HashMap,
    fs,
    net::Ipv4Addr,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{Router, extract, http::StatusCode, routing::get};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use key::{Key, mac_jws};
use reqwest::Response;
use serde_json::{Value, json};
use tempfile::TempDir;

const DEADLINE: Duration = Duration::from_secs(20);
const NAME: &str = "www.example.test";

fn server_mock() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_server-mock"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).stdin(Stdio::null());
    command
}

/// A running server on the state file of a folder.
struct Stateful {
    child: Child,
    ready: Value,
    directory: Value,
    http: reqwest::Client,
}

impl Drop for Stateful {
    fn drop(&mut self) {
        // It may have been killed by the test already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Stateful {
    async fn start(folder: &Path, http_port: u16, addresses: [&str; 2]) -> Self {
        let ready = folder.join("ready.json");
        let config = folder.join("config.toml");
        fs::write(&config, "[policy]\nvalidation_retries = 3\nvalidation_retry_pause = \"1h\"\n").unwrap();
        let child = server_mock()
            .args(["serve", "--acme", addresses[0], "--admin", addresses[1], "--dns", "127.0.0.1:0"])
            .args(["--http-port", &http_port.to_string()])
            .args([Path::new("--config"), &config, Path::new("--ready-file"), &ready])
            .args([Path::new("--state"), &folder.join("state.db")])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let start = Instant::now();
        let ready: Value = loop {
            let document = fs::read_to_string(&ready).ok().and_then(|text| serde_json::from_str(&text).ok());
            if let Some(document) = document.filter(|document: &Value| document["pid"] == child.id()) {
                break document;
            }
            assert!(start.elapsed() < DEADLINE, "the server is not ready");
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        let bundle = ready["ca_bundle_pem"].as_str().unwrap();
        let root = reqwest::Certificate::from_pem(bundle.as_bytes()).unwrap();
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([root]).build().unwrap();
        let directory = http.get(ready["directory_url"].as_str().unwrap()).send().await.unwrap();
        let directory = document(directory).await;
        Self { child, ready, directory, http }
    }

    /// Kills it and starts it anew at the same addresses.
    async fn killed(mut self, folder: &Path, http_port: u16) -> Self {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let address = |name: &str| self.ready[name].as_str().unwrap().split('/').nth(2).unwrap().to_owned();
        let (acme, admin) = (address("directory_url"), address("admin_url"));
        let again = Self::start(folder, http_port, [&acme, &admin]).await;
        for kept in ["root_pem", "ca_bundle_pem", "directory_url"] {
            assert_eq!(again.ready[kept], self.ready[kept]);
        }
        again
    }

    async fn api(&self, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}/api/{path}", self.ready["admin_url"].as_str().unwrap());
        let request = match body {
            Some(body) => self.http.post(url).body(body.to_string()),
            None => self.http.get(url),
        };
        document(request.send().await.unwrap().error_for_status().unwrap()).await
    }

    /// A signed request; `signer` is the header's `kid` or `jwk`.
    async fn post(&self, key: &Key, signer: (&str, &Value), url: &str, payload: &str) -> Response {
        let nonce = self.http.head(self.directory["newNonce"].as_str().unwrap()).send().await.unwrap();
        let nonce = nonce.headers()["replay-nonce"].to_str().unwrap().to_owned();
        let mut protected = json!({"alg": key.algorithm, "nonce": nonce, "url": url});
        protected[signer.0] = signer.1.clone();
        let request = self.http.post(url).header("Content-Type", "application/jose+json");
        let response = request.body(key.jws(&protected, payload).to_string()).send().await.unwrap();
        assert!(response.status().is_success(), "{}", response.text().await.unwrap());
        response
    }
}

async fn document(response: Response) -> Value {
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}

fn location(response: &Response) -> String {
    response.headers()["location"].to_str().unwrap().to_owned()
}

type Answers = Arc<Mutex<HashMap<String, String>>>;

/// Serves answers to http-01 challenges.
async fn serve(answers: Answers) -> u16 {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = move |extract::Path(token): extract::Path<String>| {
        let answer = answers.lock().unwrap().get(&token).cloned();
        async move { answer.ok_or(StatusCode::NOT_FOUND) }
    };
    let router = Router::new().route("/.well-known/acme-challenge/{token}", get(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    port
}

#[tokio::test]
async fn a_killed_server_goes_on_where_it_was() {
    let (folder, answers) = (TempDir::new().unwrap(), Answers::default());
    let folder = folder.path();
    let port = serve(answers.clone()).await;
    let mut server = Stateful::start(folder, port, ["127.0.0.1:0"; 2]).await;
    let owner = server.api("owners", Some(json!({"name": "Alice", "domains": ["example.test"]}))).await;
    server = server.killed(folder, port).await;
    let eab = server.api("eab-keys", Some(json!({"owner": owner["id"]}))).await;
    server = server.killed(folder, port).await;

    // The EAB key makes an account.
    let key = Key::es256();
    let url = server.directory["newAccount"].as_str().unwrap().to_owned();
    let mac_key = URL_SAFE_NO_PAD.decode(eab["hmac_key"].as_str().unwrap()).unwrap();
    let header = json!({"alg": "HS256", "kid": eab["kid"], "url": url});
    let binding = mac_jws(aws_lc_rs::hmac::HMAC_SHA256, &mac_key, &header, &key.jwk().to_string());
    let payload = json!({"termsOfServiceAgreed": true, "externalAccountBinding": binding}).to_string();
    let kid = location(&server.post(&key, ("jwk", &key.jwk()), &url, &payload).await);
    server = server.killed(folder, port).await;
    let existing = server.post(&key, ("jwk", &key.jwk()), &url, r#"{"onlyReturnExisting":true}"#).await;
    assert_eq!(location(&existing), kid);

    // The account makes an order, and its challenge fails at first.
    let signer = json!(kid);
    let signer = ("kid", &signer);
    let new_order = server.directory["newOrder"].as_str().unwrap().to_owned();
    let payload = json!({"identifiers": [{"type": "dns", "value": NAME}]}).to_string();
    let order_url = location(&server.post(&key, signer, &new_order, &payload).await);
    server = server.killed(folder, port).await;
    let order = document(server.post(&key, signer, &order_url, "").await).await;
    let authorization = order["authorizations"][0].as_str().unwrap();
    let challenges = document(server.post(&key, signer, authorization, "").await).await;
    let challenges = challenges["challenges"].as_array().unwrap().clone();
    let challenge = challenges.into_iter().find(|challenge| challenge["type"] == "http-01").unwrap();
    let challenge_url = challenge["url"].as_str().unwrap();
    server.post(&key, signer, challenge_url, "{}").await;
    until(async || {
        let challenge = document(server.post(&key, signer, challenge_url, "").await).await;
        challenge["error"].is_object()
    })
    .await;

    // It is taken up again after the next start, without the client.
    let token = challenge["token"].as_str().unwrap().to_owned();
    let answer = format!("{token}.{}", key.thumbprint());
    answers.lock().unwrap().insert(token, answer);
    server = server.killed(folder, port).await;
    until(async || document(server.post(&key, signer, &order_url, "").await).await["status"] == "ready")
        .await;

    // The certificate survives, and so does its revocation.
    server = server.killed(folder, port).await;
    let mut params = rcgen::CertificateParams::new(vec![NAME.to_owned()]).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    let csr = params.serialize_request(&rcgen::KeyPair::generate().unwrap()).unwrap();
    let payload = json!({"csr": URL_SAFE_NO_PAD.encode(csr.der())}).to_string();
    server.post(&key, signer, order["finalize"].as_str().unwrap(), &payload).await;
    server = server.killed(folder, port).await;
    let order = document(server.post(&key, signer, &order_url, "").await).await;
    assert_eq!(order["status"], "valid");
    let certificate = order["certificate"].as_str().unwrap();
    let chain = server.post(&key, signer, certificate, "").await.text().await.unwrap();
    server = server.killed(folder, port).await;
    assert_eq!(server.post(&key, signer, certificate, "").await.text().await.unwrap(), chain);
    let leaf = x509_parser::pem::Pem::iter_from_buffer(chain.as_bytes()).next().unwrap().unwrap();
    let payload = json!({"certificate": URL_SAFE_NO_PAD.encode(leaf.contents)}).to_string();
    let revoke = server.directory["revokeCert"].as_str().unwrap().to_owned();
    server.post(&key, signer, &revoke, &payload).await;
    server = server.killed(folder, port).await;
    let certificates = server.api("certificates", None).await;
    assert!(certificates[0]["revoked"].is_string(), "{certificates}");

    for file in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let mode = fs::metadata(&file).unwrap().permissions().mode() & 0o777;
        let secret = file.file_name().unwrap().to_str().unwrap().starts_with("state.db");
        assert!(!secret || mode == 0o600, "{}: {mode:o}", file.display());
    }
}

/// Asks until it is so.
async fn until(condition: impl AsyncFn() -> bool) {
    let start = Instant::now();
    while !condition().await {
        assert!(start.elapsed() < DEADLINE, "in vain");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_second_server_leaves_the_file_alone_and_says_why() {
    let folder = TempDir::new().unwrap();
    let _first = Stateful::start(folder.path(), 5002, ["127.0.0.1:0"; 2]).await;
    let output = server_mock()
        .args(["serve", "--acme", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--dns", "127.0.0.1:0", "--state"])
        .arg(folder.path().join("state.db"))
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr.contains("state.db") && stderr.contains("locked"), "{stderr}");
}
