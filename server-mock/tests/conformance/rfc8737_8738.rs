//! RFC 8737: tls-alpn-01; RFC 8738: addresses.

mod responder;

use rcgen::{CertificateParams, CustomExtension, KeyPair, SanType};
use rustls::{
    SupportedProtocolVersion,
    version::{TLS12, TLS13},
};
use serde_json::{Value, json};

use crate::common::{
    Client, ClosedPort, Mock,
    challenge::{challenge, offered},
    csr_params,
};
use responder::{Responder, answer, sign};

const NAME: &str = "www.example.test";
const ALPN: &[&str] = &["acme-tls/1"];
const BOTH: &[&SupportedProtocolVersion] = &[&TLS12, &TLS13];

fn ip(address: &str) -> Value {
    json!({"type": "ip", "value": address})
}

/// The test's TLS server, and a server that looks there.
async fn start(alpn: &[&str], versions: &[&'static SupportedProtocolVersion]) -> (Responder, Mock) {
    let responder = Responder::start(alpn, versions).await;
    let mock = Mock::start_with(|config| config.tls_port = responder.port).await;
    (responder, mock)
}

/// A new authorization, and what its tls-alpn-01 challenge wants to see.
async fn begin(client: &Client<'_>, identifier: Value) -> (String, String) {
    let (url, document) = client.authorization_for(identifier).await;
    (url, client.key_authorization(&challenge(&document, "tls-alpn-01")))
}

/// Whether a certificate, made from the right one by `change`, proves the name; if not, what people are told.
async fn judge(change: impl FnOnce(&mut CertificateParams)) -> Result<(), String> {
    let (responder, mock) = start(ALPN, BOTH).await;
    let client = mock.account().await;
    let (url, key_authorization) = begin(&client, json!({"type": "dns", "value": NAME})).await;
    let mut params = answer(NAME, &key_authorization);
    change(&mut params);
    responder.show(sign(&params));
    let verdict = client.attempt(&url, "tls-alpn-01").await;
    if verdict["status"] == "valid" {
        return Ok(());
    }
    assert_eq!(verdict["error"]["type"], "urn:ietf:params:acme:error:incorrectResponse", "{verdict}");
    Err(verdict["error"]["detail"].as_str().unwrap().to_owned())
}

/// An acmeIdentifier of this content.
fn acme_identifier(content: Vec<u8>, critical: bool) -> CustomExtension {
    let mut extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 31], content);
    extension.set_criticality(critical);
    extension
}

#[tokio::test]
async fn s140_the_handshake() {
    for versions in [&[&TLS12][..], &[&TLS13]] {
        let (responder, mock) = start(ALPN, versions).await;
        let client = mock.account().await;
        let (url, key_authorization) = begin(&client, json!({"type": "dns", "value": NAME})).await;
        responder.show(sign(&answer(NAME, &key_authorization)));
        client.expect_valid(&url, "tls-alpn-01").await;
        let hellos = responder.hellos();
        assert_eq!(hellos.len(), 1);
        assert_eq!(hellos[0].server_name.as_deref(), Some(NAME));
        assert_eq!(hellos[0].protocols, ["acme-tls/1"]);
    }
}

#[tokio::test]
async fn s140_sessions_are_not_resumed() {
    // A resumed session shows the certificate of the first one, and so the answer to another challenge.
    for versions in [&[&TLS12][..], &[&TLS13]] {
        let responder = Responder::start(ALPN, versions).await;
        let mock = Mock::start_with(|config| {
            config.tls_port = responder.port;
            config.policy.reuse_authorizations = false;
        })
        .await;
        let client = mock.account().await;
        for count in 1..=3 {
            let (url, key_authorization) = begin(&client, json!({"type": "dns", "value": NAME})).await;
            responder.show(sign(&answer(NAME, &key_authorization)));
            client.expect_valid(&url, "tls-alpn-01").await;
            assert_eq!(responder.hellos().len(), count, "each handshake is a full one");
        }
    }
}

#[tokio::test]
async fn s141_one_alternative_name_in_any_case() {
    let dns = |name: &str| SanType::DnsName(name.try_into().unwrap());
    judge(|params| params.subject_alt_names = vec![dns("WWW.Example.TEST")]).await.unwrap();
    let two = judge(|params| params.subject_alt_names.push(dns("b.example.test"))).await.unwrap_err();
    assert!(two.contains("2 alternative names"), "{two}");
    judge(|params| params.subject_alt_names.push(dns(NAME))).await.unwrap_err();
    judge(|params| params.subject_alt_names.clear()).await.unwrap_err();
}

#[tokio::test]
async fn s142_the_digest_critical_and_of_32_bytes() {
    let content = |params: &CertificateParams| params.custom_extensions[0].content().to_vec();
    let uncritical = judge(|params| {
        params.custom_extensions = vec![acme_identifier(content(params), false)];
    });
    assert!(uncritical.await.unwrap_err().contains("not critical"));
    let wrong = judge(|params| {
        let mut content = content(params);
        content[33] ^= 1;
        params.custom_extensions = vec![acme_identifier(content, true)];
    });
    assert!(wrong.await.unwrap_err().contains("is not the digest"));
    let naked = judge(|params| {
        params.custom_extensions = vec![acme_identifier(content(params)[2..].to_vec(), true)];
    });
    assert!(naked.await.unwrap_err().contains("no OCTET STRING"));
    let longer = judge(|params| {
        let content = [content(params), vec![0]].concat();
        params.custom_extensions = vec![acme_identifier(content, true)];
    });
    assert!(longer.await.unwrap_err().contains("no OCTET STRING"));
    let none = judge(|params| params.custom_extensions.clear());
    assert!(none.await.unwrap_err().contains("has no acmeIdentifier"));
    let twice = judge(|params| {
        let extension = acme_identifier(content(params), true);
        params.custom_extensions = vec![extension.clone(), extension];
    });
    assert!(twice.await.unwrap_err().contains("several acmeIdentifier"));
}

#[tokio::test]
async fn s143_another_name() {
    for other in ["example.test", "a.www.example.test", "*.example.test"] {
        let names = vec![SanType::DnsName(other.try_into().unwrap())];
        let detail = judge(|params| params.subject_alt_names = names).await.unwrap_err();
        assert!(detail.contains("alternative name is"), "{detail}");
    }
    let address = vec![SanType::IpAddress([127, 0, 0, 1].into())];
    judge(|params| params.subject_alt_names = address).await.unwrap_err();
}

#[tokio::test]
async fn s143_the_protocol_not_negotiated() {
    // One server knows no ALPN at all, the other speaks other protocols only.
    for alpn in [&[][..], &["h2", "http/1.1"], &["acme-tls/1.0"]] {
        let (responder, mock) = start(alpn, BOTH).await;
        let client = mock.account().await;
        let (url, key_authorization) = begin(&client, json!({"type": "dns", "value": NAME})).await;
        responder.show(sign(&answer(NAME, &key_authorization)));
        client.expect_invalid(&url, "tls-alpn-01", "tls").await;
    }
}

#[tokio::test]
async fn s143_no_tls_and_no_server() {
    let mock = Mock::start_with(|config| config.tls_port = config.http_port).await;
    let client = mock.account().await;
    let (url, _) = begin(&client, json!({"type": "dns", "value": NAME})).await;
    client.expect_invalid(&url, "tls-alpn-01", "tls").await;
    let closed = ClosedPort::new();
    let mock = Mock::start_with(|config| config.tls_port = closed.port).await;
    let client = mock.account().await;
    let (url, _) = begin(&client, json!({"type": "dns", "value": NAME})).await;
    client.expect_invalid(&url, "tls-alpn-01", "connection").await;
}

#[tokio::test]
async fn s144_wildcard_names_are_proved_by_dns_alone() {
    let mock = Mock::start().await;
    let client = mock.account_with_all_names().await;
    let (_, document) = client.authorization("*.example.test").await;
    assert_eq!(offered(&document), ["dns-01", "dns-account-01", "dns-persist-01"]);
    let (url, document) = client.authorization("example.test").await;
    let all = ["dns-01", "dns-account-01", "dns-persist-01", "http-01", "tls-alpn-01"];
    assert_eq!(offered(&document), all);
    client.post(&format!("{url}/tls-alpn-02"), json!({})).await.expect_problem(404, "malformed");
}

#[tokio::test]
async fn s145_ip_addresses_in_rfc_5952_form() {
    let mock = Mock::start().await;
    let client = mock.account_with_all_names().await;
    for wrong in ["0:0:0:0:0:0:0:1", "::0001", "::0:1", "[::1]", "127.0.0.01", "127.1"] {
        let payload = json!({"identifiers": [ip(wrong)]});
        client.post(&mock.url("newOrder"), payload).await.expect_problem(400, "malformed");
    }
    let payload = json!({"identifiers": [ip("127.0.0.1")]});
    let document = client.post(&mock.url("newOrder"), payload).await.expect(201);
    let authorization = client.authorize(document["authorizations"][0].as_str().unwrap()).await;
    assert_eq!((&authorization["identifier"], &authorization["status"]), (&ip("127.0.0.1"), &json!("valid")));
    let mut params = csr_params(&[]);
    params.subject_alt_names.push(SanType::IpAddress([127, 0, 0, 1].into()));
    let csr = params.serialize_request(&KeyPair::generate().unwrap()).unwrap();
    assert_eq!(client.finalize(&document, csr.der()).await.expect(200)["status"], "valid");
}

#[tokio::test]
async fn s146_addresses_are_never_proved_by_dns() {
    let mock = Mock::start().await;
    let client = mock.account_with_all_names().await;
    for address in ["127.0.0.1", "::1"] {
        let (url, document) = client.authorization_for(ip(address)).await;
        assert_eq!(offered(&document), ["http-01", "tls-alpn-01"]);
        client.post(&format!("{url}/dns-01"), json!({})).await.expect_problem(404, "malformed");
    }
}

#[tokio::test]
async fn s147_addresses_by_tls() {
    let (responder, mock) = start(ALPN, BOTH).await;
    let client = mock.account_with_all_names().await;
    let (url, key_authorization) = begin(&client, ip("127.0.0.1")).await;
    responder.show(sign(&answer("127.0.0.1", &key_authorization)));
    client.expect_valid(&url, "tls-alpn-01").await;
    assert_eq!(responder.hellos()[0].server_name.as_deref(), Some("1.0.0.127.in-addr.arpa"));

    // The address must be an iPAddress, not written into a name.
    let mock = Mock::start_with(|config| config.tls_port = responder.port).await;
    let client = mock.account_with_all_names().await;
    let (url, key_authorization) = begin(&client, ip("127.0.0.1")).await;
    let mut params = answer("127.0.0.1", &key_authorization);
    params.subject_alt_names = vec![SanType::DnsName("127.0.0.1".try_into().unwrap())];
    responder.show(sign(&params));
    client.expect_invalid(&url, "tls-alpn-01", "incorrectResponse").await;
}
