//! RFC 8555 §8.3: http-01, by web servers that answer what a test wrote down.

use std::sync::{Arc, Mutex};

use server_mock::testbed::DnsFailure;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::common::{Client, ClosedPort, Mock, challenge::challenge};

const NAME: &str = "www.example.test";

/// A web server: `script` gets the first line of a request and writes the whole answer.
struct Web {
    port: u16,
    script: Script,
    seen: Arc<Mutex<Vec<String>>>,
}

type Script = Arc<Mutex<Box<dyn Fn(&str) -> String + Send>>>;

impl Web {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let script: Script = Arc::new(Mutex::new(Box::new(|_| answer("404 Not Found", "", ""))));
        let seen = Arc::<Mutex<Vec<String>>>::default();
        let (answers, heads) = (script.clone(), seen.clone());
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                serve(stream, &answers, &heads).await;
            }
        });
        Self { port, script, seen }
    }

    fn says(&self, script: impl Fn(&str) -> String + Send + 'static) {
        *self.script.lock().unwrap() = Box::new(script);
    }
}

async fn serve(mut stream: TcpStream, script: &Script, seen: &Mutex<Vec<String>>) {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        // A client may greet in TLS, or go.
        match stream.read_u8().await {
            Ok(byte) if byte.is_ascii() && head.len() < 4096 => head.push(char::from(byte)),
            _ => return,
        }
    }
    let answer = (script.lock().unwrap())(head.lines().next().unwrap());
    seen.lock().unwrap().push(head);
    // The validator may have read enough and gone.
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
}

/// A mock that looks for proofs at this web server, and for https at this port.
async fn mock_at(web: &Web, tls_port: u16) -> Mock {
    Mock::start_with(|config| {
        config.http_port = web.port;
        config.tls_port = tls_port;
        config.policy.reuse_authorizations = false;
    })
    .await
}

/// A new authorization: its URL, the path where the proof is looked for, and the proof.
async fn begin(client: &Client<'_>) -> (String, String, String) {
    let (url, document) = client.authorization(NAME).await;
    let challenge = challenge(&document, "http-01");
    let path = format!("/.well-known/acme-challenge/{}", challenge["token"].as_str().unwrap());
    (url, path, client.key_authorization(&challenge))
}

#[tokio::test]
async fn s135_the_proof_is_fetched_by_get_and_may_end_in_white_space() {
    let web = Web::start().await;
    let mock = mock_at(&web, web.port).await;
    let client = mock.account().await;
    let (url, path, proof) = begin(&client).await;
    web.says(move |_| answer("200 OK", "", &format!("{proof} \t\r\n\n")));
    client.expect_valid(&url, "http-01").await;
    let seen = web.seen.lock().unwrap().clone();
    assert!(seen.iter().all(|head| head.starts_with(&format!("GET {path} HTTP/1.1\r\n"))), "{seen:?}");
    assert!(seen[0].to_ascii_lowercase().contains(&format!("\r\nhost: {NAME}\r\n")), "{seen:?}");
}

#[tokio::test]
async fn s135_redirects_are_followed_and_end() {
    let web = Web::start().await;
    let mock = mock_at(&web, web.port).await;
    let client = mock.account().await;
    let (url, path, proof) = begin(&client).await;
    web.says(move |line| match line.split(' ').nth(1).unwrap() {
        asked if asked == path => answer("301 Moved", "Location: /first?x=1\r\n", ""),
        "/first?x=1" => answer("302 Found", "Location: http://other.example.test/second\r\n", ""),
        "/second" => answer("200 OK", "", &proof),
        _ => answer("404 Not Found", "", ""),
    });
    client.expect_valid(&url, "http-01").await;
    assert_eq!(web.seen.lock().unwrap().len(), 3);
    let (url, ..) = begin(&client).await;
    web.says(|_| answer("302 Found", "Location: /round\r\n", ""));
    let detail = client.expect_invalid(&url, "http-01", "connection").await;
    assert!(detail.contains("more than 10 times"), "{detail}");
    assert_eq!(web.seen.lock().unwrap().len(), 3 + 11);
}

#[tokio::test]
async fn s136_wrong_bodies() {
    let web = Web::start().await;
    let mock = mock_at(&web, web.port).await;
    let client = mock.account().await;
    let (url, _, proof) = begin(&client).await;
    web.says(move |_| answer("200 OK", "", &format!(" {proof}")));
    client.expect_invalid(&url, "http-01", "incorrectResponse").await;
    let (url, ..) = begin(&client).await;
    web.says(|_| answer("200 OK", "", "\u{1b}[31mnot this"));
    let detail = client.expect_invalid(&url, "http-01", "incorrectResponse").await;
    assert!(detail.contains("[31mnot this") && !detail.contains('\u{1b}'), "{detail}");
    let (url, _, proof) = begin(&client).await;
    web.says(move |_| answer("404 Not Found", "", &proof));
    let detail = client.expect_invalid(&url, "http-01", "incorrectResponse").await;
    assert!(detail.contains("404"), "{detail}");
}

#[tokio::test]
async fn s137_nobody_there() {
    let closed = ClosedPort::new();
    let mock = Mock::start_with(|config| config.http_port = closed.port).await;
    let client = mock.account().await;
    let (url, ..) = begin(&client).await;
    let detail = client.expect_invalid(&url, "http-01", "connection").await;
    assert!(detail.contains("refused"), "{detail}");
}

#[tokio::test]
async fn s137_no_such_name() {
    let web = Web::start().await;
    let mock = mock_at(&web, web.port).await;
    let client = mock.account().await;
    for (failure, said) in [(DnsFailure::NxDomain, "NXDOMAIN"), (DnsFailure::ServFail, "Server Failure")] {
        mock.handle.dns_table().fail(NAME, failure).unwrap();
        let (url, ..) = begin(&client).await;
        let detail = client.expect_invalid(&url, "http-01", "dns").await;
        assert!(detail.contains(said), "{detail}");
    }
    assert!(web.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn s137_a_redirect_to_what_speaks_no_tls() {
    let (web, no_tls) = (Web::start().await, Web::start().await);
    let mock = mock_at(&web, no_tls.port).await;
    let client = mock.account().await;
    let (url, ..) = begin(&client).await;
    web.says(|_| answer("301 Moved", "Location: https://www.example.test/\r\n", ""));
    let detail = client.expect_invalid(&url, "http-01", "tls").await;
    assert!(detail.contains("https://www.example.test/"), "{detail}");
}
