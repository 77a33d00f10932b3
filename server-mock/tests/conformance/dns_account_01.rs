//! draft-ietf-acme-dns-account-label: dns-account-01.

use aws_lc_rs::digest::{SHA256, digest};

use crate::common::{
    Client, Mock,
    challenge::{challenge, txt_digest},
};

const NAME: &str = "www.example.test";

/// The label by long division, not by the server's way with bits.
fn label(account_url: &str) -> String {
    let digest = digest(&SHA256, account_url.as_bytes());
    let mut number =
        digest.as_ref()[..10].iter().fold(0u128, |number, byte| number * 256 + u128::from(*byte));
    let mut letters = Vec::new();
    for _ in 0..16 {
        letters.push(b"abcdefghijklmnopqrstuvwxyz234567"[(number % 32) as usize]);
        number /= 32;
    }
    letters.reverse();
    format!("_{}", String::from_utf8(letters).unwrap())
}

async fn begin(client: &Client<'_>) -> (String, String) {
    let (url, document) = client.authorization(NAME).await;
    let text = txt_digest(&client.key_authorization(&challenge(&document, "dns-account-01")));
    (url, text)
}

#[tokio::test]
async fn s172_accounts_prove_a_name_side_by_side() {
    let mock = Mock::start().await;
    let (one, two) = (mock.account().await, mock.account().await);
    assert_ne!(label(&one.kid), label(&two.kid));
    for client in [&one, &two] {
        let (url, text) = begin(client).await;
        mock.txt(&format!("{}._acme-challenge.{NAME}", label(&client.kid)), &text);
        client.expect_valid(&url, "dns-account-01").await;
    }
}

#[tokio::test]
async fn s172_only_under_the_own_label() {
    let mock = Mock::start().await;
    let (client, other) = (mock.account().await, mock.account().await);
    let (url, text) = begin(&client).await;
    mock.txt(&format!("_acme-challenge.{NAME}"), &text);
    mock.txt(&format!("{}._acme-challenge.{NAME}", label(&other.kid)), &text);
    let detail = client.expect_invalid(&url, "dns-account-01", "incorrectResponse").await;
    assert!(detail.contains(&format!("{}._acme-challenge.{NAME}", label(&client.kid))), "{detail}");
    assert!(detail.contains(&format!("of the account {})", client.kid)), "{detail}");
}

#[tokio::test]
async fn s172_for_wildcard_names_too() {
    let mock = Mock::start().await;
    let client = mock.account_with_all_names().await;
    let (url, document) = client.authorization("*.example.test").await;
    let text = txt_digest(&client.key_authorization(&challenge(&document, "dns-account-01")));
    mock.txt(&format!("{}._acme-challenge.example.test", label(&client.kid)), &text);
    client.expect_valid(&url, "dns-account-01").await;
}
