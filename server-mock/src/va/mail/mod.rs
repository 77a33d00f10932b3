//! The mail side of e-mail challenges (RFC 8823): writes, signs and sends challenge mails, takes in replies and
//! tells whether they are authentic. What an authentic reply means is the model's business.

mod compose;
mod dkim;
mod fields;
mod outbox;
mod reply;
mod smtp;
mod verify;

use std::net::SocketAddr;

use lettre::Address;
use mail_parser::MessageParser;
use time::OffsetDateTime;
use tokio::sync::OnceCell;

use crate::model::{ChallengeMail, MailReply, MailSettings, Problem, ProblemType, ReplySignature};
use dkim::{DkimSigner, KeyError};
use outbox::{Outbox, Patience};
use verify::Verifier;

pub use outbox::{Delivery, OutgoingMail};
pub use smtp::{Inbox, SmtpServer};

/// The most bytes of a mail that is read; replies of mail programs, quoted text included, stay far below.
pub const MAIL_MAX: usize = 256 * 1024;

/// Why there is no mail.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MailError {
    /// The sender of challenge mails is no address.
    #[error("{address:?}, from where challenge mails are to come, is no address")]
    From {
        /// What was configured.
        address: String,
        /// What is wrong with it.
        #[source]
        source: lettre::address::AddressError,
    },
    /// The resolver could not be set up.
    #[error("could not set up the DNS client for DKIM keys")]
    Resolver(#[source] hickory_resolver::net::NetError),
}

/// Why a mail that came in counts for nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MailRefused {
    /// It is no reply to a challenge mail as RFC 8823 §3.2 describes it.
    #[error("this is no reply to an ACME challenge: {0}")]
    Form(String),
    /// It is not shown to come from whom it says.
    #[error("the sender is not authentic: {0}")]
    Signature(String),
    /// The DNS did not say whether it is authentic; try again.
    #[error("the sender's DKIM key can't be had now: {0}")]
    Later(String),
    /// What it changes can't be kept; try again.
    #[error("the reply can't be kept: {0}")]
    NotKept(String),
    /// It is authentic, and changes nothing.
    #[error(transparent)]
    Pointless(#[from] crate::model::ReplyRefused),
}

impl MailRefused {
    /// Whether the same mail may be taken later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Later(_) | Self::NotKept(_))
    }
}

/// Puts a TXT record where the world can see it: name without a dot at the end, text.
pub type Publish = Box<dyn Fn(&str, &str) + Send + Sync>;

/// Challenge mails out, replies in.
pub struct Mail {
    settings: MailSettings,
    from: Address,
    verifier: Verifier,
    outbox: Outbox,
    /// Made with the first mail: an RSA key takes longer than everything else at start.
    signer: OnceCell<DkimSigner>,
    publish: Publish,
}

impl Mail {
    /// Challenge mails go to `smtp`, if there is one, and are kept for whoever asks. DKIM keys of repliers are asked
    /// for at `resolver`; our own is given to `publish` before the first mail goes out.
    ///
    /// # Errors
    /// [`MailError`] when the settings can't be used.
    pub fn new(
        settings: MailSettings,
        smtp: Option<SocketAddr>,
        resolver: SocketAddr,
        publish: Publish,
    ) -> Result<Self, MailError> {
        let from: Address = settings
            .from
            .parse()
            .map_err(|source| MailError::From { address: settings.from.clone(), source })?;
        let outbox = Outbox::new(smtp, from.domain(), Patience::default());
        let verifier = Verifier::new(resolver).map_err(MailError::Resolver)?;
        Ok(Self { settings, from, verifier, outbox, signer: OnceCell::new(), publish })
    }

    /// How mails are written and read here.
    #[must_use]
    pub fn settings(&self) -> &MailSettings {
        &self.settings
    }

    /// Writes, signs and sends a challenge mail; returns when it has gone out, or will not.
    ///
    /// # Errors
    /// `connection` when the mail server does not take it, with what it says.
    pub async fn send(&self, mail: &ChallengeMail, now: OffsetDateTime) -> Result<(), Problem> {
        let unsigned =
            |_| Problem::new(ProblemType::ServerInternal, "the challenge mail could not be signed");
        let message = self.write(mail, now).await.map_err(unsigned)?;
        self.outbox.post(mail, message, now).await.map_err(|error| {
            Problem::new(ProblemType::Connection, format!("the challenge mail could not be sent: {error}"))
        })
    }

    async fn write(&self, mail: &ChallengeMail, now: OffsetDateTime) -> Result<String, KeyError> {
        let signer = self.signer.get_or_try_init(|| self.make_signer()).await?;
        signer.sign(&compose::challenge_mail(mail, self.from.domain(), now))
    }

    async fn make_signer(&self) -> Result<DkimSigner, KeyError> {
        let (domain, selector) = (self.from.domain().to_owned(), self.settings.dkim_selector.clone());
        let generate = move || DkimSigner::generate(&domain, selector.as_str());
        let made = tokio::task::spawn_blocking(generate).await;
        let signer = made.map_err(|_| KeyError::Generate)??;
        (self.publish)(signer.record_name(), signer.record());
        Ok(signer)
    }

    /// The challenge mails of late, oldest first.
    #[must_use]
    pub fn outgoing(&self) -> Vec<OutgoingMail> {
        self.outbox.list()
    }

    /// Reads a mail that came in and makes sure that it is what it says.
    ///
    /// # Errors
    /// [`MailRefused`] when it is no reply, or not shown to be authentic.
    pub async fn read(&self, mail: &[u8]) -> Result<MailReply, MailRefused> {
        if mail.len() > MAIL_MAX {
            return Err(MailRefused::Form(format!("it has more than {MAIL_MAX} bytes")));
        }
        let message = MessageParser::default().parse(mail);
        let message = message.ok_or_else(|| MailRefused::Form("it has no header".to_owned()))?;
        fields::check(&message, mail)?;
        let reply = reply::read(&message)?;
        if self.settings.reply_signature != ReplySignature::Off {
            self.verifier.verify(&message, mail, &reply.from, self.settings.reply_signature).await?;
        }
        Ok(reply)
    }
}

#[cfg(test)]
mod tests;
