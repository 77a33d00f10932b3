//! RFC 8823 §3.2: what a reply says, and what becomes of the challenge.

use base64::Engine;
use rcgen::SanType;
use serde_json::json;
use server_mock::va::mail::MailRefused;

use crate::common::{
    Key, Mock, csr_params,
    email_order::{ALICE, assert_form, client_rights, order, receive},
    mail::{Reply, Signer, block},
};

#[tokio::test]
async fn s153_quoted_text_and_line_ends_around_the_digest_do_not_matter() {
    let mock = Mock::start().await;
    let signer = Signer::publish(&mock, "example.test");
    let client = mock.account_with(client_rights()).await;
    for write in [
        |digest: &str, _: &str| block(digest),
        |digest: &str, quoted: &str| format!("{}\r\nOn Monday the CA wrote:\r\n{quoted}", block(digest)),
        |digest: &str, quoted: &str| format!("{quoted}\r\nHello,\r\n\r\n{}-- \r\nAlice\r\n", block(digest)),
        |digest: &str, _: &str| block(&format!("{}\r\n{}", &digest[..20], &digest[20..])),
        |digest: &str, _: &str| block(&format!("  {digest}=  ")),
    ] {
        let ordered = order(&client).await;
        let quoted: String = ordered.mail.body.lines().map(|line| format!("> {line}\r\n")).collect();
        let body = write(&ordered.digest(&client), &quoted);
        ordered.start(&client).await;
        receive(&mock, &signer.sign(&ordered.reply(&client).with_body(body))).await.unwrap();
        assert_eq!(ordered.status(&client).await, "valid");
        client.post(&ordered.authorization, json!({"status": "deactivated"})).await.expect(200);
    }
}

#[tokio::test]
async fn s153_without_exactly_one_block_it_is_no_answer() {
    let mock = Mock::start().await;
    let signer = Signer::publish(&mock, "example.test");
    let client = mock.account_with(client_rights()).await;
    let ordered = order(&client).await;
    ordered.start(&client).await;
    let digest = ordered.digest(&client);
    let quoted: String = block(&digest).lines().map(|line| format!("> {line}\r\n")).collect();
    let open = format!("-----BEGIN ACME RESPONSE-----\r\n{digest}\r\n");
    for body in ["I am on holiday.\r\n".to_owned(), quoted, open, block(&digest).repeat(2), digest.clone()] {
        assert_form(&receive(&mock, &signer.sign(&ordered.reply(&client).with_body(body))).await);
    }
    assert_eq!(ordered.status(&client).await, "pending", "none of these was the one answer that counts");
    receive(&mock, &signer.sign(&ordered.reply(&client))).await.unwrap();
    assert_eq!(ordered.status(&client).await, "valid");
}

/// Quoted-printable with soft line ends in the middle of everything.
fn quoted_printable(text: &str) -> String {
    let escaped = text.replace('=', "=3D").replace("-----", "=2D----");
    escaped
        .split("\r\n")
        .map(|line| {
            line.as_bytes().chunks(12).map(|chunk| String::from_utf8_lossy(chunk)).collect::<Vec<_>>()
        })
        .map(|chunks| chunks.join("=\r\n"))
        .collect::<Vec<_>>()
        .join("\r\n")
}

#[tokio::test]
async fn s154_text_and_alternatives_in_all_transfer_encodings() {
    let mock = Mock::start().await;
    let signer = Signer::publish(&mock, "example.test");
    let client = mock.account_with(client_rights()).await;
    let base64 = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let part = |kind: &str, encoding: &str, text: &str| {
        format!("--b\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{text}\r\n")
    };
    let html = part("text/html", "7bit", "<p>see the text</p>");
    for form in 0..5 {
        let ordered = order(&client).await;
        let (reply, text) = (ordered.reply(&client), block(&ordered.digest(&client)));
        let multipart = |parts: String| {
            let reply = reply.clone().with("Content-Type", "multipart/alternative; boundary=b");
            reply.with_body(format!("{parts}--b--\r\n"))
        };
        let reply = match form {
            0 => reply.with("Content-Transfer-Encoding", "base64").with_body(base64(&text)),
            1 => {
                reply.with("Content-Transfer-Encoding", "quoted-printable").with_body(quoted_printable(&text))
            }
            2 => multipart(part("text/plain", "7bit", &text) + &html),
            3 => multipart(html.clone() + &part("text/plain", "base64", &base64(&text))),
            _ => reply.without("Content-Type").without("Content-Transfer-Encoding").without("MIME-Version"),
        };
        receive(&mock, &signer.sign(&reply)).await.unwrap();
        ordered.start(&client).await;
        assert_eq!(ordered.status(&client).await, "valid", "form {form}");
        client.post(&ordered.authorization, json!({"status": "deactivated"})).await.expect(200);
    }
}

#[tokio::test]
async fn s154_other_types_are_no_answer() {
    let mock = Mock::start().await;
    let signer = Signer::publish(&mock, "example.test");
    let client = mock.account_with(client_rights()).await;
    let ordered = order(&client).await;
    ordered.start(&client).await;
    let text = block(&ordered.digest(&client));
    let part = |kind: &str| format!("--b\r\nContent-Type: {kind}\r\n\r\n{text}\r\n--b--\r\n");
    for (kind, body) in [
        ("text/html", text.clone()),
        ("application/octet-stream", text.clone()),
        ("multipart/mixed; boundary=b", part("text/plain")),
        // S/MIME (RFC 8551) proves no reply here.
        ("multipart/signed; protocol=\"application/pkcs7-signature\"; boundary=b", part("text/plain")),
        ("application/pkcs7-mime; smime-type=signed-data", text.clone()),
        ("multipart/alternative; boundary=b", part("text/html")),
        (
            "multipart/alternative; boundary=b",
            format!("{}{}", part("text/plain"), part("text/plain")).replacen("--b--\r\n", "", 1),
        ),
    ] {
        let reply = ordered.reply(&client).with("Content-Type", kind).with_body(body);
        assert_form(&receive(&mock, &signer.sign(&reply)).await);
    }
    assert_eq!(ordered.status(&client).await, "pending");
}

#[tokio::test]
async fn s156_mail_from_lists_is_refused() {
    let mock = Mock::start().await;
    let signer = Signer::publish(&mock, "example.test");
    let client = mock.account_with(client_rights()).await;
    let ordered = order(&client).await;
    ordered.start(&client).await;
    for name in ["List-Id", "List-Unsubscribe", "list-post", "List-Anything"] {
        let reply = ordered.reply(&client).with(name, "<list.example.test>");
        assert_form(&receive(&mock, &signer.sign(&reply)).await);
    }
    assert_eq!(ordered.status(&client).await, "pending");
}

#[tokio::test]
async fn s157_it_takes_mail_and_post_in_either_order() {
    let mock = Mock::start().await;
    let signer = Signer::publish(&mock, "example.test");
    let client = mock.account_with(client_rights()).await;

    let mail_first = order(&client).await;
    receive(&mock, &signer.sign(&mail_first.reply(&client))).await.unwrap();
    assert_eq!(mail_first.status(&client).await, "pending", "the client has not said that it is ready");
    assert_eq!(mail_first.challenge(&client).await["status"], "pending");
    assert_eq!(mail_first.start(&client).await["status"], "valid");
    assert_eq!(mail_first.status(&client).await, "valid");
    assert_eq!(client.read(&mail_first.order).await.expect(200)["status"], "ready");
    client.post(&mail_first.authorization, json!({"status": "deactivated"})).await.expect(200);

    let post_first = order(&client).await;
    assert_eq!(post_first.start(&client).await["status"], "processing");
    assert_eq!(post_first.status(&client).await, "pending", "there is no mail yet");
    receive(&mock, &signer.sign(&post_first.reply(&client))).await.unwrap();
    let challenge = post_first.challenge(&client).await;
    assert_eq!(challenge["status"], "valid");
    assert!(challenge["validated"].is_string());
    assert_eq!(client.read(&post_first.order).await.expect(200)["status"], "ready");
}

#[tokio::test]
async fn s177_what_issuemail_forbids_is_not_issued() {
    let mock = Mock::start().await;
    let signer = Signer::publish(&mock, "example.test");
    let client = mock.account_with(client_rights()).await;
    let ordered = order(&client).await;
    receive(&mock, &signer.sign(&ordered.reply(&client))).await.unwrap();
    ordered.start(&client).await;

    let mut params = csr_params(&[]);
    params.subject_alt_names = vec![SanType::Rfc822Name(ALICE.try_into().unwrap())];
    let key = Key::es256().for_csr();
    let csr = params.serialize_request(&key).unwrap().der().to_vec();
    let document = client.read(&ordered.order).await.expect(200);
    mock.caa("example.test", "issuemail", ";");
    client.finalize(&document, &csr).await.expect_problem(403, "caa");
    mock.caa("example.test", "issuemail", "cacert.org; validationmethods=email-reply-00");
    client.finalize(&document, &csr).await.expect(200);
    assert_eq!(client.settle(&ordered.order, &["processing"]).await["status"], "valid");
}

#[tokio::test]
async fn s158_a_replayed_or_wrong_digest_makes_the_challenge_invalid() {
    let mock = Mock::start().await;
    let signer = Signer::publish(&mock, "example.test");
    let client = mock.account_with(client_rights()).await;
    let other = mock.account_with(client_rights()).await;
    let earlier = order(&client).await;
    let replayed = earlier.digest(&client);
    for mail_first in [true, false] {
        for digest in [replayed.clone(), order(&client).await.digest(&other), String::new()] {
            let ordered = order(&client).await;
            let mail = signer.sign(&Reply::new(&ordered.mail, &digest));
            if mail_first {
                receive(&mock, &mail).await.unwrap();
                ordered.start(&client).await;
            } else {
                ordered.start(&client).await;
                receive(&mock, &mail).await.unwrap();
            }
            let challenge = ordered.challenge(&client).await;
            assert_eq!(challenge["status"], "invalid");
            assert_eq!(challenge["error"]["type"], "urn:ietf:params:acme:error:incorrectResponse");
            assert_eq!(client.read(&ordered.order).await.expect(200)["status"], "invalid");
            // Only one answer counts: the right one is late.
            let late = receive(&mock, &signer.sign(&ordered.reply(&client))).await;
            assert!(matches!(late, Err(MailRefused::Pointless(_))), "{late:?}");
            assert_eq!(ordered.status(&client).await, "invalid");
        }
    }
}

#[tokio::test]
async fn s158_the_same_mail_twice_changes_nothing() {
    let mock = Mock::start().await;
    let signer = Signer::publish(&mock, "example.test");
    let client = mock.account_with(client_rights()).await;
    let ordered = order(&client).await;
    let mail = signer.sign(&ordered.reply(&client));
    receive(&mock, &mail).await.unwrap();
    receive(&mock, &mail).await.unwrap_err();
    ordered.start(&client).await;
    receive(&mock, &mail).await.unwrap_err();
    assert_eq!(ordered.status(&client).await, "valid");

    client.post(&ordered.authorization, json!({"status": "deactivated"})).await.expect(200);
    receive(&mock, &mail).await.unwrap_err();
    assert_eq!(ordered.status(&client).await, "deactivated");
}
