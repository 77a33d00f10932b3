//! RFC 8555 §7.3 to §7.3.2: accounts.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::common::{Client, Key, Mock, certificates, csr, endpoints::Endpoints};

#[tokio::test]
async fn s056_new_account() {
    let mock = Mock::start().await;
    let credentials = mock.eab_key(Default::default());
    let mut client = Client::new(&mock, Key::es256());
    let answer = client.register(&credentials).await;
    let account = answer.expect(201);
    assert_eq!(client.read(&answer.location()).await.expect(200), account);
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
    let answer = client.post_by_key(&mock.url("newAccount"), payload).await;
    let client = Client { kid: answer.location(), ..client };
    for account in [answer.expect(201), client.read(&client.kid).await.expect(200)] {
        assert_eq!(account.get("colour"), None);
        assert!(account["orders"].as_str().unwrap().starts_with("https://127.0.0.1"));
    }
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
async fn s059_known_key() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let before = client.read(&client.kid).await.expect(200);
    let payload = json!({"termsOfServiceAgreed": true, "contact": ["mailto:other@example.test"]});
    let answer = client.post_by_key(&mock.url("newAccount"), payload).await;
    assert_eq!(answer.expect(200), before);
    assert_eq!(answer.location(), client.kid);
    assert_eq!(client.read(&client.kid).await.expect(200), before);
}

#[tokio::test]
async fn s060_terms_not_agreed() {
    let mock = Mock::start().await;
    let credentials = mock.eab_key(Default::default());
    let client = Client::new(&mock, Key::es256());
    for agreed in [Some(json!(false)), Some(json!(null)), Some(json!("true")), None] {
        let mut payload = json!({"externalAccountBinding": client.binding(&credentials)});
        if let Some(agreed) = agreed {
            payload["termsOfServiceAgreed"] = agreed;
        }
        let answer = client.post_by_key(&mock.url("newAccount"), payload).await;
        let problem = answer.expect_problem(403, "userActionRequired");
        let terms = mock.directory["meta"]["termsOfService"].as_str().unwrap();
        assert_eq!(problem["instance"], terms);
        assert!(answer.links().contains(&format!("<{terms}>;rel=\"terms-of-service\"").as_str()));
    }
}

/// A contact that is refused at updates and at newAccount.
async fn bad_contact(contact: &str, kind: &str) {
    let mock = Mock::start().await;
    let client = mock.account().await;
    client.post(&client.kid, json!({"contact": [contact]})).await.expect_problem(400, kind);
    let credentials = mock.eab_key(Default::default());
    let newcomer = Client::new(&mock, Key::es256());
    let payload = json!({
        "termsOfServiceAgreed": true, "contact": [contact],
        "externalAccountBinding": newcomer.binding(&credentials),
    });
    newcomer.post_by_key(&mock.url("newAccount"), payload).await.expect_problem(400, kind);
}

#[tokio::test]
async fn s061_unsupported_contact() {
    bad_contact("ftp://example.test/", "unsupportedContact").await;
}

#[tokio::test]
async fn s062_invalid_contacts() {
    for contact in
        ["mailto:a@example.test?subject=x", "mailto:a@example.test,b@example.test", "mailto:nobody"]
    {
        bad_contact(contact, "invalidContact").await;
    }
}

#[tokio::test]
async fn s063_contact_update() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let mut account = client.read(&client.kid).await.expect(200);
    let contact = json!(["mailto:new@example.test"]);
    account["contact"] = contact.clone();
    assert_eq!(client.post(&client.kid, json!({"contact": contact})).await.expect(200), account);
    assert_eq!(client.read(&client.kid).await.expect(200), account);
}

#[tokio::test]
async fn s064_updates_that_change_nothing() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let account = client.read(&client.kid).await.expect(200);
    // RFC 8555 §7.3.2: all of this is ignored, and so is every status but the one of §7.3.6.
    for payload in [
        json!({}),
        json!({"orders": "https://evil.test/"}),
        json!({"colour": "green"}),
        json!({"status": "valid"}),
        json!({"status": "revoked"}),
        json!({"status": 1}),
        json!({"termsOfServiceAgreed": false}),
    ] {
        assert_eq!(client.post(&client.kid, payload).await.expect(200), account);
    }
    assert_eq!(client.read(&client.kid).await.expect(200), account);
}

#[tokio::test]
async fn s066_changed_terms() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let ready = client.ready_order(&["www.example.test"]).await.1;
    let (status, terms) = mock.api("PUT", "terms", &json!({"url": "https://www.example.test/terms-2"})).await;
    assert_eq!((status, &terms["version"]), (200, &json!(1)));
    let directory = mock.get(&mock.handle.directory_url()).await.json();
    assert_eq!(directory["meta"]["termsOfService"], "https://www.example.test/terms-2");

    let csr = csr(&["www.example.test"], &Key::es256().for_csr());
    for answer in [client.order(&["www.example.test"]).await, client.finalize(&ready, &csr).await] {
        let problem = answer.expect_problem(403, "userActionRequired");
        assert_eq!(problem["instance"], "https://www.example.test/terms-2");
        let link = "<https://www.example.test/terms-2>;rel=\"terms-of-service\"";
        assert!(answer.links().contains(&link), "{answer:?}");
    }
    // What gets no certificate needs no agreement.
    client.read(&client.kid).await.expect(200);
    client.post(&client.kid, json!({"contact": []})).await.expect(200);
    client.order(&["www.example.test"]).await.expect_problem(403, "userActionRequired");

    // RFC 8555 §7.3.2: an update does not agree; a person does, at CAcert.
    client.post(&client.kid, json!({"termsOfServiceAgreed": true})).await.expect(200);
    client.order(&["www.example.test"]).await.expect_problem(403, "userActionRequired");
    agree(&mock, &client).await;
    assert_eq!(client.finalize(&ready, &csr).await.expect(200)["status"], "valid");
    client.order(&["www.example.test"]).await.expect(201);

    // Newcomers agree to the terms as they are.
    mock.handle.admin().change_terms("https://www.example.test/terms-3");
    mock.account().await.order(&["www.example.test"]).await.expect(201);
    client.order(&["www.example.test"]).await.expect_problem(403, "userActionRequired");
    agree(&mock, &client).await;
    client.order(&["www.example.test"]).await.expect(201);
}

/// Agrees to the terms in the web UI.
async fn agree(mock: &Mock, client: &Client<'_>) {
    let id = client.kid.rsplit('/').next().unwrap();
    let agreed = mock.api("POST", &format!("acme-accounts/{id}/agree-to-terms"), &Value::Null).await;
    assert_eq!(agreed.0, 200);
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
async fn s094_deactivation() {
    let mock = Mock::start_with(|config| config.alternate_root = true).await;
    let client = mock.account().await;
    let endpoints = Endpoints::of(&client).await;
    let account = client.post(&client.kid, json!({"status": "deactivated"})).await.expect(200);
    assert_eq!(account["status"], "deactivated");
    for endpoint in endpoints.list {
        let answer = endpoint.ask(&client).await;
        assert_eq!(answer.status, 401, "{}: {answer:?}", endpoint.name);
        answer.expect_problem(401, "unauthorized");
    }
}

#[tokio::test]
async fn s095_new_account_with_the_key_of_a_deactivated_one() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    client.post(&client.kid, json!({"status": "deactivated"})).await.expect(200);
    let again = client.post_by_key(&mock.url("newAccount"), json!({"onlyReturnExisting": true})).await;
    again.expect_problem(401, "unauthorized");
    let credentials = mock.eab_key(Default::default());
    let again = client.register_with(client.binding(&credentials)).await;
    again.expect_problem(401, "unauthorized");
    client.read(&client.kid).await.expect_problem(401, "unauthorized");
}

#[tokio::test]
async fn s096_a_deactivated_account_has_its_orders_cancelled_and_keeps_its_certificates() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let certified = Key::es256();
    let (_, chain) = client.issue(&["www.example.test"], &certified).await;
    let (ready, _) = client.ready_order(&["a.example.test"]).await;
    let pending = client.order(&["b.example.test"]).await.location();
    client.post(&client.kid, json!({"status": "deactivated"})).await.expect(200);
    // What the account can no longer read itself.
    mock.handle.services().store.with(|model| {
        let account = model.accounts().next().unwrap();
        let now = time::OffsetDateTime::now_utc();
        let status = |url: &str| {
            let id = server_mock::model::OrderId::from(url.rsplit('/').next().unwrap());
            model.order_status(model.order(&id, &account.id).unwrap(), now).0
        };
        assert_eq!([&ready, &pending].map(|url| status(url)), [server_mock::model::OrderStatus::Invalid; 2]);
        let valid = model.order(&account.orders[0], &account.id).unwrap();
        let certificate = model.certificate(valid.certificate().unwrap(), &account.id).unwrap();
        assert!(certificate.revoked.is_none());
    });
    // The certificate stands, and whoever has its key can still revoke it.
    let payload = json!({"certificate": URL_SAFE_NO_PAD.encode(&certificates(&chain)[0])});
    let holder = Client::new(&mock, certified);
    holder.post_by_key(&mock.url("revokeCert"), payload).await.expect(200);
}
