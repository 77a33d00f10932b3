//! RFC 8555 §6.1 and §6.3: encodings, POST-as-GET.

use base64::{Engine, engine::general_purpose::URL_SAFE};
use serde_json::json;

use crate::common::{Key, Mock, certificates, csr, http_01};

#[tokio::test]
async fn s021_padded_base64url() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let url = mock.url("newOrder");
    for member in ["protected", "payload", "signature"] {
        let protected = client.protected(&url).await;
        let mut jws = client.key.jws(&protected, "{}");
        jws[member] = format!("{}=", jws[member].as_str().unwrap()).into();
        mock.post(&url, &jws).await.expect_problem(400, "malformed");
    }
    let (_, order) = client.ready_order(&["www.example.test"]).await;
    let names = ["www.example.test"];
    // As many bytes as need padding.
    let padded = std::iter::repeat_with(|| URL_SAFE.encode(csr(&names, &Key::es256().for_csr())))
        .find(|text| text.ends_with('='))
        .unwrap();
    let finalize = order["finalize"].as_str().unwrap();
    client.post(finalize, json!({"csr": padded})).await.expect_problem(400, "malformed");
    let (_, chain) = client.issue(&names, &Key::es256()).await;
    let certificate =
        format!("{}=", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&certificates(&chain)[0]));
    let answer = client.post(&mock.url("revokeCert"), json!({"certificate": certificate})).await;
    answer.expect_problem(400, "malformed");
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
    let mock = Mock::start().await;
    let client = mock.account().await;
    let (order, _) = client.issue(&["www.example.test"], &Key::es256()).await;
    let authorization = order["authorizations"][0].as_str().unwrap();
    let challenge = http_01(&client.read(authorization).await.json())["url"].as_str().unwrap().to_owned();
    let order_url = order["finalize"].as_str().unwrap().trim_end_matches("/finalize");
    let orders = format!("{}/orders", client.kid);
    let stranger = mock.account().await;
    for url in [order_url, authorization, &challenge, order["certificate"].as_str().unwrap(), &orders] {
        client.read(url).await.expect(200);
        stranger.read(url).await.expect_problem(403, "unauthorized");
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
        client.post(url, json!({})).await.expect_problem(400, "malformed");
    }
}
