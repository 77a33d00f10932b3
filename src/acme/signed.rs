//! Signed requests (RFC 8555 §6.2): one POST for every kind of key.

use serde_json::Value;

use super::AcmeError;
use super::answer::Answer;
use super::jws::Signer;
use super::retry::{Repeatable, persist};
use super::transport::Transport;

/// Sends a signed POST. Without a payload it is a POST-as-GET (RFC 8555 §6.3). It is tried again with another nonce,
/// and after failures that `repeatable` allows.
pub(super) async fn post(
    transport: &Transport,
    signer: Signer<'_>,
    url: &str,
    payload: Option<&Value>,
    repeatable: Repeatable,
) -> Result<Answer, AcmeError> {
    // Here, and not with the first nonce: its own retries are enough.
    transport.directory().await?;
    persist(repeatable, async || {
        let nonce = transport.nonce().await?;
        let answer = transport.post(url, signer.request(&nonce, url, payload)?).await?;
        // What is read has something in it; a server or proxy that sends nothing is out of step.
        if payload.is_none() && answer.body.is_empty() {
            return Err(AcmeError::Empty(url.to_owned()));
        }
        Ok(answer)
    })
    .await
}
