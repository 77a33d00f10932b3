//! RFC 8555 §6.5: nonces.

use std::collections::HashSet;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::common::{Answer, Client, Key, Mock, endpoints::Endpoints};

/// Reads the account with this nonce.
async fn with_nonce(client: &Client<'_>, nonce: Option<Value>) -> Answer {
    let mut protected = client.protected(&client.kid).await;
    match nonce {
        Some(nonce) => protected["nonce"] = nonce,
        None => {
            protected.as_object_mut().unwrap().remove("nonce");
        }
    }
    client.mock.post(&client.kid, &client.key.jws(&protected, "")).await
}

#[tokio::test]
async fn s029_nonce_missing() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    with_nonce(&client, None).await.expect_problem(400, "badNonce");
}

#[tokio::test]
async fn s030_unknown_nonce() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let unknown = json!(URL_SAFE_NO_PAD.encode([7; 16]));
    with_nonce(&client, Some(unknown)).await.expect_problem(400, "badNonce");
}

#[tokio::test]
async fn s031_reused_nonce() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let nonce = json!(mock.nonce().await);
    with_nonce(&client, Some(nonce.clone())).await.expect(200);
    with_nonce(&client, Some(nonce)).await.expect_problem(400, "badNonce");
}

#[tokio::test]
async fn s032_a_nonce_that_is_no_base64url() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    for nonce in [json!("not/base64url"), json!("AAAA=="), json!(5)] {
        with_nonce(&client, Some(nonce)).await.expect_problem(400, "malformed");
    }
}

#[tokio::test]
async fn s033_a_failing_request_burns_its_nonce() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let url = mock.url("newOrder");
    let payload = json!({"identifiers": [{"type": "dns", "value": "www.example.test"}]}).to_string();
    let other = Key::es256();
    type Change<'a> = Box<dyn Fn(&mut Value, &mut Value) + 'a>;
    let body = |change: fn(&mut Value)| -> Change<'_> { Box::new(move |_, jws| change(jws)) };
    let header = |name: &'static str, value: Value| -> Change<'_> {
        let (client, payload) = (&client, &payload);
        Box::new(move |protected, jws| {
            protected[name] = value.clone();
            *jws = client.key.jws(protected, payload);
        })
    };
    let failures: [(&str, Change<'_>); 14] = [
        ("payload", Box::new(|protected, jws| *jws = client.key.jws(protected, "{}"))),
        ("signature", Box::new(|protected, jws| *jws = other.jws(protected, &payload))),
        ("url", header("url", json!(client.kid))),
        ("no url", header("url", Value::Null)),
        ("alg", header("alg", json!("none"))),
        ("alg of another key", header("alg", json!("ES384"))),
        ("kid", header("kid", json!(format!("{}x", client.kid)))),
        ("crit", header("crit", json!(["exp"]))),
        ("header", body(|jws| jws["header"] = json!({}))),
        ("signatures", body(|jws| jws["signatures"] = json!([]))),
        ("payload absent", body(|jws| drop(jws.as_object_mut().unwrap().remove("payload")))),
        ("payload no base64url", body(|jws| jws["payload"] = json!("???"))),
        ("signature padded", body(|jws| jws["signature"] = json!("AA=="))),
        (
            "protected padded",
            body(|jws| jws["protected"] = json!(format!("{}=", jws["protected"].as_str().unwrap()))),
        ),
    ];
    for (name, change) in failures {
        let mut protected = client.protected(&url).await;
        let nonce = protected["nonce"].clone();
        let mut jws = client.key.jws(&protected, &payload);
        change(&mut protected, &mut jws);
        let failed = mock.post(&url, &jws).await;
        assert!((400..500).contains(&failed.status), "{name}: {failed:?}");
        assert!(!failed.json()["type"].as_str().unwrap().ends_with(":badNonce"), "{name}: {failed:?}");
        let again = with_nonce(&client, Some(nonce)).await;
        assert!(
            again.json()["type"].as_str().is_some_and(|kind| kind.ends_with(":badNonce")),
            "{name}: {again:?}"
        );
    }
}

#[tokio::test]
async fn s034_the_nonce_of_a_bad_nonce_answer_is_accepted() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let refused = with_nonce(&client, None).await;
    with_nonce(&client, Some(json!(refused.header("replay-nonce").unwrap()))).await.expect(200);
}

#[tokio::test]
async fn s035_nonces_on_every_answer_to_a_post() {
    let mock = Mock::start_with(|config| config.alternate_root = true).await;
    let mut client = mock.account().await;
    let endpoints = Endpoints::of(&client).await;
    let mut nonces = Vec::new();
    for endpoint in &endpoints.list {
        let error = endpoint.ask_wrongly(&client).await;
        error.expect_problem(400, "malformed");
        let fine = endpoint.ask(&client).await;
        assert!((200..300).contains(&fine.status), "{}: {fine:?}", endpoint.name);
        for answer in [error, fine] {
            let nonce = answer.header("replay-nonce").unwrap_or_else(|| panic!("{}", endpoint.name));
            nonces.push(nonce.to_owned());
        }
    }
    client.key = endpoints.next_key;
    for nonce in nonces {
        with_nonce(&client, Some(json!(nonce))).await.expect(200);
    }
    // Answers that come before the request is read, and to what is no POST.
    let nothing = mock.handle.directory_url().replace("/directory", "/nothing");
    let answers = [
        mock.get(&mock.url("newOrder")).await,
        mock.get(&nothing).await,
        mock.post(&nothing, &json!({})).await,
        mock.post(&mock.url("newOrder"), &json!("no JWS")).await,
    ];
    for answer in answers {
        let nonce = answer.header("replay-nonce").expect("Replay-Nonce");
        with_nonce(&client, Some(json!(nonce))).await.expect(200);
    }
}

/// The nonces of many answers, of failures too.
async fn nonces(client: &Client<'_>) -> Vec<String> {
    let mut nonces = Vec::new();
    for _ in 0..20 {
        let fine = client.read(&client.kid).await;
        fine.expect(200);
        let error = client.read(&client.mock.url("newOrder")).await;
        error.expect_problem(400, "malformed");
        for answer in [fine, error] {
            nonces.push(answer.header("replay-nonce").expect("Replay-Nonce").to_owned());
        }
    }
    nonces
}

#[tokio::test]
async fn s036_nonces_are_unique_and_long() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let mut seen = HashSet::new();
    for nonce in nonces(&client).await {
        assert!(URL_SAFE_NO_PAD.decode(&nonce).unwrap().len() >= 16);
        assert!(seen.insert(nonce));
    }
}
