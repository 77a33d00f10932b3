//! The admin API: what is not about one right of a key.

use std::time::Duration;

use serde_json::{Value, json};
use server_mock::model::{DomainName, EmailAddress, Owner, OwnerKind, Profile};
use x509_parser::{prelude::FromDer, revocation_list::CertificateRevocationList};

use crate::common::{Client, Key, Mock, csr, http_01};

const NAME: &str = "www.example.test";

#[tokio::test]
async fn rights_withdrawn_in_between_count() {
    let mock = Mock::start().await;
    let credentials = mock.eab_key(Default::default());
    let mut client = Client::new(&mock, Key::es256());
    client.register(&credentials).await.expect(201);
    let (_, order) = client.ready_order(&[NAME]).await;
    let path = format!("eab-keys/{}/rights", credentials.kid);
    let name = json!({"dns": "other.example.test", "subdomains": false, "wildcard": false});
    let narrower = json!({"names": [name]});
    let (status, answer) = mock.api("PUT", &path, &narrower).await;
    assert_eq!((status, &answer["rights"]["names"]), (200, &narrower["names"]));
    let csr = csr(&[NAME], &Key::es256().for_csr());
    client.finalize(&order, &csr).await.expect_problem(403, "rejectedIdentifier");
    client.order(&[NAME]).await.expect_problem(403, "rejectedIdentifier");
    client.order(&["other.example.test"]).await.expect(201);

    assert_eq!(mock.api("PUT", &path, &json!({"server": false})).await.0, 200);
    client.finalize(&order, &csr).await.expect_problem(403, "unauthorized");
    client.order(&[NAME]).await.expect_problem(403, "unauthorized");
    assert_eq!(mock.api("PUT", &path, &json!({})).await.0, 200);
    assert_eq!(client.finalize(&order, &csr).await.expect(200)["status"], "valid");
}

#[tokio::test]
async fn dns_records_decide_validations() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let (status, _) = mock.api("PUT", "dns-default", &json!({"address": null})).await;
    assert_eq!(status, 200);
    let error = validate(&client).await;
    assert!(error["type"].as_str().unwrap().ends_with(":dns"), "{error}");

    let record = json!({"name": NAME, "type": "A", "value": "127.0.0.1"});
    assert_eq!(mock.api("POST", "dns-records", &record).await, (201, record.clone()));
    assert_eq!(mock.api("GET", "dns-records", &Value::Null).await, (200, json!([record])));
    assert_eq!(validate(&client).await, Value::Null);

    assert_eq!(mock.api("POST", "dns-failures", &json!({"name": NAME, "failure": "SERVFAIL"})).await.0, 201);
    let client = mock.account().await;
    let error = validate(&client).await;
    assert!(error["type"].as_str().unwrap().ends_with(":dns"), "{error}");
    assert_eq!(mock.api("DELETE", "dns-records", &json!({"name": NAME})).await.0, 200);
    assert_eq!(mock.api("GET", "dns-records", &Value::Null).await, (200, json!([])));
    assert_eq!(mock.api("DELETE", "dns-records", &record).await.0, 404);
    assert_eq!(mock.api("PUT", "dns-default", &json!({"address": "127.0.0.1"})).await.0, 200);
    assert_eq!(validate(&client).await, Value::Null);
}

/// Tries to prove [`NAME`]; gives the error of the challenge.
async fn validate(client: &Client<'_>) -> Value {
    let order = client.order(&[NAME]).await.expect(201);
    let document = client.authorize(order["authorizations"][0].as_str().unwrap()).await;
    http_01(&document)["error"].clone()
}

fn lifetime(duration: &str) -> Value {
    json!({"description": "", "identifiers": ["dns"], "certificate_lifetime": duration})
}

/// The library is as strict as the JSON: what could not be a name never gets a type.
#[tokio::test]
async fn the_library_refuses_what_the_api_refuses() {
    for name in ["a..b", "*.example.test", ""] {
        assert!(name.parse::<DomainName>().is_err(), "{name}");
        assert!(format!("x@{name}").parse::<EmailAddress>().is_err(), "{name}");
    }
    let mock = Mock::start_with(|config| config.policy.capacity.owners = 1).await;
    let admin = mock.handle.admin();
    let owner = |name: &str, assurance_points| Owner {
        kind: OwnerKind::User,
        name: name.to_owned(),
        assurance_points,
        domains: vec!["Example.Test".parse().unwrap()],
        addresses: Vec::new(),
    };
    for wrong in [owner(" ", 0), owner("Alice", 151)] {
        assert!(admin.create_owner(wrong).is_err());
    }
    let id = admin.create_owner(owner("Alice", 150)).unwrap();
    assert!(admin.update_owner(&id, owner("", 0)).is_err());
    assert_eq!(admin.create_owner(owner("Bob", 0)).unwrap_err().status, 507, "there is no room");
    assert_eq!(mock.api("POST", "owners", &json!({"name": "Bob"})).await.0, 507);
    let profile = Profile { description: String::new(), identifiers: Vec::new(), certificate_lifetime: None };
    assert!(admin.put_profile("x", profile).is_err());
    // What is taken is kept in one form.
    let (_, owners) = mock.api("GET", "owners", &Value::Null).await;
    assert_eq!(owners[0]["domains"], json!(["example.test"]));
}

#[tokio::test]
async fn certificates_are_listed_after_a_name() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    for _ in 0..2 {
        client.issue(&[NAME], &Key::es256()).await;
    }
    let ids: Vec<String> = mock
        .handle
        .services()
        .store
        .with(|model| model.certificates().map(|certificate| certificate.id.to_string()).collect());
    for (after, left) in [("", 2), (ids[0].as_str(), 1), (ids[1].as_str(), 0)] {
        let (_, page) = mock.api("GET", &format!("certificates?after={after}"), &Value::Null).await;
        assert_eq!(page.as_array().unwrap().len(), left);
    }
    assert_eq!(mock.api("GET", "certificates?from=1", &Value::Null).await.0, 400);
}

/// The list is signed when something was revoked, not whenever somebody asks.
#[tokio::test]
async fn a_crl_is_signed_once() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    client.issue(&[NAME], &Key::es256()).await;
    let url = format!("{}/ca/intermediate.crl", mock.handle.admin_url());
    let (first, again) = (mock.get(&url).await.body, mock.get(&url).await.body);
    assert_eq!(first, again);
    let id = client.kid.rsplit('/').next().unwrap();
    mock.handle.admin().revoke_certificates_of(&id.into()).unwrap();
    let after = mock.get(&url).await.body;
    let entries = |der: &[u8]| {
        let (_, crl) = CertificateRevocationList::from_der(der).unwrap();
        crl.iter_revoked_certificates().count()
    };
    assert_eq!((entries(&first), entries(&after)), (0, 1));
}

#[tokio::test]
async fn bad_input_is_told_apart() {
    let mock = Mock::start().await;
    let kid = mock.eab_key(Default::default()).kid;
    let rights = format!("eab-keys/{kid}/rights");
    for (method, path, body, status, said) in [
        ("PUT", &*rights, json!({"servr": false}), 400, "unknown field `servr`"),
        ("PUT", &rights, json!({"names": [{"dns": "a..b"}]}), 400, "a..b"),
        ("PUT", &rights, json!({"names": [{"ip": "localhost"}]}), 400, "IP address"),
        ("PUT", &rights, json!({"names": [{}]}), 400, "a name is"),
        ("PUT", &rights, json!({"max_accounts": -1}), 400, "-1"),
        ("PUT", &rights, json!({"not_after": "tomorrow"}), 400, "\"tomorrow\" is no date"),
        ("PUT", "eab-keys/nobody/rights", json!({}), 404, "no such key identifier"),
        ("POST", &rights, json!({}), 405, "method"),
        ("POST", "owners", json!({"name": " "}), 400, "`name` is empty"),
        ("POST", "owners", json!({"name": "x", "assurance_points": 151}), 400, "150"),
        ("POST", "owners", json!({"name": "x", "addresses": ["nobody"]}), 400, "nobody"),
        ("POST", "owners", json!({"kind": "robot", "name": "x"}), 400, "robot"),
        ("POST", "owners", json!({"name": "x", "domains": ["*.example.test"]}), 400, "*.example.test"),
        ("PUT", "profiles/x", json!({"description": "", "identifiers": []}), 400, "is empty"),
        ("PUT", "profiles/x", lifetime("99999999d"), 400, "99999999d"),
        ("PUT", "profiles/x", lifetime("0s"), 400, "more than 0"),
        ("POST", "owners", json!([]), 400, "struct Owner"),
        ("PUT", "terms", json!({"url": "not a URL"}), 400, "URL"),
        ("PUT", "terms", json!({"url": "ftp://example.test/"}), 400, "URL of the web"),
        ("PUT", "terms", json!({}), 400, "missing field `url`"),
        ("POST", "acme-accounts/nobody/agree-to-terms", Value::Null, 404, "no such account"),
        ("POST", "acme-accounts/nobody/revoke-certificates", Value::Null, 404, "no such account"),
        ("POST", "acme-accounts/%ff/revoke", Value::Null, 400, "Bad Request"),
        ("POST", "dns-records", json!({"name": "a..b", "type": "A", "value": "127.0.0.1"}), 400, "a..b"),
        ("POST", "dns-records", json!({"name": NAME, "type": "A", "value": "::1"}), 400, "IPv4"),
        ("POST", "dns-records", json!({"name": NAME, "type": "SOA", "value": ""}), 400, "SOA"),
        ("POST", "dns-records", json!({"name": NAME, "type": "TXT", "value": "x", "ttl": 5}), 400, "ttl"),
        ("DELETE", "dns-records", json!({"type": "A"}), 400, "one record"),
        ("POST", "dns-failures", json!({"name": NAME, "failure": "SLOW"}), 400, "SLOW"),
        ("PUT", "dns-default", json!({}), 400, "missing field `address`"),
        ("PUT", "dns-default", json!({"address": "localhost"}), 400, "IPv4"),
        ("POST", "owners", json!("x".repeat(4 << 20)), 413, "Payload Too Large"),
    ] {
        let (answered, error) = mock.api(method, path, &body).await;
        let body: String = body.to_string().chars().take(80).collect();
        assert_eq!(answered, status, "{method} {path} {body}: {error}");
        assert!(error["error"].as_str().unwrap().contains(said), "{method} {path} {body}: {error}");
    }
}

#[tokio::test]
async fn bulk_revocation_answers_when_it_is_done() {
    let mock = Mock::start_with(|config| config.policy.signing_delay = Duration::ZERO).await;
    let client = mock.account().await;
    client.issue(&[NAME], &Key::es256()).await;
    let id = client.kid.rsplit('/').next().unwrap();
    let path = format!("acme-accounts/{id}/revoke-certificates");
    for revoked in [1, 0] {
        assert_eq!(mock.api("POST", &path, &Value::Null).await, (200, json!({"id": id, "revoked": revoked})));
    }
}
