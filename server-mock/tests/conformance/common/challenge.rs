//! Challenges of every type: finding them, answering them, and awaiting the verdict.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use server_mock::{model::Rights, testbed::RecordData};

use super::{Client, Mock};

/// The challenge of this type in an authorization.
#[track_caller]
pub(crate) fn challenge(authorization: &Value, kind: &str) -> Value {
    let challenges = authorization["challenges"].as_array().unwrap();
    let found = challenges.iter().find(|challenge| challenge["type"] == kind);
    found.unwrap_or_else(|| panic!("no {kind} in {authorization}")).clone()
}

/// The types of the challenges that are offered, sorted.
pub(crate) fn offered(authorization: &Value) -> Vec<&str> {
    let challenges = authorization["challenges"].as_array().unwrap();
    let mut kinds: Vec<&str> = challenges.iter().map(|own| own["type"].as_str().unwrap()).collect();
    kinds.sort_unstable();
    kinds
}

/// The text that dns-01 and dns-account-01 want to see.
pub(crate) fn txt_digest(key_authorization: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, key_authorization.as_bytes()))
}

impl Mock {
    /// A client that may order everything below `example.test`, wildcard names and the addresses of this machine.
    pub(crate) async fn account_with_all_names(&self) -> Client<'_> {
        let rights: Result<Rights, _> = serde_json::from_value(json!({"names": [
            {"dns": "example.test", "subdomains": true, "wildcard": true}, {"ip": "127.0.0.1"}, {"ip": "::1"},
        ]}));
        self.account_with(rights.unwrap()).await
    }

    /// Adds a TXT record to the built-in DNS.
    pub(crate) fn txt(&self, name: &str, text: &str) {
        self.handle.dns_table().add(name, &RecordData::Txt(text.to_owned())).unwrap();
    }

    /// Adds a CAA record to the built-in DNS.
    pub(crate) fn caa(&self, name: &str, tag: &str, value: &str) {
        let caa = RecordData::Caa { flags: 0, tag: tag.to_owned(), value: value.to_owned() };
        self.handle.dns_table().add(name, &caa).unwrap();
    }
}

impl Client<'_> {
    /// Orders one identifier; gives the URL and the document of its authorization.
    pub(crate) async fn authorization_for(&self, identifier: Value) -> (String, Value) {
        let payload = json!({"identifiers": [identifier]});
        let order = self.post(&self.mock.url("newOrder"), payload).await.expect(201);
        let url = order["authorizations"][0].as_str().unwrap().to_owned();
        let document = self.read(&url).await.expect(200);
        (url, document)
    }

    /// The same for a DNS name.
    pub(crate) async fn authorization(&self, name: &str) -> (String, Value) {
        self.authorization_for(json!({"type": "dns", "value": name})).await
    }

    /// What the client must show.
    pub(crate) fn key_authorization(&self, challenge: &Value) -> String {
        format!("{}.{}", challenge["token"].as_str().unwrap(), self.key.thumbprint())
    }

    /// Starts the challenge of this type, and gives it with its verdict.
    pub(crate) async fn attempt(&self, authorization: &str, kind: &str) -> Value {
        let document = self.read(authorization).await.expect(200);
        let url = challenge(&document, kind)["url"].as_str().unwrap().to_owned();
        self.post(&url, json!({})).await.expect(200);
        challenge(&self.settle(authorization, &["pending"]).await, kind)
    }

    /// Starts the challenge; fails unless it becomes valid.
    pub(crate) async fn expect_valid(&self, authorization: &str, kind: &str) {
        let verdict = self.attempt(authorization, kind).await;
        assert_eq!(verdict["status"], "valid", "{verdict}");
    }

    /// Starts the challenge; fails unless it fails with this error. Gives what people are told.
    pub(crate) async fn expect_invalid(&self, authorization: &str, kind: &str, error: &str) -> String {
        let verdict = self.attempt(authorization, kind).await;
        assert_eq!(verdict["status"], "invalid", "{verdict}");
        let wanted = format!("urn:ietf:params:acme:error:{error}");
        assert_eq!(verdict["error"]["type"], wanted, "{verdict}");
        verdict["error"]["detail"].as_str().unwrap().to_owned()
    }
}
