//! RFC 8555 §7.3 to §7.3.2: accounts.

use serde_json::json;

use crate::common::{Client, Key, Mock};

#[tokio::test]
async fn s056_new_account() {
    let mock = Mock::start().await;
    let credentials = mock.eab_key(Default::default());
    let mut client = Client::new(&mock, Key::es256());
    let account = client.register(&credentials).await.expect(201);
    assert_eq!(account["status"], "valid");
    assert_eq!(account["contact"], json!(["mailto:alice@example.test"]));
    assert_eq!(client.read(account["orders"].as_str().unwrap()).await.expect(200), json!({"orders": []}));
}

#[tokio::test]
async fn s057_unknown_fields_are_not_kept() {
    let mock = Mock::start().await;
    let credentials = mock.eab_key(Default::default());
    let client = Client::new(&mock, Key::es256());
    let payload = json!({
        "termsOfServiceAgreed": true, "externalAccountBinding": client.binding(&credentials),
        "orders": "https://evil.test/", "colour": "green",
    });
    let account = client.post_by_key(&mock.url("newAccount"), payload).await.expect(201);
    assert_eq!(account.get("colour"), None);
    assert!(account["orders"].as_str().unwrap().starts_with("https://127.0.0.1"));
}

#[tokio::test]
async fn s058_only_return_existing() {
    let mock = Mock::start().await;
    let stranger = Client::new(&mock, Key::es256());
    let url = mock.url("newAccount");
    let answer = stranger.post_by_key(&url, json!({"onlyReturnExisting": true})).await;
    answer.expect_problem(400, "accountDoesNotExist");
    let client = mock.account().await;
    let answer = client.post_by_key(&url, json!({"onlyReturnExisting": true})).await;
    answer.expect(200);
    assert_eq!(answer.location(), client.kid);
}

#[tokio::test]
async fn s059_s078_known_key_without_binding() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let before = client.read(&client.kid).await.expect(200);
    let answer =
        client.post_by_key(&mock.url("newAccount"), json!({"contact": ["mailto:other@example.test"]})).await;
    assert_eq!(answer.expect(200), before);
    assert_eq!(answer.location(), client.kid);
}

#[tokio::test]
async fn s060_terms_not_agreed() {
    let mock = Mock::start().await;
    let credentials = mock.eab_key(Default::default());
    let client = Client::new(&mock, Key::es256());
    for agreed in [json!(false), json!(null), json!("true")] {
        let payload =
            json!({"termsOfServiceAgreed": agreed, "externalAccountBinding": client.binding(&credentials)});
        let answer = client.post_by_key(&mock.url("newAccount"), payload).await;
        let problem = answer.expect_problem(403, "userActionRequired");
        let terms = mock.directory["meta"]["termsOfService"].as_str().unwrap();
        assert_eq!(problem["instance"], terms);
        assert!(answer.links().contains(&format!("<{terms}>;rel=\"terms-of-service\"").as_str()));
    }
}

#[tokio::test]
async fn s061_s062_bad_contacts() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    for (contact, kind) in [
        ("ftp://example.test/", "unsupportedContact"),
        ("mailto:a@example.test?subject=x", "invalidContact"),
        ("mailto:a@example.test,b@example.test", "invalidContact"),
        ("mailto:nobody", "invalidContact"),
    ] {
        let payload = json!({"contact": [contact]});
        client.post(&client.kid, payload.clone()).await.expect_problem(400, kind);
        let credentials = mock.eab_key(Default::default());
        let newcomer = Client::new(&mock, Key::es256());
        let payload = json!({
            "termsOfServiceAgreed": true, "contact": [contact],
            "externalAccountBinding": newcomer.binding(&credentials),
        });
        newcomer.post_by_key(&mock.url("newAccount"), payload).await.expect_problem(400, kind);
    }
}

#[tokio::test]
async fn s063_s064_updates() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let mut account = client.read(&client.kid).await.expect(200);
    let contact = json!(["mailto:new@example.test"]);
    account["contact"] = contact.clone();
    assert_eq!(client.post(&client.kid, json!({"contact": contact})).await.expect(200), account);
    for payload in [json!({}), json!({"orders": "https://evil.test/"}), json!({"colour": "green"})] {
        assert_eq!(client.post(&client.kid, payload).await.expect(200), account);
    }
}

#[tokio::test]
async fn s065_foreign_account_url() {
    let mock = Mock::start().await;
    let (client, other) = (mock.account().await, mock.account().await);
    client.read(&other.kid).await.expect_problem(403, "unauthorized");
    let payload = json!({"status": "deactivated"});
    client.post(&other.kid, payload).await.expect_problem(403, "unauthorized");
    other.read(&other.kid).await.expect(200);
}

#[tokio::test]
async fn s094_s095_s096_deactivation() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let order = client.order(&["www.example.test"]).await;
    let account = client.post(&client.kid, json!({"status": "deactivated"})).await.expect(200);
    assert_eq!(account["status"], "deactivated");
    for url in [&client.kid, &order.location(), &mock.url("newOrder")] {
        client.read(url).await.expect_problem(401, "unauthorized");
    }
    let again = client.post_by_key(&mock.url("newAccount"), json!({"onlyReturnExisting": true})).await;
    again.expect_problem(401, "unauthorized");
    let credentials = mock.eab_key(Default::default());
    let again = client.register_with(client.binding(&credentials)).await;
    again.expect_problem(401, "unauthorized");
    // What the account can no longer read itself.
    mock.handle.services().store.with(|model| {
        let account = model.accounts().next().unwrap();
        assert_eq!(account.orders.len(), 1);
        let order = model.order(&account.orders[0], &account.id).unwrap();
        let (status, _) = model.order_status(order, time::OffsetDateTime::now_utc());
        assert_eq!(status, server_mock::model::OrderStatus::Invalid);
    });
}

#[tokio::test]
async fn s126_account_status_other_than_deactivated() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    client.post(&client.kid, json!({"status": "revoked"})).await.expect_problem(400, "malformed");
}
