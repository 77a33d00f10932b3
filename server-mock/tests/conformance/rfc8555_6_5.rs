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
async fn s029_to_s031_missing_unknown_and_reused_nonces() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    with_nonce(&client, None).await.expect_problem(400, "badNonce");
    with_nonce(&client, Some(json!(URL_SAFE_NO_PAD.encode([7; 16])))).await.expect_problem(400, "badNonce");
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

#[tokio::test]
async fn s035_s036_nonces_on_every_answer_unique_and_long() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let mut seen = HashSet::new();
    for _ in 0..20 {
        let fine = client.read(&client.kid).await;
        let error = client.read(&mock.url("newOrder")).await;
        error.expect_problem(400, "malformed");
        for answer in [fine, error] {
            let nonce = answer.header("replay-nonce").unwrap().to_owned();
            assert!(URL_SAFE_NO_PAD.decode(&nonce).unwrap().len() >= 16);
            assert!(seen.insert(nonce));
        }
    }
}
