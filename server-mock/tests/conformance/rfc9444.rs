//! RFC 9444: one authorization for a domain and the names below it.

use rcgen::KeyPair;
use serde_json::{Value, json};

use crate::common::{
    Client, Mock,
    challenge::{challenge, offered, txt_digest},
    csr,
};

fn below(name: &str, ancestor: &str) -> Value {
    json!({"type": "dns", "value": name, "ancestorDomain": ancestor})
}

async fn order(client: &Client<'_>, identifiers: Value) -> Value {
    client.post(&client.mock.url("newOrder"), json!({"identifiers": identifiers})).await.expect(201)
}

async fn prove(client: &Client<'_>, authorization: &Value) {
    let url = authorization.as_str().unwrap();
    let document = client.read(url).await.expect(200);
    let text = txt_digest(&client.key_authorization(&challenge(&document, "dns-01")));
    let name = document["identifier"]["value"].as_str().unwrap();
    client.mock.txt(&format!("_acme-challenge.{name}"), &text);
    client.expect_valid(url, "dns-01").await;
}

#[tokio::test]
async fn s179_one_proof_for_an_ancestor_domain() {
    let mock = Mock::start().await;
    assert_eq!(mock.directory["meta"]["subdomainAuthAllowed"], true);
    let client = mock.account().await;
    let names = ["a.b.example.test", "c.example.test"];
    let identifiers = json!([below(names[0], "example.test"), below(names[1], "example.test")]);
    let order = order(&client, identifiers).await;
    let [authorization] = &order["authorizations"].as_array().unwrap()[..] else { panic!("{order}") };
    let document = client.read(authorization.as_str().unwrap()).await.expect(200);
    assert_eq!(document["identifier"], json!({"type": "dns", "value": "example.test"}));
    assert_eq!(document["subdomainAuthAllowed"], true);
    // A server or file of the domain tells nothing about the names below it.
    assert_eq!(offered(&document), ["dns-01", "dns-account-01", "dns-persist-01"]);
    prove(&client, authorization).await;
    let csr = csr(&names, &KeyPair::generate().unwrap());
    assert_eq!(client.finalize(&order, &csr).await.expect(200)["status"], "valid");
}

#[tokio::test]
async fn s179_ahead_of_the_order() {
    let mock = Mock::start().await;
    let client = mock.account_with_all_names().await;
    let identifier = json!({"type": "dns", "value": "b.example.test", "subdomainAuthAllowed": true});
    let answer = client.post(&mock.url("newAuthz"), json!({"identifier": identifier})).await;
    assert_eq!(answer.expect(201)["subdomainAuthAllowed"], true);
    prove(&client, &json!(answer.location())).await;
    for name in ["b.example.test", "a.b.example.test", "x.y.b.example.test"] {
        let order = client.order(&[name]).await.expect(201);
        let expected = (&json!("ready"), &json!([answer.location()]));
        assert_eq!((&order["status"], &order["authorizations"]), expected, "{name}");
    }
    // Not what merely ends like it, nor what is above, nor wildcard names.
    for name in ["ab.example.test", "example.test", "*.b.example.test", "*.a.b.example.test"] {
        assert_eq!(client.order(&[name]).await.expect(201)["status"], "pending", "{name}");
    }
    let other = mock.account().await;
    assert_eq!(other.order(&["a.b.example.test"]).await.expect(201)["status"], "pending");
    client.post(&answer.location(), json!({"status": "deactivated"})).await.expect(200);
    assert_eq!(client.order(&["a.b.example.test"]).await.expect(201)["status"], "pending");
}

#[tokio::test]
async fn s179_a_proof_of_the_domain_alone_does_not_reach_below() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    client.ready_order(&["example.test"]).await;
    assert_eq!(client.order(&["www.example.test"]).await.expect(201)["status"], "pending");
    assert_eq!(order(&client, json!([below("www.example.test", "example.test")])).await["status"], "pending");
}

/// A proof for all names of a domain is no business of a key that may order one of them.
#[tokio::test]
async fn s179_no_further_than_the_rights_of_the_key() {
    let mock = Mock::start().await;
    let rights = |rights: Value| serde_json::from_value(rights).unwrap();
    for (names, reaches) in [
        (json!([{"dns": "www.example.test"}]), false),
        (json!([{"dns": "www.example.test", "subdomains": true}]), false),
        (json!([{"dns": "example.test"}, {"dns": "www.example.test"}]), false),
        (json!([{"dns": "example.test", "subdomains": true}]), true),
    ] {
        let client = mock.account_with(rights(json!({"names": names}))).await;
        let (_, document) = client.authorization_for(below("www.example.test", "example.test")).await;
        let proved = if reaches { "example.test" } else { "www.example.test" };
        assert_eq!(document["identifier"]["value"], proved, "{names}");
    }
    let client = mock.account_with(rights(json!({"names": [{"dns": "example.test"}]}))).await;
    let identifier = json!({"type": "dns", "value": "example.test", "subdomainAuthAllowed": true});
    let document = client.post(&mock.url("newAuthz"), json!({"identifier": identifier})).await.expect(201);
    assert_ne!(document.get("subdomainAuthAllowed"), Some(&json!(true)), "{document}");
}

/// What failed was the proof of the ancestor, so it is the ancestor that is tried too often.
#[tokio::test]
async fn s179_failures_count_for_what_was_to_be_proved() {
    let limit = "2/1h".parse().ok();
    let mock = Mock::start_with(|config| config.policy.limits.failed_validations = limit).await;
    let client = mock.account().await;
    let identifiers = json!({"identifiers": [below("www.example.test", "example.test")]});
    for _ in 0..2 {
        let order = client.post(&mock.url("newOrder"), identifiers.clone()).await.expect(201);
        client
            .expect_invalid(order["authorizations"][0].as_str().unwrap(), "dns-01", "incorrectResponse")
            .await;
    }
    client.post(&mock.url("newOrder"), identifiers).await.expect_problem(429, "rateLimited");
    client.order(&["www.example.test"]).await.expect(201);
}

#[tokio::test]
async fn s179_what_is_no_ancestor_is_malformed() {
    let mock = Mock::start().await;
    let client = mock.account_with_all_names().await;
    for identifier in [
        below("www.example.test", "www.example.test"),
        below("www.example.test", "ample.test"),
        below("example.test", "www.example.test"),
        below("www.example.test", "*.example.test"),
        below("www.example.test", ""),
        json!({"type": "dns", "value": "www.example.test", "ancestorDomain": 1}),
        json!({"type": "ip", "value": "127.0.0.1", "ancestorDomain": "example.test"}),
    ] {
        let payload = json!({"identifiers": [identifier]});
        client.post(&mock.url("newOrder"), payload).await.expect_problem(400, "malformed");
    }
    let identifier = json!({"type": "dns", "value": "www.example.test", "subdomainAuthAllowed": "yes"});
    let payload = json!({"identifier": identifier});
    client.post(&mock.url("newAuthz"), payload).await.expect_problem(400, "malformed");
}

#[tokio::test]
async fn s179_where_the_server_is_not_willing_the_name_itself_is_proved() {
    let mock = Mock::start().await;
    let client = mock.account_with_all_names().await;
    // `test` is nobody's, and wildcard names always need a proof of their own.
    for (name, ancestor) in [("www.example.test", "test"), ("*.www.example.test", "example.test")] {
        let (_, document) = client.authorization_for(below(name, ancestor)).await;
        assert_eq!(document["identifier"]["value"], "www.example.test");
        assert!(document.get("subdomainAuthAllowed").is_none(), "{document}");
    }
    let mock = Mock::start_with(|config| config.policy.subdomain_authorizations = false).await;
    assert!(mock.directory["meta"].get("subdomainAuthAllowed").is_none());
    let client = mock.account().await;
    let (_, document) = client.authorization_for(below("www.example.test", "example.test")).await;
    assert_eq!(document["identifier"]["value"], "www.example.test");
    let identifier = json!({"type": "dns", "value": "example.test", "subdomainAuthAllowed": true});
    let answer = client.post(&mock.url("newAuthz"), json!({"identifier": identifier})).await;
    // RFC 9444 §4.2: who has asked is told.
    assert_eq!(answer.expect(201)["subdomainAuthAllowed"], false);
    assert_eq!(client.authorize(&answer.location()).await["status"], "valid");
    assert_eq!(client.order(&["below.example.test"]).await.expect(201)["status"], "pending");
}
