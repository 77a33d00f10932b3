//! From names to an installed certificate: the life of an order, whoever begins it and however often it is
//! interrupted.

mod authorize;
mod keys;
mod presented;
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

pub use presented::Presented;
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
        if !record.is_for(self.record) || record.account_url != self.session.account_url() {
            return Ok(None);
        }
        self.tell("taking up the order of an earlier run");
        match Order::resume(self.session, &record.url).await {
            Ok(mut order) => match next_step(order.status(), false, false) {
                Step::GiveUp => Ok(None),
                Step::Authorize => Ok(Some((order, key_pem))),
                _ => {
                    self.clean_up_after_earlier_run(&mut order).await;
                    Ok(Some((order, key_pem)))
                }
            },
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
                    if let Err(error) = self.authorize(order).await {
                        self.forget_if_failed(order, files).await?;
                        return Err(error);
                    }
                    authorized = true;
                    order.refresh().await?;
                }
                Step::Finalize => {
                    self.tell("sending the request");
                    finalized = self.finalize(order, files, key).await?;
                    if !finalized {
                        self.wait(order, &mut poll).await?;
                    }
                }
                Step::Wait => {
                    self.tell("waiting for the certificate");
                    self.wait(order, &mut poll).await?;
                }
                Step::Download => {
                    self.tell("fetching the certificate");
                    return Ok(order.certificate().await?);
                }
                Step::GiveUp => {
                    files.forget()?;
                    let error = Error::from(order.failure());
                    return Err(error.context(format!("the order for {} failed", self.name)));
                }
            }
        }
    }

    /// Waits a while and asks for the order's state. When patience ends, the order is left for the next run, and the
    /// record with it, so that `renew` knows of it too: CAcert's signer may take days.
    async fn wait(&self, order: &mut Order<'_>, poll: &mut Poll) -> Result<(), Error> {
        if let Err(waited) = poll.wait(order.take_retry_after()).await {
            self.store.certificate(self.name).save_record(self.record)?;
            let what = format!("the order for {}", self.name);
            return Err(AcmeError::StillPending { what, state: "being processed", waited }.into());
        }
        let seen = order.refresh().await;
        poll.look(seen)?;
        Ok(())
    }

    /// Sends the CSR; whether the server took it. It may not be ready for it yet, whatever it said before.
    async fn finalize(
        &self,
        order: &mut Order<'_>,
        files: &OrderFiles,
        key: &KeyPair,
    ) -> Result<bool, Error> {
        let request = csr::request(key, &self.record.identifiers);
        let request = request.map_err(|error| Error::new(Kind::Internal, error.to_string()))?;
        match order.finalize(&request).await {
            Ok(()) => Ok(true),
            Err(error) if error.is("orderNotReady") => Ok(false),
            Err(error) => {
                if error.is_definite() {
                    files.forget()?;
                }
                Err(Error::from(error)
                    .context(format!("the server did not accept the request for {}", self.name)))
            }
        }
    }

    /// After a failed challenge the order can't be mended (RFC 8555 §7.1.6), and the next run makes a new one. But
    /// only the server knows whether it failed, or whether something between us did.
    async fn forget_if_failed(&self, order: &mut Order<'_>, files: &OrderFiles) -> Result<(), Error> {
        if order.refresh().await.is_ok() && next_step(order.status(), false, false) == Step::GiveUp {
            files.forget()?;
        }
        Ok(())
    }

    fn verify(&self, chain: &Chain, key: &KeyPair, files: &OrderFiles) -> Result<(), Error> {
        let identifiers = &self.record.identifiers;
        match chain.verify(&csr::public_key(key), identifiers, OffsetDateTime::now_utc()) {
            Ok(()) => Ok(()),
            // The clock may be put right; then the certificate is good and the order still has it.
            Err(error @ ChainError::Dates { .. }) => {
                Err(Error::from(AcmeError::from(error)).hint("check this machine's clock"))
            }
            // Not what was asked for: a new order may bring it. Anything else may be mended on the way here.
            Err(error @ (ChainError::Key | ChainError::Names { .. })) => {
                files.forget()?;
                Err(AcmeError::from(error).into())
            }
            Err(error) => Err(AcmeError::from(error).into()),
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
