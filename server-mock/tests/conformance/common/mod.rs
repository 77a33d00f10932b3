//! A started server, a web server for http-01, and clients that sign with whatever a test wants.

pub(crate) mod certificate;
pub(crate) mod challenge;
pub(crate) mod email_order;
pub(crate) mod endpoints;
mod key;
pub(crate) mod mail;
pub(crate) mod smtp;

use std::{
    collections::HashMap,
    net::Ipv4Addr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use aws_lc_rs::hmac;
use axum::{Router, extract::Path, http::StatusCode as AxumStatus, routing::get};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use server_mock::{
    Config, Handle, MockServer,
    admin::EabCredentials,
    clock::{Clock, ManualClock, SystemClock},
    model::{Owner, OwnerId, OwnerKind, Rights},
};

pub(crate) use key::{Key, mac_jws};

/// What http-01 challenges are answered with, by token.
type Answers = Arc<Mutex<HashMap<String, String>>>;

pub(crate) struct Mock {
    pub(crate) handle: Handle,
    pub(crate) http: reqwest::Client,
    pub(crate) directory: Value,
    answers: Answers,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn location(&self) -> String {
        self.header("location").expect("Location").to_owned()
    }

    pub(crate) fn links(&self) -> Vec<&str> {
        self.headers.get_all("link").iter().map(|value| value.to_str().unwrap()).collect()
    }

    /// Fails unless the answer has this status; gives the document.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, status, "{text}");
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The target of the first link with this relation.
    pub(crate) fn link(&self, relation: &str) -> Option<String> {
        let end = format!(";rel=\"{relation}\"");
        let link = self.links().into_iter().find(|link| link.ends_with(&end))?;
        Some(link.trim_start_matches('<').split_once('>')?.0.to_owned())
    }

    /// Fails unless the answer is this problem and says these words: where another rule would answer with the same
    /// type, they tell which one did. Gives the document.
    #[track_caller]
    pub(crate) fn expect_said(&self, status: u16, kind: &str, words: &str) -> Value {
        let problem = self.expect_problem(status, kind);
        assert!(problem["detail"].as_str().unwrap().contains(words), "{problem}");
        problem
    }

    /// Fails unless the answer is this problem; gives the document.
    #[track_caller]
    pub(crate) fn expect_problem(&self, status: u16, kind: &str) -> Value {
        let problem = self.expect(status);
        assert_eq!(problem["type"], format!("urn:ietf:params:acme:error:{kind}"), "{problem}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(problem["status"], status);
        assert!(self.header("replay-nonce").is_some(), "errors bring a nonce");
        problem
    }
}

impl Mock {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_at(Arc::new(SystemClock), change).await
    }

    /// A server whose clock only the test moves.
    pub(crate) async fn start_on(clock: &Arc<ManualClock>) -> Self {
        Self::start_on_with(clock, |_| {}).await
    }

    pub(crate) async fn start_on_with(clock: &Arc<ManualClock>, change: impl FnOnce(&mut Config)) -> Self {
        Self::start_at(clock.clone(), change).await
    }

    async fn start_at(clock: Arc<dyn Clock>, change: impl FnOnce(&mut Config)) -> Self {
        let answers = Answers::default();
        let http_port = serve(answers.clone()).await;
        let mut config = Config { http_port, ..Config::ephemeral() };
        change(&mut config);
        let handle = MockServer::start_at(config, clock).await.unwrap();
        let http = http_client(&handle, |builder| builder);
        let directory = http.get(handle.directory_url()).send().await.unwrap();
        let directory = serde_json::from_slice(&directory.bytes().await.unwrap()).unwrap();
        Self { handle, http, directory, answers }
    }

    /// A client that trusts the server, with other settings.
    pub(crate) fn http_client(
        &self,
        change: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
    ) -> reqwest::Client {
        http_client(&self.handle, change)
    }

    pub(crate) fn url(&self, name: &str) -> String {
        self.directory[name].as_str().unwrap().to_owned()
    }

    pub(crate) async fn get(&self, url: &str) -> Answer {
        read(self.http.get(url).send().await.unwrap()).await
    }

    pub(crate) async fn nonce(&self) -> String {
        let answer = read(self.http.head(self.url("newNonce")).send().await.unwrap()).await;
        answer.header("replay-nonce").unwrap().to_owned()
    }

    /// Sends a body as it is.
    pub(crate) async fn post(&self, url: &str, body: &Value) -> Answer {
        let request = self.http.post(url).header("Content-Type", "application/jose+json");
        read(request.body(body.to_string()).send().await.unwrap()).await
    }

    /// A request to the admin API: status and document.
    pub(crate) async fn api(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}/api/{path}", self.handle.admin_url());
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let response = self.http.request(method, url).body(body.to_string()).send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap())
    }

    /// An owner of `example.test`.
    pub(crate) fn owner(&self) -> OwnerId {
        let owner = Owner {
            kind: OwnerKind::User,
            name: "Alice".to_owned(),
            assurance_points: 100,
            domains: vec!["example.test".parse().unwrap()],
            addresses: vec!["alice@example.test".parse().unwrap()],
        };
        self.handle.admin().create_owner(owner).unwrap()
    }

    pub(crate) fn eab_key(&self, rights: Rights) -> EabCredentials {
        let owner = self.owner();
        self.handle.admin().create_eab_key(&owner, rights).unwrap()
    }

    /// A client with a new account.
    pub(crate) async fn account(&self) -> Client<'_> {
        self.account_with(Rights::default()).await
    }

    pub(crate) async fn account_with(&self, rights: Rights) -> Client<'_> {
        let credentials = self.eab_key(rights);
        let mut client = Client::new(self, Key::es256());
        client.register(&credentials).await.expect(201);
        client
    }
}

/// Somebody with a key, and with an account once registered.
pub(crate) struct Client<'a> {
    pub(crate) mock: &'a Mock,
    pub(crate) key: Key,
    pub(crate) kid: String,
}

impl<'a> Client<'a> {
    pub(crate) fn new(mock: &'a Mock, key: Key) -> Self {
        Self { mock, key, kid: String::new() }
    }

    /// The protected header that a right request has.
    pub(crate) async fn protected(&self, url: &str) -> Value {
        json!({"alg": self.key.algorithm, "kid": self.kid, "nonce": self.mock.nonce().await, "url": url})
    }

    /// The same with the key instead of the account.
    pub(crate) async fn protected_by_key(&self, url: &str) -> Value {
        let nonce = self.mock.nonce().await;
        json!({"alg": self.key.algorithm, "jwk": self.key.jwk(), "nonce": nonce, "url": url})
    }

    pub(crate) async fn post(&self, url: &str, payload: Value) -> Answer {
        let protected = self.protected(url).await;
        self.mock.post(url, &self.key.jws(&protected, &payload.to_string())).await
    }

    /// POST-as-GET.
    pub(crate) async fn read(&self, url: &str) -> Answer {
        let protected = self.protected(url).await;
        self.mock.post(url, &self.key.jws(&protected, "")).await
    }

    pub(crate) async fn post_by_key(&self, url: &str, payload: Value) -> Answer {
        let protected = self.protected_by_key(url).await;
        self.mock.post(url, &self.key.jws(&protected, &payload.to_string())).await
    }

    /// The binding that the web UI's key makes with this client's key.
    pub(crate) fn binding(&self, credentials: &EabCredentials) -> Value {
        self.binding_with("HS256", hmac::HMAC_SHA256, credentials)
    }

    pub(crate) fn binding_with(
        &self,
        name: &str,
        algorithm: hmac::Algorithm,
        credentials: &EabCredentials,
    ) -> Value {
        let mac_key = URL_SAFE_NO_PAD.decode(&credentials.hmac_key).unwrap();
        let protected = json!({"alg": name, "kid": credentials.kid, "url": self.mock.url("newAccount")});
        mac_jws(algorithm, &mac_key, &protected, &self.key.jwk().to_string())
    }

    /// newAccount with this binding.
    pub(crate) async fn register_with(&self, binding: Value) -> Answer {
        let payload = json!({
            "termsOfServiceAgreed": true,
            "contact": ["mailto:alice@example.test"],
            "externalAccountBinding": binding,
        });
        self.post_by_key(&self.mock.url("newAccount"), payload).await
    }

    pub(crate) async fn register(&mut self, credentials: &EabCredentials) -> Answer {
        let answer = self.register_with(self.binding(credentials)).await;
        if answer.status < 300 {
            self.kid = answer.location();
        }
        answer
    }

    /// newOrder for DNS names.
    pub(crate) async fn order(&self, names: &[&str]) -> Answer {
        let identifiers: Vec<Value> =
            names.iter().map(|name| json!({"type": "dns", "value": name})).collect();
        self.post(&self.mock.url("newOrder"), json!({"identifiers": identifiers})).await
    }

    /// Reads a resource until its status is none of those that pass.
    pub(crate) async fn settle(&self, url: &str, passing: &[&str]) -> Value {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let document = self.read(url).await.expect(200);
            if !passing.contains(&document["status"].as_str().unwrap()) {
                return document;
            }
            assert!(Instant::now() < deadline, "still {document}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Lays the answer to an http-01 challenge out.
    pub(crate) fn answer(&self, challenge: &Value) {
        let token = challenge["token"].as_str().unwrap().to_owned();
        let answer = format!("{token}.{}", self.key.thumbprint());
        self.mock.answers.lock().unwrap().insert(token, answer);
    }

    /// Answers and starts the http-01 challenge of an authorization; gives the settled authorization.
    pub(crate) async fn authorize(&self, authorization: &str) -> Value {
        let document = self.read(authorization).await.expect(200);
        let challenge = http_01(&document);
        self.answer(&challenge);
        self.post(challenge["url"].as_str().unwrap(), json!({})).await.expect(200);
        self.settle(authorization, &["pending"]).await
    }

    /// An order whose authorizations are all valid: its URL and document.
    pub(crate) async fn ready_order(&self, names: &[&str]) -> (String, Value) {
        let order = self.order(names).await;
        let document = order.expect(201);
        for authorization in document["authorizations"].as_array().unwrap() {
            let url = authorization.as_str().unwrap();
            if self.read(url).await.expect(200)["status"] == "pending" {
                assert_eq!(self.authorize(url).await["status"], "valid");
            }
        }
        let document = self.read(&order.location()).await.expect(200);
        assert_eq!(document["status"], "ready");
        (order.location(), document)
    }

    pub(crate) async fn finalize(&self, order: &Value, csr: &[u8]) -> Answer {
        self.post(order["finalize"].as_str().unwrap(), json!({"csr": URL_SAFE_NO_PAD.encode(csr)})).await
    }

    /// A certificate for these names and key: the valid order and the PEM chain.
    pub(crate) async fn issue(&self, names: &[&str], key: &Key) -> (Value, String) {
        let (url, order) = self.ready_order(names).await;
        self.finalize(&order, &csr(names, &key.for_csr())).await.expect(200);
        let order = self.settle(&url, &["processing"]).await;
        let chain = self.chain(&order).await;
        (order, chain)
    }

    /// The PEM chain of a valid order.
    pub(crate) async fn chain(&self, order: &Value) -> String {
        assert_eq!(order["status"], "valid", "{order}");
        let answer = self.read(order["certificate"].as_str().unwrap()).await;
        assert_eq!(answer.status, 200);
        String::from_utf8(answer.body).unwrap()
    }
}

/// The http-01 challenge of an authorization.
pub(crate) fn http_01(authorization: &Value) -> Value {
    let challenges = authorization["challenges"].as_array().unwrap();
    challenges.iter().find(|challenge| challenge["type"] == "http-01").unwrap().clone()
}

/// A CSR for DNS names.
pub(crate) fn csr(names: &[&str], key: &rcgen::KeyPair) -> Vec<u8> {
    csr_params(names).serialize_request(key).unwrap().der().to_vec()
}

pub(crate) fn csr_params(names: &[&str]) -> rcgen::CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = rcgen::CertificateParams::new(names).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
}

/// The certificates of a PEM chain, DER.
pub(crate) fn certificates(pem: &str) -> Vec<Vec<u8>> {
    x509_parser::pem::Pem::iter_from_buffer(pem.as_bytes()).map(|pem| pem.unwrap().contents).collect()
}

fn http_client(
    handle: &Handle,
    change: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
) -> reqwest::Client {
    let root = reqwest::Certificate::from_pem(handle.ca_bundle_pem().as_bytes()).unwrap();
    change(reqwest::Client::builder().no_proxy().tls_certs_only([root])).build().unwrap()
}

/// A port that refuses connections, and that nobody else gets while it is held: bound, and never listened on.
pub(crate) struct ClosedPort {
    pub(crate) port: u16,
    _socket: tokio::net::TcpSocket,
}

impl ClosedPort {
    pub(crate) fn new() -> Self {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        Self { port: socket.local_addr().unwrap().port(), _socket: socket }
    }
}

async fn read(response: reqwest::Response) -> Answer {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer { status, headers, body: response.bytes().await.unwrap().to_vec() }
}

/// Serves challenge answers on a free port.
async fn serve(answers: Answers) -> u16 {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = move |Path(token): Path<String>| {
        let answer = answers.lock().unwrap().get(&token).cloned();
        async move { answer.ok_or(AxumStatus::NOT_FOUND) }
    };
    let router = Router::new().route("/.well-known/acme-challenge/{token}", get(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    port
}
