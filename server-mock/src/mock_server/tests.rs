//! Life and death of the endpoints, with routers that only say where one is.

use std::time::Duration;

use axum::routing::{get, post};
use bytes::Bytes;
use http_body_util::StreamBody;
use hyper::body::Frame;
use reqwest::{Body, Certificate, Client, StatusCode, Version};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::model::{
    AccountId, Identifier, MailSettings, PublicKey, ReplySignature, account::NewAccount,
    pre_authorization::NewAuthorization,
};

const ROUTERS: Routers = Routers {
    acme: |_, base_url| {
        let directory = format!("{base_url}/directory");
        Router::new()
            .route("/directory", get(|| async { directory }))
            .route("/echo", post(|body: String| async { body }))
    },
    admin: |services| Router::new().route("/root", get(move || async move { services.authority.root_pem() })),
    limits: Limits {
        connections: 1024,
        streams: 16,
        head: Duration::from_secs(30),
        body: Duration::from_secs(30),
        idle: Duration::from_secs(60),
    },
};

async fn started(config: Config) -> Handle {
    start(config, Arc::new(SystemClock), ROUTERS).await.unwrap()
}

fn client(handle: &Handle) -> Client {
    let root = Certificate::from_pem(handle.ca_bundle_pem().as_bytes()).unwrap();
    Client::builder().no_proxy().tls_certs_only([root]).build().unwrap()
}

#[tokio::test]
async fn serves_on_free_ports_what_the_handle_says() {
    let handle = started(Config::ephemeral()).await;
    let client = client(&handle);
    let response = client.get(handle.directory_url()).send().await.unwrap();
    assert_eq!(response.version(), Version::HTTP_2, "ALPN");
    assert_eq!(response.text().await.unwrap(), handle.directory_url());

    let root = client.get(format!("{}/root", handle.admin_url())).send().await.unwrap();
    assert_eq!(root.text().await.unwrap(), handle.root_pem());

    let unknown = client.get(format!("{}/nothing", handle.admin_url())).send().await.unwrap();
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    handle.shutdown().await;
}

#[tokio::test]
async fn http_1_and_the_name_localhost_work_too() {
    let handle = started(Config::ephemeral()).await;
    let root = Certificate::from_pem(handle.ca_bundle_pem().as_bytes()).unwrap();
    let client = Client::builder().no_proxy().http1_only().tls_certs_only([root]).build().unwrap();
    let url = handle.directory_url().replace("127.0.0.1", "localhost");
    let response = client.get(url).send().await.unwrap();
    assert_eq!((response.status(), response.version()), (StatusCode::OK, Version::HTTP_11));
}

#[tokio::test]
async fn the_bundle_of_another_run_verifies_nothing() {
    let (handle, other) = (started(Config::ephemeral()).await, started(Config::ephemeral()).await);
    let error = client(&other).get(handle.directory_url()).send().await.unwrap_err();
    assert!(error.is_connect(), "{error:?}");
}

#[tokio::test]
async fn shutdown_frees_every_port_while_clients_hold_connections() {
    let handle = started(Config::ephemeral()).await;
    let client = client(&handle);
    client.get(handle.directory_url()).send().await.unwrap();
    let admin: SocketAddr = handle.admin_url().trim_start_matches("http://").parse().unwrap();
    let mut idle = tokio::net::TcpStream::connect(admin).await.unwrap();
    idle.write_all(b"GET /root HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert_eq!(idle.read_u8().await.unwrap(), b'H');

    let config = Config {
        acme: handle.directory_url()["https://".len()..].trim_end_matches("/directory").parse().unwrap(),
        admin,
        dns: handle.dns_addr(),
        ..Config::default()
    };
    tokio::time::timeout(Duration::from_secs(2), handle.shutdown())
        .await
        .expect("idle clients are not waited for");
    let again = started(config.clone()).await;
    assert_eq!(again.admin_url(), format!("http://{admin}"));
    again.shutdown().await;
}

#[tokio::test]
async fn a_request_under_way_is_answered_before_the_end() {
    let handle = started(Config::ephemeral()).await;
    let client = client(&handle);
    let url = handle.directory_url().replace("/directory", "/echo");
    client.get(handle.directory_url()).send().await.unwrap();

    let (sender, pieces) = tokio::sync::mpsc::channel(1);
    let pieces = futures_util::stream::unfold(pieces, |mut pieces| async {
        let piece = Frame::data(Bytes::from_static(pieces.recv().await?));
        Some((io::Result::Ok(piece), pieces))
    });
    let body = Body::wrap(StreamBody::new(pieces));
    let request = tokio::spawn(client.post(url).body(body).send());
    sender.send(b"first ".as_slice()).await.unwrap();
    sender.send(b"second ").await.unwrap();
    let end = tokio::spawn(handle.shutdown());
    sender.send(b"third").await.unwrap();
    drop(sender);
    let response = request.await.unwrap().unwrap();
    assert_eq!(response.text().await.unwrap(), "first second third");
    end.await.unwrap();
}

#[tokio::test]
async fn a_body_that_does_not_come_is_a_problem_of_its_own() {
    let limits = Limits { body: Duration::from_millis(100), ..Limits::default() };
    let routers = Routers { acme: acme_router, admin: admin_router, limits };
    let handle = start(Config::ephemeral(), Arc::new(SystemClock), routers).await.unwrap();
    let never = futures_util::stream::pending::<io::Result<Frame<Bytes>>>();
    let request = client(&handle)
        .post(handle.directory_url())
        .header("Content-Type", "application/jose+json")
        .body(Body::wrap(StreamBody::new(never)));
    let answer = tokio::time::timeout(Duration::from_secs(20), request.send()).await.unwrap().unwrap();
    assert_eq!(answer.status(), StatusCode::REQUEST_TIMEOUT);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    assert!(answer.headers().contains_key("replay-nonce"));
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let handle = started(Config::ephemeral()).await;
    let taken = handle.admin_url().trim_start_matches("http://").parse().unwrap();
    for (config, purpose) in [
        (Config { acme: taken, ..Config::ephemeral() }, "ACME"),
        (Config { admin: taken, ..Config::ephemeral() }, "the admin API"),
        (Config { dns: taken, ..Config::ephemeral() }, "the test DNS"),
    ] {
        let error = start(config, Arc::new(SystemClock), ROUTERS).await.err().unwrap();
        assert_eq!(error.to_string(), format!("could not listen on {taken} for {purpose}"));
    }
}

#[tokio::test]
async fn a_seed_fixes_the_issuing_keys() {
    let root_key = |pem: String| {
        let pem = x509_parser::pem::parse_x509_pem(pem.as_bytes()).unwrap().1;
        pem.parse_x509().unwrap().public_key().raw.to_vec()
    };
    let seeded = |seed| Config { seed, ..Config::ephemeral() };
    let mut keys = Vec::new();
    for seed in [Some(1), Some(1), Some(2), None] {
        keys.push(root_key(started(seeded(seed)).await.root_pem()));
    }
    assert_eq!(keys[0], keys[1]);
    assert_ne!(keys[0], keys[2]);
    assert_ne!(keys[0], keys[3]);
}

#[test]
fn listening_on_all_addresses_is_named_so_that_clients_reach_it() {
    assert_eq!(host_and_port(None, "0.0.0.0:1".parse().unwrap()), "localhost:1");
    assert_eq!(host_and_port(None, "[::1]:1".parse().unwrap()), "[::1]:1");
    assert_eq!(reachable("[::]:53".parse().unwrap()), "[::1]:53".parse().unwrap());
    assert_eq!(reachable("192.0.2.1:53".parse().unwrap()), "192.0.2.1:53".parse().unwrap());
}

#[tokio::test]
async fn the_demo_owner_holds_what_the_documentation_says() {
    let handle = started(Config::ephemeral()).await;
    let credentials = handle.create_demo_owner().unwrap();
    handle.services().store.with(|model| {
        let key = model.eab_key(&credentials.kid).unwrap();
        let owner = model.owner(&key.owner).unwrap();
        let dns = |name: &str| Identifier::Dns(name.into());
        for identifier in
            [dns("example.test"), dns("*.a.example.test"), Identifier::Email("alice@example.test".into())]
        {
            assert!(owner.holds(&identifier) && key.rights.cover(&identifier), "{identifier:?}");
        }
        assert!(!owner.holds(&dns("example.org")) && !key.rights.cover(&dns("example.org")));
    });
}

/// What the SMTP server says to a reply that counts, when everything is kept in this store.
async fn verdict_on_a_reply(store: Store) -> String {
    let mail = MailSettings { reply_signature: ReplySignature::Off, ..MailSettings::default() };
    let test_dns = TestDns { table: Arc::default(), address: (Ipv4Addr::LOCALHOST, 9).into() };
    let kept = Kept { store, ..Kept::default() };
    let config = Config { mail, ..Config::ephemeral() };
    let services = services(config, Arc::new(SystemClock), "http://127.0.0.1:9", test_dns, kept).unwrap();
    let services = Arc::new(services);
    let kid = demo::create(&Admin::new(Arc::clone(&services))).unwrap().kid;
    let account = AccountId::from("account".to_owned());
    let (now, settings) = (services.clock.now(), &services.settings);
    let mail = services.store.with(|model| {
        let new = NewAccount {
            id: account.clone(),
            key: PublicKey::Ed25519(vec![1; 32]),
            contact: Vec::new(),
            kid,
            external_account_binding: serde_json::Value::Null,
        };
        model.create_account(new, now, settings).unwrap();
        let identifier = Identifier::Email("alice@example.test".to_owned());
        let new = NewAuthorization { identifier, subdomains: false };
        let mut tokens = || services.random.token(16);
        let (id, _) = model.pre_authorize(&account, &new, now, settings, &mut tokens).unwrap();
        let token = |bytes| services.random.token(bytes);
        assert!(model.prepare_mails(&[id], services.mail.settings(), &token));
        model.take_due_mail(now).unwrap().1
    });

    let server = mail_server((Ipv4Addr::LOCALHOST, 0).into(), &services).await.unwrap();
    let mut talk = tokio::net::TcpStream::connect(server.local_addr()).await.unwrap();
    let conversation = format!(
        "EHLO x\r\nMAIL FROM:<{to}>\r\nRCPT TO:<{from}>\r\nDATA\r\nFrom: {to}\r\nTo: {from}\r\n\
         Subject: Re: ACME: {part}\r\n\r\n-----BEGIN ACME RESPONSE-----\r\nx\r\n-----END ACME RESPONSE-----\r\n.\r\nQUIT\r\n",
        from = mail.from,
        to = mail.to,
        part = mail.token_part1,
    );
    talk.write_all(conversation.as_bytes()).await.unwrap();
    let mut answers = String::new();
    talk.read_to_string(&mut answers).await.unwrap();
    answers.lines().rev().nth(1).unwrap().to_owned()
}

#[tokio::test]
async fn a_reply_is_taken_when_it_is_kept() {
    let taken = verdict_on_a_reply(Store::default()).await;
    assert!(taken.starts_with("250 2.6.0 "), "{taken}");
    let refused = verdict_on_a_reply(Store::unwritable()).await;
    assert!(refused.starts_with("451 4.3.0 "), "{refused}");
}

/// Whoever drops a server may start another one on its file, whatever was going on.
#[tokio::test]
async fn what_is_being_signed_holds_no_state_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let handle = started(Config { state: Some(path.clone()), ..Config::ephemeral() }).await;
    let (background, services) = (Arc::clone(&handle.services.background), Arc::clone(&handle.services));
    background.spawn_at_once(async move {
        std::future::pending::<()>().await;
        drop(services);
    });
    drop((background, handle));
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while Store::open(&path).is_err() {
        assert!(tokio::time::Instant::now() < deadline, "the file is still in use");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
