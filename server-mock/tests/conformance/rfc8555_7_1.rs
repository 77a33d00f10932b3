//! RFC 8555 §7.1 and §7.2: resources and nonces.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use server_mock::clock::ManualClock;
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339, macros::datetime};

use crate::common::{Client, Key, Mock, http_01};

#[tokio::test]
async fn s043_the_directory_lists_what_works() {
    let mock = Mock::start().await;
    for name in ["newNonce", "newAccount", "newOrder", "newAuthz", "revokeCert", "keyChange"] {
        assert_ne!(mock.get(&mock.url(name)).await.status, 404, "{name}");
    }
    let payload = json!({"identifier": {"type": "dns", "value": "www.example.test"}});
    mock.account().await.post(&mock.url("newAuthz"), payload).await.expect(201);
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
    let names = |response: &reqwest::Response| {
        let mut names: Vec<_> = response.headers().keys().map(|name| name.to_string()).collect();
        names.retain(|name| name != "content-length");
        names.sort_unstable();
        names
    };
    let by_head = mock.http.head(mock.url("newNonce")).send().await.unwrap();
    assert_eq!(names(&response), names(&by_head));
    assert!(response.bytes().await.unwrap().is_empty());
}

#[tokio::test]
async fn s047_an_order_says_when_it_expires() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let order = client.order(&["www.example.test"]).await.expect(201);
    let expires = OffsetDateTime::parse(order["expires"].as_str().unwrap(), &Rfc3339).unwrap();
    let left = expires - OffsetDateTime::now_utc();
    assert!(left > Duration::hours(23) && left <= Duration::days(1), "{left}");
}

fn lists(order: &Value) -> [Value; 2] {
    [order["identifiers"].clone(), order["authorizations"].clone()]
}

#[tokio::test]
async fn s048_the_lists_of_an_order_never_change() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let names = ["b.example.test", "a.example.test"];
    let created = client.order(&[names[0], names[1], names[0]]).await;
    let order = created.expect(201);
    assert_eq!(order["identifiers"].as_array().unwrap().len(), 2, "each name once");
    assert_eq!(order["authorizations"].as_array().unwrap().len(), 2);
    for authorization in order["authorizations"].as_array().unwrap() {
        client.authorize(authorization.as_str().unwrap()).await;
    }
    let ready = client.read(&created.location()).await.expect(200);
    assert_eq!((&ready["status"], lists(&ready)), (&json!("ready"), lists(&order)));
    let csr = crate::common::csr(&names, &Key::es256().for_csr());
    let valid = client.finalize(&order, &csr).await.expect(200);
    assert_eq!((&valid["status"], lists(&valid)), (&json!("valid"), lists(&order)));
    // What becomes of the authorizations later does not matter.
    deactivate(&client, &order["authorizations"][0]).await;
    let later = client.read(&created.location()).await.expect(200);
    assert_eq!((&later["status"], lists(&later)), (&json!("valid"), lists(&order)));

    let created = client.order(&["c.example.test", names[1]]).await;
    let order = created.expect(201);
    deactivate(&client, &order["authorizations"][0]).await;
    let invalid = client.read(&created.location()).await.expect(200);
    assert_eq!((&invalid["status"], lists(&invalid)), (&json!("invalid"), lists(&order)));
}

async fn deactivate(client: &Client<'_>, authorization: &Value) {
    client.post(authorization.as_str().unwrap(), json!({"status": "deactivated"})).await.expect(200);
}

#[tokio::test]
async fn s049_the_wildcard_stands_in_a_member_of_its_own() {
    let mock = Mock::start().await;
    let client = mock.account_with_all_names().await;
    let payload = json!({"identifier": {"type": "dns", "value": "ahead.example.test"}});
    let ahead = client.post(&mock.url("newAuthz"), payload).await.expect(201);
    assert_eq!(ahead.get("wildcard"), None);
    let order = client.order(&["*.example.test", "example.test"]).await.expect(201);
    let identifiers: Vec<&Value> = order["identifiers"].as_array().unwrap().iter().collect();
    assert!(identifiers.contains(&&json!({"type": "dns", "value": "*.example.test"})), "{order}");
    let mut wildcards = Vec::new();
    for url in order["authorizations"].as_array().unwrap() {
        let authorization = client.read(url.as_str().unwrap()).await.expect(200);
        assert_eq!(authorization["identifier"], json!({"type": "dns", "value": "example.test"}));
        wildcards.push(authorization.get("wildcard").cloned());
    }
    wildcards.sort_by_key(Option::is_some);
    assert_eq!(wildcards, [None, Some(json!(true))]);
}

#[tokio::test]
async fn s050_a_valid_authorization_says_when_it_expires() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let order = client.order(&["www.example.test"]).await.expect(201);
    let authorization = client.authorize(order["authorizations"][0].as_str().unwrap()).await;
    assert_eq!(authorization["status"], "valid");
    let expires = OffsetDateTime::parse(authorization["expires"].as_str().unwrap(), &Rfc3339).unwrap();
    assert!(expires > OffsetDateTime::now_utc());
}

#[tokio::test]
async fn s051_bad_internationalised_name() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    client.order(&["xn--999999999.example.test"]).await.expect_said(400, "malformed", "internationalised");
    client.order(&["xn--bcher-kva.example.test"]).await.expect(201);
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
    let (listed, pages) = orders(&client).await;
    assert_eq!(listed, expected);
    assert!(pages > 1);
}

/// Everything that the list has, and its pages.
async fn orders(client: &Client<'_>) -> (Vec<String>, usize) {
    let account = client.read(&client.kid).await.expect(200);
    let mut next = Some(account["orders"].as_str().unwrap().to_owned());
    let (mut listed, mut pages) = (Vec::new(), 0);
    while let Some(url) = next {
        let page = client.read(&url).await;
        listed.extend(urls(&page.expect(200)));
        next = page.link("next");
        pages += 1;
    }
    (listed, pages)
}

fn urls(page: &Value) -> Vec<String> {
    page["orders"].as_array().unwrap().iter().map(|url| url.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn s052_orders_that_go_between_two_pages_hide_no_others() {
    let clock = Arc::new(ManualClock::new(datetime!(2030-01-01 00:00 UTC)));
    let mock = Mock::start_on_with(&clock, |config| {
        config.policy.keep_ended = std::time::Duration::ZERO;
        config.policy.sweep_interval = std::time::Duration::from_millis(20);
    })
    .await;
    let client = mock.account().await;
    let mut orders = Vec::new();
    for number in 0..110 {
        if number == 60 {
            clock.advance(Duration::hours(12));
        }
        orders.push(client.order(&["www.example.test"]).await.location());
        assert_eq!(orders.len(), number + 1);
    }
    let first = client.read(&format!("{}/orders", client.kid)).await;
    assert_eq!(urls(&first.expect(200)), orders[..100]);
    // The first sixty end, and go.
    clock.advance(Duration::hours(13));
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while client.read(&orders[59]).await.status != 404 {
        assert!(std::time::Instant::now() < deadline, "the orders are still there");
    }
    let second = client.read(&first.link("next").unwrap()).await;
    assert_eq!(urls(&second.expect(200)), orders[100..]);
    assert_eq!(second.link("next"), None);
}

#[tokio::test]
async fn s053_a_lost_authorization_makes_the_order_invalid() {
    let mock = Mock::start().await;
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
}

#[tokio::test]
async fn s053_an_expired_authorization_makes_the_order_invalid() {
    let clock = Arc::new(ManualClock::new(datetime!(2030-01-01 00:00 UTC)));
    let mock = Mock::start_on_with(&clock, |config| {
        config.policy.order_lifetime = std::time::Duration::from_secs(90 * 86_400);
    })
    .await;
    let client = mock.account().await;
    let pending = client.order(&["pending.example.test"]).await;
    let (ready, order) = client.ready_order(&["ready.example.test"]).await;
    clock.advance(Duration::days(31));
    for (url, order) in [(pending.location(), pending.json()), (ready, order)] {
        let authorization = client.read(order["authorizations"][0].as_str().unwrap()).await.expect(200);
        assert_eq!(authorization["status"], "expired");
        let order = client.read(&url).await.expect(200);
        assert_eq!(order["status"], "invalid");
        let expires = OffsetDateTime::parse(order["expires"].as_str().unwrap(), &Rfc3339).unwrap();
        assert!(expires > datetime!(2030-02-01 00:00 UTC), "the order itself has not expired");
        assert!(order["error"]["detail"].as_str().unwrap().contains("Expired"), "{order}");
    }
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
    let mut ids = Vec::new();
    for _ in 0..2 {
        let client = mock.account().await;
        let (order, _) = client.issue(&["www.example.test"], &Key::es256()).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let authorization = text(&order["authorizations"][0]);
        let (finalize, certificate) = (text(&order["finalize"]), text(&order["certificate"]));
        let challenge = text(&http_01(&client.read(&authorization).await.expect(200))["url"]);
        for url in [client.kid.clone(), authorization, finalize, certificate, challenge] {
            let token = |segment: &str| URL_SAFE_NO_PAD.decode(segment).ok().filter(|id| id.len() >= 16);
            let path = url.split_once("/acme/").unwrap().1;
            ids.push(path.split('/').find_map(token).unwrap_or_else(|| panic!("nothing random in {url}")));
        }
    }
    // The challenge is below its authorization, so that its URL is as hard to guess.
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 8);
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
