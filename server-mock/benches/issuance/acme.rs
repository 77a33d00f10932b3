//! Signed requests (RFC 8555 §6), as cheap as they can be made: the generator shares the machine with the server.

use std::sync::Arc;

use aws_lc_rs::{
    digest::{SHA256, digest},
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hyper::Method;
use serde::Deserialize;

use crate::{
    connection::{Answer, Connection, Endpoint, nonce},
    failure::Failure,
};

const CONTENT_TYPE: &str = "application/jose+json";
/// How often a request is signed anew because its nonce was refused.
const NONCE_ATTEMPTS: usize = 5;

/// A P-256 key with what is sent of it.
pub(crate) struct AccountKey {
    pair: EcdsaKeyPair,
    jwk: String,
    /// RFC 7638.
    pub(crate) thumbprint: String,
}

impl AccountKey {
    /// A new key.
    pub(crate) fn generate() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("P-256 is there");
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        let jwk = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, jwk.as_bytes()));
        Self { pair, jwk, thumbprint }
    }

    fn sign(&self, message: &str) -> Vec<u8> {
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes());
        signature.expect("the system has a random generator").as_ref().to_vec()
    }
}

/// Where a server's resources are (RFC 8555 §7.1.1).
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Directory {
    pub(crate) new_nonce: String,
    pub(crate) new_account: String,
    pub(crate) new_order: String,
}

impl Directory {
    /// Asks for it.
    pub(crate) async fn fetch(endpoint: &Endpoint, path: &str) -> Result<Self, Failure> {
        let mut connection = Connection::open(endpoint.clone()).await?;
        let answer = connection.send(Method::GET, path, "", String::new()).await?;
        parse("the directory", &answer)
    }
}

/// What the owner got from the web UI.
pub(crate) struct Eab {
    pub(crate) kid: String,
    pub(crate) mac_key: Vec<u8>,
}

/// A registered account at one server, to be shared by all clients.
pub(crate) struct Account {
    pub(crate) directory: Directory,
    endpoint: Endpoint,
    key: Arc<AccountKey>,
    url: String,
}

impl Account {
    /// Registers the key, bound to an EAB key (RFC 8555 §7.3.4).
    pub(crate) async fn register(
        endpoint: Endpoint,
        directory: Directory,
        key: Arc<AccountKey>,
        eab: &Eab,
    ) -> Result<Arc<Self>, Failure> {
        let url = &directory.new_account;
        let protected = format!(r#"{{"alg":"HS256","kid":"{}","url":"{url}"}}"#, eab.kid);
        let mac_key = hmac::Key::new(hmac::HMAC_SHA256, &eab.mac_key);
        let binding = flattened(&protected, &key.jwk, |message| {
            hmac::sign(&mac_key, message.as_bytes()).as_ref().to_vec()
        });
        let payload = format!(r#"{{"termsOfServiceAgreed":true,"externalAccountBinding":{binding}}}"#);
        let nameless = Arc::new(Self { directory, endpoint, key, url: String::new() });
        let mut session = Session::open(nameless.clone()).await?;
        let answer = session.post(&nameless.directory.new_account, &payload).await?;
        let url =
            answer.header("location").ok_or_else(|| Failure::lacks("newAccount", "Location"))?.to_owned();
        drop(session);
        let account = Arc::into_inner(nameless).expect("the session was the only other holder");
        Ok(Arc::new(Self { url, ..account }))
    }

    /// Who signs: the account, or while there is none the key itself.
    fn signer(&self) -> String {
        if self.url.is_empty() {
            format!(r#""jwk":{}"#, self.key.jwk)
        } else {
            format!(r#""kid":"{}""#, self.url)
        }
    }
}

/// One client: a connection, and the nonce of its last answer.
pub(crate) struct Session {
    pub(crate) account: Arc<Account>,
    connection: Connection,
    nonce: Option<String>,
}

impl Session {
    /// Connects and gets the first nonce.
    pub(crate) async fn open(account: Arc<Account>) -> Result<Self, Failure> {
        let mut connection = Connection::open(account.endpoint.clone()).await?;
        let first = connection.send(Method::HEAD, &account.directory.new_nonce, "", String::new()).await?;
        Ok(Self { account, connection, nonce: nonce(&first) })
    }

    /// Sends a signed request; an empty payload makes it POST-as-GET.
    pub(crate) async fn post(&mut self, url: &str, payload: &str) -> Result<Answer, Failure> {
        let mut attempt = 1;
        loop {
            let spent = self.nonce.take().ok_or_else(|| Failure::lacks(url, "Replay-Nonce"))?;
            let signer = self.account.signer();
            let protected = format!(r#"{{"alg":"ES256",{signer},"nonce":"{spent}","url":"{url}"}}"#);
            let body = flattened(&protected, payload, |message| self.account.key.sign(message));
            match self.connection.send(Method::POST, url, CONTENT_TYPE, body).await {
                Ok(answer) => {
                    self.nonce = nonce(&answer);
                    return Ok(answer);
                }
                Err(Failure::Refused { body, nonce: Some(nonce), .. })
                    if attempt < NONCE_ATTEMPTS && body.contains(":badNonce") =>
                {
                    self.nonce = Some(nonce);
                    attempt += 1;
                }
                Err(failure) => return Err(failure),
            }
        }
    }
}

/// An answer's document.
pub(crate) fn parse<'a, T: Deserialize<'a>>(what: &str, answer: &'a Answer) -> Result<T, Failure> {
    serde_json::from_slice(&answer.body).map_err(|error| Failure::Nonconforming(format!("{what}: {error}")))
}

/// The flattened JWS (RFC 7515 §7.2.2).
fn flattened(protected: &str, payload: &str, sign: impl FnOnce(&str) -> Vec<u8>) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(protected), URL_SAFE_NO_PAD.encode(payload));
    let signature = URL_SAFE_NO_PAD.encode(sign(&message));
    let (protected, payload) = message.split_once('.').expect("the dot above");
    format!(r#"{{"protected":"{protected}","payload":"{payload}","signature":"{signature}"}}"#)
}
