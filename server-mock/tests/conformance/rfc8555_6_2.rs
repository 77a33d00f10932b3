//! RFC 8555 §6.2: request authentication.

use serde_json::{Value, json};

use crate::common::{Client, Key, Mock, mac_jws};

/// A request whose header and body a test has changed, sent to newOrder.
async fn send(
    client: &Client<'_>,
    header: impl FnOnce(&mut Value),
    body: impl FnOnce(&mut Value),
) -> crate::common::Answer {
    let url = client.mock.url("newOrder");
    let mut protected = client.protected(&url).await;
    header(&mut protected);
    let payload = json!({"identifiers": [{"type": "dns", "value": "www.example.test"}]});
    let mut jws = client.key.jws(&protected, &payload.to_string());
    body(&mut jws);
    client.mock.post(&url, &jws).await
}

#[tokio::test]
async fn s000_the_unchanged_request_succeeds() {
    let mock = Mock::start().await;
    send(&mock.account().await, |_| {}, |_| {}).await.expect(201);
}

#[tokio::test]
async fn s001_content_type() {
    let mock = Mock::start().await;
    let url = mock.url("newOrder");
    for content_type in [Some("application/json"), None] {
        let mut request = mock.http.post(&url).body("{}");
        if let Some(content_type) = content_type {
            request = request.header("Content-Type", content_type);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 415);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
    }
}

#[tokio::test]
async fn s002_signatures_array() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let signatures = |jws: &mut Value| jws["signatures"] = json!([]);
    send(&client, |_| {}, signatures).await.expect_problem(400, "malformed");
}

#[tokio::test]
async fn s003_two_signatures() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let two = |jws: &mut Value| {
        let part = json!({"protected": jws["protected"], "signature": jws["signature"]});
        *jws = json!({"payload": jws["payload"], "signatures": [part, part]});
    };
    send(&client, |_| {}, two).await.expect_problem(400, "malformed");
}

#[tokio::test]
async fn s004_unprotected_header() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let header = |jws: &mut Value| jws["header"] = json!({"kid": "x"});
    send(&client, |_| {}, header).await.expect_problem(400, "malformed");
}

#[tokio::test]
async fn s005_unencoded_payload_and_critical_members() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let b64 = |protected: &mut Value| protected["b64"] = json!(false);
    send(&client, b64, |_| {}).await.expect_problem(400, "malformed");
    let crit = |protected: &mut Value| protected["crit"] = json!(["exp"]);
    send(&client, crit, |_| {}).await.expect_problem(400, "malformed");
}

#[tokio::test]
async fn s006_payload_absent() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let no_payload = |jws: &mut Value| {
        jws.as_object_mut().unwrap().remove("payload");
    };
    send(&client, |_| {}, no_payload).await.expect_problem(400, "malformed");
}

/// An algorithm that is refused with the list of those that would do.
async fn bad_algorithm(algorithm: &str) {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let answer = send(&client, |protected| protected["alg"] = json!(algorithm), |_| {}).await;
    let problem = answer.expect_problem(400, "badSignatureAlgorithm");
    assert!(problem["algorithms"].as_array().unwrap().contains(&json!("ES256")), "{problem}");
}

#[tokio::test]
async fn s007_algorithm_none() {
    bad_algorithm("none").await;
}

#[tokio::test]
async fn s008_a_mac_is_no_signature() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let url = mock.url("newOrder");
    let mut protected = client.protected(&url).await;
    protected["alg"] = json!("HS256");
    let jws = mac_jws(aws_lc_rs::hmac::HMAC_SHA256, b"key", &protected, "{}");
    let problem = mock.post(&url, &jws).await.expect_problem(400, "badSignatureAlgorithm");
    assert!(problem["algorithms"].is_array(), "{problem}");
}

#[tokio::test]
async fn s009_unknown_algorithm() {
    for algorithm in ["XY99", "ES256K", ""] {
        bad_algorithm(algorithm).await;
    }
}

/// Registers with each key and orders.
async fn keys_work(keys: impl IntoIterator<Item = Key>) {
    let mock = Mock::start().await;
    for key in keys {
        let credentials = mock.eab_key(Default::default());
        let mut client = Client::new(&mock, key);
        client.register(&credentials).await.expect(201);
        client.order(&["www.example.test"]).await.expect(201);
    }
}

#[tokio::test]
async fn s010_ecdsa_and_rsa() {
    let rsa = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"].map(Key::rsa);
    keys_work([Key::es256(), Key::es384(), Key::es512()].into_iter().chain(rsa)).await;
}

#[tokio::test]
async fn s011_ed25519() {
    keys_work([Key::ed25519()]).await;
}

#[tokio::test]
async fn s012_es256_with_a_p384_key() {
    let mock = Mock::start().await;
    let client = Client::new(&mock, Key::es384());
    let url = mock.url("newAccount");
    let mut protected = client.protected_by_key(&url).await;
    protected["alg"] = json!("ES256");
    mock.post(&url, &client.key.jws(&protected, "{}")).await.expect_problem(400, "badPublicKey");
}

#[tokio::test]
async fn s013_bad_public_keys() {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

    let mock = Mock::start().await;
    let client = Client::new(&mock, Key::es256());
    let url = mock.url("newAccount");
    let mut off_the_curve = client.key.jwk();
    let mut x = URL_SAFE_NO_PAD.decode(off_the_curve["x"].as_str().unwrap()).unwrap();
    x[31] ^= 1;
    off_the_curve["x"] = URL_SAFE_NO_PAD.encode(&x).into();
    let rsa_1024 = json!({"kty": "RSA", "e": "AQAB", "n": URL_SAFE_NO_PAD.encode([0xff; 128])});
    let ed448 = json!({"kty": "OKP", "crv": "Ed448", "x": URL_SAFE_NO_PAD.encode([1; 57])});
    for jwk in [off_the_curve, rsa_1024, ed448] {
        let mut protected = client.protected_by_key(&url).await;
        protected["jwk"] = jwk;
        mock.post(&url, &client.key.jws(&protected, "{}")).await.expect_problem(400, "badPublicKey");
    }
}

#[tokio::test]
async fn s014_jwk_and_kid() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let jwk = client.key.jwk();
    send(&client, |protected| protected["jwk"] = jwk, |_| {}).await.expect_problem(400, "malformed");
}

#[tokio::test]
async fn s015_neither_jwk_nor_kid() {
    let mock = Mock::start().await;
    let neither = |protected: &mut Value| {
        protected.as_object_mut().unwrap().remove("kid");
    };
    send(&mock.account().await, neither, |_| {}).await.expect_problem(400, "malformed");
}

#[tokio::test]
async fn s016_new_account_with_kid() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    client.post(&mock.url("newAccount"), json!({})).await.expect_problem(400, "malformed");
}

#[tokio::test]
async fn s017_new_order_with_jwk() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    client.post_by_key(&mock.url("newOrder"), json!({})).await.expect_problem(400, "malformed");
}

#[tokio::test]
async fn s018_unknown_kid() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let kid = format!("{}x", client.kid);
    let answer = send(&client, |protected| protected["kid"] = json!(kid), |_| {}).await;
    answer.expect_problem(400, "accountDoesNotExist");
}

#[tokio::test]
async fn s019_kid_of_a_foreign_origin() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let kid = client.kid.replace("127.0.0.1", "other.test");
    send(&client, |protected| protected["kid"] = json!(kid), |_| {}).await.expect_problem(400, "malformed");
}

#[tokio::test]
async fn s020_bad_signature() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let other = Key::es256();
    let url = mock.url("newOrder");
    let protected = client.protected(&url).await;
    mock.post(&url, &other.jws(&protected, "{}")).await.expect_problem(400, "malformed");
}

#[tokio::test]
async fn s026_url_mismatch() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let url = mock.url("newAccount");
    send(&client, |protected| protected["url"] = json!(url), |_| {})
        .await
        .expect_problem(403, "unauthorized");
}

#[tokio::test]
async fn s027_url_missing_or_no_string() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    for url in [Value::Null, json!(1), json!(["https://127.0.0.1"])] {
        send(&client, |protected| protected["url"] = url, |_| {}).await.expect_problem(400, "malformed");
    }
    let missing = |protected: &mut Value| {
        protected.as_object_mut().unwrap().remove("url");
    };
    send(&client, missing, |_| {}).await.expect_problem(400, "malformed");
}

#[tokio::test]
async fn s028_url_encoded_otherwise() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let url = mock.url("newOrder");
    for equivalent in
        [url.replace("new-order", "new%2Dorder"), url.replace("https", "HTTPS"), format!("{url}?")]
    {
        let answer = send(&client, |protected| protected["url"] = json!(equivalent), |_| {}).await;
        answer.expect_problem(403, "unauthorized");
    }
}
