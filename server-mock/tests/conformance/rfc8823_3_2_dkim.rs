//! RFC 8823 §3.2: whether a reply is authentic.

use std::sync::OnceLock;

use proptest::prelude::*;
use server_mock::{model::ReplySignature, testbed::DnsFailure, va::mail::MailRefused};

use crate::common::{
    Mock,
    email_order::{assert_form, assert_signature, client_rights, order, receive},
    mail::{COVERED, Signer},
};

#[tokio::test]
async fn s155_what_is_not_signed_by_the_senders_domain_is_never_valid() {
    let mock = Mock::start().await;
    let (signer, stranger) = (Signer::publish(&mock, "example.test"), Signer::publish(&mock, "evil.test"));
    let client = mock.account_with(client_rights()).await;
    let ordered = order(&client).await;
    ordered.start(&client).await;
    let reply = ordered.reply(&client);
    let signed = signer.sign(&reply);

    let told = "Authentication-Results: mx.example.test; dkim=pass header.d=example.test\r\n";
    let without_subject: Vec<&str> = COVERED.iter().copied().filter(|name| *name != "Subject").collect();
    for mail in [
        reply.unsigned(),
        format!("{told}{}", reply.unsigned()),
        stranger.sign(&reply),
        signed.replace("d=example.test", "d=evil.test"),
        signed.replace("s=test", "s=other"),
        signed.replace("reply-1", "reply-2"),
        signed.replacen("END ACME RESPONSE-----\r\n", "END ACME RESPONSE-----\r\nPS\r\n", 1),
        format!("Sender: mallory@evil.test\r\n{signed}"),
        format!("Cc: mallory@evil.test\r\n{signed}"),
        signer.sign_fields(&reply, &without_subject, ""),
        signer.sign_fields(&reply, COVERED, &format!(" l={};", reply.body.len())),
        format!("{}More.\r\n", signer.sign_fields(&reply, COVERED, &format!(" l={};", reply.body.len()))),
    ] {
        assert_signature(&receive(&mock, &mail).await);
    }
    // Which of two fields counts, the reader and the verifier could see differently.
    for double in ["From: alice@example.test", "To: acme@ca.test", "Subject: x", "Content-Type: text/plain"] {
        assert_form(&receive(&mock, &format!("{double}\r\n{signed}")).await);
    }
    assert_eq!(ordered.status(&client).await, "pending");
    receive(&mock, &signed).await.unwrap();
    assert_eq!(ordered.status(&client).await, "valid", "what strangers send does no harm either");
}

#[tokio::test]
async fn s155_another_address_than_the_one_mailed_to_is_never_valid() {
    let mock = Mock::start().await;
    let (signer, stranger) = (Signer::publish(&mock, "example.test"), Signer::publish(&mock, "evil.test"));
    let client = mock.account_with(client_rights()).await;
    let ordered = order(&client).await;
    ordered.start(&client).await;
    let reply = ordered.reply(&client);
    for (signer, name, value) in [
        (&signer, "From", "bob@example.test"),
        (&stranger, "From", "alice@evil.test"),
        (&signer, "To", "other@ca.test"),
        (&signer, "Subject", "Re: ACME: AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"),
    ] {
        let result = receive(&mock, &signer.sign(&reply.clone().with(name, value))).await;
        assert!(matches!(result, Err(MailRefused::Pointless(_))), "{value}: {result:?}");
    }
    for (name, value) in [
        ("From", "alice@example.test, bob@example.test"),
        ("To", "acme@ca.test, bob@example.test"),
        ("Subject", "ACME: AAAA"),
        ("Subject", "Fwd: ACME: AAAA"),
    ] {
        assert_form(&receive(&mock, &signer.sign(&reply.clone().with(name, value))).await);
    }
    assert_eq!(ordered.status(&client).await, "pending");
}

#[tokio::test]
async fn s155_providers_that_sign_only_what_is_there_are_let_in_by_choice() {
    let present = ["from", "to", "subject", "date", "message-id", "in-reply-to", "references"];
    for (demand, lets_in) in [(ReplySignature::Strict, false), (ReplySignature::Usual, true)] {
        let mock = Mock::start_with(|config| config.mail.reply_signature = demand).await;
        let signer = Signer::publish(&mock, "example.test");
        let client = mock.account_with(client_rights()).await;
        let ordered = order(&client).await;
        ordered.start(&client).await;
        let reply = ordered.reply(&client);
        let signed = signer.sign_fields(&reply, &present, "");
        assert_signature(&receive(&mock, &reply.unsigned()).await);
        assert_signature(&receive(&mock, &format!("Sender: mallory@evil.test\r\n{signed}")).await);
        assert_signature(&receive(&mock, &signer.sign_fields(&reply, &present[..6], "")).await);
        assert_eq!(receive(&mock, &signed).await.is_ok(), lets_in);
        assert_eq!(ordered.status(&client).await == "valid", lets_in);
    }
}

#[tokio::test]
async fn s155_for_tests_without_a_domain_signatures_can_be_left_out() {
    let mock = Mock::start_with(|config| config.mail.reply_signature = ReplySignature::Off).await;
    let client = mock.account_with(client_rights()).await;
    let ordered = order(&client).await;
    ordered.start(&client).await;
    receive(&mock, &ordered.reply(&client).unsigned()).await.unwrap();
    assert_eq!(ordered.status(&client).await, "valid");
}

#[tokio::test]
async fn s155_a_dns_that_fails_is_no_verdict() {
    let mock = Mock::start().await;
    let signer = Signer::publish(&mock, "example.test");
    let client = mock.account_with(client_rights()).await;
    let ordered = order(&client).await;
    ordered.start(&client).await;
    let mail = signer.sign(&ordered.reply(&client));
    let name = "test._domainkey.example.test";
    mock.handle.dns_table().fail(name, DnsFailure::ServFail).unwrap();
    let refused = receive(&mock, &mail).await.unwrap_err();
    assert!(refused.is_temporary(), "{refused:?}");
    assert_eq!(ordered.status(&client).await, "pending");

    mock.handle.dns_table().clear(name).unwrap();
    let refused = receive(&mock, &mail).await.unwrap_err();
    assert!(!refused.is_temporary(), "without a key it is not authentic: {refused:?}");
}

/// A challenge that waits for its mail, in a server that lives as long as the tests, and a mail that would do.
struct Waiting {
    runtime: tokio::runtime::Runtime,
    mock: Mock,
    mail: String,
    /// Where the signature's own value stands, up to its CRLF: changes there can leave the decoded bytes as they are.
    value: std::ops::Range<usize>,
}

fn waiting() -> &'static Waiting {
    static WAITING: OnceLock<Waiting> = OnceLock::new();
    WAITING.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let (mock, mail) = runtime.block_on(async {
            let mock = Mock::start().await;
            let signer = Signer::publish(&mock, "example.test");
            let client = mock.account_with(client_rights()).await;
            let ordered = order(&client).await;
            ordered.start(&client).await;
            let mail = signer.sign(&ordered.reply(&client));
            (mock, mail)
        });
        let start = mail.find("\r\n b=").unwrap() + 5;
        let value = start..start + mail[start..].find("\r\n").unwrap() + 2;
        Waiting { runtime, mock, mail, value }
    })
}

proptest! {
    #[test]
    fn s155_no_changed_reply_counts(position in 0usize..2000, byte: u8) {
        let Waiting { runtime, mock, mail, value } = waiting();
        let position = position % mail.len();
        let mut changed = mail.clone().into_bytes();
        // A bare CR or LF can be no change: how lines end is not signed.
        prop_assume!(changed[position] != byte && !value.contains(&position) && !b"\r\n".contains(&byte));
        changed[position] = byte;
        let result = runtime.block_on(mock.handle.admin().receive_mail(&changed));
        prop_assert!(result.is_err(), "{}", String::from_utf8_lossy(&changed));
    }

    #[test]
    fn s155_no_signature_with_another_value_counts(offset in 0usize..85, replacement in "[A-Za-z0-9+/]") {
        let Waiting { runtime, mock, mail, value } = waiting();
        let position = value.start + offset;
        let mut changed = mail.clone();
        changed.replace_range(position..=position, &replacement);
        prop_assume!(changed != *mail);
        let result = runtime.block_on(mock.handle.admin().receive_mail(changed.as_bytes()));
        prop_assert!(result.is_err(), "{}", changed);
    }

    #[test]
    fn s155_garbage_is_refused(garbage in proptest::collection::vec(any::<u8>(), 0..500)) {
        let Waiting { runtime, mock, .. } = waiting();
        prop_assert!(runtime.block_on(mock.handle.admin().receive_mail(&garbage)).is_err());
    }
}
