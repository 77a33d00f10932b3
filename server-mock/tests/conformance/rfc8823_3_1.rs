//! RFC 8823 §3, §3.1: the challenge and its mail.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;
use server_mock::{
    Config,
    model::{TokenJoining, settings::PrevalidAuthorizations},
};

use crate::common::{
    Mock,
    email_order::{ALICE, bytes_of, client_rights, mail_after, order, receive},
    mail::{COVERED, Reply, Signer, response_digest},
};

#[tokio::test]
async fn s148_an_address_has_one_challenge_with_sender_and_second_part() {
    let mock = Mock::start().await;
    let client = mock.account_with(client_rights()).await;
    let ordered = order(&client).await;
    let document = client.read(&ordered.authorization).await.expect(200);
    assert_eq!(document["identifier"], json!({"type": "email", "value": ALICE}));
    assert!(document.get("wildcard").is_none());
    assert_eq!(document["challenges"].as_array().unwrap().len(), 1);
    let challenge = &document["challenges"][0];
    assert_eq!((&challenge["type"], &challenge["status"]), (&json!("email-reply-00"), &json!("pending")));
    assert_eq!(challenge["from"], "acme@ca.test");
    assert!(bytes_of(&challenge["token"]) >= 16);
    assert_ne!(challenge["token"], ordered.mail.token_part1());

    // Other challenges have no sender.
    let dns = client.order(&["www.example.test"]).await.expect(201);
    let dns = client.read(dns["authorizations"][0].as_str().unwrap()).await.expect(200);
    assert!(dns["challenges"].as_array().unwrap().iter().all(|challenge| challenge.get("from").is_none()));
    assert!(
        dns["challenges"].as_array().unwrap().iter().all(|challenge| challenge["type"] != "email-reply-00")
    );
}

#[tokio::test]
async fn s148_an_address_can_be_authorized_ahead_of_an_order() {
    let mock = Mock::start().await;
    let signer = Signer::publish(&mock, "example.test");
    let client = mock.account_with(client_rights()).await;
    let identifier = json!({"type": "email", "value": ALICE});
    let answer = client.post(&mock.url("newAuthz"), json!({"identifier": identifier})).await;
    let challenge = answer.expect(201)["challenges"][0].clone();
    assert_eq!((&challenge["type"], &challenge["from"]), (&json!("email-reply-00"), &json!("acme@ca.test")));
    let mail = mail_after(&mock, 0).await;
    let token = challenge["token"].as_str().unwrap();
    let digest = response_digest(&mail.token_part1(), token, &client.key.thumbprint());
    receive(&mock, &signer.sign(&Reply::new(&mail, &digest))).await.unwrap();
    client.post(challenge["url"].as_str().unwrap(), json!({})).await.expect(200);

    let order = client.post(&mock.url("newOrder"), json!({"identifiers": [identifier]})).await.expect(201);
    assert_eq!(order["status"], "ready");
    assert_eq!(mock.handle.admin().outgoing_mail().len(), 1, "a valid authorization needs no mail");
}

#[tokio::test]
async fn s148_an_address_that_cacert_has_verified_needs_no_mail() {
    let on = PrevalidAuthorizations::On;
    let mock = Mock::start_with(|config| config.policy.prevalid_authorizations = on).await;
    let client = mock.account_with(client_rights()).await;
    let identifiers = json!([{"type": "email", "value": ALICE}]);
    let order = client.post(&mock.url("newOrder"), json!({"identifiers": identifiers})).await.expect(201);
    assert_eq!(order["status"], "ready");
    assert!(mock.handle.admin().outgoing_mail().is_empty());
}

#[tokio::test]
async fn s148_only_with_the_client_right_and_for_addresses_of_the_owner() {
    let mock = Mock::start().await;
    let server_only = mock.account().await;
    let client = mock.account_with(client_rights()).await;
    let new_order = mock.url("newOrder");
    let payload = |address: &str| json!({"identifiers": [{"type": "email", "value": address}]});
    server_only.post(&new_order, payload(ALICE)).await.expect_problem(403, "unauthorized");
    for address in ["bob@example.test", "*@example.test"] {
        client.post(&new_order, payload(address)).await.expect_problem(403, "rejectedIdentifier");
    }
    client.post(&new_order, payload("alice@*.example.test")).await.expect_problem(400, "malformed");
    assert!(mock.handle.admin().outgoing_mail().is_empty(), "nothing is mailed for what is refused");
}

#[tokio::test]
async fn s149_the_mail_goes_from_the_challenges_sender_to_the_address() {
    let mock = Mock::start().await;
    let client = mock.account_with(client_rights()).await;
    let ordered = order(&client).await;
    let mail = &ordered.mail;
    assert_eq!(mail.field("From"), ordered.challenge["from"].as_str().unwrap());
    assert_eq!(mail.field("To"), ALICE);
    assert!(mail.field("Message-ID").ends_with("@ca.test>"));
    assert!(mail.field("Content-Type").starts_with("text/plain"));
    assert!(!mail.body.contains("ACME RESPONSE"), "a quoted mail has no response block");
    let sent = &mock.handle.admin().outgoing_mail()[0];
    assert_eq!((sent.from.as_str(), sent.to.as_str()), ("acme@ca.test", ALICE));
}

#[tokio::test]
async fn s151_the_mail_says_that_a_program_sent_it() {
    let mock = Mock::start().await;
    let client = mock.account_with(client_rights()).await;
    assert_eq!(order(&client).await.mail.field("Auto-Submitted"), "auto-generated; type=acme");
}

#[tokio::test]
async fn s150_the_subject_has_a_fresh_first_part() {
    let mock = Mock::start().await;
    let client = mock.account_with(client_rights()).await;
    let (first, second) = (order(&client).await, order(&client).await);
    let parts = [first.mail.token_part1(), second.mail.token_part1()];
    for part in &parts {
        assert_eq!(bytes_of(&json!(part)), 24);
    }
    assert_ne!(parts[0], parts[1]);
}

#[tokio::test]
async fn s150_folding_and_encoding_of_the_replys_subject_do_not_matter() {
    let mock = Mock::start().await;
    let signer = Signer::publish(&mock, "example.test");
    let client = mock.account_with(client_rights()).await;
    for fold in [
        |part: &str| format!("Re: ACME:\r\n {part}"),
        |part: &str| format!("RE: ACME: {}\r\n\t{}", &part[..10], &part[10..]),
        |part: &str| format!("=?utf-8?q?Re:_ACME:_{}?=", part.replace('_', "=5F")),
    ] {
        let ordered = order(&client).await;
        let reply = ordered.reply(&client).with("Subject", fold(&ordered.mail.token_part1()));
        receive(&mock, &signer.sign(&reply)).await.unwrap();
        ordered.start(&client).await;
        assert_eq!(ordered.status(&client).await, "valid");
        client.post(&ordered.authorization, json!({"status": "deactivated"})).await.expect(200);
    }
}

#[tokio::test]
async fn s152_the_mail_is_signed_by_the_senders_domain_over_all_that_counts() {
    let mock = Mock::start().await;
    let client = mock.account_with(client_rights()).await;
    let ordered = order(&client).await;
    let (domain, covered) = ordered.mail.verify(&mock).await;
    assert_eq!(ordered.mail.field("From").rsplit_once('@').unwrap().1, domain);
    let should = "Resent-Date Resent-From Resent-To Resent-Cc List-Id List-Help List-Unsubscribe List-Subscribe \
                  List-Post List-Owner List-Archive List-Unsubscribe-Post";
    for name in COVERED.iter().copied().chain(["Auto-Submitted"]).chain(should.split_whitespace()) {
        assert!(covered.iter().any(|field| field.eq_ignore_ascii_case(name)), "{name} in {covered:?}");
    }
}

#[tokio::test]
async fn tokens_can_be_joined_as_bytes() {
    let bytes = |config: &mut Config| {
        config.mail.token_part1_bytes = 16.try_into().unwrap();
        config.mail.token_joining = TokenJoining::Bytes;
    };
    let mock = Mock::start_with(bytes).await;
    let signer = Signer::publish(&mock, "example.test");
    let client = mock.account_with(client_rights()).await;
    let ordered = order(&client).await;
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let part2 = ordered.challenge["token"].as_str().unwrap();
    let token = URL_SAFE_NO_PAD.encode([decode(&ordered.mail.token_part1()), decode(part2)].concat());
    let digest = response_digest(&token, "", &client.key.thumbprint());
    assert_ne!(digest, ordered.digest(&client), "with 16 bytes it makes a difference");
    receive(&mock, &signer.sign(&Reply::new(&ordered.mail, &digest))).await.unwrap();
    assert_eq!(ordered.start(&client).await["status"], "valid");
}

#[tokio::test]
async fn the_mail_can_wait_for_the_post() {
    let mock = Mock::start_with(|config| config.mail.send_after_post = true).await;
    let signer = Signer::publish(&mock, "example.test");
    let client = mock.account_with(client_rights()).await;
    let identifiers = json!([{"type": "email", "value": ALICE}]);
    let document = client.post(&mock.url("newOrder"), json!({"identifiers": identifiers})).await.expect(201);
    let authorization = document["authorizations"][0].as_str().unwrap();
    let challenge = client.read(authorization).await.expect(200)["challenges"][0].clone();
    assert_eq!(challenge["from"], "acme@ca.test");
    client.post(challenge["url"].as_str().unwrap(), json!({})).await.expect(200);
    let mail = mail_after(&mock, 0).await;
    assert_eq!(mock.handle.admin().outgoing_mail().len(), 1, "not one at newOrder, too");
    let token = challenge["token"].as_str().unwrap();
    let digest = response_digest(&mail.token_part1(), token, &client.key.thumbprint());
    receive(&mock, &signer.sign(&Reply::new(&mail, &digest))).await.unwrap();
    assert_eq!(client.read(authorization).await.expect(200)["status"], "valid");
}
