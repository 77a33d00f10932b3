//! With a seed, two runs with the same requests give the same answers, keys aside.

use std::sync::Arc;

use serde_json::{Value, json};
use server_mock::{Config, admin::EabCredentials, clock::ManualClock, model::Rights};
use time::macros::datetime;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::common::{Answer, Client, Key, Mock, certificates, csr, http_01};

const NAME: &str = "www.example.test";

/// Everything that an answer says, but for signatures: ECDSA's are different each time.
fn told(answer: &Answer) -> Value {
    let mut headers: Vec<(String, String)> = answer
        .headers
        .iter()
        .filter(|(name, _)| *name != "date")
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    headers.sort();
    let text = String::from_utf8(answer.body.clone()).unwrap();
    let body = match answer.header("content-type") {
        Some("application/pem-certificate-chain") => {
            let tbs = |der: Vec<u8>| {
                let certificate = X509Certificate::from_der(&der).unwrap().1;
                json!(certificate.tbs_certificate.as_ref())
            };
            // Content-Length follows the length of the signatures.
            headers.retain(|(name, _)| name != "content-length");
            certificates(&text).into_iter().map(tbs).collect()
        }
        _ => json!(text),
    };
    json!({"status": answer.status, "headers": headers, "body": body})
}

/// One run: the answers to the same requests, by the same keys, to a server at the same addresses.
async fn run(config: &Config, keys: [Key; 2], csr: &[u8]) -> (Config, Vec<Value>) {
    let clock = Arc::new(ManualClock::new(datetime!(2030-01-01 00:00 UTC)));
    let chosen = config.clone();
    let mock = Mock::start_on_with(&clock, |config| {
        let http_port = config.http_port;
        *config = Config { http_port, seed: Some(7), ..chosen };
    })
    .await;
    let mut answers = vec![json!(mock.directory)];
    let [key, successor] = keys;
    let mut client = Client::new(&mock, key);
    let EabCredentials { kid, hmac_key } = mock.eab_key(Rights::default());
    answers.extend([json!(kid), json!(hmac_key)]);
    let registered = client.register(&EabCredentials { kid, hmac_key }).await;
    let order = client.order(&[NAME]).await;
    let url = order.json()["authorizations"][0].as_str().unwrap().to_owned();
    let authorization = client.read(&url).await;
    let challenge = http_01(&authorization.json());
    client.answer(&challenge);
    let begun = client.post(challenge["url"].as_str().unwrap(), json!({})).await;
    // Asking over the wire would take as many nonces as there are questions.
    wait_until_valid(&mock).await;
    let finalized = client.finalize(&order.json(), csr).await;
    let chain = client.read(finalized.json()["certificate"].as_str().unwrap()).await;
    let refused = client.order(&["-.test"]).await;
    let head = json!({"alg": successor.algorithm, "jwk": successor.jwk(), "url": mock.url("keyChange")});
    let payload = json!({"account": client.kid, "oldKey": client.key.jwk()}).to_string();
    let changed = client.post(&mock.url("keyChange"), successor.jws(&head, &payload)).await;
    for answer in [registered, order, authorization, begun, finalized, chain, refused, changed] {
        answers.push(told(&answer));
    }
    for path in ["owners", "eab-keys", "acme-accounts"] {
        answers.push(mock.api("GET", path, &Value::Null).await.1);
    }
    let address = |url: &str| url.split('/').nth(2).unwrap().parse().unwrap();
    let config = Config {
        acme: address(&mock.handle.directory_url()),
        admin: address(mock.handle.admin_url()),
        dns: mock.handle.dns_addr(),
        ..config.clone()
    };
    drop(client);
    mock.handle.shutdown().await;
    (config, answers)
}

async fn wait_until_valid(mock: &Mock) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    let ready = || {
        mock.handle.services().store.with(|model| {
            let account = model.accounts().next().unwrap();
            let order = model.order(&account.orders[0], &account.id).unwrap();
            let now = datetime!(2030-01-01 00:00 UTC);
            model.order_status(order, now).0 == server_mock::model::OrderStatus::Ready
        })
    };
    while !ready() {
        assert!(std::time::Instant::now() < deadline);
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_seed_makes_whole_answers_repeat() {
    let csr = csr(&[NAME], &rcgen::KeyPair::generate().unwrap());
    let (first, second) = (Key::ed25519(), Key::ed25519());
    let keys = || [first.again(), second.again()];
    let (config, one) = run(&Config::ephemeral(), keys(), &csr).await;
    let (_, two) = run(&config, keys(), &csr).await;
    assert_eq!(one.len(), two.len());
    for (one, two) in one.iter().zip(&two) {
        assert_eq!(one, two);
    }
}
