//! RFC 8555 §7.1 and §7.2: resources and nonces.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;
use server_mock::clock::{Clock, ManualClock};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339, macros::datetime};

use crate::common::{Mock, http_01};

#[tokio::test]
async fn s043_the_directory_lists_what_works() {
    let mock = Mock::start().await;
    for name in ["newNonce", "newAccount", "newOrder", "newAuthz", "revokeCert", "keyChange"] {
        assert_ne!(mock.get(&mock.url(name)).await.status, 404, "{name}");
    }
    let other = mock.get(&mock.handle.directory_url().replace("/directory", "/dir")).await;
    assert_eq!(other.json(), mock.directory);
}

#[tokio::test]
async fn s044_accounts_need_a_binding() {
    let mock = Mock::start().await;
    assert_eq!(mock.directory["meta"]["externalAccountRequired"], true);
    assert!(mock.directory["meta"]["termsOfService"].as_str().unwrap().starts_with("https://"));
}

/// What a nonce comes with.
fn check_nonce_headers(response: &reqwest::Response) {
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert!(response.headers().contains_key("replay-nonce"));
}

#[tokio::test]
async fn s045_new_nonce_by_head() {
    let mock = Mock::start().await;
    let response = mock.http.head(mock.url("newNonce")).send().await.unwrap();
    assert_eq!(response.status(), 200);
    check_nonce_headers(&response);
}

#[tokio::test]
async fn s046_new_nonce_by_get() {
    let mock = Mock::start().await;
    let response = mock.http.get(mock.url("newNonce")).send().await.unwrap();
    assert_eq!(response.status(), 204);
    check_nonce_headers(&response);
    assert!(response.bytes().await.unwrap().is_empty());
}

#[tokio::test]
async fn s047_an_order_says_when_it_expires() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let order = client.order(&["www.example.test"]).await.expect(201);
    let expires = OffsetDateTime::parse(order["expires"].as_str().unwrap(), &Rfc3339).unwrap();
    assert!(expires > OffsetDateTime::now_utc());
}

#[tokio::test]
async fn s048_the_lists_of_an_order_never_change() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let created = client.order(&["b.example.test", "a.example.test", "b.example.test"]).await;
    let order = created.expect(201);
    assert_eq!(order["identifiers"].as_array().unwrap().len(), 2, "each name once");
    assert_eq!(order["authorizations"].as_array().unwrap().len(), 2);
    for authorization in order["authorizations"].as_array().unwrap() {
        client.authorize(authorization.as_str().unwrap()).await;
    }
    let later = client.read(&created.location()).await.expect(200);
    assert_eq!(later["status"], "ready");
    assert_eq!(
        (&later["identifiers"], &later["authorizations"]),
        (&order["identifiers"], &order["authorizations"])
    );
}

#[tokio::test]
async fn s049_no_wildcard_member_on_ordinary_authorizations() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let order = client.order(&["www.example.test"]).await.expect(201);
    let authorization = client.read(order["authorizations"][0].as_str().unwrap()).await.expect(200);
    assert_eq!(authorization.get("wildcard"), None);
    assert_eq!(authorization["identifier"], json!({"type": "dns", "value": "www.example.test"}));
}

#[tokio::test]
async fn s050_a_valid_authorization_says_when_it_expires() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let order = client.order(&["www.example.test"]).await.expect(201);
    let authorization = client.authorize(order["authorizations"][0].as_str().unwrap()).await;
    assert_eq!(authorization["status"], "valid");
    OffsetDateTime::parse(authorization["expires"].as_str().unwrap(), &Rfc3339).unwrap();
}

#[tokio::test]
async fn s051_bad_internationalised_name() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    client.order(&["xn--999999999.example.test"]).await.expect_problem(400, "malformed");
}

#[tokio::test]
async fn s052_the_orders_list_has_pages_and_no_invalid_orders() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let failed = client.order(&["failed.example.test"]).await;
    let authorization = failed.json()["authorizations"][0].as_str().unwrap().to_owned();
    client.post(&authorization, json!({"status": "deactivated"})).await.expect(200);
    let mut expected = Vec::new();
    for number in 0..103 {
        expected.push(client.order(&[&format!("n{number}.example.test")]).await.location());
    }
    let mut listed = Vec::new();
    let account = client.read(&client.kid).await.expect(200);
    let mut next = Some(account["orders"].as_str().unwrap().to_owned());
    let mut pages = 0;
    while let Some(url) = next {
        let page = client.read(&url).await;
        let orders = page.expect(200)["orders"].as_array().unwrap().clone();
        listed.extend(orders.into_iter().map(|order| order.as_str().unwrap().to_owned()));
        let link = page.links().into_iter().find_map(|link| link.strip_suffix(">;rel=\"next\""));
        next = link.map(|link| link.trim_start_matches('<').to_owned());
        pages += 1;
    }
    assert_eq!(listed, expected);
    assert!(pages > 1);
}

#[tokio::test]
async fn s053_a_lost_authorization_makes_the_order_invalid() {
    let clock = Arc::new(ManualClock::new(datetime!(2030-01-01 00:00 UTC)));
    let mock = Mock::start_on(&clock).await;
    let client = mock.account().await;

    let order = client.order(&["deactivated.example.test"]).await;
    let authorization = order.json()["authorizations"][0].as_str().unwrap().to_owned();
    client.post(&authorization, json!({"status": "deactivated"})).await.expect(200);
    assert_eq!(client.read(&order.location()).await.expect(200)["status"], "invalid");

    let order = client.order(&["failed.example.test"]).await;
    let authorization = client.read(order.json()["authorizations"][0].as_str().unwrap()).await.json();
    let challenge = http_01(&authorization)["url"].as_str().unwrap().to_owned();
    client.post(&challenge, json!({})).await.expect(200);
    client.settle(order.json()["authorizations"][0].as_str().unwrap(), &["pending"]).await;
    let invalid = client.read(&order.location()).await.expect(200);
    assert_eq!(invalid["status"], "invalid");
    assert!(invalid["error"]["type"].as_str().unwrap().ends_with(":incorrectResponse"), "{invalid}");

    let order = client.order(&["expired.example.test"]).await;
    clock.set(clock.now() + Duration::days(60));
    assert_eq!(client.read(&order.location()).await.expect(200)["status"], "invalid");
    let authorization = client.read(order.json()["authorizations"][0].as_str().unwrap()).await.json();
    assert_eq!(authorization["status"], "expired");
}

#[tokio::test]
async fn s054_ready_when_all_authorizations_are_valid() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let order = client.order(&["a.example.test", "b.example.test"]).await;
    let authorizations = order.json()["authorizations"].as_array().unwrap().clone();
    client.authorize(authorizations[0].as_str().unwrap()).await;
    assert_eq!(client.read(&order.location()).await.json()["status"], "pending");
    client.authorize(authorizations[1].as_str().unwrap()).await;
    assert_eq!(client.read(&order.location()).await.json()["status"], "ready");
}

#[tokio::test]
async fn s055_urls_are_unpredictable() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let order = client.order(&["www.example.test"]).await;
    let authorization = order.json()["authorizations"][0].as_str().unwrap().to_owned();
    for url in [client.kid.clone(), order.location(), authorization] {
        let id = url.rsplit('/').next().unwrap();
        assert!(URL_SAFE_NO_PAD.decode(id).unwrap().len() >= 16, "{url}");
    }
}

#[tokio::test]
async fn s139_tokens_are_long_and_unpadded() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let order = client.order(&["www.example.test"]).await.expect(201);
    let authorization = client.read(order["authorizations"][0].as_str().unwrap()).await.expect(200);
    let token = http_01(&authorization)["token"].as_str().unwrap().to_owned();
    assert!(URL_SAFE_NO_PAD.decode(token).unwrap().len() >= 16);
}
