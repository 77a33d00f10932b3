//! RFC 8555 §7.6: revocation.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::common::{
    Client, Key, Mock,
    certificate::{crl, serial},
    certificates,
};

const NAME: &str = "www.example.test";

fn request(chain: &str) -> Value {
    json!({"certificate": URL_SAFE_NO_PAD.encode(&certificates(chain)[0])})
}

#[tokio::test]
async fn s127_by_the_owner() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let (_, chain) = client.issue(&[NAME], &Key::es256()).await;
    assert!(crl(&mock, &chain).await.is_empty());
    client.post(&mock.url("revokeCert"), request(&chain)).await.expect(200);
    assert_eq!(crl(&mock, &chain).await.len(), 1);
}

#[tokio::test]
async fn s131_again() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let (_, chain) = client.issue(&[NAME], &Key::es256()).await;
    let url = mock.url("revokeCert");
    client.post(&url, request(&chain)).await.expect(200);
    client.post(&url, request(&chain)).await.expect_problem(400, "alreadyRevoked");
    assert_eq!(crl(&mock, &chain).await.len(), 1);
}

#[tokio::test]
async fn s134_without_a_reason() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let (_, chain) = client.issue(&[NAME], &Key::es256()).await;
    client.post(&mock.url("revokeCert"), request(&chain)).await.expect(200);
    assert_eq!(crl(&mock, &chain).await, [(serial(&chain), None)]);
}

#[tokio::test]
async fn s128_by_the_certificate_key() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let key = Key::es256();
    let (_, chain) = client.issue(&[NAME], &key).await;
    let holder = Client::new(&mock, key);
    let mut payload = request(&chain);
    payload["reason"] = json!(1);
    holder.post_by_key(&mock.url("revokeCert"), payload).await.expect(200);
    assert_eq!(crl(&mock, &chain).await, [(serial(&chain), Some(1))]);
}

#[tokio::test]
async fn s129_by_whoever_holds_all_authorizations() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let (_, chain) = client.issue(&[NAME, "b.example.test"], &Key::es256()).await;
    let other = mock.account().await;
    let url = mock.url("revokeCert");
    other.ready_order(&[NAME]).await;
    other.post(&url, request(&chain)).await.expect_problem(403, "unauthorized");
    other.ready_order(&["b.example.test"]).await;
    other.post(&url, request(&chain)).await.expect(200);
}

#[tokio::test]
async fn s130_by_a_stranger() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let (_, chain) = client.issue(&[NAME], &Key::es256()).await;
    let url = mock.url("revokeCert");
    mock.account().await.post(&url, request(&chain)).await.expect_problem(403, "unauthorized");
    let stranger = Client::new(&mock, Key::es256());
    stranger.post_by_key(&url, request(&chain)).await.expect_problem(403, "unauthorized");
    client.post_by_key(&url, request(&chain)).await.expect_problem(403, "unauthorized");
    assert!(crl(&mock, &chain).await.is_empty());
}

#[tokio::test]
async fn s132_bad_reasons() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let (_, chain) = client.issue(&[NAME], &Key::es256()).await;
    for reason in [2, 6, 7, 8, 10, 11, 256, 1u64 << 40] {
        let mut payload = request(&chain);
        payload["reason"] = json!(reason);
        client.post(&mock.url("revokeCert"), payload).await.expect_problem(400, "badRevocationReason");
    }
    let mut payload = request(&chain);
    payload["reason"] = json!("superseded");
    client.post(&mock.url("revokeCert"), payload).await.expect_problem(400, "malformed");
    assert!(crl(&mock, &chain).await.is_empty());
}

#[tokio::test]
async fn s133_unknown_certificate() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let own = rcgen::generate_simple_self_signed(vec![NAME.to_owned()]).unwrap();
    let payload = json!({"certificate": URL_SAFE_NO_PAD.encode(own.cert.der())});
    client.post(&mock.url("revokeCert"), payload).await.expect_problem(404, "malformed");
    let payload = json!({"certificate": "AAAA"});
    client.post(&mock.url("revokeCert"), payload).await.expect_problem(400, "malformed");
}
