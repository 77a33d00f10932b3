//! dns-01: a TXT record below the name (RFC 8555 §8.4).

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{Attempt, dns::Resolver, domain_name, shown};
use crate::model::{Problem, ProblemType};

/// How many of the texts found are shown to people.
const TEXTS_SHOWN: usize = 3;

/// # Errors
/// `dns` or `incorrectResponse`.
pub(super) async fn validate(resolver: &Resolver, attempt: &Attempt) -> Result<(), Problem> {
    let name = format!("_acme-challenge.{}", domain_name(attempt)?);
    expect_digest(resolver, &name, &attempt.key_authorization).await
}

/// Whether one of the name's texts is the digest of the key authorization.
pub(super) async fn expect_digest(
    resolver: &Resolver,
    name: &str,
    key_authorization: &str,
) -> Result<(), Problem> {
    let texts = resolver.texts(name).await?;
    let expected = URL_SAFE_NO_PAD.encode(digest(&SHA256, key_authorization.as_bytes()));
    if texts.iter().any(|text| text == expected.as_bytes()) {
        return Ok(());
    }
    let detail = format!("the TXT record of {name} must be \"{expected}\", but {}", found(&texts));
    Err(Problem::new(ProblemType::IncorrectResponse, detail))
}

/// What there was instead, for people.
pub(super) fn found(texts: &[Vec<u8>]) -> String {
    let first = texts.iter().take(TEXTS_SHOWN);
    let first: Vec<String> = first.map(|text| format!("\"{}\"", shown(text))).collect();
    match texts.len() {
        0 => "there is none".to_owned(),
        count if count > TEXTS_SHOWN => format!("there are {count} others, such as {}", first.join(", ")),
        _ => format!("there is {}", first.join(", ")),
    }
}
