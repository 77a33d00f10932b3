//! RFC 9773: renewal information.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use server_mock::clock::ManualClock;
use time::{OffsetDateTime, format_description::well_known::Rfc3339, macros::datetime};

use crate::common::{
    Answer, Client, Key, Mock,
    certificate::{cert_id, renewal_info},
    certificates, csr,
};

const NAME: &str = "www.example.test";

fn moment(document: &Value, name: &str) -> OffsetDateTime {
    OffsetDateTime::parse(document["suggestedWindow"][name].as_str().unwrap(), &Rfc3339).unwrap()
}

async fn replacing(client: &Client<'_>, names: &[&str], cert_id: &str) -> Answer {
    let identifiers: Vec<Value> = names.iter().map(|name| json!({"type": "dns", "value": name})).collect();
    let payload = json!({"identifiers": identifiers, "replaces": cert_id});
    client.post(&client.mock.url("newOrder"), payload).await
}

async fn revoke(client: &Client<'_>, chain: &str) {
    let payload = json!({"certificate": URL_SAFE_NO_PAD.encode(&certificates(chain)[0])});
    client.post(&client.mock.url("revokeCert"), payload).await.expect(200);
}

#[tokio::test]
async fn s160_the_window_lies_within_the_last_third_of_the_lifetime() {
    let clock = Arc::new(ManualClock::new(datetime!(2030-01-01 00:00 UTC)));
    let mock = Mock::start_on(&clock).await;
    let client = mock.account().await;
    let (_, chain) = client.issue(&[NAME], &Key::es256()).await;
    let answer = renewal_info(&mock, &cert_id(&chain)).await;
    let document = answer.expect(200);
    assert_eq!(answer.header("retry-after"), Some("21600"));
    let (start, end) = (moment(&document, "start"), moment(&document, "end"));
    let (not_before, not_after) = (datetime!(2030-01-01 00:00 UTC), datetime!(2032-01-01 00:00 UTC));
    assert_eq!(start, not_before + (not_after - not_before) * 2 / 3);
    assert!(start < end && end < not_after, "{document}");
}

#[tokio::test]
async fn s161_even_a_certificate_of_seconds_has_a_start_before_the_end() {
    let lifetime = std::time::Duration::from_secs(2);
    let mock = Mock::start_with(|config| {
        config.policy.profiles.clear();
        config.policy.certificate_lifetime = Some(lifetime);
    })
    .await;
    let client = mock.account().await;
    let (_, chain) = client.issue(&[NAME], &Key::es256()).await;
    let document = renewal_info(&mock, &cert_id(&chain)).await.expect(200);
    assert!(moment(&document, "start") < moment(&document, "end"), "{document}");
}

#[tokio::test]
async fn s162_unknown_certificates_and_bad_cert_ids() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let (_, chain) = client.issue(&[NAME], &Key::es256()).await;
    let id = cert_id(&chain);
    let (key_identifier, serial) = id.split_once('.').unwrap();
    for unknown in [format!("{key_identifier}.AQ"), format!("AAAA.{serial}")] {
        renewal_info(&mock, &unknown).await.expect_problem(404, "malformed");
    }
    for bad in ["x", "AQ.", ".AQ", "AQ==.AQ==", "AQ.AQ.AQ", "AQ.AAE", "A%2B.AQ"] {
        renewal_info(&mock, bad).await.expect_problem(400, "malformed");
    }
}

#[tokio::test]
async fn s163_a_serial_with_its_first_bit_set_has_a_leading_zero_byte() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    // Every other serial number is such a one: fifty in a row without are no accident.
    for _ in 0..50 {
        let (_, chain) = client.issue(&[NAME], &Key::es256()).await;
        let id = cert_id(&chain);
        renewal_info(&mock, &id).await.expect(200);
        let (key_identifier, serial) = id.split_once('.').unwrap();
        let serial = URL_SAFE_NO_PAD.decode(serial).unwrap();
        if serial[0] == 0 {
            let without = format!("{key_identifier}.{}", URL_SAFE_NO_PAD.encode(&serial[1..]));
            renewal_info(&mock, &without).await.expect_problem(400, "malformed");
            return;
        }
    }
    panic!("no serial number had its first bit set");
}

#[tokio::test]
async fn s164_a_revoked_certificate_is_overdue() {
    let clock = Arc::new(ManualClock::new(datetime!(2030-01-01 00:00 UTC)));
    let mock = Mock::start_on(&clock).await;
    let client = mock.account().await;
    let (_, chain) = client.issue(&[NAME], &Key::es256()).await;
    revoke(&client, &chain).await;
    let document = renewal_info(&mock, &cert_id(&chain)).await.expect(200);
    let (start, end) = (moment(&document, "start"), moment(&document, "end"));
    assert!(start < end && end < datetime!(2030-01-01 00:00 UTC), "{document}");
}

#[tokio::test]
async fn s165_replaces_is_echoed() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let (first, chain) = client.issue(&[NAME], &Key::es256()).await;
    assert_eq!(first.get("replaces"), None);
    let id = cert_id(&chain);
    let answer = replacing(&client, &[NAME, "more.example.test"], &id).await;
    assert_eq!(answer.expect(201)["replaces"], id);
    assert_eq!(client.read(&answer.location()).await.expect(200)["replaces"], id);
}

#[tokio::test]
async fn s166_a_certificate_is_replaced_once() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let (_, chain) = client.issue(&[NAME], &Key::es256()).await;
    let id = cert_id(&chain);
    let order = replacing(&client, &[NAME], &id).await.expect(201);
    replacing(&client, &[NAME], &id).await.expect_problem(409, "alreadyReplaced");
    client.finalize(&order, &csr(&[NAME], &Key::es256().for_csr())).await.expect(200);
    replacing(&client, &[NAME], &id).await.expect_problem(409, "alreadyReplaced");
    client.order(&[NAME]).await.expect(201);
}

#[tokio::test]
async fn s167_only_the_own_certificate_for_a_shared_name() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let (_, chain) = client.issue(&[NAME], &Key::es256()).await;
    let id = cert_id(&chain);
    replacing(&client, &["other.example.test"], &id).await.expect_problem(400, "malformed");
    let other = mock.account().await;
    replacing(&other, &[NAME], &id).await.expect_problem(403, "unauthorized");
    let key_identifier = id.split_once('.').unwrap().0;
    replacing(&client, &[NAME], &format!("{key_identifier}.AQ")).await.expect_problem(404, "malformed");
    replacing(&client, &[NAME], "x").await.expect_problem(400, "malformed");
    let payload = json!({"identifiers": [{"type": "dns", "value": NAME}], "replaces": 1});
    client.post(&mock.url("newOrder"), payload).await.expect_problem(400, "malformed");
    replacing(&client, &[NAME], &id).await.expect(201);
}

#[tokio::test]
async fn s168_a_failed_replacement_frees_its_predecessor() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let (_, chain) = client.issue(&[NAME], &Key::es256()).await;
    let id = cert_id(&chain);
    let answer = replacing(&client, &[NAME, "new.example.test"], &id).await;
    let order = answer.expect(201);
    for authorization in order["authorizations"].as_array().unwrap() {
        let url = authorization.as_str().unwrap();
        if client.read(url).await.expect(200)["status"] == "pending" {
            client.post(url, json!({"status": "deactivated"})).await.expect(200);
        }
    }
    assert_eq!(client.read(&answer.location()).await.expect(200)["status"], "invalid");
    replacing(&client, &[NAME], &id).await.expect(201);
}
