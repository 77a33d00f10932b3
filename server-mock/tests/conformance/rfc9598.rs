//! RFC 9598, RFC 6531: addresses beyond ASCII.

use rcgen::{CustomExtension, SanType};
use serde_json::{Value, json};
use server_mock::model::{Owner, OwnerKind};
use x509_parser::{extensions::GeneralName, prelude::FromDer};

use crate::common::{
    Answer, Client, Key, Mock, certificates, csr_params,
    email_order::{client_rights, mail_after, receive},
    mail::{Received, Reply, Signer, response_digest},
    smtp::{mailbox, saying},
};

/// The o with its dots as a letter of its own (NFC).
const BOB: &str = "b\u{f6}b@xn--bcher-kva.example.test";
/// The same address, the dots apart and the domain in other case.
const BOB_DECOMPOSED: &str = "bo\u{308}b@xn--Bcher-kva.example.test";
const SMTP_UTF8_MAILBOX: [u64; 9] = [1, 3, 6, 1, 5, 5, 7, 8, 9];

/// Somebody who holds Bob's address and an ordinary one.
async fn bob(mock: &Mock) -> Client<'_> {
    let owner = Owner {
        kind: OwnerKind::User,
        name: "Bob".to_owned(),
        assurance_points: 0,
        domains: Vec::new(),
        addresses: vec![BOB.parse().unwrap(), "bob@example.test".parse().unwrap()],
    };
    let owner = mock.handle.admin().create_owner(owner).unwrap();
    let credentials = mock.handle.admin().create_eab_key(&owner, client_rights()).unwrap();
    let mut client = Client::new(mock, Key::es256());
    client.register(&credentials).await.expect(201);
    client
}

async fn new_order(client: &Client<'_>, address: &str) -> Answer {
    let identifiers = json!([{"type": "email", "value": address}]);
    client.post(&client.mock.url("newOrder"), json!({"identifiers": identifiers})).await
}

/// An order whose address is proved by mail; its URL and document.
async fn ready(client: &Client<'_>, address: &str) -> (String, Value) {
    let seen = client.mock.handle.admin().outgoing_mail().len();
    let answer = new_order(client, address).await;
    let authorization = answer.expect(201)["authorizations"][0].as_str().unwrap().to_owned();
    let challenge = client.read(&authorization).await.expect(200)["challenges"][0].clone();
    let mail = mail_after(client.mock, seen).await;
    let token = challenge["token"].as_str().unwrap();
    let digest = response_digest(&mail.token_part1(), token, &client.key.thumbprint());
    let domain = mail.field("To").rsplit_once('@').unwrap().1.to_owned();
    let signer = Signer::publish(client.mock, domain.leak());
    receive(client.mock, &signer.sign(&Reply::new(&mail, &digest))).await.unwrap();
    client.post(challenge["url"].as_str().unwrap(), json!({})).await.expect(200);
    (answer.location(), client.read(&answer.location()).await.expect(200))
}

async fn finalize(client: &Client<'_>, order: &Value, name: SanType) -> Answer {
    let mut params = csr_params(&[]);
    params.subject_alt_names = vec![name];
    let csr = params.serialize_request(&Key::es256().for_csr()).unwrap();
    client.finalize(order, csr.der()).await
}

fn smtp_utf8_mailbox(address: &str) -> SanType {
    SanType::OtherName((SMTP_UTF8_MAILBOX.to_vec(), address.into()))
}

fn rfc822_name(address: &str) -> SanType {
    SanType::Rfc822Name(address.try_into().unwrap())
}

/// The leaf's alternative names, checked to be one.
async fn with_name<T>(client: &Client<'_>, order: &str, look: impl FnOnce(&GeneralName<'_>) -> T) -> T {
    let order = client.settle(order, &["processing"]).await;
    let chain = client.read(order["certificate"].as_str().unwrap()).await;
    let leaf = certificates(&String::from_utf8(chain.body).unwrap()).remove(0);
    let (_, leaf) = x509_parser::certificate::X509Certificate::from_der(&leaf).unwrap();
    let names = &leaf.subject_alternative_name().unwrap().unwrap().value.general_names;
    assert_eq!(names.len(), 1, "{names:?}");
    look(&names[0])
}

#[tokio::test]
async fn s159_addresses_beyond_ascii_are_smtp_utf8_mailboxes_and_others_rfc822_names() {
    let mock = Mock::start().await;
    let client = bob(&mock).await;
    let (url, order) = ready(&client, BOB_DECOMPOSED).await;
    assert_eq!(order["status"], "ready");
    assert_eq!(order["identifiers"], json!([{"type": "email", "value": BOB}]), "one form, whatever was sent");
    finalize(&client, &order, smtp_utf8_mailbox(BOB_DECOMPOSED)).await.expect(200);
    with_name(&client, &url, |name| {
        let GeneralName::OtherName(oid, value) = name else { panic!("{name:?}") };
        assert_eq!(oid.to_id_string(), "1.3.6.1.5.5.7.8.9");
        // [0] EXPLICIT UTF8String
        let length = BOB.len() as u8;
        assert_eq!(**value, [&[0xa0, length + 2, 0x0c, length], BOB.as_bytes()].concat());
    })
    .await;

    let (url, order) = ready(&client, "bob@example.test").await;
    finalize(&client, &order, smtp_utf8_mailbox("bob@example.test")).await.expect_problem(400, "badCSR");
    finalize(&client, &order, rfc822_name("bob@example.test")).await.expect(200);
    with_name(&client, &url, |name| assert_eq!(*name, GeneralName::RFC822Name("bob@example.test"))).await;
}

#[tokio::test]
async fn s159_other_names_in_a_csr_are_refused() {
    let mock = Mock::start().await;
    let client = bob(&mock).await;
    let (_, order) = ready(&client, BOB).await;
    for name in [
        smtp_utf8_mailbox("other\u{f6}@example.test"),
        smtp_utf8_mailbox("b\u{f6}b@b\u{fc}cher.example.test"),
        smtp_utf8_mailbox("no address"),
        SanType::OtherName((vec![1, 3, 6, 1, 4, 1, 311, 20, 2, 3], BOB.into())),
    ] {
        finalize(&client, &order, name).await.expect_problem(400, "badCSR");
    }
    // An SmtpUTF8Mailbox that is an IA5String.
    let other_name = b"\x06\x08\x2b\x06\x01\x05\x05\x07\x08\x09\xa0\x05\x16\x03a@b";
    let names = [&[0x30, 2 + other_name.len() as u8, 0xa0, other_name.len() as u8], &other_name[..]].concat();
    let mut params = csr_params(&[]);
    params.custom_extensions = vec![CustomExtension::from_oid_content(&[2, 5, 29, 17], names)];
    let csr = params.serialize_request(&Key::es256().for_csr()).unwrap();
    client.finalize(&order, csr.der()).await.expect_problem(400, "badCSR");
    finalize(&client, &order, smtp_utf8_mailbox(BOB)).await.expect(200);
}

#[tokio::test]
async fn only_addresses_of_the_owner_with_domains_in_a_labels() {
    let mock = Mock::start().await;
    let client = bob(&mock).await;
    new_order(&client, "b\u{e4}b@xn--bcher-kva.example.test").await.expect_problem(403, "rejectedIdentifier");
    for address in ["b\u{f6}b@b\u{fc}cher.example.test", "b\u{a0}b@example.test", "\u{f6}..b@example.test"] {
        new_order(&client, address).await.expect_problem(400, "malformed");
    }
}

#[tokio::test]
async fn mails_beyond_ascii_go_to_servers_that_take_them() {
    let (smtp, mut mails) = mailbox(0).await;
    let mock = Mock::start_with(|config| config.smtp = Some(smtp)).await;
    let client = bob(&mock).await;
    new_order(&client, BOB).await.expect(201);
    let (envelope, mail) = mails.next().await;
    assert!(envelope.contains("SMTPUTF8") && envelope.contains(&format!("TO:<{BOB}>")), "{envelope}");
    let received = Received::parse(&mail);
    assert_eq!(received.field("To"), BOB);
    received.verify(&mock).await;
}

#[tokio::test]
async fn without_smtputf8_the_challenge_fails_and_says_so() {
    // The answers to the greeting and to EHLO, ahead of time.
    let smtp = saying("220 mx.example.test\r\n250-mx.example.test\r\n250 8BITMIME\r\n").await;
    let mock = Mock::start_with(|config| config.smtp = Some(smtp)).await;
    let client = bob(&mock).await;
    let order = new_order(&client, BOB).await.expect(201);
    let authorization = client.settle(order["authorizations"][0].as_str().unwrap(), &["pending"]).await;
    let error = &authorization["challenges"][0]["error"];
    assert_eq!(error["type"], "urn:ietf:params:acme:error:connection");
    assert!(error["detail"].as_str().unwrap().contains("SMTPUTF8"), "{error}");
}

#[tokio::test]
async fn owners_addresses_are_checked() {
    let mock = Mock::start().await;
    for (address, status) in [(BOB, 201), (BOB_DECOMPOSED, 201), ("b\u{f6}b@b\u{fc}cher.example.test", 400)] {
        let owner = json!({"name": "Bob", "addresses": [address]});
        assert_eq!(mock.api("POST", "owners", &owner).await.0, status, "{address}");
    }
}
