//! RFC 8555 §7.3.5: key changes.

use serde_json::{Value, json};

use crate::common::{Answer, Client, Key, Mock, csr};

/// A key change to `new`, its inner header and payload changed by a test.
async fn change(client: &Client<'_>, new: &Key, alter: impl FnOnce(&mut Value, &mut Value)) -> Answer {
    let url = client.mock.url("keyChange");
    let mut header = json!({"alg": new.algorithm, "jwk": new.jwk(), "url": url});
    let mut payload = json!({"account": client.kid, "oldKey": client.key.jwk()});
    alter(&mut header, &mut payload);
    client.post(&url, new.jws(&header, &payload.to_string())).await
}

#[tokio::test]
async fn s086_change_and_go_on() {
    let mock = Mock::start().await;
    let mut client = mock.account().await;
    let before = client.read(&client.kid).await.expect(200);
    let (url, order) = client.ready_order(&["www.example.test"]).await;
    let authorization = order["authorizations"][0].as_str().unwrap();
    let new = Key::es256();
    assert_eq!(change(&client, &new, |_, _| {}).await.expect(200), before);

    let account_only = json!({"onlyReturnExisting": true});
    client.read(&client.kid).await.expect_said(400, "malformed", "signature");
    let by_old_key = client.post_by_key(&mock.url("newAccount"), account_only.clone()).await;
    by_old_key.expect_problem(400, "accountDoesNotExist");
    client.key = new;
    let found = client.post_by_key(&mock.url("newAccount"), account_only).await;
    assert_eq!((found.expect(200), found.location()), (before, client.kid.clone()));
    assert_eq!(client.read(&url).await.expect(200), order);
    assert_eq!(client.read(authorization).await.expect(200)["status"], "valid");
    assert_eq!(client.order(&["www.example.test"]).await.expect(201)["status"], "ready");
    let csr = csr(&["www.example.test"], &Key::es256().for_csr());
    assert_eq!(client.finalize(&order, &csr).await.expect(200)["status"], "valid");
}

/// Of changes that all come from one old key, one happens.
#[tokio::test]
async fn s086_one_change_at_a_time() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let keys: Vec<Key> = (0..8).map(|_| Key::es256()).collect();
    let changes = keys.iter().map(|key| change(&client, key, |_, _| {}));
    let mut statuses: Vec<u16> =
        futures_util::future::join_all(changes).await.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400, 400, 400, 400, 400, 400, 400]);
}

#[tokio::test]
async fn s087_inner_without_jwk() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let no_jwk = |header: &mut Value, _: &mut Value| {
        header.as_object_mut().unwrap().remove("jwk");
        header["kid"] = json!("x");
    };
    change(&client, &Key::es256(), no_jwk).await.expect_problem(400, "malformed");
}

#[tokio::test]
async fn s088_inner_with_nonce() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let nonce = mock.nonce().await;
    let nonce = |header: &mut Value, _: &mut Value| header["nonce"] = json!(nonce);
    change(&client, &Key::es256(), nonce).await.expect_said(400, "malformed", "nonce");
}

#[tokio::test]
async fn s089_inner_url_differs() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let url = |header: &mut Value, _: &mut Value| header["url"] = json!("https://127.0.0.1/other");
    change(&client, &Key::es256(), url).await.expect_said(400, "malformed", "`url`");
}

#[tokio::test]
async fn s090_bad_inner_signature() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let other = Key::es256().jwk();
    let jwk = |header: &mut Value, _: &mut Value| header["jwk"] = other;
    change(&client, &Key::es256(), jwk).await.expect_said(400, "malformed", "signature");
}

#[tokio::test]
async fn s091_wrong_account() {
    let mock = Mock::start().await;
    let (client, other) = (mock.account().await, mock.account().await);
    let account = |_: &mut Value, payload: &mut Value| payload["account"] = json!(other.kid);
    change(&client, &Key::es256(), account).await.expect_said(400, "malformed", "`account`");
}

#[tokio::test]
async fn s092_wrong_old_key() {
    let mock = Mock::start().await;
    let (client, other) = (mock.account().await, mock.account().await);
    let old_key = |_: &mut Value, payload: &mut Value| payload["oldKey"] = other.key.jwk();
    change(&client, &Key::es256(), old_key).await.expect_said(400, "malformed", "`oldKey`");
}

#[tokio::test]
async fn s093_key_in_use() {
    let mock = Mock::start().await;
    let (client, other) = (mock.account().await, mock.account().await);
    let answer = change(&client, &other.key, |_, _| {}).await;
    answer.expect_problem(409, "malformed");
    assert_eq!(answer.location(), other.kid);
}
