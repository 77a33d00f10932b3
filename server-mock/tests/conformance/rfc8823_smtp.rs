//! RFC 8823 with real mail transport: challenge mails out and replies in by SMTP, or by the admin API.

use std::net::Ipv4Addr;

use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use crate::common::{
    Mock,
    email_order::{ALICE, client_rights, order},
    mail::{Received, Signer},
    smtp::{Talk, mailbox},
};

#[tokio::test]
async fn a_certificate_is_proved_by_mail_out_and_mail_in() {
    let (smtp, mut mails) = mailbox(1).await;
    let mock = Mock::start_with(|config| {
        config.smtp = Some(smtp);
        config.mail_listen = Some((Ipv4Addr::LOCALHOST, 0).into());
    })
    .await;
    let signer = Signer::publish(&mock, "example.test");
    let client = mock.account_with(client_rights()).await;
    let ordered = order(&client).await;
    let (envelope, mail) = mails.next().await;
    assert!(
        envelope.contains("FROM:<acme@ca.test>") && envelope.contains(&format!("TO:<{ALICE}>")),
        "{envelope}"
    );
    let received = Received::parse(&mail);
    received.verify(&mock).await;
    assert_eq!(received.token_part1(), ordered.mail.token_part1());

    ordered.start(&client).await;
    let mut talk = Talk::connect(mock.handle.mail_addr().unwrap()).await;
    assert!(talk.ask("EHLO mx.example.test").await.starts_with("250 "));
    let dots = format!("{}\r\n.hidden\r\n..\r\n", ordered.reply(&client).body);
    let reply = signer.sign(&ordered.reply(&client).with_body(dots));
    let refused = talk.deliver(&reply.replace("hidden", "changed")).await;
    assert!(refused.starts_with("550 5.7.1 "), "{refused}");
    assert_eq!(ordered.status(&client).await, "pending");
    let taken = talk.deliver(&reply).await;
    assert!(taken.starts_with("250 "), "{taken}");
    assert_eq!(ordered.status(&client).await, "valid");
    assert!(talk.ask("QUIT").await.starts_with("221 "));

    let sent = json!(mock.handle.admin().outgoing_mail());
    assert_eq!(sent[0]["delivery"], "sent");
    mock.handle.shutdown().await;
}

#[tokio::test]
async fn the_admin_api_shows_mails_and_takes_replies() {
    let mock = Mock::start().await;
    let signer = Signer::publish(&mock, "example.test");
    let client = mock.account_with(client_rights()).await;
    let ordered = order(&client).await;
    ordered.start(&client).await;
    let url = format!("{}/api/mail", mock.handle.admin_url());
    let mails: Value = serde_json::from_slice(&mock.get(&url).await.body).unwrap();
    let mail = &mails[0];
    assert_eq!(
        (&mail["from"], &mail["to"], &mail["delivery"]),
        (&json!("acme@ca.test"), &json!(ALICE), &json!("kept"))
    );
    let shown = Received::parse(mail["message"].as_str().unwrap());
    assert_eq!(format!("<{}>", mail["message_id"].as_str().unwrap()), shown.field("Message-ID"));

    let post = async |mail: String| mock.http.post(&url).body(mail).send().await.unwrap();
    let refused = post(ordered.reply(&client).unsigned()).await;
    assert_eq!(refused.status(), 400);
    let error: Value = serde_json::from_slice(&refused.bytes().await.unwrap()).unwrap();
    assert!(error["error"].as_str().unwrap().contains("no DKIM signature"), "{error}");
    assert_eq!(post(signer.sign(&ordered.reply(&client))).await.status(), 200);
    assert_eq!(ordered.status(&client).await, "valid");
}

async fn listening() -> (Mock, Talk) {
    let mock = Mock::start_with(|config| config.mail_listen = Some((Ipv4Addr::LOCALHOST, 0).into())).await;
    let talk = Talk::connect(mock.handle.mail_addr().unwrap()).await;
    (mock, talk)
}

#[tokio::test]
async fn only_mail_for_the_challenges_sender_is_taken() {
    let (_mock, mut talk) = listening().await;
    for (command, answer) in [
        ("DATA", "503"),
        ("RCPT TO:<acme@ca.test>", "503"),
        ("MAIL alice", "501"),
        ("MAIL FROM:<>", "250"),
        ("DATA", "503"),
        ("RCPT TO:<root@ca.test>", "550"),
        ("RCPT TO:<ACME@ca.test>", "250"),
        ("RSET", "250"),
        ("DATA", "503"),
        ("HELO me", "250"),
        ("NOOP", "250"),
        ("VRFY acme", "252"),
        ("FLY", "500"),
    ] {
        let got = talk.ask(command).await;
        assert!(got.starts_with(answer), "{command}: {got}");
    }
    let long = talk.ask(&"x".repeat(5000)).await;
    assert!(long.starts_with("500 5.5.2 "), "{long}");
    assert!(talk.ask("NOOP").await.starts_with("250 "), "the conversation goes on");
}

#[tokio::test]
async fn a_mail_is_bounded_and_ends_with_a_dot_on_a_line_alone() {
    let (_mock, mut talk) = listening().await;
    let huge = talk.deliver(&format!("Subject: x\r\n\r\n{}\r\n", "x".repeat(350_000))).await;
    assert!(huge.starts_with("552 5.3.4 "), "{huge}");
    let lines = talk.deliver(&format!("Subject: x\r\n\r\n{}", "1234567\r\n".repeat(40_000))).await;
    assert!(lines.starts_with("552 5.3.4 "), "{lines}");
    // A bare LF ends no line: what follows is no command that could be smuggled in.
    let smuggled = talk.deliver("Subject: x\r\n\r\nhello\n.\nMAIL FROM:<x@y.test>\n.\r\n").await;
    assert!(smuggled.starts_with("550 5.7.1 "), "{smuggled}");
    assert!(talk.ask("RCPT TO:<acme@ca.test>").await.starts_with("503 "));
    let mut rest = Vec::new();
    talk.send("QUIT\r\n").await;
    talk.0.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, b"221 2.0.0 bye\r\n");
}
