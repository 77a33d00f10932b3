//! draft-ietf-acme-dns-persist-01: dns-persist-01.

use std::sync::Arc;

use serde_json::json;
use server_mock::{clock::ManualClock, testbed::RecordData};
use time::macros::datetime;

use crate::common::{Client, Mock, challenge::challenge};

const NAME: &str = "www.example.test";
const RECORD: &str = "_validation-persist.www.example.test";

/// Tries to prove the name by this text; the error's type and detail if that fails.
async fn attempt(client: &Client<'_>, name: &str, text: &str) -> Result<(), String> {
    let (url, document) = client.authorization(name).await;
    let identifier = document["identifier"]["value"].as_str().unwrap();
    let record = format!("_validation-persist.{identifier}");
    client.mock.handle.dns_table().clear(&record).unwrap();
    client.mock.txt(&record, text);
    let verdict = client.attempt(&url, "dns-persist-01").await;
    match verdict["status"].as_str() {
        Some("valid") => Ok(()),
        _ => {
            let kind = verdict["error"]["type"].as_str().unwrap();
            let kind = kind.strip_prefix("urn:ietf:params:acme:error:").unwrap();
            Err(format!("{kind}: {}", verdict["error"]["detail"].as_str().unwrap()))
        }
    }
}

/// A server that asks for a new proof each time.
async fn start() -> Mock {
    Mock::start_with(|config| config.policy.reuse_authorizations = false).await
}

#[tokio::test]
async fn s173_the_challenge_lists_issuers_and_has_no_token() {
    let names = vec!["authority.test".to_owned(), "ca.test".to_owned()];
    let mock = Mock::start_with(|config| {
        config.policy.caa_identities = names.clone().try_into().unwrap();
        config.policy.reuse_authorizations = false;
    })
    .await;
    assert_eq!(mock.directory["meta"]["caaIdentities"], json!(names));
    let client = mock.account().await;
    let (_, document) = client.authorization(NAME).await;
    let challenge = challenge(&document, "dns-persist-01");
    assert_eq!(challenge["issuer-domain-names"], json!(names));
    assert!(challenge.get("token").is_none(), "{challenge}");
    for name in names {
        attempt(&client, NAME, &format!("{name}; accounturi={}", client.kid)).await.unwrap();
    }
    let detail = attempt(&client, NAME, &format!("cacert.org; accounturi={}", client.kid)).await.unwrap_err();
    assert!(detail.starts_with("unauthorized: no TXT"), "{detail}");
    assert!(detail.contains("authority.test or ca.test"), "{detail}");
}

#[tokio::test]
async fn s173_a_ca_without_a_name_does_not_offer_it() {
    let mock = Mock::start_with(|config| config.policy.caa_identities = Vec::new().try_into().unwrap()).await;
    assert!(mock.directory["meta"].get("caaIdentities").is_none());
    let (_, document) = mock.account().await.authorization(NAME).await;
    assert!(!document.to_string().contains("dns-persist-01"), "{document}");
}

#[tokio::test]
async fn s174_the_account_is_mandatory_and_exact() {
    let mock = start().await;
    let (client, other) = (mock.account().await, mock.account().await);
    attempt(&client, NAME, &format!("cacert.org; x-y=1; accounturi={}; z=", client.kid)).await.unwrap();
    let (stranger, longer) = (format!("; accounturi={}", other.kid), format!("; accounturi={}/", client.kid));
    for (parameters, kind) in [("", "malformed"), (&*stranger, "unauthorized"), (&*longer, "unauthorized")] {
        let detail = attempt(&client, NAME, &format!("cacert.org{parameters}")).await.unwrap_err();
        assert!(detail.starts_with(kind) && detail.contains("accounturi"), "{detail}");
    }
}

#[tokio::test]
async fn s174_records_of_others_and_long_ones_do_not_matter() {
    let mock = start().await;
    let client = mock.account().await;
    let (url, _) = client.authorization(NAME).await;
    mock.txt(RECORD, "other.test; accounturi=https://other.test/1");
    mock.txt(RECORD, "no record of this kind");
    // Longer than one character-string.
    mock.txt(RECORD, &format!("cacert.org; padding={}; accounturi={}", "x".repeat(300), client.kid));
    client.expect_valid(&url, "dns-persist-01").await;
    mock.handle.dns_table().clear(RECORD).unwrap();
    let (url, _) = client.authorization(NAME).await;
    client.expect_invalid(&url, "dns-persist-01", "incorrectResponse").await;
    let alias = RecordData::Cname("persist.dns.test".to_owned());
    mock.handle.dns_table().add(RECORD, &alias).unwrap();
    mock.txt("persist.dns.test", &format!("cacert.org;accounturi={}", client.kid));
    let (url, _) = client.authorization(NAME).await;
    client.expect_valid(&url, "dns-persist-01").await;
}

#[tokio::test]
async fn s175_wildcard_names_and_subdomains_need_a_policy() {
    let mock = start().await;
    let client = mock.account_with_all_names().await;
    let exact = format!("cacert.org; accounturi={}", client.kid);
    let policy = format!("{exact}; policy=Wildcard");
    attempt(&client, "*.example.test", &exact).await.unwrap_err();
    attempt(&client, "*.example.test", &policy).await.unwrap();
    attempt(&client, "example.test", &policy).await.unwrap();

    let subdomain = json!({"type": "dns", "value": NAME, "ancestorDomain": "example.test"});
    mock.handle.dns_table().clear("_validation-persist.example.test").unwrap();
    mock.txt("_validation-persist.example.test", &exact);
    let (url, _) = client.authorization_for(subdomain.clone()).await;
    let detail = client.expect_invalid(&url, "dns-persist-01", "unauthorized").await;
    assert!(detail.contains("policy=wildcard"), "{detail}");
    mock.txt("_validation-persist.example.test", &policy);
    let (url, _) = client.authorization_for(subdomain).await;
    client.expect_valid(&url, "dns-persist-01").await;
}

#[tokio::test]
async fn s176_no_longer_than_the_record_says() {
    let clock = Arc::new(ManualClock::new(datetime!(2030-01-01 00:00 UTC)));
    let mock = Mock::start_on(&clock).await;
    let client = mock.account().await;
    let until = datetime!(2030-01-01 00:00 UTC).unix_timestamp();
    let record = format!("cacert.org; accounturi={}; persistUntil={until}", client.kid);
    attempt(&client, "a.example.test", &record).await.unwrap();
    clock.advance(time::Duration::seconds(1));
    let detail = attempt(&client, "b.example.test", &record).await.unwrap_err();
    assert!(detail.starts_with("unauthorized") && detail.contains("persistUntil"), "{detail}");
    let record = format!("cacert.org; accounturi={}; persistUntil=tomorrow", client.kid);
    let detail = attempt(&client, "c.example.test", &record).await.unwrap_err();
    assert!(detail.starts_with("malformed"), "{detail}");
}
