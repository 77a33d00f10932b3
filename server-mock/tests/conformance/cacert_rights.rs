//! CAcert's rights, and the admin API that sets them.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use server_mock::{
    clock::ManualClock,
    model::{OrderId, OrderStatus, Rights},
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339, macros::datetime};

use crate::common::{
    Client, Key, Mock,
    certificate::{CertStatus, cert_id, crl, ocsp, renewal_info, serial},
    csr,
    endpoints::Endpoints,
};

fn rights(value: Value) -> Rights {
    serde_json::from_value(value).unwrap()
}

async fn api(mock: &Mock, path: &str, body: &str) -> (u16, Value) {
    let url = format!("{}/api/{path}", mock.handle.admin_url());
    let response = mock.http.post(url).body(body.to_owned()).send().await.unwrap();
    let status = response.status().as_u16();
    (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap())
}

async fn list(mock: &Mock, path: &str) -> Vec<Value> {
    let answer = mock.get(&format!("{}/api/{path}", mock.handle.admin_url())).await;
    answer.expect(200).as_array().unwrap().clone()
}

#[tokio::test]
async fn s079_revoked_kid_and_new_account() {
    let mock = Mock::start().await;
    let credentials = mock.eab_key(Rights::default());
    mock.handle.admin().revoke_eab_key(&credentials.kid).unwrap();
    let mut client = Client::new(&mock, Key::es256());
    let problem = client.register(&credentials).await.expect_problem(403, "unauthorized");
    let detail = format!("key identifier {} was revoked in the CAcert web UI", credentials.kid);
    assert_eq!(problem["detail"], detail);
}

#[tokio::test]
async fn s080_revoked_kid_and_existing_account() {
    let mock = Mock::start_with(|config| config.alternate_root = true).await;
    let credentials = mock.eab_key(Rights::default());
    let mut client = Client::new(&mock, Key::es256());
    client.register(&credentials).await.expect(201);
    let endpoints = Endpoints::of(&client).await;
    let certificates = list(&mock, "certificates").await;
    assert_eq!(api(&mock, &format!("eab-keys/{}/revoke", credentials.kid), "").await.0, 200);
    for endpoint in endpoints.list {
        let answer = endpoint.ask(&client).await;
        assert_eq!(answer.status, 403, "{}: {answer:?}", endpoint.name);
        answer.expect_problem(403, "unauthorized");
    }
    assert_eq!(list(&mock, "certificates").await, certificates, "none is new, none revoked");
}

#[tokio::test]
async fn s081_second_account_on_a_one_shot_kid() {
    let mock = Mock::start().await;
    let credentials = mock.eab_key(Rights::default());
    Client::new(&mock, Key::es256()).register(&credentials).await.expect(201);
    let answer = Client::new(&mock, Key::es256()).register(&credentials).await;
    let problem = answer.expect_problem(403, "unauthorized");
    assert!(problem["detail"].as_str().unwrap().contains("max_accounts"), "{problem}");

    let many = mock.eab_key(rights(json!({"max_accounts": 2})));
    for status in [201, 201, 403] {
        Client::new(&mock, Key::es256()).register(&many).await.expect(status);
    }
}

#[tokio::test]
async fn s082_names_outside_the_rights() {
    let mock = Mock::start().await;
    let names = json!({"names": [{"dns": "www.example.test"}, {"dns": "elsewhere.test"}]});
    let client = mock.account_with(rights(names)).await;
    client.order(&["www.example.test"]).await.expect(201);
    let answer =
        client.order(&["www.example.test", "other.test", "a.www.example.test", "elsewhere.test"]).await;
    let problem = answer.expect_problem(403, "rejectedIdentifier");
    let subproblems = problem["subproblems"].as_array().unwrap();
    let refused: Vec<&Value> = subproblems.iter().map(|sub| &sub["identifier"]["value"]).collect();
    assert_eq!(refused, ["a.www.example.test", "elsewhere.test", "other.test"]);
    assert_eq!(subproblems[2]["detail"], "names: this key may not order other.test (rights: names)");
    assert_eq!((&subproblems[2]["right"], &subproblems[1]["right"]), (&json!("names"), &json!("owner")));
    assert_eq!(
        subproblems[1]["detail"],
        "owner: elsewhere.test is not verified in the CAcert account of Alice"
    );
}

#[tokio::test]
async fn s083_no_client_certificate_right() {
    let mock = Mock::start().await;
    let order = json!({"identifiers": [{"type": "email", "value": "alice@example.test"}]});
    let client = mock.account().await;
    client.post(&mock.url("newOrder"), order).await.expect_problem(403, "unauthorized");
    let client = mock.account_with(rights(json!({"server": false, "client": true}))).await;
    client.order(&["www.example.test"]).await.expect_problem(403, "unauthorized");
}

#[tokio::test]
async fn s084_no_revoke_right() {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

    let mock = Mock::start().await;
    let client = mock.account_with(rights(json!({"revoke": false}))).await;
    let (_, chain) = client.issue(&["www.example.test"], &Key::es256()).await;
    let certificate = URL_SAFE_NO_PAD.encode(&crate::common::certificates(&chain)[0]);
    let answer = client.post(&mock.url("revokeCert"), json!({"certificate": certificate})).await;
    answer.expect_said(403, "unauthorized", "revoke");
}

/// What CRL, OCSP and renewal information say; fails unless they agree.
async fn is_revoked(mock: &Mock, chain: &str) -> bool {
    let listed = crl(mock, chain).await.iter().any(|(number, _)| *number == serial(chain));
    let revoked = ocsp(mock, chain).await == CertStatus::Revoked;
    let window = renewal_info(mock, &cert_id(chain)).await.expect(200)["suggestedWindow"]["end"].clone();
    let end = OffsetDateTime::parse(window.as_str().unwrap(), &Rfc3339).unwrap();
    let overdue = end < mock.handle.services().clock.now();
    assert_eq!((listed, revoked), (overdue, overdue), "CRL and OCSP beside the renewal information");
    revoked
}

#[tokio::test]
async fn s085_bulk_revocation_includes_what_is_being_signed() {
    let clock = Arc::new(ManualClock::new(datetime!(2030-01-01 00:00 UTC)));
    let mock = Mock::start_on_with(&clock, |config| {
        config.policy.signing_delay = Duration::from_millis(1000);
    })
    .await;
    let client = mock.account().await;
    client.ready_order(&["short.example.test"]).await;
    let identifiers = json!([{"type": "dns", "value": "short.example.test"}]);
    let short = json!({"identifiers": identifiers, "profile": "shortlived"});
    let short = client.post(&mock.url("newOrder"), short).await;
    let short_csr = csr(&["short.example.test"], &Key::es256().for_csr());
    client.finalize(&short.expect(201), &short_csr).await.expect(200);
    let short = client.settle(&short.location(), &["processing"]).await;
    let expired = client.chain(&short).await;
    clock.advance(time::Duration::days(7));

    let (_, one) = client.issue(&["a.example.test"], &Key::es256()).await;
    let (_, others) = mock.account().await.issue(&["a.example.test"], &Key::es256()).await;
    let (url, order) = client.ready_order(&["b.example.test"]).await;
    assert!(!is_revoked(&mock, &one).await);
    let answer = client.finalize(&order, &csr(&["b.example.test"], &Key::es256().for_csr())).await;
    assert_eq!(answer.expect(200)["status"], "processing");
    let id = client.kid.rsplit('/').next().unwrap();
    let (status, answer) = api(&mock, &format!("acme-accounts/{id}/revoke-certificates"), "").await;
    assert_eq!(
        (status, &answer["revoked"]),
        (200, &json!(1)),
        "neither what has expired nor what is not there yet"
    );
    assert!(is_revoked(&mock, &one).await);

    let order = client.settle(&url, &["processing"]).await;
    let late = client.chain(&order).await;
    assert!(is_revoked(&mock, &late).await);
    assert!(!is_revoked(&mock, &others).await);
    assert!(crl(&mock, &expired).await.iter().all(|(number, _)| *number != serial(&expired)));
    assert_eq!(ocsp(&mock, &expired).await, CertStatus::Good);
    // Nor is it the account: what it gets from now on is good.
    let (_, next) = client.issue(&["a.example.test"], &Key::es256()).await;
    assert!(!is_revoked(&mock, &next).await);
}

/// Who may not act any more gets nothing that was begun before either: the order fails and counts for nothing.
#[tokio::test]
async fn s080_what_is_being_signed_is_nobodys() {
    for withdraw in ["eab-keys/{kid}/revoke", "acme-accounts/{id}/revoke", "deactivated"] {
        let mock = Mock::start_with(|config| config.policy.signing_delay = Duration::from_millis(200)).await;
        let credentials = mock.eab_key(Rights::default());
        let mut client = Client::new(&mock, Key::es256());
        client.register(&credentials).await.expect(201);
        let (url, order) = client.ready_order(&["www.example.test"]).await;
        let csr = csr(&["www.example.test"], &Key::es256().for_csr());
        assert_eq!(client.finalize(&order, &csr).await.expect(200)["status"], "processing");
        let id = client.kid.rsplit('/').next().unwrap();
        if withdraw == "deactivated" {
            client.post(&client.kid, json!({"status": "deactivated"})).await.expect(200);
        } else {
            let path = withdraw.replace("{kid}", &credentials.kid).replace("{id}", id);
            assert_eq!(api(&mock, &path, "").await.0, 200);
        }
        let order = OrderId::from(url.rsplit('/').next().unwrap());
        let status = || {
            mock.handle.services().store.with(|model| {
                let order = model.order(&order, &id.into()).unwrap();
                model.order_status(order, OffsetDateTime::now_utc()).0
            })
        };
        let deadline = Instant::now() + Duration::from_secs(10);
        while status() == OrderStatus::Processing {
            assert!(Instant::now() < deadline, "{withdraw}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(status(), OrderStatus::Invalid, "{withdraw}");
        assert!(list(&mock, "certificates").await.is_empty(), "{withdraw}");
        assert_eq!(list(&mock, "eab-keys").await[0]["certificates"], 0, "{withdraw}");
    }
}

#[tokio::test]
async fn limits_on_number_and_time() {
    let mock = Mock::start().await;
    let client = mock.account_with(rights(json!({"max_certificates": 1}))).await;
    client.issue(&["www.example.test"], &Key::es256()).await;
    client.order(&["www.example.test"]).await.expect_problem(403, "unauthorized");

    let ended = mock.eab_key(rights(json!({"not_after": "2020-01-01T00:00:00Z"})));
    let answer = Client::new(&mock, Key::es256()).register(&ended).await;
    answer.expect_problem(403, "unauthorized");
}

#[tokio::test]
async fn renew_only_needs_a_certificate_of_the_same_names() {
    let mock = Mock::start().await;
    let owner = mock.owner();
    let admin = mock.handle.admin();
    let mut first = Client::new(&mock, Key::es256());
    first.register(&admin.create_eab_key(&owner, Rights::default()).unwrap()).await.expect(201);
    let mut client = Client::new(&mock, Key::es256());
    let renew_only = rights(json!({"renew_only": true}));
    client.register(&admin.create_eab_key(&owner, renew_only).unwrap()).await.expect(201);
    client.order(&["www.example.test"]).await.expect_problem(403, "rejectedIdentifier");
    first.issue(&["www.example.test"], &Key::es256()).await;
    client.order(&["www.example.test"]).await.expect(201);
    client.order(&["www.example.test", "b.example.test"]).await.expect_problem(403, "rejectedIdentifier");
}

#[tokio::test]
async fn the_admin_api_hands_out_keys_that_work() {
    let mock = Mock::start().await;
    let owner = json!({"kind": "organisation", "name": "Example", "domains": ["example.test"]});
    let (status, owner) = api(&mock, "owners", &owner.to_string()).await;
    assert_eq!(status, 201);
    let (status, key) = api(&mock, "eab-keys", &json!({"owner": owner["id"]}).to_string()).await;
    assert_eq!(status, 201);
    let text = |name: &str| key[name].as_str().unwrap().to_owned();
    let credentials = server_mock::admin::EabCredentials { kid: text("kid"), hmac_key: text("hmac_key") };
    let mut client = Client::new(&mock, Key::es256());
    client.register(&credentials).await.expect(201);
    client.order(&["www.example.test"]).await.expect(201);

    assert_eq!(list(&mock, "owners").await, [owner]);
    let keys = list(&mock, "eab-keys").await;
    assert_eq!((&keys[0]["kid"], &keys[0]["accounts"]), (&key["kid"], &json!(1)));
    assert_eq!(keys[0].get("hmac_key"), None, "shown once");
    let accounts = list(&mock, "acme-accounts").await;
    assert_eq!((&accounts[0]["kid"], &accounts[0]["status"]), (&key["kid"], &json!("valid")));
    let id = accounts[0]["id"].as_str().unwrap();
    assert_eq!(api(&mock, &format!("acme-accounts/{id}/revoke"), "").await.0, 200);
    client.read(&client.kid).await.expect_problem(403, "unauthorized");
}

#[tokio::test]
async fn the_admin_api_says_what_is_wrong() {
    let mock = Mock::start().await;
    let owner = serde_json::to_value(mock.owner()).unwrap();
    let with_rights = |rights: Value| json!({"owner": owner, "rights": rights}).to_string();
    for (path, body, status, said) in [
        ("owners", "{".to_owned(), 400, "EOF"),
        ("owners", json!({"nam": "x"}).to_string(), 400, "unknown field `nam`"),
        ("owners", json!({"name": "x", "domains": ["a..b"]}).to_string(), 400, "a..b"),
        ("eab-keys", json!({"owner": "nobody"}).to_string(), 404, "no such owner"),
        ("eab-keys", with_rights(json!({"sever": true})), 400, "unknown field `sever`"),
        ("eab-keys", with_rights(json!({"names": [{"dsn": "x"}]})), 400, "unknown field `dsn`"),
        ("eab-keys", with_rights(json!({"names": [{"dns": "*.example.test"}]})), 400, "wildcard"),
        ("eab-keys/nobody/revoke", String::new(), 404, "no such key identifier"),
        ("acme-accounts/nobody/revoke", String::new(), 404, "no such account"),
        ("nothing", String::new(), 404, "nothing here"),
    ] {
        let (answered, error) = api(&mock, path, &body).await;
        assert_eq!(answered, status, "{path} {body}: {error}");
        assert!(error["error"].as_str().unwrap().contains(said), "{path} {body}: {error}");
    }
}
