//! Faults of documents, orders and certificates, as they are seen on the wire.

use serde_json::{Value, json};
use server_mock::faults::{Born, ChainForm, Endpoint, Fault, Kind, LeafForm, Listing};
use time::OffsetDateTime;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::common::{Client, Key, Mock, certificates, csr};

const NAMES: &[&str] = &["a.example.test", "b.example.test"];

#[tokio::test]
async fn fault_extra_members_are_everywhere() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    mock.handle.faults().add(Fault::always(Kind::ExtraMembers));
    let order = client.order(NAMES).await.expect(201);
    assert!(order["x-unknown"].is_object() && order["identifiers"][0]["x-unknown"].is_object());
    let authorization = client.read(order["authorizations"][0].as_str().unwrap()).await.expect(200);
    let challenges = authorization["challenges"].as_array().unwrap();
    assert_eq!(challenges[0]["type"], "x-unknown-01");
    assert!(challenges.len() > 1);
}

#[tokio::test]
async fn fault_shuffle_says_the_same_in_another_order() {
    let mock = Mock::start_with(|config| config.seed = Some(1)).await;
    let client = mock.account().await;
    let url = client.order(NAMES).await.location();
    let plain = client.read(&url).await;
    mock.handle.faults().add(Fault::always(Kind::Shuffle));
    let mut texts = Vec::new();
    for _ in 0..8 {
        let answer = client.read(&url).await;
        let mut order = answer.expect(200);
        for list in ["identifiers", "authorizations"] {
            let sorted = |list: &Value| {
                let mut list: Vec<String> = list.as_array().unwrap().iter().map(Value::to_string).collect();
                list.sort();
                json!(list)
            };
            assert_eq!(sorted(&order[list]), sorted(&plain.json()[list]));
            order[list] = plain.json()[list].clone();
        }
        assert_eq!(order, plain.json());
        texts.push(answer.body);
    }
    assert!(texts.iter().any(|text| text != &texts[0]));
}

#[tokio::test]
async fn fault_merge_patches_documents_of_success() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let Value::Object(patch) = json!({"status": "processing", "expires": null}) else { panic!() };
    mock.handle.faults().add(Fault::at(Endpoint::NewOrder, Kind::Merge(patch)));
    let order = client.order(NAMES).await.expect(201);
    assert_eq!((&order["status"], &order["expires"]), (&json!("processing"), &Value::Null));
    assert!(client.order(&[]).await.expect_problem(400, "malformed")["status"].is_number());
}

#[tokio::test]
async fn fault_plain_http_is_in_all_urls() {
    let mock = Mock::start().await;
    mock.handle.faults().add(Fault::at(Endpoint::Directory, Kind::PlainHttp));
    let directory = mock.get(&mock.handle.directory_url()).await.expect(200);
    assert!(directory["newOrder"].as_str().unwrap().starts_with("http://"));
    assert!(!directory.to_string().contains("https://"));
}

#[tokio::test]
async fn fault_escape_sequences_are_in_details() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    mock.handle.faults().add(Fault::always(Kind::EscapeSequences));
    let problem = client.order(&["www.other.test"]).await.expect_problem(403, "rejectedIdentifier");
    for detail in [&problem["detail"], &problem["subproblems"][0]["detail"]] {
        assert!(detail.as_str().unwrap().starts_with("\u{1b}]0;owned\u{7}"), "{detail}");
    }
    assert!(problem["type"].as_str().unwrap().starts_with("urn:"));
}

#[tokio::test]
async fn fault_authorizations_are_fewer_doubled_stray_or_changing() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let url = client.order(NAMES).await.location();
    let listed = async |listing| {
        mock.handle.faults().clear();
        mock.handle.faults().add(Fault::at(Endpoint::Order, Kind::Authorizations(listing)));
        let order = client.read(&url).await.expect(200);
        order["authorizations"].as_array().unwrap().clone()
    };
    assert_eq!(listed(Listing::Fewer).await.len(), 1);
    let doubled = listed(Listing::Doubled).await;
    assert!(doubled.len() == 3 && doubled[0] == doubled[2]);
    let stray = listed(Listing::Stray).await;
    assert_eq!(stray, listed(Listing::Stray).await);
    client.read(stray[2].as_str().unwrap()).await.expect_problem(404, "malformed");
    assert_ne!(listed(Listing::Changing).await, listed(Listing::Changing).await);
}

#[tokio::test]
async fn fault_born_orders_need_no_challenge() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    mock.handle.faults().add(Fault::at(Endpoint::NewOrder, Kind::Born(Born::Ready)));
    let answer = client.order(NAMES).await;
    let order = answer.expect(201);
    assert_eq!(order["status"], "ready");
    assert_eq!(client.read(&answer.location()).await.expect(200)["status"], "ready");
    let key = Key::es256();
    client.finalize(&order, &csr(NAMES, &key.for_csr())).await.expect(200);
    let issued = client.settle(&answer.location(), &["processing"]).await;
    let earlier = leaf(&client, &issued).await;

    mock.handle.faults().clear();
    mock.handle.faults().add(Fault::at(Endpoint::NewOrder, Kind::Born(Born::Valid)));
    let same = client.order(NAMES).await.expect(201);
    assert_eq!(same["status"], "valid");
    assert_eq!(spki(&leaf(&client, &same).await), spki(&earlier), "the key of the last one");
    let others = client.order(&NAMES[..1]).await.expect(201);
    assert_ne!(spki(&leaf(&client, &others).await), spki(&earlier));
}

#[tokio::test]
async fn fault_chain_has_other_forms() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let (order, pem) = client.issue(NAMES, &Key::es256()).await;
    let url = order["certificate"].as_str().unwrap();
    let reformed = async |form| {
        mock.handle.faults().clear();
        mock.handle.faults().add(Fault::at(Endpoint::Certificate, Kind::Chain(form)));
        String::from_utf8(client.read(url).await.body).unwrap()
    };
    let (leaf, issuer) = (&certificates(&pem)[0], &certificates(&pem)[1]);
    assert!(reformed(ChainForm::Junk).await.starts_with("Bag Attributes"));
    assert!(reformed(ChainForm::PrivateKey).await.contains("-----BEGIN PRIVATE KEY-----"));
    assert_eq!(certificates(&reformed(ChainForm::Reversed).await), [issuer.clone(), leaf.clone()]);
    assert_eq!(certificates(&reformed(ChainForm::LeafOnly).await), std::slice::from_ref(leaf));
    assert_eq!(certificates(&reformed(ChainForm::Long).await).len(), 40);
    assert_eq!(reformed(ChainForm::Crlf).await.replace('\r', ""), pem);
}

#[tokio::test]
async fn fault_leaf_is_another_one() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let (order, pem) = client.issue(NAMES, &Key::es256()).await;
    let issued = certificates(&pem).remove(0);
    let fetched = async |form| {
        mock.handle.faults().clear();
        mock.handle.faults().add(Fault::at(Endpoint::Certificate, Kind::Leaf(form)));
        leaf(&client, &order).await
    };
    assert_ne!(spki(&fetched(LeafForm::OtherKey).await), spki(&issued));
    let other_names = fetched(LeafForm::OtherNames).await;
    assert_eq!(spki(&other_names), spki(&issued));
    assert_eq!((names(&issued), names(&other_names)), (2, 3));
    let now = OffsetDateTime::now_utc().unix_timestamp();
    assert!(validity(&fetched(LeafForm::Expired).await).1 < now);
    assert!(validity(&fetched(LeafForm::NotYetValid).await).0 > now);
}

/// The leaf of an order's certificate, with a chain that verifies.
async fn leaf(client: &Client<'_>, order: &Value) -> Vec<u8> {
    let answer = client.read(order["certificate"].as_str().unwrap()).await;
    assert_eq!(answer.status, 200);
    let chain = certificates(&String::from_utf8(answer.body).unwrap());
    let (_, issuer) = X509Certificate::from_der(&chain[1]).unwrap();
    let (_, leaf) = X509Certificate::from_der(&chain[0]).unwrap();
    leaf.verify_signature(Some(issuer.public_key())).unwrap();
    chain[0].clone()
}

fn spki(der: &[u8]) -> Vec<u8> {
    X509Certificate::from_der(der).unwrap().1.public_key().raw.to_vec()
}

fn names(der: &[u8]) -> usize {
    let (_, certificate) = X509Certificate::from_der(der).unwrap();
    certificate.subject_alternative_name().unwrap().unwrap().value.general_names.len()
}

fn validity(der: &[u8]) -> (i64, i64) {
    let (_, certificate) = X509Certificate::from_der(der).unwrap();
    (certificate.validity().not_before.timestamp(), certificate.validity().not_after.timestamp())
}
