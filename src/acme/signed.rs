//! Signed requests (RFC 8555 §6.2): one POST for every kind of key.

use serde_json::Value;

use super::jws::Signer;
use super::transport::{Answer, Transport};
use super::{AcmeError, Refusal};

/// A server that refuses that many fresh nonces in a row will refuse the next one too.
const MOST_NONCE_RETRIES: usize = 10;

/// Sends a signed POST. Without a payload it is a POST-as-GET (RFC 8555 §6.3). An answer `badNonce` is tried again
/// with another nonce.
pub(super) async fn post(
    transport: &Transport,
    signer: Signer<'_>,
    url: &str,
    payload: Option<&Value>,
) -> Result<Answer, AcmeError> {
    retry_bad_nonce(async || {
        let nonce = transport.nonce().await?;
        transport.post(url, signer.request(&nonce, url, payload)?).await
    })
    .await
}

/// Does it again while the server wants another nonce (RFC 8555 §6.5).
async fn retry_bad_nonce<T>(mut request: impl AsyncFnMut() -> Result<T, AcmeError>) -> Result<T, AcmeError> {
    for _ in 0..MOST_NONCE_RETRIES {
        match request().await {
            Err(AcmeError::Refused(refusal)) if is_bad_nonce(&refusal) => {
                tracing::debug!("badNonce, once more")
            }
            other => return other,
        }
    }
    request().await
}

fn is_bad_nonce(refusal: &Refusal) -> bool {
    refusal.problem.is("badNonce")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn c2_bad_nonces_in_a_row_are_survived() {
        let refused = || {
            AcmeError::Refused(Box::new(Refusal {
                method: "POST".into(),
                url: "https://ca.test/".into(),
                status: 400,
                problem: serde_json::from_str(r#"{"type":"urn:ietf:params:acme:error:badNonce"}"#).unwrap(),
                retry_after: None,
            }))
        };
        let mut tries = 0;
        let result = retry_bad_nonce(async || {
            tries += 1;
            if tries <= 5 { Err(refused()) } else { Ok(tries) }
        });
        assert_eq!(result.await.unwrap(), 6);
    }
}
