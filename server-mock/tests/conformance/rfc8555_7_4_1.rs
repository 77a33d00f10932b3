//! RFC 8555 §7.4.1: authorizations ahead of any order.

use serde_json::{Value, json};

use crate::common::{Answer, Client, Mock};

const NAME: &str = "www.example.test";

async fn new_authz(client: &Client<'_>, identifier: Value) -> Answer {
    client.post(&client.mock.url("newAuthz"), json!({"identifier": identifier})).await
}

fn dns(name: &str) -> Value {
    json!({"type": "dns", "value": name})
}

#[tokio::test]
async fn s116_an_authorization_ahead_of_its_order() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let answer = new_authz(&client, dns(NAME)).await;
    let document = answer.expect(201);
    assert_eq!((&document["status"], &document["identifier"]), (&json!("pending"), &dns(NAME)));
    assert!(document.get("wildcard").is_none() && document.get("subdomainAuthAllowed").is_none());
    assert_eq!(client.read(&answer.location()).await.expect(200), document);
    assert_eq!(client.authorize(&answer.location()).await["status"], "valid");
    let order = client.order(&[NAME]).await.expect(201);
    assert_eq!((&order["status"], &order["authorizations"]), (&json!("ready"), &json!([answer.location()])));
    // Nothing is left to be proved.
    let again = new_authz(&client, dns(NAME)).await;
    assert_eq!((again.expect(200)["status"].as_str(), again.location()), (Some("valid"), answer.location()));
}

#[tokio::test]
async fn s116_wildcard_names_are_refused() {
    let mock = Mock::start().await;
    let client = mock.account_with_all_names().await;
    new_authz(&client, dns("*.example.test")).await.expect_problem(400, "malformed");
}

#[tokio::test]
async fn s116_names_that_the_server_is_not_willing_to() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    new_authz(&client, dns("elsewhere.test")).await.expect_problem(403, "rejectedIdentifier");
    new_authz(&client, json!({"type": "ip", "value": "127.0.0.1"}))
        .await
        .expect_problem(403, "rejectedIdentifier");
    new_authz(&client, json!({"type": "face", "value": "x"}))
        .await
        .expect_problem(400, "unsupportedIdentifier");
    for payload in [json!({}), json!({"identifier": "x"}), json!({"identifier": [dns(NAME)]})] {
        client.post(&mock.url("newAuthz"), payload).await.expect_problem(400, "malformed");
    }
}
