//! Orders (RFC 8555 §7.1.3, §7.4).

use std::time::Duration;

use instant_acme::OrderStatus as WireStatus;
use tokio::time::Instant;

use crate::core::chain::Chain;
use crate::core::identifier::Identifier;
use crate::core::plan::OrderStatus;

use super::{AcmeError, Session};

/// An order at the server, with its state as last seen.
pub struct Order<'a> {
    session: &'a Session,
    inner: instant_acme::Order,
}

impl<'a> Order<'a> {
    /// Orders a certificate for these names.
    ///
    /// # Errors
    /// When the server refuses or can't be reached.
    pub async fn create(session: &'a Session, identifiers: &[Identifier]) -> Result<Self, AcmeError> {
        let identifiers: Vec<_> = identifiers.iter().map(wire_identifier).collect();
        let request = instant_acme::NewOrder::new(&identifiers);
        let inner = session.relay(async || session.inner.new_order(&request).await).await?;
        Ok(Self { session, inner })
    }

    /// Takes up an order that an earlier run made.
    ///
    /// # Errors
    /// When the server does not know it any more, refuses, or can't be reached.
    pub async fn resume(session: &'a Session, url: &str) -> Result<Self, AcmeError> {
        let inner = session.relay(async || session.inner.order(url.to_owned()).await).await?;
        Ok(Self { session, inner })
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> &str {
        self.inner.url()
    }

    /// Its state as last seen.
    pub fn status(&mut self) -> OrderStatus {
        match self.inner.state().status {
            WireStatus::Pending => OrderStatus::Pending,
            WireStatus::Ready => OrderStatus::Ready,
            WireStatus::Processing => OrderStatus::Processing,
            WireStatus::Valid => OrderStatus::Valid,
            WireStatus::Invalid => OrderStatus::Invalid,
        }
    }

    /// Why it failed, as the server tells it.
    pub fn failure(&mut self) -> AcmeError {
        let problem = self.inner.state().error.as_ref().map(super::error::problem_of);
        AcmeError::OrderFailed(problem.map(Box::new))
    }

    /// The URLs of its authorizations.
    pub fn authorization_urls(&mut self) -> Vec<String> {
        self.inner.state().authorizations.iter().map(|authorization| authorization.url.clone()).collect()
    }

    /// Asks the server for its state.
    ///
    /// # Errors
    /// When the server refuses or can't be reached.
    pub async fn refresh(&mut self) -> Result<(), AcmeError> {
        let inner = &mut self.inner;
        self.session.relay(async || inner.refresh().await.map(drop)).await
    }

    /// Sends the CSR, in DER.
    ///
    /// # Errors
    /// When the server refuses it or can't be reached.
    pub async fn finalize(&mut self, csr: &[u8]) -> Result<(), AcmeError> {
        let inner = &mut self.inner;
        self.session.relay(async || inner.finalize_csr(csr).await).await
    }

    /// Fetches the certificate of a valid order.
    ///
    /// # Errors
    /// When the server refuses, can't be reached, or sends something else than a chain.
    pub async fn certificate(&mut self) -> Result<Chain, AcmeError> {
        let inner = &mut self.inner;
        let pem = self.session.relay(async || inner.certificate().await).await?;
        let pem = pem.ok_or_else(|| AcmeError::Protocol("a valid order has no certificate".into()))?;
        Ok(Chain::parse(&pem)?)
    }

    /// How long the server asked us to wait before the next look, if it did.
    #[must_use]
    pub fn take_retry_after(&self) -> Option<Duration> {
        self.session.take_retry_after(self.inner.url())
    }
}

/// A server that fails more often in a row is down.
const MOST_FAILURES: u8 = 5;

/// Rhythm of asking: soon at first, then rarer, never after the deadline; what the server asks for goes before.
#[derive(Debug)]
pub struct Poll {
    started: Instant,
    deadline: Instant,
    delay: Duration,
    failures: u8,
}

impl Poll {
    /// A rhythm that ends after this time.
    #[must_use]
    pub fn new(patience: Duration) -> Self {
        let started = Instant::now();
        Self { started, deadline: started + patience, delay: Duration::from_millis(40), failures: 0 }
    }

    /// Takes a look's result; `None` after a failure that may have passed by the next look. Only so many in a row.
    ///
    /// # Errors
    /// The look's own.
    pub fn look<T>(&mut self, result: Result<T, AcmeError>) -> Result<Option<T>, AcmeError> {
        match result {
            Ok(seen) => {
                self.failures = 0;
                Ok(Some(seen))
            }
            Err(error) if error.is_passing() && self.failures < MOST_FAILURES => {
                self.failures += 1;
                tracing::info!("{error}; once more");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Waits until the next look is due: as long as the server asked, else 40 ms growing to 5 s. The last look is at
    /// the deadline, however long the server asked to wait.
    ///
    /// # Errors
    /// The time waited, once the deadline has passed.
    pub async fn wait(&mut self, retry_after: Option<Duration>) -> Result<(), Duration> {
        let now = Instant::now();
        if now >= self.deadline {
            return Err(self.started.elapsed());
        }
        // A server that says «0» still gets a moment.
        let delay = retry_after.map_or(self.delay, |asked| asked.max(Duration::from_millis(100)));
        tokio::time::sleep_until((now + delay).min(self.deadline)).await;
        self.delay = self.delay.mul_f32(1.6).min(Duration::from_secs(5));
        Ok(())
    }
}

fn wire_identifier(identifier: &Identifier) -> instant_acme::Identifier {
    match identifier {
        Identifier::Dns(name) => instant_acme::Identifier::Dns(name.as_str().to_owned()),
        Identifier::Ip(address) => instant_acme::Identifier::Ip(*address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn c30_polling_ends_at_its_deadline() {
        let mut poll = Poll::new(Duration::from_secs(60));
        let mut looks = 0;
        let waited = loop {
            match poll.wait(None).await {
                Ok(()) => looks += 1,
                Err(waited) => break waited,
            }
        };
        assert!((15..30).contains(&looks), "{looks}");
        assert!(waited >= Duration::from_secs(60) && waited < Duration::from_secs(61), "{waited:?}");
        // However long the server asks to wait, there is a last look at the deadline.
        let mut poll = Poll::new(Duration::from_secs(60));
        assert!(poll.wait(Some(Duration::from_secs(600))).await.is_ok());
        assert!(poll.wait(None).await.is_err());
    }
}
