//! RFC 8555 §7.3.4: external account bindings.

use aws_lc_rs::hmac::{HMAC_SHA256, HMAC_SHA384, HMAC_SHA512};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::common::{Client, Key, Mock, mac_jws};

#[tokio::test]
async fn s067_missing() {
    let mock = Mock::start().await;
    let client = Client::new(&mock, Key::es256());
    let answer = client.post_by_key(&mock.url("newAccount"), json!({"termsOfServiceAgreed": true})).await;
    let problem = answer.expect_problem(403, "externalAccountRequired");
    assert!(problem["detail"].as_str().unwrap().contains("CAcert web UI"));
}

#[tokio::test]
async fn s068_no_jws() {
    let mock = Mock::start().await;
    let client = Client::new(&mock, Key::es256());
    for binding in
        [json!("text"), json!({}), json!(null), json!({"protected": "", "payload": "", "signature": ""})]
    {
        client.register_with(binding).await.expect_problem(400, "malformed");
    }
}

#[tokio::test]
async fn s069_to_s072_bad_headers() {
    let mock = Mock::start().await;
    let credentials = mock.eab_key(Default::default());
    let client = Client::new(&mock, Key::es256());
    let mac_key = URL_SAFE_NO_PAD.decode(&credentials.hmac_key).unwrap();
    let url = mock.url("newAccount");
    let good = json!({"alg": "HS256", "kid": credentials.kid, "url": url});
    let changed = |name: &str, value: Value| {
        let mut header = good.clone();
        header[name] = value;
        header
    };
    let mut no_kid = good.clone();
    no_kid.as_object_mut().unwrap().remove("kid");
    for header in [
        changed("alg", json!("none")),
        changed("alg", json!("ES256")),
        no_kid,
        changed("nonce", json!(mock.nonce().await)),
        changed("url", json!(mock.url("newOrder"))),
    ] {
        let binding = mac_jws(HMAC_SHA256, &mac_key, &header, &client.key.jwk().to_string());
        client.register_with(binding).await.expect_problem(400, "malformed");
    }
    let signed = client.key.jws(&changed("alg", json!("ES256")), &client.key.jwk().to_string());
    client.register_with(signed).await.expect_problem(400, "malformed");
    let binding = mac_jws(HMAC_SHA256, &mac_key, &good, &client.key.jwk().to_string());
    client.register_with(binding).await.expect(201);
}

#[tokio::test]
async fn s073_unknown_kid() {
    let mock = Mock::start().await;
    let mut credentials = mock.eab_key(Default::default());
    credentials.kid.push('x');
    let client = Client::new(&mock, Key::es256());
    client.register_with(client.binding(&credentials)).await.expect_problem(403, "unauthorized");
}

#[tokio::test]
async fn s074_wrong_mac() {
    let mock = Mock::start().await;
    let mut credentials = mock.eab_key(Default::default());
    credentials.hmac_key = mock.eab_key(Default::default()).hmac_key;
    let client = Client::new(&mock, Key::es256());
    let problem =
        client.register_with(client.binding(&credentials)).await.expect_problem(403, "unauthorized");
    assert!(problem["detail"].as_str().unwrap().contains(&credentials.kid), "{problem}");
}

#[tokio::test]
async fn s075_binding_of_another_key() {
    let mock = Mock::start().await;
    let credentials = mock.eab_key(Default::default());
    let (client, other) = (Client::new(&mock, Key::es256()), Client::new(&mock, Key::es256()));
    client.register_with(other.binding(&credentials)).await.expect_problem(403, "unauthorized");
}

#[tokio::test]
async fn s076_the_binding_is_echoed_and_survives_updates() {
    let mock = Mock::start().await;
    let credentials = mock.eab_key(Default::default());
    let mut client = Client::new(&mock, Key::es256());
    let binding = client.binding(&credentials);
    let answer = client.register_with(binding.clone()).await;
    assert_eq!(answer.expect(201)["externalAccountBinding"], binding);
    client.kid = answer.location();
    let payload = json!({"contact": [], "externalAccountBinding": {}});
    let updated = client.post(&client.kid, payload).await.expect(200);
    assert_eq!(updated["externalAccountBinding"], binding);
}

#[tokio::test]
async fn s077_all_three_hashes() {
    let mock = Mock::start().await;
    for (name, algorithm) in [("HS256", HMAC_SHA256), ("HS384", HMAC_SHA384), ("HS512", HMAC_SHA512)] {
        let credentials = mock.eab_key(Default::default());
        let client = Client::new(&mock, Key::es256());
        client.register_with(client.binding_with(name, algorithm, &credentials)).await.expect(201);
        let client = Client::new(&mock, Key::es256());
        let lying = client.binding_with(name, aws_lc_rs::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &credentials);
        client.register_with(lying).await.expect_problem(403, "unauthorized");
    }
}
