//! One certificate, from newOrder to its download (RFC 8555 §7.4).

use std::time::{Duration, Instant};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use serde::Deserialize;

use crate::{
    acme::{Session, parse},
    failure::Failure,
};

/// How long an authorization or order may take to settle.
const DEADLINE: Duration = Duration::from_secs(20);
/// The first pause between two looks at a resource; each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(64);

#[derive(Deserialize)]
struct Order {
    status: String,
    #[serde(default)]
    authorizations: Vec<String>,
    finalize: String,
    certificate: Option<String>,
}

#[derive(Deserialize)]
struct Authorization {
    status: String,
    #[serde(default)]
    challenges: Vec<Challenge>,
}

#[derive(Deserialize)]
struct Challenge {
    #[serde(rename = "type")]
    kind: String,
    url: String,
}

/// Issues a certificate for a name and returns the length of its DER.
pub(crate) async fn issue(session: &mut Session, name: &str, key: &KeyPair) -> Result<usize, Failure> {
    let payload = format!(r#"{{"identifiers":[{{"type":"dns","value":"{name}"}}]}}"#);
    let url = session.account.directory.new_order.clone();
    let created = session.post(&url, &payload).await?;
    let order_url =
        created.header("location").ok_or_else(|| Failure::lacks("newOrder", "Location"))?.to_owned();
    let order: Order = parse("newOrder", &created)?;
    if order.status == "pending" {
        for authorization in &order.authorizations {
            authorize(session, authorization).await?;
        }
    }
    let answer = session.post(&order.finalize, &format!(r#"{{"csr":"{}"}}"#, csr(name, key))).await?;
    let mut order: Order = parse("finalize", &answer)?;
    let mut patience = Patience::new();
    while order.status != "valid" {
        patience.pause("the order", &order.status, &["ready", "processing"]).await?;
        order = parse("the order", &session.post(&order_url, "").await?)?;
    }
    let certificate = order.certificate.ok_or_else(|| Failure::lacks("a valid order", "`certificate`"))?;
    leaf_length(&session.post(&certificate, "").await?.body)
}

async fn authorize(session: &mut Session, url: &str) -> Result<(), Failure> {
    let mut authorization: Authorization = parse("the authorization", &session.post(url, "").await?)?;
    if authorization.status == "valid" {
        return Ok(());
    }
    let challenge = authorization.challenges.iter().find(|challenge| challenge.kind == "http-01");
    let challenge = challenge.ok_or_else(|| Failure::lacks("the authorization", "an http-01 challenge"))?;
    session.post(&challenge.url, "{}").await?;
    let mut patience = Patience::new();
    while authorization.status != "valid" {
        patience.pause("the authorization", &authorization.status, &["pending"]).await?;
        authorization = parse("the authorization", &session.post(url, "").await?)?;
    }
    Ok(())
}

/// Waits between looks, longer and longer, and not for ever.
struct Patience {
    end: Instant,
    pause: Duration,
}

impl Patience {
    fn new() -> Self {
        Self { end: Instant::now() + DEADLINE, pause: FIRST_PAUSE }
    }

    /// Waits, if this status is one that passes.
    async fn pause(&mut self, what: &str, status: &str, passing: &[&str]) -> Result<(), Failure> {
        if !passing.contains(&status) {
            return Err(Failure::Nonconforming(format!("{what} became {status}")));
        }
        if Instant::now() > self.end {
            return Err(Failure::Hangs {
                what: format!("{what}, which stays {status},"),
                deadline: DEADLINE,
            });
        }
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }
}

fn csr(name: &str, key: &KeyPair) -> String {
    let mut params = CertificateParams::new(vec![name.to_owned()]).expect("our names are ASCII");
    params.distinguished_name = DistinguishedName::new();
    let request = params.serialize_request(key).expect("a P-256 key signs");
    URL_SAFE_NO_PAD.encode(request.der())
}

/// The length of the first certificate of a chain: of its base64, every four characters stand for three bytes.
fn leaf_length(chain: &[u8]) -> Result<usize, Failure> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----\n";
    let leaf = std::str::from_utf8(chain).ok().and_then(|chain| chain.strip_prefix(BEGIN));
    let leaf = leaf.and_then(|leaf| leaf.split_once("-----END")).map(|(leaf, _)| leaf);
    let leaf =
        leaf.ok_or_else(|| Failure::Nonconforming("the chain does not begin with a certificate".into()))?;
    Ok(leaf.bytes().filter(|byte| !matches!(byte, b'\n' | b'\r' | b'=')).count() * 3 / 4)
}
