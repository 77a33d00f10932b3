//! Challenge mails on their way: kept for whoever asks, and sent by SMTP when there is a server for that.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor, address::Envelope,
    transport::smtp::extension::ClientId,
};
use serde::Serialize;
use time::OffsetDateTime;
use tokio::{sync::Semaphore, time::sleep};
use tracing::{debug, warn};

use crate::model::ChallengeMail;

/// How many mails are kept; older ones are forgotten.
const KEPT_MAX: usize = 1000;
/// How many mails are sent at the same time.
const CONNECTIONS_MAX: usize = 8;
/// How long the SMTP server may take for one step.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The pauses between attempts: the mail server of a test may still be starting.
const PAUSES: [Duration; 3] = [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(5)];

/// A challenge mail that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OutgoingMail {
    /// The Message-ID, without angle brackets.
    pub message_id: String,
    /// The sender.
    pub from: String,
    /// The recipient.
    pub to: String,
    /// When it was written.
    #[serde(with = "time::serde::rfc3339")]
    pub written: OffsetDateTime,
    /// Whether it has gone out.
    #[serde(flatten)]
    pub delivery: Delivery,
    /// All of it, header and body, with CRLF.
    pub message: String,
}

/// How far a mail is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "delivery", rename_all = "lowercase")]
pub enum Delivery {
    /// There is no SMTP server to send it to.
    Kept,
    /// It is being sent.
    Sending,
    /// The SMTP server has it.
    Sent,
    /// The SMTP server did not take it.
    Failed {
        /// Why not.
        reason: String,
    },
}

/// Keeps and sends mails.
pub(super) struct Outbox {
    kept: Mutex<VecDeque<OutgoingMail>>,
    transport: Option<AsyncSmtpTransport<Tokio1Executor>>,
    places: Semaphore,
    domain: String,
}

impl Outbox {
    /// Sends to `smtp`, if there is one, as the host `domain`.
    pub(super) fn new(smtp: Option<SocketAddr>, domain: &str) -> Self {
        let transport = smtp.map(|server| {
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(server.ip().to_string())
                .port(server.port())
                .hello_name(ClientId::Domain(domain.to_owned()))
                .timeout(Some(TIMEOUT))
                .build()
        });
        Self {
            kept: Mutex::default(),
            transport,
            places: Semaphore::new(CONNECTIONS_MAX),
            domain: domain.to_owned(),
        }
    }

    /// Keeps the mail, and sends it; returns when it has gone out or will not.
    pub(super) async fn post(&self, mail: &ChallengeMail, message: String, now: OffsetDateTime) {
        let message_id = format!("{}@{}", mail.message_id, self.domain);
        let delivery = if self.transport.is_some() { Delivery::Sending } else { Delivery::Kept };
        self.keep(OutgoingMail {
            message_id: message_id.clone(),
            from: mail.from.clone(),
            to: mail.to.clone(),
            written: now,
            delivery,
            message: message.clone(),
        });
        let Some(transport) = &self.transport else { return };
        let delivery = match self.send(transport, mail, message.as_bytes()).await {
            Ok(()) => Delivery::Sent,
            Err(reason) => {
                warn!(to = mail.to, reason, "a challenge mail could not be sent");
                Delivery::Failed { reason }
            }
        };
        self.with(|kept| {
            if let Some(mail) = kept.iter_mut().find(|mail| mail.message_id == message_id) {
                mail.delivery = delivery;
            }
        });
    }

    async fn send(
        &self,
        transport: &AsyncSmtpTransport<Tokio1Executor>,
        mail: &ChallengeMail,
        message: &[u8],
    ) -> Result<(), String> {
        let address = |text: &str| text.parse::<Address>().map_err(|error| format!("{text}: {error}"));
        let envelope = Envelope::new(Some(address(&mail.from)?), vec![address(&mail.to)?]);
        let envelope = envelope.map_err(|error| error.to_string())?;
        let _place = self.places.acquire().await.map_err(|error| error.to_string())?;
        let mut pauses = PAUSES.into_iter();
        loop {
            let error = match transport.send_raw(&envelope, message).await {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            match pauses.next().filter(|_| !error.is_permanent()) {
                Some(pause) => {
                    debug!(to = mail.to, %error, "a challenge mail will be sent again");
                    sleep(pause).await;
                }
                None => return Err(error.to_string()),
            }
        }
    }

    fn keep(&self, mail: OutgoingMail) {
        self.with(|kept| {
            if kept.len() == KEPT_MAX {
                kept.pop_front();
            }
            kept.push_back(mail);
        });
    }

    /// What is kept, oldest first.
    pub(super) fn list(&self) -> Vec<OutgoingMail> {
        self.with(|kept| kept.iter().cloned().collect())
    }

    fn with<T>(&self, change: impl FnOnce(&mut VecDeque<OutgoingMail>) -> T) -> T {
        change(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
