//! RFC 8555 §7.5: authorizations and challenges.

use std::time::Duration;

use serde_json::json;
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
async fn s120_s121_the_response_is_an_object_whose_fields_do_not_matter() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let (authorization, challenge) = authorization(&client).await;
    client.post(&challenge, json!([])).await.expect_problem(400, "malformed");
    let answer = client.post(&challenge, json!({"keyAuthorization": "old", "colour": 1})).await;
    answer.expect(200);
    assert!(answer.links().contains(&format!("<{authorization}>;rel=\"up\"").as_str()));
}

#[tokio::test]
async fn s122_s124_a_second_post_is_no_error_and_the_verdict_stays() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let (url, challenge) = authorization(&client).await;
    let document = client.authorize(&url).await;
    let valid = http_01(&document);
    assert_eq!((&document["status"], &valid["status"]), (&json!("valid"), &json!("valid")));
    OffsetDateTime::parse(valid["validated"].as_str().unwrap(), &Rfc3339).unwrap();
    assert_eq!(client.post(&challenge, json!({})).await.expect(200), valid);

    let (url, challenge) = {
        let stranger_name = client.order(&["other.example.test"]).await.expect(201);
        let url = stranger_name["authorizations"][0].as_str().unwrap().to_owned();
        let challenge = http_01(&client.read(&url).await.json())["url"].as_str().unwrap().to_owned();
        (url, challenge)
    };
    client.post(&challenge, json!({})).await.expect(200);
    let invalid = http_01(&client.settle(&url, &["pending"]).await);
    assert_eq!(invalid["status"], "invalid");
    assert!(invalid["error"]["type"].as_str().unwrap().ends_with(":incorrectResponse"), "{invalid}");
    assert_eq!(client.post(&challenge, json!({})).await.expect(200), invalid);
}

#[tokio::test]
async fn s125_s126_deactivation() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let (url, challenge) = authorization(&client).await;
    client.post(&url, json!({"status": "valid"})).await.expect_problem(400, "malformed");
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
