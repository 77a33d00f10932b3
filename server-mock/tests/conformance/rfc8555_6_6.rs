//! RFC 8555 §6.6: rate limits, and what keeps the server's memory bounded.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use server_mock::{
    clock::ManualClock,
    model::{RateLimit, Rights},
};
use time::macros::datetime;

use crate::common::{Answer, Client, Key, Mock, csr, http_01};

const NAME: &str = "www.example.test";

fn limit(text: &str) -> Option<RateLimit> {
    Some(text.parse().unwrap())
}

/// The refusal that RFC 8555 §6.6 describes; gives what Retry-After says.
#[track_caller]
fn expect_limited(answer: &Answer) -> u64 {
    answer.expect_problem(429, "rateLimited");
    assert!(answer.links().iter().any(|link| link.ends_with(">;rel=\"help\"")), "{answer:?}");
    answer.header("retry-after").expect("Retry-After").parse().unwrap()
}

/// Registers with a new key identifier of the demo owner.
async fn register(mock: &Mock) -> Answer {
    let credentials = mock.eab_key(Rights::default());
    Client::new(mock, Key::es256()).register(&credentials).await
}

#[tokio::test]
async fn s037_too_many_new_orders() {
    let clock = Arc::new(ManualClock::new(datetime!(2030-01-01 00:00 UTC)));
    let mock = Mock::start_on_with(&clock, |config| config.policy.limits.new_orders = limit("2/1h")).await;
    let client = mock.account().await;
    for _ in 0..2 {
        client.order(&[NAME]).await.expect(201);
        clock.advance(time::Duration::minutes(10));
    }
    // What is refused does not count, and other accounts have their own limit.
    for _ in 0..3 {
        assert_eq!(expect_limited(&client.order(&[NAME]).await), 40 * 60);
    }
    mock.account().await.order(&[NAME]).await.expect(201);
    clock.advance(time::Duration::seconds(40 * 60));
    client.order(&[NAME]).await.expect(201);
    assert_eq!(expect_limited(&client.order(&[NAME]).await), 10 * 60);
}

#[tokio::test]
async fn s037_too_many_new_accounts() {
    let mock = Mock::start_with(|config| config.policy.limits.new_accounts = limit("2/1d")).await;
    let owner = mock.owner();
    let credentials = mock
        .handle
        .admin()
        .create_eab_key(&owner, Rights { max_accounts: None, ..Rights::default() })
        .unwrap();
    let mut clients: Vec<_> = (0..3).map(|_| Client::new(&mock, Key::es256())).collect();
    for client in &mut clients[..2] {
        client.register(&credentials).await.expect(201);
    }
    assert!(expect_limited(&clients[2].register(&credentials).await) > 86_000);
    // An account that exists is found without any limit, and other owners have their own.
    clients[0].register(&credentials).await.expect(200);
    register(&mock).await.expect(201);
}

#[tokio::test]
async fn s037_too_many_failed_validations() {
    let mock = Mock::start_with(|config| config.policy.limits.failed_validations = limit("2/1h")).await;
    let client = mock.account().await;
    for _ in 0..2 {
        let order = client.order(&[NAME]).await.expect(201);
        let url = order["authorizations"][0].as_str().unwrap();
        let challenge = http_01(&client.read(url).await.json());
        client.post(challenge["url"].as_str().unwrap(), json!({})).await.expect(200);
        assert_eq!(client.settle(url, &["pending"]).await["status"], "invalid");
    }
    assert!(expect_limited(&client.order(&["a.example.test", NAME]).await) > 3500);
    client.order(&["a.example.test"]).await.expect(201);
    mock.account().await.order(&[NAME]).await.expect(201);
}

#[tokio::test]
async fn a_full_server_says_so() {
    let mock = Mock::start_with(|config| {
        config.policy.capacity.identifiers = 2;
        config.policy.capacity.accounts = 2;
    })
    .await;
    let client = mock.account().await;
    for _ in 0..2 {
        client.order(&[NAME]).await.expect(201);
    }
    let full = client.order(&[NAME]).await;
    full.expect_problem(429, "rateLimited");
    assert!(full.header("retry-after").is_some());
    register(&mock).await.expect(201);
    register(&mock).await.expect_problem(429, "rateLimited");
}

/// Names take the room, not orders: a hundred names in one count as in a hundred.
#[tokio::test]
async fn names_are_what_counts() {
    let mock = Mock::start_with(|config| {
        config.policy.capacity.identifiers = 4;
        config.policy.capacity.certificates = 1;
        config.policy.signing_delay = Duration::from_millis(300);
    })
    .await;
    let client = mock.account().await;
    client.order(&["a.example.test", "b.example.test"]).await.expect_problem(429, "rateLimited");
    let (first, second) = (client.ready_order(&[NAME]).await, client.ready_order(&[NAME]).await);
    // While it is being signed, the one place is taken.
    client.finalize(&first.1, &csr(&[NAME], &Key::es256().for_csr())).await.expect(200);
    let refused = client.finalize(&second.1, &csr(&[NAME], &Key::es256().for_csr())).await;
    refused.expect_problem(429, "rateLimited");
    assert_eq!(client.settle(&first.0, &["processing"]).await["status"], "valid");
}

#[tokio::test]
async fn s037_authorizations_ahead_of_orders_count_as_orders() {
    let mock = Mock::start_with(|config| config.policy.limits.new_orders = limit("2/1h")).await;
    let client = mock.account().await;
    let ahead = || json!({"identifier": {"type": "dns", "value": NAME}});
    for _ in 0..2 {
        client.post(&mock.url("newAuthz"), ahead()).await.expect(201);
    }
    expect_limited(&client.post(&mock.url("newAuthz"), ahead()).await);
    expect_limited(&client.order(&[NAME]).await);
}

#[tokio::test]
async fn what_is_over_goes() {
    let clock = Arc::new(ManualClock::new(datetime!(2030-01-01 00:00 UTC)));
    let mock = Mock::start_on_with(&clock, |config| {
        config.policy.keep_ended = Duration::from_secs(3600);
        config.policy.sweep_interval = Duration::from_millis(20);
    })
    .await;
    let client = mock.account().await;
    let (order, document) = client.ready_order(&[NAME]).await;
    let authorization = document["authorizations"][0].as_str().unwrap().to_owned();
    let gone = |url: String| {
        let client = &client;
        async move {
            let deadline = std::time::Instant::now() + Duration::from_secs(10);
            while client.read(&url).await.status != 404 {
                assert!(std::time::Instant::now() < deadline, "{url} is still there");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    };
    // The order lives for a day, its authorization for 30, and each an hour more.
    clock.advance(time::Duration::hours(24));
    assert_eq!(client.read(&order).await.expect(200)["status"], "invalid");
    clock.advance(time::Duration::hours(2));
    gone(order).await;
    assert_eq!(client.read(&authorization).await.expect(200)["status"], "valid");
    clock.advance(time::Duration::days(30));
    gone(authorization).await;
    let list = client.read(&format!("{}/orders", client.kid)).await.expect(200);
    assert_eq!(list, json!({"orders": []}));
    client.order(&[NAME]).await.expect(201);
}

#[tokio::test]
async fn nonces_that_nobody_uses_are_forgotten() {
    let mock = Mock::start_with(|config| config.policy.capacity.nonces = 100).await;
    let client = mock.account().await;
    let nonces = futures_util::future::join_all((0..200).map(|_| mock.nonce())).await;
    let mut protected = client.protected(&client.kid).await;
    for nonce in nonces.iter().take(20) {
        protected["nonce"] = Value::from(nonce.as_str());
        let answer = mock.post(&client.kid, &client.key.jws(&protected, "")).await;
        answer.expect_problem(400, "badNonce");
    }
    client.read(&client.kid).await.expect(200);

    let clock = Arc::new(ManualClock::new(datetime!(2030-01-01 00:00 UTC)));
    let mock = Mock::start_on(&clock).await;
    let client = mock.account().await;
    let protected = client.protected(&client.kid).await;
    clock.advance(time::Duration::hours(1));
    let answer = mock.post(&client.kid, &client.key.jws(&protected, "")).await;
    answer.expect_problem(400, "badNonce");
}
