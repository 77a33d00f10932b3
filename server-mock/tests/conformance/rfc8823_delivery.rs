//! RFC 8823 §3.1: what becomes of challenge mails, and of challenges whose mail does not arrive.

use std::{
    net::SocketAddr,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::json;
use server_mock::model::{Owner, OwnerKind};

use crate::common::{
    Client, Key, Mock,
    email_order::{client_rights, mail_after, order, receive},
    mail::{Received, Signer},
    smtp::{mailbox, saying},
};

const DEADLINE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_mail_that_no_server_takes_makes_the_challenge_invalid() {
    let smtp = saying("554 go \x1b[31maway\r\n").await;
    let mock = Mock::start_with(|config| config.smtp = Some(smtp)).await;
    let client = mock.account_with(client_rights()).await;
    let ordered = order(&client).await;
    let document = client.settle(&ordered.authorization, &["pending"]).await;
    assert_eq!(document["status"], "invalid");
    let challenge = &document["challenges"][0];
    assert_eq!(challenge["status"], "invalid");
    assert_eq!(challenge["error"]["type"], "urn:ietf:params:acme:error:connection");
    let detail = challenge["error"]["detail"].as_str().unwrap();
    assert!(detail.contains("554") && detail.contains("away") && !detail.contains('\x1b'), "{detail}");
    assert_eq!(client.read(&ordered.order).await.expect(200)["status"], "invalid");
    assert_eq!(ordered.start(&client).await["status"], "invalid", "what is settled stays");

    let mail = json!(mock.handle.admin().outgoing_mail())[0].clone();
    assert_eq!(mail["delivery"], "failed");
    assert!(mail["reason"].as_str().unwrap().contains("554"), "{mail}");
}

#[tokio::test]
async fn mails_that_wait_hold_nothing_else_up() {
    let smtp = saying("").await;
    let mock = Mock::start_with(|config| config.smtp = Some(smtp)).await;
    // More than the validations that may run at once.
    let addresses: Vec<String> = (0..260).map(|number| format!("a{number}@example.test")).collect();
    let owner = Owner {
        kind: OwnerKind::Organisation,
        name: "Example".to_owned(),
        assurance_points: 0,
        domains: vec!["example.test".parse().unwrap()],
        addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
    };
    let owner = mock.handle.admin().create_owner(owner).unwrap();
    let credentials = mock.handle.admin().create_eab_key(&owner, client_rights()).unwrap();
    let mut client = Client::new(&mock, Key::es256());
    client.register(&credentials).await.expect(201);
    for address in addresses {
        let payload = json!({"identifier": {"type": "email", "value": address}});
        let authorization = client.post(&mock.url("newAuthz"), payload).await.expect(201);
        let challenge = authorization["challenges"][0]["url"].as_str().unwrap();
        assert_eq!(client.post(challenge, json!({})).await.expect(200)["status"], "processing");
    }
    mail_after(&mock, 0).await;

    let (_, order) = client.ready_order(&["www.example.test"]).await;
    assert_eq!(order["status"], "ready", "validations by other means go on");
    let waiting = mock.handle.admin().outgoing_mail();
    assert!(waiting.iter().any(|mail| json!(mail)["delivery"] == "sending"), "the mails still wait");
}

#[tokio::test]
async fn a_second_post_brings_the_mail_again() {
    let mock = Mock::start().await;
    let signer = Signer::publish(&mock, "example.test");
    let client = mock.account_with(client_rights()).await;
    let ordered = order(&client).await;
    assert_eq!(ordered.start(&client).await["status"], "processing");
    let deadline = Instant::now() + DEADLINE;
    // The mail counts as gone a moment after it can be seen.
    while mock.handle.admin().outgoing_mail().len() < 2 {
        assert_eq!(ordered.start(&client).await["status"], "processing");
        assert!(Instant::now() < deadline, "no second mail");
    }
    let again = mail_after(&mock, 1).await;
    assert_eq!(again.token_part1(), ordered.mail.token_part1());
    assert_ne!(again.field("Message-ID"), ordered.mail.field("Message-ID"));

    receive(&mock, &signer.sign(&ordered.reply(&client))).await.unwrap();
    let seen = mock.handle.admin().outgoing_mail().len();
    assert_eq!(ordered.start(&client).await["status"], "valid");
    client.post(&ordered.authorization, json!({"status": "deactivated"})).await.expect(200);
    let other = order(&client).await;
    let next = mail_after(&mock, seen).await;
    assert_eq!(next.token_part1(), other.mail.token_part1(), "what is answered needs no mail");
}

/// A server on the state file of a folder.
async fn stateful(folder: &Path, smtp: SocketAddr, acme: Option<SocketAddr>) -> Mock {
    Mock::start_with(|config| {
        config.state = Some(folder.join("state.db"));
        config.smtp = Some(smtp);
        config.acme = acme.unwrap_or(config.acme);
    })
    .await
}

#[tokio::test]
async fn mails_that_had_not_gone_out_do_so_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mock = stateful(folder.path(), saying("").await, None).await;
    let acme = mock.handle.directory_url().split('/').nth(2).unwrap().parse().unwrap();
    let client = mock.account_with(client_rights()).await;
    let ordered = order(&client).await;
    assert_eq!(ordered.start(&client).await["status"], "processing");
    let Client { key, kid, .. } = client;
    mock.handle.shutdown().await;

    let (smtp, mut mails) = mailbox(0).await;
    let mock = stateful(folder.path(), smtp, Some(acme)).await;
    let (_, mail) = mails.next().await;
    let received = Received::parse(&mail);
    assert_eq!(received.token_part1(), ordered.mail.token_part1());
    assert_eq!(received.field("Message-ID"), ordered.mail.field("Message-ID"), "it is the same mail");
    received.verify(&mock).await;
    let client = Client { mock: &mock, key, kid };
    let deadline = Instant::now() + DEADLINE;
    while json!(mock.handle.admin().outgoing_mail())[0]["delivery"] != "sent" {
        assert!(Instant::now() < deadline, "the mail is still being sent");
        tokio::task::yield_now().await;
    }
    let signer = Signer::publish(&mock, "example.test");
    receive(&mock, &signer.sign(&ordered.reply(&client))).await.unwrap();
    assert_eq!(ordered.status(&client).await, "valid");
    let Client { key, kid, .. } = client;
    mock.handle.shutdown().await;

    let mock = stateful(folder.path(), smtp, Some(acme)).await;
    let client = Client { mock: &mock, key, kid };
    client.post(&ordered.authorization, json!({"status": "deactivated"})).await.expect(200);
    let next = order(&client).await;
    let (_, mail) = mails.next().await;
    assert_eq!(
        Received::parse(&mail).token_part1(),
        next.mail.token_part1(),
        "what has gone out stays there"
    );
}
