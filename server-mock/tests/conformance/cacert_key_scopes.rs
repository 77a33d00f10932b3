//! The three kinds of keys that CAcert discusses (for an account, for a domain, for one certificate), and rights that
//! change while an order is under way.

use serde_json::{Value, json};
use server_mock::model::{OwnerId, Rights};

use crate::common::{Client, Key, Mock, csr};

const NAMES: [&str; 2] = ["mail.example.test", "www.example.test"];

fn rights(value: Value) -> Rights {
    serde_json::from_value(value).unwrap()
}

async fn client<'a>(mock: &'a Mock, owner: &OwnerId, rights: Value) -> (Client<'a>, String) {
    let credentials = mock.handle.admin().create_eab_key(owner, self::rights(rights)).unwrap();
    let mut client = Client::new(mock, Key::es256());
    client.register(&credentials).await.expect(201);
    (client, credentials.kid)
}

#[tokio::test]
async fn a_key_for_an_account_may_all_that_the_owner_holds() {
    let mock = Mock::start().await;
    let (client, _) = client(&mock, &mock.owner(), json!({})).await;
    client.order(&["example.test", "a.b.example.test"]).await.expect(201);
    client.order(&["elsewhere.test"]).await.expect_problem(403, "rejectedIdentifier");
}

#[tokio::test]
async fn a_key_for_a_domain_may_its_names_alone() {
    let mock = Mock::start().await;
    let names = json!([{"dns": "dev.example.test", "subdomains": true}]);
    let (client, _) = client(&mock, &mock.owner(), json!({"names": names})).await;
    client.order(&["dev.example.test", "a.dev.example.test"]).await.expect(201);
    client.order(&["example.test"]).await.expect_problem(403, "rejectedIdentifier");
    client.order(&["nodev.example.test"]).await.expect_problem(403, "rejectedIdentifier");
}

#[tokio::test]
async fn a_key_for_one_certificate_may_renew_it_and_nothing_else() {
    let mock = Mock::start().await;
    let owner = mock.owner();
    let (first, _) = client(&mock, &owner, json!({})).await;
    let names: Vec<Value> = NAMES.iter().map(|name| json!({"dns": name})).collect();
    let (renewer, _) = client(&mock, &owner, json!({"renew_only": true, "names": names})).await;
    let refused = |answer: crate::common::Answer| {
        answer.expect_problem(403, "rejectedIdentifier")["detail"].as_str().unwrap().to_owned()
    };
    assert!(refused(renewer.order(&NAMES).await).starts_with("renew_only:"), "nothing to renew yet");

    let (_, chain) = first.issue(&NAMES, &Key::es256()).await;
    first.issue(&["other.example.test"], &Key::es256()).await;
    renewer.issue(&NAMES, &Key::es256()).await;
    assert!(refused(renewer.order(&NAMES[..1]).await).starts_with("renew_only:"), "another set of names");
    assert!(refused(renewer.order(&["other.example.test"]).await).starts_with("names:"));
    let stranger = mock.owner();
    let (stranger, _) = client(&mock, &stranger, json!({"renew_only": true})).await;
    assert!(refused(stranger.order(&NAMES).await).starts_with("renew_only:"), "another owner's certificate");

    // A revoked certificate is not to be renewed; nor is its successor once it is revoked.
    for revoker in [&first, &renewer] {
        let id = revoker.kid.rsplit('/').next().unwrap().into();
        mock.handle.admin().revoke_certificates_of(&id).unwrap();
    }
    assert!(refused(renewer.order(&NAMES).await).starts_with("renew_only:"));
    assert!(chain.starts_with("-----BEGIN"));
}

#[tokio::test]
async fn s082_a_right_withdrawn_in_between_counts_at_finalize() {
    let mock = Mock::start().await;
    let (client, kid) = client(&mock, &mock.owner(), json!({})).await;
    let (_, order) = client.ready_order(&NAMES).await;
    let csr = csr(&NAMES, &Key::es256().for_csr());
    let url = format!("{}/api/eab-keys/{kid}/rights", mock.handle.admin_url());
    for (rights, kind) in [
        (json!({"names": [{"dns": "www.example.test"}]}), "rejectedIdentifier"),
        (json!({"server": false}), "unauthorized"),
        (json!({"not_after": "2020-01-01T00:00:00Z"}), "unauthorized"),
        (json!({"max_certificates": 0}), "unauthorized"),
        (json!({"renew_only": true}), "rejectedIdentifier"),
    ] {
        let answer = mock.http.put(&url).body(rights.to_string()).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        client.finalize(&order, &csr).await.expect_problem(403, kind);
    }
    let answer = mock.http.put(&url).body("{\"sever\": true}").send().await.unwrap();
    assert_eq!(answer.status(), 400);
    let answer = mock.http.put(&url).body("{}").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    client.finalize(&order, &csr).await.expect(200);
    let unknown = format!("{}/api/eab-keys/nobody/rights", mock.handle.admin_url());
    assert_eq!(mock.http.put(unknown).body("{}").send().await.unwrap().status(), 404);
}
