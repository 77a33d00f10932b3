//! RFC 8555 §8.4: dns-01.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use server_mock::testbed::{DnsFailure, RecordData};
use tokio::net::UdpSocket;

use crate::common::{
    Client, Mock,
    challenge::{challenge, txt_digest},
};

const NAME: &str = "www.example.test";
const RECORD: &str = "_acme-challenge.www.example.test";

/// A new authorization, and the text that proves it.
async fn begin(client: &Client<'_>, name: &str) -> (String, String) {
    let (url, document) = client.authorization(name).await;
    let text = txt_digest(&client.key_authorization(&challenge(&document, "dns-01")));
    (url, text)
}

#[tokio::test]
async fn s138_any_record_may_match() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let (url, text) = begin(&client, NAME).await;
    for other in ["", "another client's", &text[1..], &format!("{text}=")] {
        mock.txt(RECORD, other);
    }
    mock.txt(RECORD, &text);
    client.expect_valid(&url, "dns-01").await;
}

#[tokio::test]
async fn s138_strings_are_joined() {
    let strings = Strings::default();
    let resolver = serve_strings(strings.clone()).await;
    let mock = Mock::start_with(|config| config.resolver = Some(resolver)).await;
    let client = mock.account().await;
    let (url, text) = begin(&client, NAME).await;
    let (front, back) = text.split_at(20);
    *strings.lock().unwrap() = vec![front.to_owned(), String::new(), back.to_owned()];
    client.expect_valid(&url, "dns-01").await;
    // Two records are not one.
    let mock = Mock::start().await;
    let client = mock.account().await;
    let (url, text) = begin(&client, NAME).await;
    let (front, back) = text.split_at(20);
    mock.txt(RECORD, front);
    mock.txt(RECORD, back);
    client.expect_invalid(&url, "dns-01", "incorrectResponse").await;
}

type Strings = Arc<Mutex<Vec<String>>>;

/// A DNS server that knows one TXT record, of these character-strings, for every name.
async fn serve_strings(strings: Strings) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut query = [0; 512];
        loop {
            let (length, peer) = socket.recv_from(&mut query).await.unwrap();
            let strings = strings.lock().unwrap().clone();
            socket.send_to(&answer(&query[..length], &strings), peer).await.unwrap();
        }
    });
    address
}

/// RFC 1035 §4: the header, the question again and, for TXT, one record.
fn answer(query: &[u8], strings: &[String]) -> Vec<u8> {
    let question_end = 12 + query[12..].iter().position(|byte| *byte == 0).unwrap() + 5;
    let is_txt = query[question_end - 4..question_end - 2] == [0, 16];
    let mut message = query[..2].to_vec();
    message.extend([0x85, 0x80, 0, 1, 0, u8::from(is_txt), 0, 0, 0, 0]);
    message.extend(&query[12..question_end]);
    if is_txt {
        let mut data = Vec::new();
        for string in strings {
            data.push(u8::try_from(string.len()).unwrap());
            data.extend(string.as_bytes());
        }
        message.extend([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 0]);
        message.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        message.extend(data);
    }
    message
}

#[tokio::test]
async fn s138_aliases_are_followed() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let (url, text) = begin(&client, NAME).await;
    let table = mock.handle.dns_table();
    table.add(RECORD, &RecordData::Cname("one.dns.test".to_owned())).unwrap();
    table.add("one.dns.test", &RecordData::Cname("two.dns.test".to_owned())).unwrap();
    mock.txt("two.dns.test", &text);
    client.expect_valid(&url, "dns-01").await;
}

#[tokio::test]
async fn s138_wildcard_names_are_proved_at_their_base() {
    let mock = Mock::start().await;
    let client = mock.account_with_all_names().await;
    let (url, text) = begin(&client, "*.www.example.test").await;
    mock.txt(RECORD, &text);
    client.expect_valid(&url, "dns-01").await;
    assert_eq!(client.order(&["*.www.example.test"]).await.expect(201)["status"], "ready");
    assert_eq!(client.order(&[NAME]).await.expect(201)["status"], "pending");
}

#[tokio::test]
async fn s138_wrong_and_missing_records() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let (url, text) = begin(&client, NAME).await;
    let detail = client.expect_invalid(&url, "dns-01", "incorrectResponse").await;
    assert!(
        detail.contains(RECORD) && detail.contains(&text) && detail.contains("there is none"),
        "{detail}"
    );
    mock.txt(RECORD, "\u{1b}[31mwrong");
    mock.txt("_acme-challenge.example.test", &text);
    let (url, _) = begin(&client, NAME).await;
    let detail = client.expect_invalid(&url, "dns-01", "incorrectResponse").await;
    assert!(detail.contains("[31mwrong") && !detail.contains('\u{1b}'), "{detail}");
    for (failure, said) in [(DnsFailure::NxDomain, "NXDOMAIN"), (DnsFailure::ServFail, "Server Failure")] {
        mock.handle.dns_table().fail(RECORD, failure).unwrap();
        let (url, _) = begin(&client, NAME).await;
        let detail = client.expect_invalid(&url, "dns-01", "dns").await;
        assert!(detail.contains(said), "{detail}");
    }
}
