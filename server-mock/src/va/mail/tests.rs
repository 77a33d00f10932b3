//! What needs no server around it.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use mail_parser::MessageParser;
use proptest::prelude::*;
use time::macros::datetime;
use tokio::{io::AsyncWriteExt, net::TcpListener, time::timeout};

use super::{outbox::NotSent, *};

const NOW: OffsetDateTime = datetime!(2030-01-01 10:00 UTC);
const NOWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9);

fn challenge_mail(number: usize) -> ChallengeMail {
    ChallengeMail {
        from: "acme@ca.test".into(),
        to: "alice@example.test".into(),
        token_part1: "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX".into(),
        message_id: number.to_string(),
    }
}

fn read(mail: &str) -> Result<MailReply, MailRefused> {
    reply::read(&MessageParser::default().parse(mail.as_bytes()).unwrap())
}

fn with_subject(subject: &str) -> String {
    format!(
        "From: Alice <alice@example.test>\r\nTo: <acme@ca.test>\r\nSubject: {subject}\r\n\r\n\
         -----BEGIN ACME RESPONSE-----\r\nQCust7\r\n-----END ACME RESPONSE-----\r\n"
    )
}

#[test]
fn the_challenge_mail_is_what_rfc_8823_shows() {
    let mail = compose::challenge_mail(&challenge_mail(1), "ca.test", datetime!(2030-01-01 10:00:00.5 UTC));
    let (header, body) = mail.split_once("\r\n\r\n").unwrap();
    assert_eq!(
        header.split("\r\n").collect::<Vec<_>>(),
        [
            "From: acme@ca.test",
            "To: alice@example.test",
            "Subject: ACME: AAECAwQFBgcICQoLDA0ODxAREhMUFRYX",
            "Date: Tue, 01 Jan 2030 10:00:00 +0000",
            "Message-ID: <1@ca.test>",
            "Auto-Submitted: auto-generated; type=acme",
            "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=us-ascii",
            "Content-Transfer-Encoding: 7bit",
        ]
    );
    assert!(body.is_ascii() && body.lines().all(|line| line.len() <= 78) && body.ends_with("\r\n"));
    assert_eq!(mail.matches('\n').count(), mail.matches("\r\n").count());
}

#[test]
fn subjects_are_read_in_every_shape_that_mail_programs_give_them() {
    for subject in [
        "Re: ACME: AAEC",
        "RE: ACME: AAEC",
        "re:ACME:AAEC",
        "Re: ACME: AA\r\n EC",
        "Re: ACME:\r\n\tAAEC ",
        "=?utf-8?B?UmU6IEFDTUU6IEFBRUM=?=",
    ] {
        let reply = read(&with_subject(subject)).unwrap_or_else(|refused| panic!("{subject:?}: {refused}"));
        assert_eq!(reply.token_part1, "AAEC", "{subject:?}");
        assert_eq!((reply.from.as_str(), reply.to.as_str()), ("alice@example.test", "acme@ca.test"));
        assert_eq!(reply.digest, "QCust7");
    }
    for subject in ["ACME: AAEC", "Re: acme: AAEC", "Re: ACME AAEC", "Re: ACME:", "Re: Re: ACME: AAEC", ""] {
        assert!(read(&with_subject(subject)).is_err(), "{subject:?}");
    }
}

#[test]
fn a_sender_that_is_no_address_is_refused() {
    let start = |settings| Mail::new(settings, None, NOWHERE, Box::new(|_, _| {})).err();
    assert!(start(MailSettings::default()).is_none());
    let from = start(MailSettings { from: "nobody".into(), ..MailSettings::default() });
    assert!(matches!(from, Some(MailError::From { .. })));
}

#[tokio::test]
async fn the_outbox_keeps_the_latest() {
    let outbox = Outbox::new(None, "ca.test", Patience::default());
    for number in 0..1010 {
        outbox.post(&challenge_mail(number), String::new(), NOW).await.unwrap();
    }
    let kept = outbox.list();
    assert_eq!((kept.len(), kept[0].message_id.as_str()), (1000, "10@ca.test"));
    assert_eq!(kept[999].delivery, Delivery::Kept);
}

/// A mail server that takes connections, says a few words and then nothing more.
async fn silent_after(words: &'static str) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut connections = Vec::new();
        loop {
            let mut connection = listener.accept().await.unwrap().0;
            connection.write_all(words.as_bytes()).await.unwrap();
            connections.push(connection);
        }
    });
    address
}

#[tokio::test]
async fn a_silent_mail_server_is_not_waited_for_for_ever() {
    let patience = Patience { attempt: Duration::from_millis(20), pauses: [Duration::from_millis(1); 3] };
    for words in ["", "220 mx.example.test\r\n", "220 mx.example.test\r\n250 fine\r\n250 fine\r\n"] {
        let outbox = Outbox::new(Some(silent_after(words).await), "ca.test", patience);
        let posted = timeout(Duration::from_secs(20), outbox.post(&challenge_mail(1), "x".into(), NOW)).await;
        assert!(matches!(posted.unwrap(), Err(NotSent::Silent(_))), "{words:?}");
        assert!(matches!(outbox.list()[0].delivery, Delivery::Failed { .. }), "{words:?}");
    }
}

#[tokio::test]
async fn mail_beyond_ascii_needs_a_server_that_takes_it() {
    let smtp = silent_after("220 mx.example.test\r\n250-mx.example.test\r\n250 8BITMIME\r\n").await;
    let outbox = Outbox::new(Some(smtp), "ca.test", Patience::default());
    let mail = ChallengeMail { to: "\u{e4}lice@example.test".into(), ..challenge_mail(1) };
    let posted = outbox.post(&mail, format!("To: {}\r\n\r\n", mail.to), NOW).await;
    assert!(matches!(posted, Err(NotSent::Utf8)), "{posted:?}");
}

#[tokio::test]
async fn the_key_is_published_before_the_first_mail_and_once() {
    let published = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = Arc::clone(&published);
    let publish = move |name: &str, record: &str| seen.lock().unwrap().push(format!("{name} {record}"));
    let mail = Mail::new(MailSettings::default(), None, NOWHERE, Box::new(publish)).unwrap();
    assert!(published.lock().unwrap().is_empty(), "a key costs time, and most servers send no mail");
    for number in 0..2 {
        mail.send(&challenge_mail(number), NOW).await.unwrap();
    }
    let published = published.lock().unwrap();
    assert_eq!(published.len(), 1);
    assert!(published[0].starts_with("acme._domainkey.ca.test v=DKIM1; k=rsa; p=MII"), "{published:?}");
    assert!(mail.outgoing().iter().all(|mail| mail.message.starts_with("DKIM-Signature: ")));
}

#[test]
fn every_reader_sees_the_same_fields() {
    let check = |mail: &str| {
        fields::check(&MessageParser::default().parse(mail.as_bytes()).unwrap(), mail.as_bytes())
    };
    let mail = with_subject("Re: ACME: AAEC");
    check(&mail).unwrap();
    check(&mail.replace("\r\n", "\n")).unwrap();
    check(&mail.replace("Subject: Re: ", "subject:\r\n\tRe:\r\n ")).unwrap();
    check(&format!("X-Other_Field.9: x\r\n{mail}")).unwrap();
    let insert = |line: &str, before: &str| mail.replacen(before, &format!("{line}\r\n{before}"), 1);
    for line in [
        "Sub ject: x",
        "Subject : x",
        "Subject\t: x",
        ":Subject: x",
        "\u{b}Subject: x",
        "Subj\u{e9}t: x",
        "no field",
        ": x",
        ":",
        "From alice@example.test",
        "subject: x",
        "Auto-Submitted: no\r\nAuto-Submitted: auto-generated",
    ] {
        for before in ["From:", "Subject:"] {
            assert!(check(&insert(line, before)).is_err(), "{line:?} before {before}");
        }
    }
    for line in [" Subject: x", "\tX: x"] {
        assert!(check(&insert(line, "From:")).is_err(), "{line:?} goes on with nothing");
    }
}

#[tokio::test]
async fn what_is_too_large_is_not_even_parsed() {
    let mail = Mail::new(MailSettings::default(), None, NOWHERE, Box::new(|_, _| {})).unwrap();
    let huge = with_subject("Re: ACME: AAEC") + &"x".repeat(MAIL_MAX);
    assert!(matches!(mail.read(huge.as_bytes()).await, Err(MailRefused::Form(_))));
}

proptest! {
    #[test]
    fn no_mail_breaks_the_reader(mail in proptest::collection::vec(any::<u8>(), 0..2000)) {
        if let Some(message) = MessageParser::default().parse(&mail) {
            let _ = reply::read(&message);
        }
    }

    #[test]
    fn a_digest_comes_out_as_it_went_in(digest in "[A-Za-z0-9_-]{43}", cut in 0usize..43, quoted in "(> [ -~]{0,40}\r\n){0,3}") {
        let (one, two) = digest.split_at(cut);
        let mail = with_subject("Re: ACME: AAEC").replace("QCust7", &format!("{one}\r\n{two}"));
        prop_assert_eq!(read(&(mail + &quoted)).unwrap().digest, digest);
    }
}
