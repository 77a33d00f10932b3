//! What CAcert has verified itself: pre-valid authorizations, and the client certificates that they make possible.

use rcgen::{KeyPair, KeyUsagePurpose, SanType};
use serde_json::{Value, json};
use server_mock::model::{Owner, OwnerKind, Rights, settings::PrevalidAuthorizations};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use crate::common::{Answer, Client, Key, Mock, certificates, csr, csr_params};

const ALICE: &str = "alice@example.test";

async fn start(prevalid: PrevalidAuthorizations) -> Mock {
    Mock::start_with(|config| config.policy.prevalid_authorizations = prevalid).await
}

fn owner(kind: OwnerKind, name: &str, assurance_points: u16) -> Owner {
    Owner {
        kind,
        name: name.to_owned(),
        assurance_points,
        domains: vec!["example.test".parse().unwrap()],
        addresses: vec![ALICE.parse().unwrap(), "al@example.test".parse().unwrap()],
    }
}

fn all_kinds() -> Rights {
    let names = json!([
        {"dns": "example.test", "subdomains": true, "wildcard": true}, {"ip": "127.0.0.1"},
        {"email": ALICE}, {"email": "al@example.test"},
    ]);
    serde_json::from_value(json!({"client": true, "names": names})).unwrap()
}

async fn client(mock: &Mock, owner: Owner) -> Client<'_> {
    let admin = mock.handle.admin();
    let owner = admin.create_owner(owner).unwrap();
    let mut client = Client::new(mock, Key::es256());
    client.register(&admin.create_eab_key(&owner, all_kinds()).unwrap()).await.expect(201);
    client
}

async fn order(client: &Client<'_>, kind: &str, values: &[&str]) -> Answer {
    let identifiers: Vec<Value> = values.iter().map(|value| json!({"type": kind, "value": value})).collect();
    client.post(&client.mock.url("newOrder"), json!({"identifiers": identifiers})).await
}

/// The DER of a client certificate for these addresses.
async fn client_certificate(client: &Client<'_>, addresses: &[&str], key: &KeyPair) -> Vec<u8> {
    let document = order(client, "email", addresses).await.expect(201);
    assert_eq!(document["status"], "ready");
    let mut params = csr_params(&[]);
    for address in addresses {
        params.subject_alt_names.push(SanType::Rfc822Name((*address).try_into().unwrap()));
    }
    let csr = params.serialize_request(key).unwrap();
    let order = client.finalize(&document, csr.der()).await.expect(200);
    let chain = client.read(order["certificate"].as_str().unwrap()).await;
    certificates(std::str::from_utf8(&chain.body).unwrap()).remove(0)
}

#[tokio::test]
async fn s105_authorizations_for_what_cacert_has_verified_are_born_valid() {
    let mock = start(PrevalidAuthorizations::On).await;
    let client = client(&mock, owner(OwnerKind::User, "Alice", 100)).await;
    let names = ["example.test", "www.example.test", "*.example.test"];
    let document = order(&client, "dns", &names).await.expect(201);
    assert_eq!(document["status"], "ready");
    for url in document["authorizations"].as_array().unwrap() {
        let authorization = client.read(url.as_str().unwrap()).await.expect(200);
        assert_eq!((&authorization["status"], &authorization["challenges"]), (&json!("valid"), &json!([])));
        assert!(authorization["expires"].is_string());
    }
    client.finalize(&document, &csr(&names, &Key::es256().for_csr())).await.expect(200);
    assert_eq!(order(&client, "email", &[ALICE]).await.expect(201)["status"], "ready");
    // No address of a host is verified with CAcert.
    assert_eq!(order(&client, "ip", &["127.0.0.1"]).await.expect(201)["status"], "pending");
    let mixed = json!({"identifiers": [
        {"type": "dns", "value": "example.test"}, {"type": "email", "value": ALICE},
    ]});
    client.post(&mock.url("newOrder"), mixed).await.expect_problem(400, "malformed");
}

#[tokio::test]
async fn s105_or_only_for_exact_matches() {
    let mock = start(PrevalidAuthorizations::Exact).await;
    let client = client(&mock, owner(OwnerKind::User, "Alice", 100)).await;
    assert_eq!(order(&client, "dns", &["example.test"]).await.expect(201)["status"], "ready");
    assert_eq!(order(&client, "dns", &["www.example.test"]).await.expect(201)["status"], "pending");
    assert_eq!(order(&client, "email", &[ALICE]).await.expect(201)["status"], "ready");
}

#[tokio::test]
async fn s105_or_not_at_all() {
    let mock = start(PrevalidAuthorizations::Off).await;
    let client = client(&mock, owner(OwnerKind::User, "Alice", 100)).await;
    assert_eq!(order(&client, "dns", &["example.test"]).await.expect(201)["status"], "pending");
}

#[tokio::test]
async fn a_domain_lost_in_between_counts_no_longer() {
    let mock = start(PrevalidAuthorizations::On).await;
    let admin = mock.handle.admin();
    let id = admin.create_owner(owner(OwnerKind::User, "Alice", 100)).unwrap();
    let mut client = Client::new(&mock, Key::es256());
    client.register(&admin.create_eab_key(&id, all_kinds()).unwrap()).await.expect(201);
    let document = order(&client, "dns", &["www.example.test"]).await.expect(201);
    let without = Owner { domains: vec![], ..owner(OwnerKind::User, "Alice", 100) };
    let url = format!("{}/api/owners/{id}", mock.handle.admin_url());
    let answer = mock.http.put(url).body(json!(without).to_string()).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let csr = csr(&["www.example.test"], &Key::es256().for_csr());
    client.finalize(&document, &csr).await.expect_problem(403, "rejectedIdentifier");
}

#[tokio::test]
async fn client_certificates_name_who_is_assured() {
    let mock = start(PrevalidAuthorizations::On).await;
    for (kind, points, name, days) in [
        (OwnerKind::User, 0, "CAcert WoT User", 180),
        (OwnerKind::User, 49, "CAcert WoT User", 180),
        (OwnerKind::User, 50, "Alice Müller", 730),
        (OwnerKind::Organisation, 0, "Alice Müller", 365),
    ] {
        let client = client(&mock, owner(kind, "Alice Müller", points)).await;
        let key = KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
        let der = client_certificate(&client, &[ALICE, "al@example.test"], &key).await;
        let leaf = X509Certificate::from_der(&der).unwrap().1;
        let common_names: Vec<_> =
            leaf.subject().iter_common_name().map(|name| name.as_str().unwrap()).collect();
        assert_eq!(common_names, [name]);
        let names = &leaf.subject_alternative_name().unwrap().unwrap().value.general_names;
        assert_eq!(*names, [GeneralName::RFC822Name("al@example.test"), GeneralName::RFC822Name(ALICE)]);
        let usage = leaf.key_usage().unwrap().unwrap().value;
        assert!(usage.digital_signature() && usage.key_encipherment() && usage.key_agreement());
        let extended = leaf.extended_key_usage().unwrap().unwrap().value;
        assert!(extended.email_protection && extended.client_auth && !extended.server_auth);
        let validity = leaf.validity();
        let lifetime = validity.not_after.to_datetime() - validity.not_before.to_datetime();
        assert_eq!(lifetime.whole_days(), days);
    }
}

#[tokio::test]
async fn s159_key_usage_of_the_csr_selects() {
    let mock = start(PrevalidAuthorizations::On).await;
    let client = client(&mock, owner(OwnerKind::User, "Alice", 100)).await;
    use KeyUsagePurpose::{ContentCommitment, DigitalSignature, KeyAgreement, KeyEncipherment};
    for (asked, signs, encrypts) in [
        (vec![], true, true),
        (vec![DigitalSignature], true, false),
        (vec![ContentCommitment], true, false),
        (vec![KeyEncipherment], false, true),
        (vec![KeyAgreement], false, true),
        (vec![DigitalSignature, KeyEncipherment], true, true),
    ] {
        let document = order(&client, "email", &[ALICE]).await.expect(201);
        let mut params = csr_params(&[]);
        params.subject_alt_names.push(SanType::Rfc822Name(ALICE.try_into().unwrap()));
        params.key_usages = asked;
        let signer = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        if !signs {
            let csr = params.serialize_request(&signer).unwrap();
            client.finalize(&document, csr.der()).await.expect_problem(400, "badCSR");
        }
        let csr = params.serialize_request(&KeyPair::generate().unwrap()).unwrap();
        let order = client.finalize(&document, csr.der()).await.expect(200);
        let chain = client.read(order["certificate"].as_str().unwrap()).await;
        let der = certificates(std::str::from_utf8(&chain.body).unwrap()).remove(0);
        let leaf = X509Certificate::from_der(&der).unwrap().1;
        let usage = leaf.key_usage().unwrap().unwrap().value;
        assert_eq!((usage.digital_signature(), usage.key_encipherment()), (signs, encrypts));
        assert_eq!(usage.key_agreement(), encrypts);
        let extended = leaf.extended_key_usage().unwrap().unwrap().value;
        assert!(extended.email_protection);
        let names = &leaf.subject_alternative_name().unwrap().unwrap().value.general_names;
        assert_eq!(*names, [GeneralName::RFC822Name(ALICE)]);
    }
}

#[tokio::test]
async fn an_organisations_server_certificates_live_as_long_as_assured_members() {
    let mock = start(PrevalidAuthorizations::On).await;
    let client = client(&mock, owner(OwnerKind::Organisation, "Example", 0)).await;
    let (_, chain) = client.issue(&["www.example.test"], &Key::es256()).await;
    let der = certificates(&chain).remove(0);
    let validity = X509Certificate::from_der(&der).unwrap().1.validity().clone();
    assert_eq!((validity.not_after.to_datetime() - validity.not_before.to_datetime()).whole_days(), 730);
}

#[tokio::test]
async fn every_kind_of_key_is_certified() {
    let mock = start(PrevalidAuthorizations::On).await;
    let client = client(&mock, owner(OwnerKind::User, "Alice", 100)).await;
    for algorithm in [
        &rcgen::PKCS_RSA_SHA256,
        &rcgen::PKCS_ECDSA_P256_SHA256,
        &rcgen::PKCS_ECDSA_P384_SHA384,
        &rcgen::PKCS_ECDSA_P521_SHA512,
        &rcgen::PKCS_ED25519,
        &rcgen::PKCS_ML_DSA_44,
        &rcgen::PKCS_ML_DSA_65,
        &rcgen::PKCS_ML_DSA_87,
    ] {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let (_, document) = client.ready_order(&["www.example.test"]).await;
        let order = client.finalize(&document, &csr(&["www.example.test"], &key)).await.expect(200);
        let chain = client.read(order["certificate"].as_str().unwrap()).await;
        let der = certificates(std::str::from_utf8(&chain.body).unwrap()).remove(0);
        let leaf = X509Certificate::from_der(&der).unwrap().1;
        assert_eq!(leaf.public_key().raw, rcgen::PublicKeyData::subject_public_key_info(&key));
    }
}
