//! Orders (RFC 8555 §7.1.3, §7.4).

use std::time::Duration;

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::Instant;

use crate::core::chain::Chain;
use crate::core::identifier::Identifier;
use crate::core::plan::OrderStatus;
use crate::core::preferred_chain::PreferredChain;

use super::answer::Answer;
use super::jws::encode;
use super::order_document::OrderDocument;
use super::{AcmeError, Session};

/// What is ordered.
#[derive(Clone, Copy, Debug)]
pub struct NewOrder<'a> {
    /// The names.
    pub identifiers: &'a [Identifier],
    /// One of the directory's profiles (draft-ietf-acme-profiles §4).
    pub profile: Option<&'a str>,
    /// When the certificate's life is to begin.
    pub not_before: Option<OffsetDateTime>,
    /// When it is to end.
    pub not_after: Option<OffsetDateTime>,
}

impl NewOrder<'_> {
    /// The request: instant-acme's, with the dates that it lacks.
    fn payload(&self) -> Result<Value, AcmeError> {
        let identifiers: Vec<_> = self.identifiers.iter().map(wire_identifier).collect();
        let request = instant_acme::NewOrder::new(&identifiers);
        let request = match self.profile {
            Some(profile) => request.profile(profile),
            None => request,
        };
        let unwritten = |error: &dyn std::fmt::Display| AcmeError::Protocol(error.to_string());
        let mut payload = serde_json::to_value(request).map_err(|error| unwritten(&error))?;
        for (member, moment) in [("notBefore", self.not_before), ("notAfter", self.not_after)] {
            if let Some(moment) = moment {
                payload[member] = moment.format(&Rfc3339).map_err(|error| unwritten(&error))?.into();
            }
        }
        Ok(payload)
    }
}

/// An order at the server, with its state as last seen.
pub struct Order<'a> {
    session: &'a Session,
    url: String,
    state: OrderDocument,
}

impl<'a> Order<'a> {
    /// Orders a certificate.
    ///
    /// # Errors
    /// When the server refuses or can't be reached.
    pub async fn create(session: &'a Session, order: &NewOrder<'_>) -> Result<Self, AcmeError> {
        let url = session.directory().await?.new_order.clone();
        let answer = session.post(&url, Some(&order.payload()?)).await?;
        let location = answer.location();
        let url = location.ok_or_else(|| AcmeError::Protocol("the new order came without its URL".into()))?;
        if answer.body.is_empty() {
            return Self::resume(session, &url, order.identifiers).await;
        }
        let state = OrderDocument::read(&url, &answer)?;
        state.check_names(&url, order.identifiers)?;
        Ok(Self { session, url, state })
    }

    /// Takes up an order for these names that an earlier run made.
    ///
    /// # Errors
    /// When the server does not know it any more, refuses, or can't be reached.
    pub async fn resume(
        session: &'a Session,
        url: &str,
        identifiers: &[Identifier],
    ) -> Result<Self, AcmeError> {
        let state = OrderDocument::read(url, &session.post(url, None).await?)?;
        state.check_names(url, identifiers)?;
        Ok(Self { session, url: url.to_owned(), state })
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its state as last seen.
    #[must_use]
    pub fn status(&self) -> OrderStatus {
        self.state.status
    }

    /// All its authorizations were seen valid: the server will call it ready when asked, so that it need not be asked.
    /// If the server is not that far, it answers the CSR with `orderNotReady` (RFC 8555 §7.4).
    pub fn expect_ready(&mut self) {
        self.state.status = OrderStatus::Ready;
    }

    /// Why it failed, as the server tells it.
    #[must_use]
    pub fn failure(&self) -> AcmeError {
        AcmeError::OrderFailed(self.state.error.clone().map(Box::new))
    }

    /// The URLs of its authorizations, each once.
    #[must_use]
    pub fn authorization_urls(&self) -> Vec<String> {
        self.state.authorizations()
    }

    /// Asks the server for its state.
    ///
    /// # Errors
    /// When the server refuses or can't be reached.
    pub async fn refresh(&mut self) -> Result<(), AcmeError> {
        let answer = self.session.post(&self.url, None).await?;
        self.take_over(&answer)
    }

    /// The order as an answer tells it.
    fn take_over(&mut self, answer: &Answer) -> Result<(), AcmeError> {
        let seen = OrderDocument::read(&self.url, answer)?;
        self.state = self.state.followed_by(&self.url, seen)?;
        Ok(())
    }

    /// Sends the CSR, in DER.
    ///
    /// # Errors
    /// When the server refuses it or can't be reached; in the latter case it may have taken it all the same.
    pub async fn finalize(&mut self, csr: &[u8]) -> Result<(), AcmeError> {
        let payload = json!({"csr": encode(csr)});
        let url = self.state.finalize.clone();
        let url = url.ok_or_else(|| AcmeError::Protocol("the order can't be finalized anywhere".into()))?;
        let answer = self.session.post_once(&url, Some(&payload)).await?;
        if answer.body.is_empty() { self.refresh().await } else { self.take_over(&answer) }
    }

    /// Fetches the certificate of a valid order, with the preferred chain if the server offers it.
    ///
    /// # Errors
    /// When the server refuses, can't be reached, or sends something else than a chain.
    pub async fn certificate(&self, preferred: Option<&PreferredChain>) -> Result<Chain, AcmeError> {
        let url = self.state.certificate.as_deref();
        let url = url.ok_or_else(|| AcmeError::Protocol("a valid order has no certificate".into()))?;
        self.session.certificate(url, preferred).await
    }

    /// How long the server asked us to wait before the next look, if it did.
    #[must_use]
    pub fn take_retry_after(&self) -> Option<Duration> {
        let finalize = self.state.finalize.as_deref();
        let of_finalize = finalize.and_then(|url| self.session.take_retry_after(url));
        self.session.take_retry_after(&self.url).or(of_finalize)
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
