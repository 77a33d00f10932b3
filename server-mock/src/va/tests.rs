//! Validators against small servers and the built-in DNS: what can't be seen on the wire, or not as well, where time,
//! size and ports are bounded. The rest is in `tests/conformance`.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{Arc, Mutex},
    time::Duration,
};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpSocket},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::{
    model::ProblemType,
    testbed::{DnsFailure, DnsServer, DnsTable, RecordData},
};

const NAME: &str = "www.example.test";
const TOKEN: &str = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA";
const KEY_AUTHORIZATION: &str =
    "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA.nP1qzpXGymHBrUEepNY9HCsQk7K8KhOypzEt62jcerQ";

/// A DNS, an HTTP and an HTTPS server that answer with what the test scripted, and a validator that knows only them.
struct World {
    table: Arc<DnsTable>,
    requests: Arc<Mutex<Vec<String>>>,
    validator: ValidationAuthority,
    _servers: JoinSet<()>,
    dns: DnsServer,
}

type Script = Arc<dyn Fn(&str) -> Vec<u8> + Send + Sync>;

impl World {
    /// `script` gets the request's head and gives the whole answer.
    async fn new(script: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let script: Script = Arc::new(script);
        let requests = Arc::new(Mutex::new(Vec::new()));
        let mut servers = JoinSet::new();
        let (http_port, http) = listen().await;
        let (tls_port, https) = listen().await;
        servers.spawn(serve(http, None, Arc::clone(&script), Arc::clone(&requests)));
        servers.spawn(serve(https, Some(acceptor()), script, Arc::clone(&requests)));
        Self::over(http_port, tls_port, servers, requests).await
    }

    async fn over(
        http_port: u16,
        tls_port: u16,
        servers: JoinSet<()>,
        requests: Arc<Mutex<Vec<String>>>,
    ) -> Self {
        let table = Arc::new(DnsTable::default());
        let dns = DnsServer::start("127.0.0.1:0".parse().unwrap(), Arc::clone(&table)).await.unwrap();
        let (resolver, issuers) = (dns.local_addr(), IssuerNames::default());
        let settings = ValidationSettings { resolver, http_port, tls_port, issuers };
        let validator = ValidationAuthority::new(&settings).unwrap();
        Self { table, requests, validator, _servers: servers, dns }
    }

    async fn validate(&self) -> Result<(), Problem> {
        self.validate_identifier(Identifier::Dns(NAME.into())).await
    }

    async fn validate_identifier(&self, identifier: Identifier) -> Result<(), Problem> {
        self.validator.validate(&attempt(identifier)).await
    }

    async fn problem(&self, kind: ProblemType) -> String {
        let problem = self.validate().await.unwrap_err();
        assert_eq!(problem.kind, kind, "{}", problem.detail);
        assert!(!problem.detail.chars().any(char::is_control), "{:?}", problem.detail);
        problem.detail
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn attempt(identifier: Identifier) -> Attempt {
    Attempt {
        kind: ChallengeKind::Http01,
        identifier,
        wildcard: false,
        subdomains: false,
        token: TOKEN.into(),
        key_authorization: KEY_AUTHORIZATION.into(),
        account_url: "https://ca.test/acme/account/1".into(),
        now: OffsetDateTime::UNIX_EPOCH,
    }
}

async fn listen() -> (u16, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    (listener.local_addr().unwrap().port(), listener)
}

/// A port that refuses connections, and that nobody else gets while it is held: bound, and never listened on.
struct Closed(TcpSocket);

impl Closed {
    fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        Self(socket)
    }

    fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }
}

fn acceptor() -> TlsAcceptor {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["somebody.else".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    script: Script,
    requests: Arc<Mutex<Vec<String>>>,
) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        match &tls {
            Some(acceptor) => {
                answer(acceptor.accept(stream).await.unwrap(), "https", &script, &requests).await
            }
            None => answer(stream, "http", &script, &requests).await,
        }
    }
}

async fn answer<S>(mut stream: S, scheme: &str, script: &Script, requests: &Mutex<Vec<String>>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = format!("{scheme} {}", String::from_utf8(head).unwrap());
    let response = script(&head);
    requests.lock().unwrap().push(head);
    // The validator may have read enough and gone.
    let _ = stream.write_all(&response).await;
    let _ = stream.shutdown().await;
}

fn ok(body: impl AsRef<[u8]>) -> Vec<u8> {
    [b"HTTP/1.1 200 OK\r\n\r\n", body.as_ref()].concat()
}

fn redirect(status: u16, location: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n").into_bytes()
}

#[tokio::test]
async fn s135_redirects_are_followed_over_http_and_https() {
    for status in [301, 302, 307, 308] {
        let world = World::new(move |head| match head.split(' ').take(3).collect::<Vec<_>>()[..] {
            ["http", _, path] if path.starts_with("/.well-known") => redirect(status, "/here?x=1"),
            ["http", _, "/here?x=1"] => redirect(status, "https://other.example.test:443/there"),
            ["https", _, "/there"] => ok(KEY_AUTHORIZATION),
            _ => ok("unexpected"),
        })
        .await;
        world.validate().await.unwrap();
        let requests = world.requests();
        assert_eq!(requests.len(), 3, "{requests:?}");
        assert!(requests[2].contains("\r\nhost: other.example.test\r\n"), "{requests:?}");
    }
}

#[tokio::test]
async fn s135_redirects_elsewhere_are_not_followed() {
    for location in [
        "ftp://www.example.test/",
        "http://www.example.test:8080/",
        "https://www.example.test:22/",
        "http://",
        "gopher:x",
    ] {
        let world = World::new(move |_| redirect(302, location)).await;
        let detail = world.problem(ProblemType::Connection).await;
        assert!(detail.contains(location), "{detail}");
        assert_eq!(world.requests().len(), 1);
    }
}

#[tokio::test]
async fn s136_large_bodies_are_not_read_whole() {
    let world = World::new(|_| ok(vec![b'x'; 1 << 20])).await;
    let detail = world.problem(ProblemType::IncorrectResponse).await;
    assert!(detail.contains("more than a key authorization") && detail.len() < 400, "{detail}");
}

#[tokio::test]
async fn s137_broken_connections() {
    for nonsense in ["", "HTTP/1.1", "\u{1b}[31mI am no web server\r\n\r\n"] {
        let world = World::new(|_| nonsense.into()).await;
        world.problem(ProblemType::Connection).await;
    }
    let world = World::new(|_| b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\nshort".to_vec()).await;
    world.problem(ProblemType::Connection).await;
}

#[tokio::test]
async fn s137_silent_servers_are_not_waited_for_for_ever() {
    let (http_port, listener) = listen().await;
    let mut servers = JoinSet::new();
    servers.spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nbegun, but ").await.unwrap();
        std::future::pending().await
    });
    let closed = Closed::new();
    let mut world = World::over(http_port, closed.port(), servers, Arc::default()).await;
    world.validator.http_01.timeout = Duration::from_millis(200);
    let detail = world.problem(ProblemType::Connection).await;
    assert!(detail.contains("not completely answered within 200ms"), "{detail}");
}

#[tokio::test]
async fn s137_names_without_an_address() {
    let world = World::new(|_| ok(KEY_AUTHORIZATION)).await;
    world.table.set_default_ipv4(None);
    assert!(world.problem(ProblemType::Dns).await.contains("NXDOMAIN"));
    world.table.add(NAME, &RecordData::Txt("no address".into())).unwrap();
    assert!(world.problem(ProblemType::Dns).await.contains("no A and no AAAA"));
    world.table.add(NAME, &RecordData::A(Ipv4Addr::LOCALHOST)).unwrap();
    world.validate().await.expect("answers are never kept");
    assert_eq!(world.requests().len(), 1);
}

#[tokio::test]
async fn s140_silent_tls_servers_are_not_waited_for_for_ever() {
    let (tls_port, listener) = listen().await;
    let mut servers = JoinSet::new();
    servers.spawn(async move {
        let _stream = listener.accept().await.unwrap();
        std::future::pending().await
    });
    let closed = Closed::new();
    let mut world = World::over(closed.port(), tls_port, servers, Arc::default()).await;
    world.validator.tls_alpn_01.timeout = Duration::from_millis(200);
    let attempt = Attempt { kind: ChallengeKind::TlsAlpn01, ..attempt(Identifier::Dns(NAME.into())) };
    let problem = world.validator.validate(&attempt).await.unwrap_err();
    assert_eq!(problem.kind, ProblemType::Connection);
    assert!(problem.detail.contains("within 200ms"), "{}", problem.detail);
}

#[tokio::test]
async fn challenges_by_dns_show_nothing_but_names() {
    let world = World::new(|_| ok("")).await;
    for kind in [ChallengeKind::Dns01, ChallengeKind::DnsAccount01, ChallengeKind::DnsPersist01] {
        let attempt = Attempt { kind, ..attempt(Identifier::Ip([127, 0, 0, 1].into())) };
        let problem = world.validator.validate(&attempt).await.unwrap_err();
        assert_eq!(problem.kind, ProblemType::UnsupportedIdentifier);
    }
}

#[tokio::test]
async fn s177_caa_of_mail_addresses_is_their_domains() {
    let world = World::new(|_| ok("")).await;
    let mail = RecordData::Caa { flags: 0, tag: "issuemail".into(), value: ";".into() };
    world.table.add("example.test", &mail).unwrap();
    let issuance = |identifier| Issuance { identifier, account_url: String::new(), method: None };
    let check = |identifiers: Vec<Identifier>| {
        world.validator.check_caa(identifiers.into_iter().map(issuance).collect())
    };
    check(vec![Identifier::Dns(NAME.into()), Identifier::Email("alice@other.test".into())]).await.unwrap();
    let address = Identifier::Email("alice@mail.example.test".into());
    let problem = check(vec![Identifier::Dns(NAME.into()), address.clone()]).await.unwrap_err();
    assert_eq!((problem.kind, problem.subproblems.len()), (ProblemType::Caa, 1));
    assert_eq!(problem.subproblems[0].identifier, Some(address.clone()));
    world.table.fail("broken.test", DnsFailure::ServFail).unwrap();
    let problem = check(vec![Identifier::Dns("broken.test".into()), address]).await.unwrap_err();
    assert_eq!((problem.kind, problem.subproblems.len()), (ProblemType::Compound, 2));
}

#[tokio::test]
async fn falls_back_from_ipv6_to_ipv4() {
    // Nobody listens on [::1] at that port, or there is no IPv6 here at all.
    let world = World::new(|_| ok(KEY_AUTHORIZATION)).await;
    world.table.add(NAME, &RecordData::A(Ipv4Addr::LOCALHOST)).unwrap();
    world.table.add(NAME, &RecordData::Aaaa(Ipv6Addr::LOCALHOST)).unwrap();
    world.validate().await.unwrap();

    let closed = Closed::new();
    let world = World::over(closed.port(), closed.port(), JoinSet::new(), Arc::default()).await;
    world.table.add(NAME, &RecordData::A(Ipv4Addr::LOCALHOST)).unwrap();
    world.table.add(NAME, &RecordData::Aaaa(Ipv6Addr::LOCALHOST)).unwrap();
    let detail = world.problem(ProblemType::Connection).await;
    let (six, four) = (detail.find("[::1]:").unwrap(), detail.find("127.0.0.1:").unwrap());
    assert!(six < four, "IPv6 comes first: {detail}");
}

#[tokio::test]
async fn many_dead_addresses_of_one_family_do_not_hide_the_other() {
    let world = World::new(|_| ok(KEY_AUTHORIZATION)).await;
    for last in 1..=9 {
        // The discard prefix (RFC 6666): nobody is there.
        world.table.add(NAME, &RecordData::Aaaa(Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, last))).unwrap();
    }
    world.table.add(NAME, &RecordData::A(Ipv4Addr::LOCALHOST)).unwrap();
    world.validate().await.unwrap();
}

#[tokio::test]
async fn s135_a_redirect_after_a_post_is_none() {
    let world = World::new(|_| redirect(303, "/here")).await;
    let detail = world.problem(ProblemType::IncorrectResponse).await;
    assert!(detail.contains("answered 303"), "{detail}");
}

#[tokio::test]
async fn addresses_are_reached_without_any_dns() {
    let world = World::new(|_| ok(KEY_AUTHORIZATION)).await;
    world.validate_identifier(Identifier::Ip(IpAddr::V4(Ipv4Addr::LOCALHOST))).await.unwrap();
    assert!(world.requests()[0].contains("\r\nhost: 127.0.0.1\r\n"));
    let mail = Identifier::Email("alice@example.test".into());
    let problem = world.validate_identifier(mail).await.unwrap_err();
    assert_eq!(problem.kind, ProblemType::UnsupportedIdentifier);
}

#[tokio::test]
async fn long_dns_answers_come_over_tcp_and_aliases_are_followed() {
    let world = World::new(|_| ok(KEY_AUTHORIZATION)).await;
    world.table.add(NAME, &RecordData::Cname("farm.example.test".into())).unwrap();
    for last in 1..=100 {
        world.table.add("farm.example.test", &RecordData::A([127, 0, 1, last].into())).unwrap();
    }
    let resolver = Resolver::new(world.dns.local_addr()).unwrap();
    assert_eq!(resolver.addresses(NAME).await.unwrap().len(), 100);
}

#[test]
fn shown_text_is_short_and_harmless() {
    assert_eq!(shown(b"plain"), "plain");
    assert_eq!(shown(b"\x1b[0m\n\x9b"), "\u{fffd}[0m\u{fffd}\u{fffd}");
    assert_eq!(shown("ü".repeat(200).as_bytes()), "ü".repeat(100) + "…");
    assert_eq!(shown("x".repeat(100).as_bytes()), "x".repeat(100));
}
