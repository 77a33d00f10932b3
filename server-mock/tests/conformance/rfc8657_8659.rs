//! RFC 8659, RFC 8657, RFC 9495: what the domain's CAA records allow.

use rcgen::KeyPair;
use server_mock::testbed::{DnsFailure, RecordData};

use crate::common::{
    Client, Mock,
    challenge::{challenge, txt_digest},
    csr,
};

const NAME: &str = "www.example.test";

/// Proves a name by dns-01 as far as the client is concerned; gives the verdict's error, if any.
async fn prove(client: &Client<'_>, name: &str) -> Option<String> {
    let (url, document) = client.authorization(name).await;
    let text = txt_digest(&client.key_authorization(&challenge(&document, "dns-01")));
    let base = document["identifier"]["value"].as_str().unwrap();
    client.mock.txt(&format!("_acme-challenge.{base}"), &text);
    let verdict = client.attempt(&url, "dns-01").await;
    let kind = verdict["error"]["type"].as_str()?;
    assert_eq!(verdict["error"]["status"], if kind.ends_with(":caa") { 403 } else { 400 }, "{verdict}");
    Some(kind.strip_prefix("urn:ietf:params:acme:error:").unwrap().to_owned())
}

async fn start() -> Mock {
    Mock::start_with(|config| config.policy.reuse_authorizations = false).await
}

fn caa_error() -> Option<String> {
    Some("caa".to_owned())
}

#[tokio::test]
async fn s177_issue_forbids_and_allows() {
    let mock = start().await;
    let client = mock.account().await;
    mock.caa(NAME, "issue", "other.test");
    assert_eq!(prove(&client, NAME).await, caa_error());
    mock.caa(NAME, "issue", "cacert.org");
    assert_eq!(prove(&client, NAME).await, None);
}

#[tokio::test]
async fn s177_the_nearest_records_above_decide() {
    let mock = start().await;
    let client = mock.account().await;
    mock.caa("test", "issue", ";");
    assert_eq!(prove(&client, NAME).await, caa_error());
    mock.caa("example.test", "issue", "cacert.org");
    assert_eq!(prove(&client, NAME).await, None);
    mock.caa(NAME, "issue", ";");
    assert_eq!(prove(&client, NAME).await, caa_error());
    // Records behind an alias are the name's own; above the alias's target nobody looks.
    mock.handle.dns_table().clear(NAME).unwrap();
    mock.handle.dns_table().add(NAME, &RecordData::Cname("farm.other".to_owned())).unwrap();
    mock.caa("other", "issue", ";");
    assert_eq!(prove(&client, NAME).await, None);
    mock.caa("farm.other", "issue", ";");
    assert_eq!(prove(&client, NAME).await, caa_error());
}

#[tokio::test]
async fn s177_issuewild_decides_about_wildcard_names() {
    let mock = start().await;
    let client = mock.account_with_all_names().await;
    mock.caa("example.test", "issue", "cacert.org");
    assert_eq!(prove(&client, "*.example.test").await, None);
    mock.caa("example.test", "issuewild", ";");
    assert_eq!(prove(&client, "*.example.test").await, caa_error());
    assert_eq!(prove(&client, "example.test").await, None);
    // Mail has a property of its own.
    mock.caa("example.test", "issuemail", ";");
    assert_eq!(prove(&client, "example.test").await, None);
}

#[tokio::test]
async fn s177_failures_and_unknown_critical_properties_forbid() {
    let mock = start().await;
    let client = mock.account().await;
    mock.handle.dns_table().fail("example.test", DnsFailure::ServFail).unwrap();
    assert_eq!(prove(&client, NAME).await, Some("dns".to_owned()));
    mock.handle.dns_table().clear("example.test").unwrap();
    let critical = RecordData::Caa { flags: 128, tag: "future".into(), value: "x".into() };
    mock.handle.dns_table().add("example.test", &critical).unwrap();
    assert_eq!(prove(&client, NAME).await, caa_error());
}

#[tokio::test]
async fn s177_finalize_looks_again() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let names = ["a.example.test", "b.example.test", "c.example.test"];
    let (url, order) = client.ready_order(&names).await;
    let csr = csr(&names, &KeyPair::generate().unwrap());
    mock.caa("a.example.test", "issue", ";");
    mock.caa("c.example.test", "issue", "cacert.org; validationmethods=dns-01");
    let problem = client.finalize(&order, &csr).await.expect_problem(403, "caa");
    let refused: Vec<_> = problem["subproblems"].as_array().unwrap().iter().collect();
    let values: Vec<_> = refused.iter().map(|one| one["identifier"]["value"].as_str().unwrap()).collect();
    assert_eq!(values, ["a.example.test", "c.example.test"]);
    assert_eq!(client.read(&url).await.expect(200)["status"], "ready");
    mock.handle.dns_table().clear("a.example.test").unwrap();
    mock.handle.dns_table().clear("c.example.test").unwrap();
    assert_eq!(client.finalize(&order, &csr).await.expect(200)["status"], "valid");
}

#[tokio::test]
async fn s177_a_ca_without_a_name_does_not_look() {
    let mock = Mock::start_with(|config| config.policy.caa_identities = Vec::new().try_into().unwrap()).await;
    let client = mock.account().await;
    mock.caa(NAME, "issue", ";");
    let (_, order) = client.ready_order(&[NAME]).await;
    let csr = csr(&[NAME], &KeyPair::generate().unwrap());
    assert_eq!(client.finalize(&order, &csr).await.expect(200)["status"], "valid");
}

#[tokio::test]
async fn s178_accounts_and_methods() {
    let mock = start().await;
    let (client, other) = (mock.account().await, mock.account().await);
    for (value, allowed) in [
        (format!("accounturi={}", client.kid), true),
        (format!("accounturi={}", other.kid), false),
        (format!("accounturi={0}; accounturi={0}", client.kid), false),
        ("validationmethods=dns-01".to_owned(), true),
        ("validationmethods=http-01,dns-01".to_owned(), true),
        ("validationmethods=http-01".to_owned(), false),
        ("validationmethods=dns-01; validationmethods=dns-01".to_owned(), false),
        (format!("validationmethods=dns-01; accounturi={}", client.kid), true),
        (format!("validationmethods=http-01; accounturi={}", client.kid), false),
    ] {
        mock.handle.dns_table().clear(NAME).unwrap();
        mock.caa(NAME, "issue", &format!("cacert.org; {value}"));
        assert_eq!(prove(&client, NAME).await.is_none(), allowed, "{value}");
    }
}
