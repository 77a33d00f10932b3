//! RFC 8555 §7.3.4: external account bindings.

use aws_lc_rs::hmac::{HMAC_SHA256, HMAC_SHA384, HMAC_SHA512};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::common::{Answer, Client, Key, Mock, mac_jws};

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

/// newAccount with a binding whose header a test has changed.
async fn with_header(alter: impl FnOnce(&mut Value, &Mock)) -> Answer {
    let mock = Mock::start().await;
    let credentials = mock.eab_key(Default::default());
    let client = Client::new(&mock, Key::es256());
    let mac_key = URL_SAFE_NO_PAD.decode(&credentials.hmac_key).unwrap();
    let mut header = json!({"alg": "HS256", "kid": credentials.kid, "url": mock.url("newAccount")});
    alter(&mut header, &mock);
    let binding = mac_jws(HMAC_SHA256, &mac_key, &header, &client.key.jwk().to_string());
    client.register_with(binding).await
}

#[tokio::test]
async fn s069_algorithm_of_no_mac() {
    with_header(|_, _| {}).await.expect(201);
    for algorithm in ["none", "ES256"] {
        with_header(|header, _| header["alg"] = json!(algorithm)).await.expect_problem(400, "malformed");
    }
    let mock = Mock::start().await;
    let credentials = mock.eab_key(Default::default());
    let client = Client::new(&mock, Key::es256());
    let header = json!({"alg": "ES256", "kid": credentials.kid, "url": mock.url("newAccount")});
    let signed = client.key.jws(&header, &client.key.jwk().to_string());
    client.register_with(signed).await.expect_problem(400, "malformed");
}

#[tokio::test]
async fn s070_no_kid() {
    let no_kid = |header: &mut Value, _: &Mock| {
        header.as_object_mut().unwrap().remove("kid");
    };
    with_header(no_kid).await.expect_problem(400, "malformed");
}

#[tokio::test]
async fn s071_a_nonce_does_not_belong_there() {
    with_header(|header, _| header["nonce"] = json!("AAAAAAAAAAAAAAAAAAAAAA"))
        .await
        .expect_problem(400, "malformed");
    // Nor does one that says nothing.
    with_header(|header, _| header["nonce"] = json!(null)).await.expect_problem(400, "malformed");
}

/// The binding is kept for as long as the account, so it is bounded, and has nothing that means nothing.
#[tokio::test]
async fn s076_a_binding_is_no_place_to_keep_things() {
    let mock = Mock::start().await;
    let credentials = mock.eab_key(Default::default());
    let client = Client::new(&mock, Key::es256());
    let mut binding = client.binding(&credentials);
    binding["other"] = json!("x".repeat(8192));
    client.register_with(binding.clone()).await.expect_problem(400, "malformed");
    binding["other"] = json!("x");
    let account = client.register_with(binding).await.expect(201);
    assert_eq!(account["externalAccountBinding"].as_object().unwrap().len(), 3, "{account}");
}

#[tokio::test]
async fn s072_another_url() {
    with_header(|header, mock| header["url"] = json!(mock.url("newOrder")))
        .await
        .expect_problem(400, "malformed");
}

#[tokio::test]
async fn s073_unknown_kid() {
    let mock = Mock::start().await;
    let mut credentials = mock.eab_key(Default::default());
    credentials.kid.push('x');
    let client = Client::new(&mock, Key::es256());
    let answer = client.register_with(client.binding(&credentials)).await;
    answer.expect_said(403, "unauthorized", "does not exist");
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
    let answer = client.register_with(other.binding(&credentials)).await;
    answer.expect_said(403, "unauthorized", "another account key");
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
        let credentials = mock.eab_key(Default::default());
        let client = Client::new(&mock, Key::es256());
        let lying = client.binding_with(name, aws_lc_rs::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &credentials);
        client.register_with(lying).await.expect_said(403, "unauthorized", "MAC key");
    }
}

#[tokio::test]
async fn s078_known_key_without_binding() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let answer = client.post_by_key(&mock.url("newAccount"), json!({"termsOfServiceAgreed": true})).await;
    answer.expect(200);
    assert_eq!(answer.location(), client.kid);
}
