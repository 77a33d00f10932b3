//! RFC 8555 §7.5: authorizations and challenges.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::{io::AsyncReadExt, net::TcpListener, time::timeout};

use crate::common::{Client, Mock, http_01};

/// A new order's one authorization and its challenge's URL.
async fn authorization(client: &Client<'_>) -> (String, String) {
    let order = client.order(&["www.example.test"]).await.expect(201);
    let url = order["authorizations"][0].as_str().unwrap().to_owned();
    let document = client.read(&url).await.expect(200);
    (url, http_01(&document)["url"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn s120_a_response_starts_the_validation() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let (authorization, challenge) = authorization(&client).await;
    client.post(&challenge, json!([])).await.expect_problem(400, "malformed");
    let answer = client.post(&challenge, json!({})).await;
    assert_ne!(answer.expect(200)["status"], "pending");
    assert!(answer.links().contains(&format!("<{authorization}>;rel=\"up\"").as_str()));
}

#[tokio::test]
async fn s121_unknown_fields_of_a_response() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let (_, challenge) = authorization(&client).await;
    let answer = client.post(&challenge, json!({"keyAuthorization": "old", "colour": 1})).await.expect(200);
    assert_eq!((answer.get("keyAuthorization"), answer.get("colour")), (None, None));
}

/// A name's authorization that is valid, and one that is invalid: URL and document of each.
async fn settled(client: &Client<'_>) -> [(String, Value); 2] {
    let (url, _) = authorization(client).await;
    let valid = client.authorize(&url).await;
    let order = client.order(&["other.example.test"]).await.expect(201);
    let other = order["authorizations"][0].as_str().unwrap().to_owned();
    let challenge = http_01(&client.read(&other).await.json());
    client.post(challenge["url"].as_str().unwrap(), json!({})).await.expect(200);
    let invalid = client.settle(&other, &["pending"]).await;
    [(url, valid), (other, invalid)]
}

#[tokio::test]
async fn s122_a_second_post_is_no_error() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    for (_, document) in settled(&client).await {
        let challenge = http_01(&document);
        let url = challenge["url"].as_str().unwrap();
        assert_eq!(client.post(url, json!({})).await.expect(200), challenge, "the verdict stays");
    }
}

#[tokio::test]
async fn s123_a_failed_validation_is_tried_again() {
    let mock = Mock::start_with(|config| {
        config.policy.validation_retries = 2;
        // Longer than this test: only the client's own POSTs lead to another try.
        config.policy.validation_retry_pause = Duration::from_secs(600);
    })
    .await;
    let client = mock.account().await;
    let (url, challenge) = authorization(&client).await;
    for failures in 1..=2 {
        client.post(&challenge, json!({})).await.expect(200);
        let deadline = Instant::now() + Duration::from_secs(10);
        let answer = loop {
            let answer = client.read(&challenge).await;
            let error = answer.expect(200)["error"].clone();
            let entries = error["subproblems"].as_array().map_or(usize::from(error.is_object()), Vec::len);
            if entries == failures && answer.header("retry-after").is_some() {
                break answer;
            }
            assert!(Instant::now() < deadline, "{answer:?}");
        };
        assert_eq!(answer.json()["status"], "processing");
        assert!(answer.json()["error"]["type"].as_str().unwrap().ends_with(":incorrectResponse"));
        let pause: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((590..=601).contains(&pause), "{pause}");
        assert_eq!(client.read(&url).await.json()["status"], "pending");
    }
    // Now it is there.
    let document = client.authorize(&url).await;
    assert_eq!((&document["status"], &http_01(&document)["status"]), (&json!("valid"), &json!("valid")));
    assert_eq!(http_01(&document).get("error"), None);
}

#[tokio::test]
async fn s123_the_server_tries_again_by_itself_and_gives_up_in_the_end() {
    let mock = Mock::start_with(|config| {
        config.policy.validation_retries = 2;
        config.policy.validation_retry_pause = Duration::from_millis(20);
    })
    .await;
    let client = mock.account().await;
    let (url, challenge) = authorization(&client).await;
    client.post(&challenge, json!({})).await.expect(200);
    let invalid = http_01(&client.settle(&url, &["pending"]).await);
    assert_eq!(
        (&invalid["status"], invalid["error"]["subproblems"].as_array().unwrap().len()),
        (&json!("invalid"), 3)
    );
}

#[tokio::test]
async fn s124_the_verdict_and_its_time() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let [(_, valid), (_, invalid)] = settled(&client).await;
    assert_eq!((&valid["status"], &invalid["status"]), (&json!("valid"), &json!("invalid")));
    let (valid, invalid) = (http_01(&valid), http_01(&invalid));
    assert_eq!((&valid["status"], &invalid["status"]), (&json!("valid"), &json!("invalid")));
    OffsetDateTime::parse(valid["validated"].as_str().unwrap(), &Rfc3339).unwrap();
    assert!(invalid["error"]["type"].as_str().unwrap().ends_with(":incorrectResponse"), "{invalid}");
}

#[tokio::test]
async fn s125_deactivation() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let (url, challenge) = authorization(&client).await;
    let document = client.post(&url, json!({"status": "deactivated"})).await.expect(200);
    assert_eq!(document["status"], "deactivated");
    assert_eq!(client.post(&challenge, json!({})).await.expect(200)["status"], "pending");
    assert_eq!(client.read(&url).await.expect(200)["status"], "deactivated");
    // Nor is it taken for the next order, valid though it was.
    let (url, _) = authorization(&client).await;
    client.authorize(&url).await;
    client.post(&url, json!({"status": "deactivated"})).await.expect(200);
    let order = client.order(&["www.example.test"]).await.expect(201);
    assert_eq!(order["status"], "pending");
    // An order that stood on it can't be finalized.
    let (ready, order) = client.ready_order(&["www.example.test"]).await;
    client
        .post(order["authorizations"][0].as_str().unwrap(), json!({"status": "deactivated"}))
        .await
        .expect(200);
    let csr = crate::common::csr(&["www.example.test"], &crate::common::Key::es256().for_csr());
    client.finalize(&order, &csr).await.expect_problem(403, "orderNotReady");
    assert_eq!(client.read(&ready).await.expect(200)["status"], "invalid");
}

#[tokio::test]
async fn s126_another_status() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let (url, _) = authorization(&client).await;
    for status in ["valid", "pending", "revoked"] {
        client.post(&url, json!({"status": status})).await.expect_problem(400, "malformed");
    }
    assert_eq!(client.read(&url).await.expect(200)["status"], "pending");
}

#[tokio::test]
async fn validations_end_with_the_server() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let http_port = listener.local_addr().unwrap().port();
    let mock = Mock::start_with(|config| config.http_port = http_port).await;
    let client = mock.account().await;
    let (_, challenge) = authorization(&client).await;
    client.post(&challenge, json!({})).await.expect(200);
    let (mut stream, _) = listener.accept().await.unwrap();
    assert_eq!(stream.read_u8().await.unwrap(), b'G', "the validator has asked");
    // Far less than a validation waits for an answer.
    let patience = Duration::from_secs(5);
    timeout(patience, mock.handle.shutdown()).await.expect("nothing keeps the server from ending");
    let mut request = Vec::new();
    timeout(patience, stream.read_to_end(&mut request)).await.expect("the connection is closed").unwrap();
}

#[tokio::test]
async fn validations_end_when_the_server_is_dropped() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let http_port = listener.local_addr().unwrap().port();
    let mock = Mock::start_with(|config| config.http_port = http_port).await;
    let client = mock.account().await;
    let (_, challenge) = authorization(&client).await;
    client.post(&challenge, json!({})).await.expect(200);
    let (mut stream, _) = listener.accept().await.unwrap();
    assert_eq!(stream.read_u8().await.unwrap(), b'G', "the validator has asked");
    drop(mock);
    let mut request = Vec::new();
    let end = stream.read_to_end(&mut request);
    timeout(Duration::from_secs(5), end).await.expect("the connection is closed").unwrap();
}
