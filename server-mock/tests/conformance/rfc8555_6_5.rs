//! RFC 8555 §6.5: nonces.

use std::collections::HashSet;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::common::{Answer, Client, Mock};

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
    let protected = client.protected(&url).await;
    mock.post(&url, &client.key.jws(&protected, "{}")).await.expect_problem(400, "malformed");
    with_nonce(&client, Some(protected["nonce"].clone())).await.expect_problem(400, "badNonce");
}

#[tokio::test]
async fn s034_the_nonce_of_a_bad_nonce_answer_is_accepted() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let refused = with_nonce(&client, None).await;
    with_nonce(&client, Some(json!(refused.header("replay-nonce").unwrap()))).await.expect(200);
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
async fn s035_nonces_on_every_answer_to_a_post() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    for nonce in nonces(&client).await {
        with_nonce(&client, Some(json!(nonce))).await.expect(200);
    }
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
