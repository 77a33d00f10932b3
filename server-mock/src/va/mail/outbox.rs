//! Challenge mails on their way: kept for whoever asks, and sent by SMTP when there is a server for that.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    address::{AddressError, Envelope},
    transport::smtp::extension::ClientId,
};
use serde::Serialize;
use time::OffsetDateTime;
use tokio::{
    sync::Semaphore,
    time::{sleep, timeout},
};
use tracing::debug;

use super::super::shown;
use crate::model::ChallengeMail;

/// How many mails are kept; older ones are forgotten.
const KEPT_MAX: usize = 1000;
/// How many connections there are at the same time.
const CONNECTIONS_MAX: usize = 8;

/// How patient the outbox is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// How long an attempt may take from connecting to the last answer; the library bounds connecting alone.
    pub(super) attempt: Duration,
    /// The pauses between attempts: the mail server of a test may still be starting.
    pub(super) pauses: [Duration; 3],
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            attempt: Duration::from_secs(10),
            pauses: [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(5)],
        }
    }
}

/// Why a mail did not go out.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotSent {
    /// The address of sender or recipient can't stand in an envelope.
    #[error("{address:?} can't be mailed to: {source}")]
    Address { address: String, source: AddressError },
    /// The SMTP server has no extension that the address needs.
    #[error("the mail server does not take addresses beyond ASCII (SMTPUTF8, RFC 6531)")]
    Utf8,
    /// The SMTP server is not there, or did not take the mail.
    #[error("the mail server did not take the mail: {}", shown(.0.to_string().as_bytes()))]
    Smtp(#[from] lettre::transport::smtp::Error),
    /// The SMTP server is silent.
    #[error("the mail server did not answer within {0:?}")]
    Silent(Duration),
}

impl NotSent {
    /// Whether another attempt could have another end.
    fn is_temporary(&self) -> bool {
        match self {
            Self::Address { .. } | Self::Utf8 => false,
            Self::Smtp(error) => !error.is_permanent(),
            Self::Silent(_) => true,
        }
    }
}

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
    connections: Semaphore,
    patience: Patience,
    domain: String,
}

impl Outbox {
    /// Sends to `smtp`, if there is one, as the host `domain`.
    pub(super) fn new(smtp: Option<SocketAddr>, domain: &str, patience: Patience) -> Self {
        let transport = smtp.map(|server| {
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(server.ip().to_string())
                .port(server.port())
                .hello_name(ClientId::Domain(domain.to_owned()))
                .build()
        });
        Self {
            kept: Mutex::default(),
            transport,
            connections: Semaphore::new(CONNECTIONS_MAX),
            patience,
            domain: domain.to_owned(),
        }
    }

    /// Keeps the mail, and sends it; returns when it has gone out or will not.
    pub(super) async fn post(
        &self,
        mail: &ChallengeMail,
        message: String,
        now: OffsetDateTime,
    ) -> Result<(), NotSent> {
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
        let Some(transport) = &self.transport else { return Ok(()) };
        let sent = self.send(transport, mail, message.as_bytes()).await;
        let delivery = match &sent {
            Ok(()) => Delivery::Sent,
            Err(error) => Delivery::Failed { reason: error.to_string() },
        };
        self.with(|kept| {
            if let Some(mail) = kept.iter_mut().find(|mail| mail.message_id == message_id) {
                mail.delivery = delivery;
            }
        });
        sent
    }

    async fn send(
        &self,
        transport: &AsyncSmtpTransport<Tokio1Executor>,
        mail: &ChallengeMail,
        message: &[u8],
    ) -> Result<(), NotSent> {
        let (from, to) = (address(&mail.from)?, address(&mail.to)?);
        let envelope = Envelope::new(Some(from), vec![to]).expect("it has a recipient");
        let mut pauses = self.patience.pauses.into_iter();
        loop {
            let error = match self.attempt(transport, &envelope, message).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            match pauses.next().filter(|_| error.is_temporary()) {
                Some(pause) => {
                    debug!(to = mail.to, %error, "a challenge mail will be sent again");
                    sleep(pause).await;
                }
                None => return Err(error),
            }
        }
    }

    async fn attempt(
        &self,
        transport: &AsyncSmtpTransport<Tokio1Executor>,
        envelope: &Envelope,
        message: &[u8],
    ) -> Result<(), NotSent> {
        let _connection = self.connections.acquire().await.expect("the semaphore is never closed");
        let limit = self.patience.attempt;
        match timeout(limit, transport.send_raw(envelope, message)).await {
            Ok(Ok(_)) => Ok(()),
            // What the library itself objects to is what a mail beyond ASCII needs and the server does not offer.
            Ok(Err(error)) if error.is_client() && !message.is_ascii() => Err(NotSent::Utf8),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(NotSent::Silent(limit)),
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

fn address(text: &str) -> Result<Address, NotSent> {
    text.parse().map_err(|source| NotSent::Address { address: text.to_owned(), source })
}
