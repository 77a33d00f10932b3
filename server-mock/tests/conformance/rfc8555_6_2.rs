//! RFC 8555 §6.2: request authentication.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use x509_parser::{certification_request::X509CertificationRequest, prelude::FromDer, public_key::PublicKey};

use crate::common::{Client, Key, Mock, mac_jws};

/// What newOrder answers with 201 when nothing is wrong around it.
fn order_payload() -> String {
    json!({"identifiers": [{"type": "dns", "value": "www.example.test"}]}).to_string()
}

/// A request whose header and body a test has changed, sent to newOrder.
async fn send(
    client: &Client<'_>,
    header: impl FnOnce(&mut Value),
    body: impl FnOnce(&mut Value),
) -> crate::common::Answer {
    let url = client.mock.url("newOrder");
    let mut protected = client.protected(&url).await;
    header(&mut protected);
    let mut jws = client.key.jws(&protected, &order_payload());
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
    let client = mock.account().await;
    let url = mock.url("newOrder");
    let send = async |content_type: Option<&str>| {
        let body = client.key.jws(&client.protected(&url).await, &order_payload());
        let mut request = mock.http.post(&url).body(body.to_string());
        if let Some(content_type) = content_type {
            request = request.header("Content-Type", content_type);
        }
        request.send().await.unwrap()
    };
    for content_type in [Some("application/json"), Some("application/jose"), Some("text/plain"), None] {
        let response = send(content_type).await;
        assert_eq!(response.status(), 415);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
    }
    assert_eq!(send(Some("application/jose+json")).await.status(), 201);
}

#[tokio::test]
async fn s002_signatures_array() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let signatures = |jws: &mut Value| jws["signatures"] = json!([]);
    send(&client, |_| {}, signatures).await.expect_said(400, "malformed", "`signatures`");
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
    // Beside a signature that would do by itself.
    let beside = |jws: &mut Value| {
        let part = json!({"protected": jws["protected"], "signature": jws["signature"]});
        jws["signatures"] = json!([part, part]);
    };
    send(&client, |_| {}, beside).await.expect_said(400, "malformed", "one signature");
}

#[tokio::test]
async fn s004_unprotected_header() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let header = |jws: &mut Value| jws["header"] = json!({"kid": "x"});
    send(&client, |_| {}, header).await.expect_said(400, "malformed", "must be protected");
}

#[tokio::test]
async fn s005_unencoded_payload_and_critical_members() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let b64 = |protected: &mut Value| protected["b64"] = json!(false);
    send(&client, b64, |_| {}).await.expect_said(400, "malformed", "`b64`");
    // RFC 7797 §3: the payload itself is signed and sent.
    let url = mock.url("newOrder");
    let mut protected = client.protected(&url).await;
    protected["b64"] = json!(false);
    let protected = URL_SAFE_NO_PAD.encode(protected.to_string());
    let unencoded = client.key.jws_encoded(&protected, &order_payload());
    mock.post(&url, &unencoded).await.expect_said(400, "malformed", "`b64`");
    let crit = |protected: &mut Value| protected["crit"] = json!(["exp"]);
    send(&client, crit, |_| {}).await.expect_said(400, "malformed", "`crit`");
}

#[tokio::test]
async fn s006_payload_absent() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    // The signature of a POST-as-GET: would the absent payload count as an empty one, the account would be read.
    let mut jws = client.key.jws(&client.protected(&client.kid).await, "");
    jws.as_object_mut().unwrap().remove("payload");
    mock.post(&client.kid, &jws).await.expect_said(400, "malformed", "payload");
    let no_payload = |jws: &mut Value| {
        jws.as_object_mut().unwrap().remove("payload");
    };
    send(&client, |_| {}, no_payload).await.expect_said(400, "malformed", "payload");
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
    // As RFC 7515 §3.6 would have it: without a signature.
    let mock = Mock::start().await;
    let client = mock.account().await;
    let answer =
        send(&client, |protected| protected["alg"] = json!("none"), |jws| jws["signature"] = json!("")).await;
    answer.expect_problem(400, "badSignatureAlgorithm");
}

#[tokio::test]
async fn s008_a_mac_is_no_signature() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let url = mock.url("newOrder");
    let mut protected = client.protected(&url).await;
    protected["alg"] = json!("HS256");
    let jws = mac_jws(aws_lc_rs::hmac::HMAC_SHA256, b"key", &protected, &order_payload());
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

/// newAccount by a key that a test has made up.
async fn expect_bad_key(
    mock: &Mock,
    key: &Key,
    algorithm: &str,
    jwk: Value,
    signature: Option<usize>,
    words: &str,
) {
    let url = mock.url("newAccount");
    let client = Client::new(mock, Key::es256());
    let mut protected = client.protected_by_key(&url).await;
    protected["alg"] = json!(algorithm);
    protected["jwk"] = jwk;
    let mut jws = key.jws(&protected, "{}");
    if let Some(length) = signature {
        jws["signature"] = URL_SAFE_NO_PAD.encode(vec![1; length]).into();
    }
    mock.post(&url, &jws).await.expect_said(400, "badPublicKey", words);
}

#[tokio::test]
async fn s013_bad_public_keys() {
    let mock = Mock::start().await;
    let key = Key::es256();
    let mut off_the_curve = key.jwk();
    let mut x = URL_SAFE_NO_PAD.decode(off_the_curve["x"].as_str().unwrap()).unwrap();
    x[31] ^= 1;
    off_the_curve["x"] = URL_SAFE_NO_PAD.encode(&x).into();
    expect_bad_key(&mock, &key, "ES256", off_the_curve, None, "none of its kind").await;

    // Each with its own algorithm and a signature of the right length, so that the key alone is judged: without the
    // rule, the signature would be what is wrong.
    let csr = X509CertificationRequest::from_der(include_bytes!("weak_rsa_1024.csr.der")).unwrap().1;
    let Ok(PublicKey::RSA(rsa)) = csr.certification_request_info.subject_pki.parsed() else { panic!("RSA") };
    let modulus = &rsa.modulus[rsa.modulus.len() - 128..];
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let rsa_1024 = json!({"kty": "RSA", "e": encode(rsa.exponent), "n": encode(modulus)});
    expect_bad_key(&mock, &key, "RS256", rsa_1024, Some(128), "this one 1024").await;
    // RFC 8032 §7.4.
    let x = "X9dEm1m0Yf0s54fsYWrUah2hNCSFpw4fig6nXYDpZ3jt8SR2m0bHBhvWeD3x5Q9s0foavq_oJWGA";
    let ed448 = json!({"kty": "OKP", "crv": "Ed448", "x": x});
    expect_bad_key(&mock, &key, "EdDSA", ed448, Some(114), "Ed448").await;
}

#[tokio::test]
async fn s014_jwk_and_kid() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let jwk = client.key.jwk();
    let both = send(&client, |protected| protected["jwk"] = jwk, |_| {}).await;
    both.expect_said(400, "malformed", "exclude each other");
}

#[tokio::test]
async fn s015_neither_jwk_nor_kid() {
    let mock = Mock::start().await;
    let neither = |protected: &mut Value| {
        protected.as_object_mut().unwrap().remove("kid");
    };
    send(&mock.account().await, neither, |_| {}).await.expect_said(400, "malformed", "who signed");
}

#[tokio::test]
async fn s016_new_account_with_kid() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let payload = json!({"onlyReturnExisting": true});
    let url = mock.url("newAccount");
    client.post(&url, payload.clone()).await.expect_said(400, "malformed", "with `jwk`");
    client.post_by_key(&url, payload).await.expect(200);
}

#[tokio::test]
async fn s017_new_order_with_jwk() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    // The account's own key, so that the account could be found.
    let payload = serde_json::from_str(&order_payload()).unwrap();
    let answer = client.post_by_key(&mock.url("newOrder"), payload).await;
    answer.expect_said(400, "malformed", "with `kid`");
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
    let answer = send(&client, |protected| protected["kid"] = json!(kid), |_| {}).await;
    answer.expect_said(400, "malformed", "no account URL of this server");
}

#[tokio::test]
async fn s020_bad_signature() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let url = mock.url("newOrder");
    let protected = client.protected(&url).await;
    let others = Key::es256().jws(&protected, &order_payload());
    mock.post(&url, &others).await.expect_said(400, "malformed", "signature");

    let another_payload = |jws: &mut Value| {
        let payload = order_payload().replace("www", "other");
        jws["payload"] = URL_SAFE_NO_PAD.encode(payload).into();
    };
    send(&client, |_| {}, another_payload).await.expect_said(400, "malformed", "signature");
    let flipped = |jws: &mut Value| {
        let mut signature = URL_SAFE_NO_PAD.decode(jws["signature"].as_str().unwrap()).unwrap();
        signature[40] ^= 1;
        jws["signature"] = URL_SAFE_NO_PAD.encode(signature).into();
    };
    send(&client, |_| {}, flipped).await.expect_said(400, "malformed", "signature");
    send(&client, |_| {}, |jws| jws["signature"] = json!("")).await.expect_said(
        400,
        "malformed",
        "signature",
    );
}

#[tokio::test]
async fn s026_url_mismatch() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let url = mock.url("newAccount");
    send(&client, |protected| protected["url"] = json!(url), |_| {}).await.expect_said(
        403,
        "unauthorized",
        "`url`",
    );
}

#[tokio::test]
async fn s027_url_missing_or_no_string() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    for url in [Value::Null, json!(1), json!(["https://127.0.0.1"])] {
        let answer = send(&client, |protected| protected["url"] = url, |_| {}).await;
        answer.expect_said(400, "malformed", "`url`");
    }
    let missing = |protected: &mut Value| {
        protected.as_object_mut().unwrap().remove("url");
    };
    send(&client, missing, |_| {}).await.expect_said(400, "malformed", "`url`");
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
        answer.expect_said(403, "unauthorized", "`url`");
    }
}
