//! draft-ietf-acme-profiles.

use serde_json::{Value, json};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::common::{Answer, Client, Key, Mock, certificates, csr};

const NAME: &str = "www.example.test";

async fn order(client: &Client<'_>, profile: Value) -> Answer {
    let payload = json!({"identifiers": [{"type": "dns", "value": NAME}], "profile": profile});
    client.post(&client.mock.url("newOrder"), payload).await
}

async fn lifetime_days(client: &Client<'_>, order: &Value) -> i64 {
    let order = client.finalize(order, &csr(&[NAME], &Key::es256().for_csr())).await.expect(200);
    let chain = client.read(order["certificate"].as_str().unwrap()).await;
    let der = certificates(std::str::from_utf8(&chain.body).unwrap()).remove(0);
    let validity = X509Certificate::from_der(&der).unwrap().1.validity().clone();
    (validity.not_after.to_datetime() - validity.not_before.to_datetime()).whole_days()
}

#[tokio::test]
async fn s169_profiles_are_listed_and_the_chosen_one_is_echoed() {
    let mock = Mock::start().await;
    let profiles = &mock.directory["meta"]["profiles"];
    assert!(profiles["server"].is_string() && profiles["shortlived"].is_string(), "{profiles}");
    let client = mock.account().await;
    client.ready_order(&[NAME]).await;
    let answer = order(&client, json!("shortlived")).await;
    let short = answer.expect(201);
    assert_eq!(short["profile"], "shortlived");
    assert_eq!(client.read(&answer.location()).await.expect(200)["profile"], "shortlived");
    assert_eq!(lifetime_days(&client, &short).await, 6);
    // Who chooses none is told what was chosen.
    let usual = client.order(&[NAME]).await.expect(201);
    assert_eq!(usual["profile"], "server");
    assert_eq!(lifetime_days(&client, &usual).await, 730);
}

#[tokio::test]
async fn s170_unknown_and_incompatible_profiles() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    for profile in ["unheard-of", "", "client", "SERVER"] {
        order(&client, json!(profile)).await.expect_problem(400, "invalidProfile");
    }
    order(&client, json!(7)).await.expect_problem(400, "malformed");

    let mock = Mock::start_with(|config| config.policy.profiles.clear()).await;
    assert_eq!(mock.directory["meta"].get("profiles"), None);
    let client = mock.account().await;
    order(&client, json!("server")).await.expect_problem(400, "invalidProfile");
    assert_eq!(client.order(&[NAME]).await.expect(201).get("profile"), None);
}

#[tokio::test]
async fn s171_a_profile_withdrawn_before_finalize() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    client.ready_order(&[NAME]).await;
    let order = order(&client, json!("shortlived")).await.expect(201);
    let profile = |name: &str| format!("{}/api/profiles/{name}", mock.handle.admin_url());
    let withdrawn = mock.http.delete(profile("shortlived")).send().await.unwrap();
    assert_eq!(withdrawn.status(), 204);
    let csr = csr(&[NAME], &Key::es256().for_csr());
    client.finalize(&order, &csr).await.expect_problem(400, "invalidProfile");
    let again = mock.http.delete(profile("shortlived")).send().await.unwrap();
    assert_eq!(again.status(), 404);

    let restored = json!({"description": "x", "identifiers": ["dns"], "certificate_lifetime": "1d"});
    let restored = mock.http.put(profile("shortlived")).body(restored.to_string()).send().await.unwrap();
    assert_eq!(restored.status(), 200);
    assert_eq!(lifetime_days(&client, &order).await, 1);
}

#[tokio::test]
async fn s169_the_default_is_the_first_by_name_that_fits() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let put = async |name: &str, identifiers: Value| {
        let profile = json!({"description": "x", "identifiers": identifiers});
        assert_eq!(mock.api("PUT", &format!("profiles/{name}"), &profile).await.0, 200);
    };
    put("z-last", json!(["dns"])).await;
    put("a-mail", json!(["email"])).await;
    assert_eq!(client.order(&[NAME]).await.expect(201)["profile"], "server");
    put("a-hosts", json!(["dns"])).await;
    assert_eq!(client.order(&[NAME]).await.expect(201)["profile"], "a-hosts");
}
