//! RFC 8555 §6.1 and §6.3: encodings, POST-as-GET.

use base64::{
    Engine,
    engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD},
};
use serde_json::json;

use crate::common::{Key, Mock, certificates, csr, endpoints::Endpoints, http_01};

/// The text with white space behind it, until its encoding ends with padding.
fn padded(text: &str) -> String {
    let mut text = text.to_owned();
    while text.len().is_multiple_of(3) {
        text.push(' ');
    }
    URL_SAFE.encode(text)
}

#[tokio::test]
async fn s021_padded_base64url() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let url = mock.url("newOrder");
    let payload = json!({"identifiers": [{"type": "dns", "value": "www.example.test"}]}).to_string();
    // Signed as they are sent: nothing is wrong but the padding.
    let without = |text: String| text.trim_end_matches('=').to_owned();
    for [pad_header, pad_payload] in [[false, false], [true, false], [false, true]] {
        let protected = padded(&client.protected(&url).await.to_string());
        let protected = if pad_header { protected } else { without(protected) };
        let payload = if pad_payload { padded(&payload) } else { without(padded(&payload)) };
        let answer = mock.post(&url, &client.key.jws_encoded(&protected, &payload)).await;
        match (pad_header, pad_payload) {
            (false, false) => drop(answer.expect(201)),
            (true, _) => drop(answer.expect_said(400, "malformed", "`protected` is not base64url")),
            (_, true) => drop(answer.expect_said(400, "malformed", "`payload` is not base64url")),
        }
    }
    let mut jws = client.key.jws(&client.protected(&url).await, &payload);
    let signature = URL_SAFE_NO_PAD.decode(jws["signature"].as_str().unwrap()).unwrap();
    jws["signature"] = URL_SAFE.encode(signature).into();
    assert!(jws["signature"].as_str().unwrap().ends_with('='));
    mock.post(&url, &jws).await.expect_said(400, "malformed", "`signature` is not base64url");
}

#[tokio::test]
async fn s021_padded_csr_and_certificate() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let names = ["www.example.test"];
    let (_, order) = client.ready_order(&names).await;
    // As many bytes as need padding.
    let csr = std::iter::repeat_with(|| csr(&names, &Key::es256().for_csr()));
    let csr = csr.into_iter().find(|csr| !csr.len().is_multiple_of(3)).unwrap();
    let answer =
        client.post(order["finalize"].as_str().unwrap(), json!({"csr": URL_SAFE.encode(&csr)})).await;
    answer.expect_said(400, "malformed", "`csr` is not base64url");
    client.finalize(&order, &csr).await.expect(200);

    let certificate = loop {
        let certificate = certificates(&client.issue(&names, &Key::es256()).await.1).remove(0);
        if !certificate.len().is_multiple_of(3) {
            break certificate;
        }
    };
    let revoke = async |certificate: String| {
        client.post(&mock.url("revokeCert"), json!({"certificate": certificate})).await
    };
    let answer = revoke(URL_SAFE.encode(&certificate)).await;
    answer.expect_said(400, "malformed", "`certificate` is not base64url");
    revoke(URL_SAFE_NO_PAD.encode(&certificate)).await.expect(200);
}

#[tokio::test]
async fn s022_get_is_not_allowed() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let (order, _) = client.issue(&["www.example.test"], &Key::es256()).await;
    let authorization = order["authorizations"][0].as_str().unwrap();
    let challenge = http_01(&client.read(authorization).await.json())["url"].as_str().unwrap().to_owned();
    let order_url = order["finalize"].as_str().unwrap().trim_end_matches("/finalize");
    let certificate = order["certificate"].as_str().unwrap();
    let urls =
        [&client.kid, order_url, authorization, &challenge, certificate, order["finalize"].as_str().unwrap()];
    for url in urls {
        mock.get(url).await.expect_problem(405, "malformed");
    }
}

#[tokio::test]
async fn s023_directory_and_nonces_by_get_and_post() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    for (url, status) in [(mock.handle.directory_url(), 200), (mock.url("newNonce"), 204)] {
        mock.get(&url).await.expect(status);
        client.read(&url).await.expect(status);
        client.post(&url, json!({})).await.expect_problem(400, "malformed");
    }
}

#[tokio::test]
async fn s024_a_foreign_account_reads_nothing() {
    let mock = Mock::start_with(|config| config.alternate_root = true).await;
    let client = mock.account().await;
    let stranger = mock.account().await;
    let endpoints = Endpoints::of(&client).await;
    for endpoint in endpoints.list.iter().filter(|endpoint| endpoint.owned) {
        let refused = endpoint.ask(&stranger).await;
        assert_eq!(refused.status, 403, "{}: {refused:?}", endpoint.name);
        refused.expect_problem(403, "unauthorized");
        // Nothing else was wrong with it, and nothing has happened.
        assert_eq!(endpoint.ask(&client).await.status, 200, "{}", endpoint.name);
    }
}

#[tokio::test]
async fn s025_an_object_where_post_as_get_is_required() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let (order, _) = client.issue(&["www.example.test"], &Key::es256()).await;
    let order_url = order["finalize"].as_str().unwrap().trim_end_matches("/finalize");
    let authorization = order["authorizations"][0].as_str().unwrap();
    let orders = format!("{}/orders", client.kid);
    for url in [order_url, authorization, order["certificate"].as_str().unwrap(), &orders] {
        client.post(url, json!({})).await.expect_said(400, "malformed", "POST-as-GET");
    }
}
