//! RFC 8555 §7.4.2: chains and forms of certificates.

use serde_json::Value;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::common::{Answer, Client, Key, Mock, certificates};

const NAME: &str = "www.example.test";

async fn accepting(client: &Client<'_>, url: &str, accept: &str) -> Answer {
    let body = client.key.jws(&client.protected(url).await, "");
    let request = client.mock.http.post(url).header("Content-Type", "application/jose+json");
    let response = request.header("Accept", accept).body(body.to_string()).send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer { status, headers, body: response.bytes().await.unwrap().to_vec() }
}

fn url(order: &Value) -> &str {
    order["certificate"].as_str().unwrap()
}

#[tokio::test]
async fn s118_the_alternate_chain_has_the_same_leaf() {
    let mock = Mock::start_with(|config| config.alternate_root = true).await;
    let client = mock.account().await;
    let (order, chain) = client.issue(&[NAME], &Key::es256()).await;
    let first = client.read(url(&order)).await;
    let alternate = first.link("alternate").unwrap();
    let other = client.read(&alternate).await;
    other.expect(200);
    assert_eq!(other.link("alternate").as_deref(), Some(url(&order)));

    let (chain, other) = (certificates(&chain), certificates(std::str::from_utf8(&other.body).unwrap()));
    assert_eq!((chain.len(), other.len()), (2, 2));
    assert_eq!(chain[0], other[0]);
    let [one, two] = [&chain[1], &other[1]].map(|der| X509Certificate::from_der(der).unwrap().1);
    assert_eq!((one.subject(), one.public_key()), (two.subject(), two.public_key()));
    assert_ne!(one.issuer(), two.issuer());
    // The root of the other chain is where its intermediate says, and is no secret.
    let root = mock.get(&format!("{}/ca/alternate-root.der", mock.handle.admin_url())).await;
    let root = X509Certificate::from_der(&root.body).unwrap().1;
    two.verify_signature(Some(root.public_key())).unwrap();

    let stranger = mock.account().await;
    stranger.read(&alternate).await.expect_problem(403, "unauthorized");
}

#[tokio::test]
async fn s118_without_another_root_there_is_one_chain() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let (order, _) = client.issue(&[NAME], &Key::es256()).await;
    assert_eq!(client.read(url(&order)).await.link("alternate"), None);
    client.read(&format!("{}/alternate", url(&order))).await.expect_problem(404, "malformed");
    let root = mock.get(&format!("{}/ca/alternate-root.der", mock.handle.admin_url())).await;
    assert_eq!(root.status, 404);
}

#[tokio::test]
async fn s119_der_with_a_link_to_the_issuer_for_who_prefers_it() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let (order, chain) = client.issue(&[NAME], &Key::es256()).await;
    for accept in ["application/pkix-cert", "application/pkix-cert, application/pem-certificate-chain;q=0.5"]
    {
        let answer = accepting(&client, url(&order), accept).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/pkix-cert")));
        assert_eq!(answer.body, certificates(&chain)[0]);
        let issuer = mock.get(&answer.link("up").unwrap()).await;
        assert_eq!(issuer.body, certificates(&chain)[1]);
    }
    for accept in
        ["application/pem-certificate-chain", "*/*", "text/html", "application/pkix-cert;q=0.1, */*"]
    {
        let answer = accepting(&client, url(&order), accept).await;
        assert_eq!(answer.header("content-type"), Some("application/pem-certificate-chain"), "{accept}");
        assert_eq!(answer.body, chain.as_bytes());
        assert_eq!(answer.link("up"), None);
    }
}
