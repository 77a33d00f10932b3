//! RFC 8555 §7.4: from an order to a certificate.

use std::{sync::Arc, time::Duration};

use rcgen::{CertificateParams, CustomExtension, DnType, KeyPair};
use serde_json::{Value, json};
use server_mock::clock::ManualClock;
use time::macros::datetime;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::common::{Client, Key, Mock, certificates, csr, csr_params};

const NAME: &str = "www.example.test";

async fn order_with(client: &Client<'_>, payload: Value) -> crate::common::Answer {
    client.post(&client.mock.url("newOrder"), payload).await
}

fn dns(name: &str) -> Value {
    json!({"type": "dns", "value": name})
}

#[tokio::test]
async fn s097_new_order() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let answer = client.order(&[NAME]).await;
    let order = answer.expect(201);
    assert_eq!(order["identifiers"], json!([dns(NAME)]));
    assert_eq!(order["status"], "pending");
    assert!(order["finalize"].as_str().unwrap().starts_with("https://"));
    assert_eq!(client.read(&answer.location()).await.expect(200), order);
}

#[tokio::test]
async fn s098_no_identifiers() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    for payload in
        [json!({}), json!({"identifiers": []}), json!({"identifiers": "x"}), json!({"identifiers": [1]})]
    {
        order_with(&client, payload).await.expect_problem(400, "malformed");
    }
}

#[tokio::test]
async fn s099_unknown_identifier_type() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let payload = json!({"identifiers": [{"type": "face", "value": "x"}]});
    order_with(&client, payload).await.expect_problem(400, "unsupportedIdentifier");
}

#[tokio::test]
async fn s100_names_that_are_none() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let label = format!("{}.example.test", "a".repeat(64));
    let long = format!("{}example.test", "abcdefg.".repeat(31));
    for (name, words) in [
        ("a..b.example.test", "1 to 63"),
        (&label, "1 to 63"),
        (&long, "more than 253"),
        ("*.*.example.test", "letters, digits and hyphens"),
        ("", "1 to 63"),
    ] {
        client.order(&[name]).await.expect_said(400, "malformed", words);
    }
}

#[tokio::test]
async fn s101_blocked_names() {
    let blocked = vec!["bank.example.test".to_owned(), "192.0.2.1".to_owned()];
    let mock = Mock::start_with(|config| config.policy.blocked_names = blocked).await;
    let client = mock.account().await;
    let names = ["www.bank.example.test", NAME, "bank.example.test"];
    let problem = client.order(&names).await.expect_problem(403, "rejectedIdentifier");
    let refused: Vec<&Value> =
        problem["subproblems"].as_array().unwrap().iter().map(|sub| &sub["identifier"]["value"]).collect();
    assert_eq!(refused, ["bank.example.test", "www.bank.example.test"]);
    client.order(&["thebank.example.test", NAME]).await.expect(201);
    // A wildcard certificate would be one for the blocked name too.
    let client = mock.account_with_all_names().await;
    client.order(&["*.example.test"]).await.expect_problem(403, "rejectedIdentifier");
    client.order(&["*.www.example.test"]).await.expect(201);
}

#[tokio::test]
async fn s102_dates_that_are_none() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    for (member, date) in
        [("notBefore", json!("yesterday")), ("notAfter", json!(17)), ("notAfter", json!(null))]
    {
        let mut payload = json!({"identifiers": [dns(NAME)]});
        payload[member] = date;
        order_with(&client, payload).await.expect_problem(400, "malformed");
    }
}

/// Far away in time there are no dates any more: that is no reason to break down.
#[tokio::test]
async fn s103_no_date_is_too_far_away() {
    let clock = Arc::new(ManualClock::new(datetime!(2030-01-01 00:00 UTC)));
    let mock = Mock::start_on(&clock).await;
    let client = mock.account().await;
    for date in ["9999-12-31T23:59:59Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59"] {
        for member in ["notBefore", "notAfter"] {
            let mut payload = json!({"identifiers": [dns(NAME)]});
            payload[member] = json!(date);
            order_with(&client, payload).await.expect_problem(400, "malformed");
        }
    }
    order_with(&client, json!({"identifiers": [dns(NAME)], "notBefore": "2029-12-31T23:00:00Z"}))
        .await
        .expect(201);
}

/// Without a wish there is an end too: that of the CA.
#[tokio::test]
async fn s103_nothing_outlives_its_issuer() {
    let clock = Arc::new(ManualClock::new(datetime!(2030-01-01 00:00 UTC)));
    let lifetime = Duration::from_secs(99 * 365 * 86_400);
    let mock =
        Mock::start_on_with(&clock, |config| config.policy.certificate_lifetime = Some(lifetime)).await;
    let client = mock.account().await;
    let (_, chain) = client.issue(&[NAME], &Key::es256()).await;
    let ends: Vec<_> = certificates(&chain)
        .iter()
        .map(|der| X509Certificate::from_der(der).unwrap().1.validity().not_after.to_datetime())
        .collect();
    assert_eq!(ends[0], ends[1]);
}

#[tokio::test]
async fn s103_dates_are_honoured_exactly_or_refused() {
    let clock = Arc::new(ManualClock::new(datetime!(2030-01-01 00:00 UTC)));
    let mock = Mock::start_on(&clock).await;
    let client = mock.account().await;
    client.ready_order(&[NAME]).await;
    let wanted = json!({
        "identifiers": [dns(NAME)], "notBefore": "2030-01-02T00:00:00Z", "notAfter": "2030-02-01T01:00:00+01:00",
    });
    let order = order_with(&client, wanted).await.expect(201);
    assert_eq!((&order["notBefore"], &order["status"]), (&json!("2030-01-02T00:00:00Z"), &json!("ready")));
    let order = client.finalize(&order, &csr(&[NAME], &KeyPair::generate().unwrap())).await.expect(200);
    let chain = client.read(order["certificate"].as_str().unwrap()).await;
    let der = &certificates(std::str::from_utf8(&chain.body).unwrap())[0];
    let validity = X509Certificate::from_der(der).unwrap().1.validity().clone();
    assert_eq!(validity.not_before.to_datetime(), datetime!(2030-01-02 00:00 UTC));
    assert_eq!(validity.not_after.to_datetime(), datetime!(2030-02-01 00:00 UTC));

    for (not_before, not_after) in [
        ("2030-02-01T00:00:00Z", "2030-01-02T00:00:00Z"),
        ("2030-01-01T00:00:00Z", "2099-01-01T00:00:00Z"),
        ("2020-01-01T00:00:00Z", "2020-02-01T00:00:00Z"),
        ("2030-01-01T00:00:00.5Z", "2030-02-01T00:00:00Z"),
        ("2029-12-31T22:59:59Z", "2030-02-01T00:00:00Z"),
        ("2039-12-01T00:00:00Z", "2040-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
    ] {
        let payload = json!({"identifiers": [dns(NAME)], "notBefore": not_before, "notAfter": not_after});
        order_with(&client, payload).await.expect_problem(400, "malformed");
    }
}

#[tokio::test]
async fn s104_expired_order() {
    let clock = Arc::new(ManualClock::new(datetime!(2030-01-01 00:00 UTC)));
    let mock = Mock::start_on(&clock).await;
    let client = mock.account().await;
    let (url, order) = client.ready_order(&[NAME]).await;
    clock.advance(time::Duration::days(2));
    assert_eq!(client.read(&url).await.expect(200)["status"], "invalid");
    let answer = client.finalize(&order, &csr(&[NAME], &KeyPair::generate().unwrap())).await;
    answer.expect_problem(403, "orderNotReady");
}

#[tokio::test]
async fn s105_valid_authorizations_make_the_next_order_ready() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    client.ready_order(&[NAME]).await;
    assert_eq!(client.order(&[NAME]).await.expect(201)["status"], "ready");
    assert_eq!(client.order(&[NAME, "b.example.test"]).await.expect(201)["status"], "pending");
    // Another account's proofs are not ours.
    assert_eq!(mock.account().await.order(&[NAME]).await.expect(201)["status"], "pending");

    let mock = Mock::start_with(|config| config.policy.reuse_authorizations = false).await;
    let client = mock.account().await;
    client.ready_order(&[NAME]).await;
    assert_eq!(client.order(&[NAME]).await.expect(201)["status"], "pending");
}

#[tokio::test]
async fn s106_finalize_when_not_ready() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let order = client.order(&[NAME]).await.expect(201);
    let csr = csr(&[NAME], &KeyPair::generate().unwrap());
    client.finalize(&order, &csr).await.expect_problem(403, "orderNotReady");
}

const TWO: [&str; 2] = ["a.example.test", "b.example.test"];

/// An order for [`TWO`] takes none of these CSRs, stays ready, and takes a right one after them.
async fn refuses(kind: &str, csrs: impl IntoIterator<Item = Vec<u8>>) {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let (url, order) = client.ready_order(&TWO).await;
    for csr in csrs {
        client.finalize(&order, &csr).await.expect_problem(400, kind);
        assert_eq!(client.read(&url).await.expect(200)["status"], "ready");
    }
    let answer = client.finalize(&order, &csr(&TWO, &KeyPair::generate().unwrap())).await;
    // RFC 8555 §7.4: as in its example, the answer says where the order is.
    assert_eq!((&answer.expect(200)["status"], answer.location()), (&json!("valid"), url));
}

fn der(params: CertificateParams) -> Vec<u8> {
    params.serialize_request(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

#[tokio::test]
async fn s107_names_missing_or_extra() {
    let mut common_name = csr_params(&TWO);
    common_name.distinguished_name.push(DnType::CommonName, "c.example.test");
    let three = ["a.example.test", "b.example.test", "c.example.test"];
    refuses("badCSR", [der(csr_params(&TWO[..1])), der(csr_params(&three)), der(common_name)]).await;
}

#[tokio::test]
async fn s108_a_corrected_csr_succeeds() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let (url, order) = client.ready_order(&TWO).await;
    client.finalize(&order, &der(csr_params(&TWO[..1]))).await.expect_problem(400, "badCSR");
    client.finalize(&order, &der(csr_params(&TWO))).await.expect(200);
    let order = client.settle(&url, &["processing"]).await;
    assert_eq!((&order["status"], order.get("error")), (&json!("valid"), None));
}

#[tokio::test]
async fn s110_bad_signature_or_weak_key() {
    let mut broken = der(csr_params(&TWO));
    *broken.last_mut().unwrap() ^= 1;
    refuses("badCSR", [broken]).await;
    // RSA with 1024 bits, made by openssl with these names: nothing but the key is wrong.
    let weak = include_bytes!("weak_rsa_1024.csr.der");
    refuses("badCSR", [weak.to_vec()]).await;
    let mock = Mock::start().await;
    let client = mock.account().await;
    let (_, order) = client.ready_order(&TWO).await;
    let problem = client.finalize(&order, weak).await.expect_problem(400, "badCSR");
    assert!(problem["detail"].as_str().unwrap().contains("RSA"), "{problem}");
}

#[tokio::test]
async fn s111_the_key_of_an_account() {
    let mock = Mock::start().await;
    let (client, other) = (mock.account().await, mock.account().await);
    let (url, order) = client.ready_order(&[NAME]).await;
    for account in [&client, &other] {
        let csr = csr(&[NAME], &account.key.for_csr());
        client.finalize(&order, &csr).await.expect_problem(400, "badCSR");
        assert_eq!(client.read(&url).await.expect(200)["status"], "ready");
    }
}

#[tokio::test]
async fn s112_unwanted_extension() {
    let mut unwanted = csr_params(&TWO);
    unwanted
        .custom_extensions
        .push(CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999], vec![5, 0]));
    let mut purpose = csr_params(&TWO);
    purpose.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::CodeSigning];
    let mut feature = csr_params(&TWO);
    feature.custom_extensions.push(CustomExtension::from_oid_content(&TLS_FEATURE, vec![0x30, 3, 2, 1, 17]));
    refuses("badCSR", [der(unwanted), der(purpose), der(feature)]).await;
}

/// RFC 7633 §6.
const TLS_FEATURE: [u64; 9] = [1, 3, 6, 1, 5, 5, 7, 1, 24];

#[tokio::test]
async fn s112_must_staple_is_wanted_where_it_is_asked_for() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let (_, order) = client.ready_order(&[NAME]).await;
    let mut params = csr_params(&[NAME]);
    params.custom_extensions.push(CustomExtension::from_oid_content(&TLS_FEATURE, vec![0x30, 3, 2, 1, 5]));
    let order = client.finalize(&order, &der(params)).await.expect(200);
    let chain = client.read(order["certificate"].as_str().unwrap()).await;
    let der = &certificates(std::str::from_utf8(&chain.body).unwrap())[0];
    let certificate = X509Certificate::from_der(der).unwrap().1;
    let feature = certificate.extensions().iter().find(|own| own.oid.to_id_string() == "1.3.6.1.5.5.7.1.24");
    assert_eq!(feature.unwrap().value, [0x30, 3, 2, 1, 5]);
}

#[tokio::test]
async fn s113_no_csr_at_all() {
    let mut longer = der(csr_params(&TWO));
    longer.push(0);
    refuses("malformed", [b"no CSR".to_vec(), Vec::new(), longer]).await;
    let mock = Mock::start().await;
    let client = mock.account().await;
    let (_, order) = client.ready_order(&[NAME]).await;
    let finalize = order["finalize"].as_str().unwrap();
    client.post(finalize, json!({})).await.expect_problem(400, "malformed");
    client.post(finalize, json!({"csr": 1})).await.expect_problem(400, "malformed");
}

#[tokio::test]
async fn s109_a_name_only_in_the_common_name() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let (_, order) = client.ready_order(&[NAME]).await;
    let mut params = csr_params(&[]);
    params.distinguished_name.push(DnType::CommonName, NAME);
    let csr = params.serialize_request(&KeyPair::generate().unwrap()).unwrap();
    let order = client.finalize(&order, csr.der()).await.expect(200);
    let chain = client.read(order["certificate"].as_str().unwrap()).await;
    let der = &certificates(std::str::from_utf8(&chain.body).unwrap())[0];
    let certificate = X509Certificate::from_der(der).unwrap().1;
    let names = certificate.subject_alternative_name().unwrap().unwrap().value.general_names.clone();
    assert_eq!(names, [x509_parser::prelude::GeneralName::DNSName(NAME)]);
}

#[tokio::test]
async fn s114_parallel_finalizes_issue_one_certificate() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let (url, order) = client.ready_order(&[NAME]).await;
    let csrs: Vec<Vec<u8>> = (0..8).map(|_| csr(&[NAME], &KeyPair::generate().unwrap())).collect();
    let answers = futures_util::future::join_all(csrs.iter().map(|csr| client.finalize(&order, csr))).await;
    let accepted = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(accepted, 1);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        answer.expect_problem(403, "orderNotReady");
    }
    assert_eq!(client.settle(&url, &["processing"]).await["status"], "valid");
    assert_eq!(mock.handle.services().store.with(|model| model.certificates().count()), 1);
}

#[tokio::test]
async fn s115_processing_says_when_to_ask_again() {
    let mock = Mock::start_with(|config| config.policy.signing_delay = Duration::from_millis(200)).await;
    let client = mock.account().await;
    let (url, order) = client.ready_order(&[NAME]).await;
    let answer = client.finalize(&order, &csr(&[NAME], &KeyPair::generate().unwrap())).await;
    assert_eq!(answer.expect(200)["status"], "processing");
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(client.settle(&url, &["processing"]).await["status"], "valid");
}

#[tokio::test]
async fn s117_the_chain_is_strict_pem_leaf_first() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let key = Key::es256();
    let (order, chain) = client.issue(&[NAME, "b.example.test"], &key).await;
    let answer = client.read(order["certificate"].as_str().unwrap()).await;
    assert_eq!(answer.header("content-type"), Some("application/pem-certificate-chain"));
    for line in chain.lines() {
        let boundary = ["-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"].contains(&line);
        assert!(
            boundary || (!line.is_empty() && line.len() <= 64 && !line.contains([' ', '\r', '-'])),
            "{line:?}"
        );
    }
    let chain = certificates(&chain);
    let [leaf, issuer] = &chain[..] else { panic!("{} certificates", chain.len()) };
    let leaf = X509Certificate::from_der(leaf).unwrap().1;
    let issuer = X509Certificate::from_der(issuer).unwrap().1;
    assert_eq!(leaf.public_key().raw, key.spki());
    assert_eq!(leaf.issuer(), issuer.subject());
    let names = &leaf.subject_alternative_name().unwrap().unwrap().value.general_names;
    assert_eq!(names.len(), 2);
    assert!(!leaf.is_ca() && issuer.is_ca());
}
