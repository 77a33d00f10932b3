//! From names to an installed certificate: the life of an order, whoever begins it and however often it is
//! interrupted.

mod authorize;
mod keys;
mod signals;

use std::time::Duration;

use rcgen::KeyPair;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::acme::{AcmeError, Order, Poll, Session};
use crate::challenge::Solvers;
use crate::core::certificate_name::CertificateName;
use crate::core::chain::{Chain, ChainError};
use crate::core::csr;
use crate::core::identifier::Identifier;
use crate::core::plan::{Step, next_step};
use crate::error::{Error, Kind};
use crate::store::{CertificateRecord, Installed, OrderFiles, OrderRecord, Store};
use crate::ui::Progress;

pub use authorize::Presented;
pub use signals::until_signal;

/// How long a run waits for the CA before it leaves the order for the next run.
const PATIENCE: Duration = Duration::from_secs(300);

/// What an issuance works with.
#[derive(Clone, Copy)]
pub struct Issuance<'a> {
    /// The account that orders.
    pub session: &'a Session,
    /// Where everything is kept.
    pub store: &'a Store,
    /// The ways to prove control.
    pub solvers: &'a Solvers,
    /// The proofs in place, so that a signal can take them down.
    pub presented: &'a Presented,
    /// Where it is told what goes on.
    pub progress: &'a Progress,
    /// The certificate's name.
    pub name: &'a CertificateName,
    /// What is wanted.
    pub record: &'a CertificateRecord,
}

impl Issuance<'_> {
    /// Orders (or takes up an order under way), proves, finalizes, checks and installs. The caller holds the
    /// certificate's lock.
    ///
    /// The key is on disk before its CSR leaves; the order's URL is on disk before anything is done with it; the
    /// record, the version and the switch follow in this order. So a run that dies anywhere leaves what the next
    /// one needs to go on.
    ///
    /// # Errors
    /// What a person must be told. The version that was current before still is.
    pub async fn obtain(&self) -> Result<Installed, Error> {
        let files = self.store.order(self.name);
        let (mut order, key_pem) = match self.resume(&files).await? {
            Some(resumed) => resumed,
            None => self.begin(&files).await?,
        };
        let key = keys::read(&key_pem)?;
        let chain = self.drive(&mut order, &files, &key).await?;
        self.verify(&chain, &key, &files)?;
        let certificate = self.store.certificate(self.name);
        certificate.save_record(self.record)?;
        let installed = certificate.install(&chain, &key_pem)?;
        files.forget()?;
        self.progress.done(self.name.as_str());
        Ok(installed)
    }

    /// The order of an earlier run, if it is for the same and the server still has a use for it.
    async fn resume(&self, files: &OrderFiles) -> Result<Option<(Order<'_>, Zeroizing<String>)>, Error> {
        let (Some(record), Some(key_pem)) = (files.record()?, files.key()?) else { return Ok(None) };
        let same = record.account_url == self.session.account_url()
            && record.identifiers == self.record.identifiers
            && record.key_type == self.record.key_type;
        if !same {
            return Ok(None);
        }
        self.tell("taking up the order of an earlier run");
        match Order::resume(self.session, &record.url).await {
            Ok(mut order) => {
                let useful = next_step(order.status(), false, false) != Step::GiveUp;
                Ok(useful.then_some((order, key_pem)))
            }
            Err(error) if error.is_definite() && !error.is("unauthorized") => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// A new key, saved, then a new order, saved.
    async fn begin(&self, files: &OrderFiles) -> Result<(Order<'_>, Zeroizing<String>), Error> {
        files.forget()?;
        self.tell("making a key");
        let key_pem = keys::generate(self.record.key_type)?;
        files.save_key(&key_pem)?;
        self.tell("ordering");
        let identifiers = &self.record.identifiers;
        let order = match Order::create(self.session, identifiers).await {
            Ok(order) => order,
            Err(error) => {
                if error.is_definite() {
                    files.forget()?;
                }
                return Err(Error::from(error).context(format!("could not order {}", listed(identifiers))));
            }
        };
        files.save_record(&OrderRecord {
            account_url: self.session.account_url().to_owned(),
            url: order.url().to_owned(),
            identifiers: identifiers.clone(),
            key_type: self.record.key_type,
        })?;
        Ok((order, key_pem))
    }

    /// Steps on until the certificate is there.
    async fn drive(&self, order: &mut Order<'_>, files: &OrderFiles, key: &KeyPair) -> Result<Chain, Error> {
        let (mut authorized, mut finalized) = (false, false);
        let mut poll = Poll::new(PATIENCE);
        loop {
            match next_step(order.status(), authorized, finalized) {
                Step::Authorize => {
                    self.authorize(order).await.inspect_err(|error| self.give_up(files, error))?;
                    authorized = true;
                    order.refresh().await?;
                }
                Step::Finalize => {
                    self.tell("sending the request");
                    self.finalize(order, files, key).await?;
                    finalized = true;
                }
                Step::Wait => {
                    self.tell("waiting for the certificate");
                    let what = format!("the order for {}", self.name);
                    let state = "being processed";
                    let waited = poll.wait(order.take_retry_after()).await;
                    waited.map_err(|waited| AcmeError::StillPending { what, state, waited })?;
                    order.refresh().await?;
                }
                Step::Download => {
                    self.tell("fetching the certificate");
                    return Ok(order.certificate().await?);
                }
                Step::GiveUp => {
                    files.forget()?;
                    return Err(
                        Error::from(order.failure()).context(format!("the order for {} failed", self.name))
                    );
                }
            }
        }
    }

    async fn finalize(&self, order: &mut Order<'_>, files: &OrderFiles, key: &KeyPair) -> Result<(), Error> {
        let request = csr::request(key, &self.record.identifiers);
        let request = request.map_err(|error| Error::new(Kind::Internal, error.to_string()))?;
        match order.finalize(&request).await {
            Ok(()) => Ok(()),
            // The server's own view lags behind; polling the order shows when it has caught up.
            Err(error) if error.is("orderNotReady") => Ok(order.refresh().await?),
            Err(error) => {
                if error.is_definite() {
                    files.forget()?;
                }
                Err(Error::from(error)
                    .context(format!("the server did not accept the request for {}", self.name)))
            }
        }
    }

    fn verify(&self, chain: &Chain, key: &KeyPair, files: &OrderFiles) -> Result<(), Error> {
        let identifiers = &self.record.identifiers;
        match chain.verify(&csr::public_key(key), identifiers, OffsetDateTime::now_utc()) {
            Ok(()) => Ok(()),
            // The clock may be put right; then the certificate is good and the order still has it.
            Err(error @ ChainError::Dates { .. }) => {
                Err(Error::from(AcmeError::from(error)).hint("check this machine's clock"))
            }
            Err(error) => {
                files.forget()?;
                Err(AcmeError::from(error).into())
            }
        }
    }

    /// An order with a failed challenge can't be mended (RFC 8555 §7.1.6); the next run makes a new one.
    fn give_up(&self, files: &OrderFiles, error: &Error) {
        if error.problem.is_some()
            && let Err(error) = files.forget()
        {
            tracing::warn!("{error}");
        }
    }

    fn tell(&self, what: &str) {
        self.progress.tell(self.name.as_str(), what);
    }
}

/// At most five names, for a message.
fn listed(identifiers: &[Identifier]) -> String {
    let mut names: Vec<String> = identifiers.iter().take(5).map(ToString::to_string).collect();
    if identifiers.len() > 5 {
        names.push(format!("and {} more", identifiers.len() - 5));
    }
    names.join(", ")
}
