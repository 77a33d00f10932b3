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
async fn s155_signatures_as_most_providers_make_them() {
    let mock = Mock::start().await;
    let signer = Signer::publish_rsa(&mock, "example.test");
    let client = mock.account_with(client_rights()).await;
    let ordered = order(&client).await;
    ordered.start(&client).await;
    let reply = ordered.reply(&client);
    let lower_case: Vec<String> = COVERED.iter().map(|name| name.to_ascii_lowercase()).collect();
    let lower_case: Vec<&str> = lower_case.iter().map(String::as_str).collect();
    let signed = signer.sign_fields(&reply, &lower_case, "");
    for changed in [
        signed.replace("reply-1", "reply-2"),
        signed.replace("END ACME RESPONSE-----\r\n", "END ACME RESPONSE-----\r\nPS\r\n"),
        format!("Sender: mallory@evil.test\r\n{signed}"),
        signer.sign_fields(&reply, &lower_case[1..], ""),
    ] {
        assert_signature(&receive(&mock, &changed).await);
    }
    // What servers on the way do: other folds, other case of names, white space at the ends.
    let relayed = signed
        .replace("Subject: Re: ", "SUBJECT:   Re:\r\n\t")
        .replace("Date: ", "date:")
        .replace("RESPONSE-----\r\n", "RESPONSE-----  \r\n");
    assert_ne!(relayed, signed);
    receive(&mock, &format!("Received: from x by y; Tue, 01 Jan 2030 10:00:01 +0000\r\n{relayed}\r\n\r\n"))
        .await
        .unwrap();
    assert_eq!(ordered.status(&client).await, "valid");
}

#[tokio::test]
async fn s155_rsa_sha1_proves_nothing() {
    let mock = Mock::start().await;
    // Signed by OpenSSL: the library here does not sign so any more. The signature is looked at before the token.
    mock.txt("old._domainkey.example.test", include_str!("rfc8823_3_2_dkim/rsa_sha1.txt").trim_end());
    let mail = include_str!("rfc8823_3_2_dkim/rsa_sha1.eml").replace('\n', "\r\n");
    let refused = receive(&mock, &mail).await;
    assert_signature(&refused);
    assert!(refused.unwrap_err().to_string().contains("rsa-sha1"), "it is right, but for its algorithm");
}

#[tokio::test]
async fn s155_fields_that_a_lenient_parser_alone_sees_are_refused() {
    let mock = Mock::start().await;
    let signer = Signer::publish(&mock, "example.test");
    let client = mock.account_with(client_rights()).await;
    let ordered = order(&client).await;
    ordered.start(&client).await;
    // A mail about something else, signed: what makes it a reply was put in on the way.
    let harmless = ordered.reply(&client).with("Subject", "Hello").without("Content-Type");
    let subject = format!("Re: {}", ordered.mail.field("Subject"));
    for name in ["Sub ject", "Subject ", "Subject\t", ":Subject", " Subject", "Sub\u{a0}ject"] {
        for reply in [&harmless, &harmless.clone().without("Subject")] {
            let signed = signer.sign(reply);
            let line = format!("{name}: {subject}\r\n");
            receive(&mock, &format!("{line}{signed}")).await.unwrap_err();
            receive(&mock, &signed.replacen("\r\n\r\n", &format!("\r\n{line}\r\n"), 1)).await.unwrap_err();
        }
    }
    let signed = signer.sign(&ordered.reply(&client).without("From"));
    for name in ["Fr om", "From ", ":From"] {
        assert_form(&receive(&mock, &format!("{name}: alice@example.test\r\n{signed}")).await);
    }
    assert_eq!(ordered.status(&client).await, "pending");
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

    /// A line put in between two fields, which says something about one that counts, or nearly so.
    #[test]
    fn s155_no_reply_with_another_line_counts(
        line in 0usize..20,
        name in proptest::sample::select(COVERED),
        lower_case: bool,
        position in 0usize..30,
        inserted in "[ \t:;\u{0}\u{b}\r\u{7f}\u{a0}]{0,2}",
        value in "[ -~]{0,30}",
    ) {
        let Waiting { runtime, mock, mail, .. } = waiting();
        let mut name = if lower_case { name.to_ascii_lowercase() } else { name.to_owned() };
        name.insert_str(position % (name.len() + 1), &inserted);
        // A field with a name of its own says nothing about others.
        let field = name.split(':').next().unwrap_or_default();
        let own = !field.is_empty() && field.bytes().all(|byte| byte.is_ascii_graphic());
        prop_assume!(!own || COVERED.iter().any(|covered| covered.eq_ignore_ascii_case(field)));
        let header = mail.find("\r\n\r\n").unwrap() + 2;
        let starts = mail[..header].match_indices("\r\n").map(|(at, _)| at + 2);
        let starts: Vec<usize> = std::iter::once(0).chain(starts).collect();
        let mut changed = mail.clone();
        changed.insert_str(starts[line % starts.len()], &format!("{name}: {value}\r\n"));
        let result = runtime.block_on(mock.handle.admin().receive_mail(changed.as_bytes()));
        prop_assert!(result.is_err(), "{:?}", changed);
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
