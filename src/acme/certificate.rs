//! Certificates as the server hands them out, with their alternates (RFC 8555 §7.4.2).

use futures_util::future::join_all;

use crate::core::chain::Chain;
use crate::core::preferred_chain::PreferredChain;

use super::{AcmeError, Session};

/// No server offers more chains.
const MOST_ALTERNATES: usize = 10;

impl Session {
    /// Fetches a certificate, with the preferred chain if the server offers it, else with the server's own choice.
    ///
    /// # Errors
    /// When the server refuses, can't be reached, or sends something else than a chain.
    pub(super) async fn certificate(
        &self,
        url: &str,
        preferred: Option<&PreferredChain>,
    ) -> Result<Chain, AcmeError> {
        let (chain, mut alternates) = self.download(url).await?;
        let Some(preferred) = preferred.filter(|preferred| !preferred.is_met_by(&chain)) else {
            return Ok(chain);
        };
        alternates.truncate(MOST_ALTERNATES);
        let others = join_all(alternates.iter().map(|url| self.download(url))).await;
        for other in others {
            match other {
                Ok((other, _)) if preferred.is_met_by(&other) => return Ok(other),
                Ok(_) => {}
                Err(error) => tracing::warn!("an alternate chain could not be fetched: {error}"),
            }
        }
        tracing::warn!("the server offers no chain with «{preferred}»; its own choice is taken");
        Ok(chain)
    }

    /// One chain, and the URLs of its alternates.
    async fn download(&self, url: &str) -> Result<(Chain, Vec<String>), AcmeError> {
        let answer = self.post(url, None).await?;
        let pem = std::str::from_utf8(&answer.body);
        let pem = pem.map_err(|_| AcmeError::Protocol(format!("the certificate at {url} is no text")))?;
        let alternates = answer.links(url, "alternate");
        Ok((Chain::parse(pem)?, alternates))
    }
}
