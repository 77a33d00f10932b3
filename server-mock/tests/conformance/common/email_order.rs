//! Orders for e-mail addresses, with the mail that comes of them.

use std::time::{Duration, Instant};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use server_mock::{model::Rights, va::mail::MailRefused};

use super::{
    Client, Mock,
    mail::{Received, Reply, response_digest},
};

pub(crate) const ALICE: &str = "alice@example.test";

/// Client certificates for all addresses of the owner.
pub(crate) fn client_rights() -> Rights {
    Rights { client: true, ..Rights::default() }
}

/// One authorization for Alice's address, its challenge and its mail.
pub(crate) struct Ordered {
    pub(crate) order: String,
    pub(crate) authorization: String,
    pub(crate) challenge: Value,
    pub(crate) mail: Received,
}

impl Ordered {
    /// The right digest of the account.
    pub(crate) fn digest(&self, client: &Client<'_>) -> String {
        let token = self.challenge["token"].as_str().unwrap();
        response_digest(&self.mail.token_part1(), token, &client.key.thumbprint())
    }

    /// The right reply.
    pub(crate) fn reply(&self, client: &Client<'_>) -> Reply {
        Reply::new(&self.mail, &self.digest(client))
    }

    /// Says that the client is ready; gives the challenge.
    pub(crate) async fn start(&self, client: &Client<'_>) -> Value {
        client.post(self.challenge["url"].as_str().unwrap(), json!({})).await.expect(200)
    }

    pub(crate) async fn status(&self, client: &Client<'_>) -> String {
        client.read(&self.authorization).await.expect(200)["status"].as_str().unwrap().to_owned()
    }

    /// The one challenge as it stands.
    pub(crate) async fn challenge(&self, client: &Client<'_>) -> Value {
        client.read(&self.authorization).await.expect(200)["challenges"][0].clone()
    }
}

pub(crate) async fn order(client: &Client<'_>) -> Ordered {
    let identifiers = json!([{"type": "email", "value": ALICE}]);
    let seen = client.mock.handle.admin().outgoing_mail().len();
    let answer = client.post(&client.mock.url("newOrder"), json!({"identifiers": identifiers})).await;
    let authorization = answer.expect(201)["authorizations"][0].as_str().unwrap().to_owned();
    let document = client.read(&authorization).await.expect(200);
    let challenge = document["challenges"][0].clone();
    Ordered { order: answer.location(), authorization, challenge, mail: mail_after(client.mock, seen).await }
}

/// The challenge mail that comes after the first ones.
pub(crate) async fn mail_after(mock: &Mock, seen: usize) -> Received {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(mail) = mock.handle.admin().outgoing_mail().get(seen) {
            return Received::parse(&mail.message);
        }
        assert!(Instant::now() < deadline, "no challenge mail");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) async fn receive(mock: &Mock, mail: &str) -> Result<(), MailRefused> {
    mock.handle.admin().receive_mail(mail.as_bytes()).await
}

/// Fails unless the mail is refused for its form.
#[track_caller]
pub(crate) fn assert_form(result: &Result<(), MailRefused>) {
    assert!(matches!(result, Err(MailRefused::Form(_))), "{result:?}");
}

/// Fails unless the mail is refused for its signature.
#[track_caller]
pub(crate) fn assert_signature(result: &Result<(), MailRefused>) {
    assert!(matches!(result, Err(MailRefused::Signature(_))), "{result:?}");
}

pub(crate) fn bytes_of(token: &Value) -> usize {
    URL_SAFE_NO_PAD.decode(token.as_str().unwrap()).unwrap().len()
}
