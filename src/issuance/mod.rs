//! From names to an installed certificate: the life of an order, whoever begins it and however often it is
//! interrupted.

mod authorize;
mod presented;
mod request;
mod signals;

use std::time::Duration;

use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::acme::{AcmeError, NewOrder, Order, Poll, Session};
use crate::challenge::Solvers;
use crate::core::certificate_name::CertificateName;
use crate::core::chain::{Chain, ChainError};
use crate::core::identifier::listed;
use crate::core::plan::{Step, next_step};
use crate::error::{Error, Kind};
use crate::store::{CertificateRecord, Installed, OrderFiles, OrderRecord, Store};
use crate::ui::Progress;

use request::Request;

pub use presented::Presented;
pub use signals::until_signal;

/// How long a run waits for the CA before it leaves the order for the next run.
const PATIENCE: Duration = Duration::from_secs(300);

/// With so many names every server is content that has a limit at all.
const USUAL_LIMIT: usize = 100;

/// An order with its key, if the key is ours.
type Begun<'a> = (Order<'a>, Option<Zeroizing<String>>);

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
        let earlier = self.resume(&files).await?;
        let resumed = earlier.is_some();
        let (mut order, key_pem) = match earlier {
            Some(begun) => begun,
            None => self.begin(&files).await?,
        };
        let key_pem = key_pem.as_ref().map(|pem| pem.as_str());
        let request = self.request(key_pem)?;
        let chain = self.drive(&mut order, &files, &request, resumed).await?;
        self.verify(&chain, &request, &files, resumed)?;
        let certificate = self.store.certificate(self.name);
        certificate.save_record(self.record)?;
        let installed = certificate.install(&chain, key_pem)?;
        files.forget()?;
        self.progress.done(self.name.as_str());
        Ok(installed)
    }

    /// The order of an earlier run, if it is for the same and the server still has a use for it.
    async fn resume(&self, files: &OrderFiles) -> Result<Option<Begun<'_>>, Error> {
        let (Some(record), key_pem) = (files.record()?, files.key()?) else { return Ok(None) };
        let whole = key_pem.is_some() || self.record.csr.is_some();
        if !whole || !record.is_for(self.record) || record.account_url != self.session.account_url() {
            return Ok(None);
        }
        if let Some(pem) = &key_pem
            && self.is_revoked_key(pem)?
        {
            return Ok(None);
        }
        self.tell("taking up the order of an earlier run");
        match Order::resume(self.session, &record.url, &record.specification.identifiers).await {
            Ok(mut order) => match next_step(order.status(), false, false) {
                Step::GiveUp => {
                    self.clean_up_after_earlier_run(&mut order).await;
                    Ok(None)
                }
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

    /// The key, saved, then a new order, saved.
    async fn begin(&self, files: &OrderFiles) -> Result<Begun<'_>, Error> {
        files.forget()?;
        self.check_profile().await?;
        let key_pem = self.key_for_order()?;
        if let Some(pem) = &key_pem {
            files.save_key(pem)?;
        }
        self.tell("ordering");
        let now = OffsetDateTime::now_utc();
        let record = self.record;
        let wanted = NewOrder {
            identifiers: &record.identifiers,
            profile: record.profile.as_deref(),
            not_before: record.not_before.map(|moment| moment.from(now)),
            not_after: record.not_after.map(|moment| moment.from(now)),
        };
        let order = match Order::create(self.session, &wanted).await {
            Ok(order) => order,
            Err(error) => {
                if error.is_definite() {
                    files.forget()?;
                }
                return Err(self.not_ordered(error));
            }
        };
        files.save_record(&OrderRecord {
            account_url: self.session.account_url().to_owned(),
            url: order.url().to_owned(),
            specification: record.specification(),
        })?;
        Ok((order, key_pem))
    }

    /// A profile that the server does not have is told with those that it has.
    async fn check_profile(&self) -> Result<(), Error> {
        let Some(wanted) = &self.record.profile else { return Ok(()) };
        let profiles = self.session.directory().await?.meta.profiles();
        if profiles.contains_key(wanted) {
            return Ok(());
        }
        let offered = match profiles.is_empty() {
            true => "it offers none".to_owned(),
            false => format!("it offers {}", profiles.into_keys().collect::<Vec<_>>().join(", ")),
        };
        Err(Error::new(Kind::Refused, format!("the server offers no profile {wanted:?}"))
            .because(offered)
            .hint("`cacert-acme issue --profile ?` tells what each is for; --profile= takes none"))
    }

    fn not_ordered(&self, error: AcmeError) -> Error {
        let identifiers = &self.record.identifiers;
        let many = identifiers.len() > USUAL_LIMIT && error.is_definite();
        let told = Error::from(error).context(format!("could not order {}", listed(identifiers)));
        match many {
            true => told.hint(format!(
                "{} names may be more than this server takes in one order: share them out among several certificates",
                identifiers.len()
            )),
            false => told,
        }
    }

    /// Steps on until the certificate is there.
    async fn drive(
        &self,
        order: &mut Order<'_>,
        files: &OrderFiles,
        request: &Request,
        resumed: bool,
    ) -> Result<Chain, Error> {
        let (mut authorized, mut finalized) = (false, false);
        let mut poll = Poll::new(PATIENCE);
        // Of its own: a server that answers every question and no request for a certificate is no better than one that
        // is down.
        let mut answers = Poll::new(PATIENCE);
        loop {
            match next_step(order.status(), authorized, finalized) {
                Step::Authorize => {
                    if let Err(error) = self.authorize(order, resumed).await {
                        self.forget_if_failed(order, files).await?;
                        return Err(error);
                    }
                    authorized = true;
                    order.expect_ready();
                }
                Step::Finalize => {
                    self.tell("sending the request");
                    finalized = self.finalize(order, files, request, &mut answers).await?;
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
                    let chain = order.certificate(self.record.preferred_chain.as_ref()).await;
                    return chain.or_else(|error| {
                        let gone = error.is_definite() && !error.is("unauthorized");
                        if resumed && (gone || matches!(error, AcmeError::Chain(_))) {
                            // It failed the run before too.
                            files.forget()?;
                        }
                        Err(error.into())
                    });
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

    /// Sends the CSR; whether the server took it. It may not be ready for it yet, whatever it said before; or its
    /// answer may be lost: then the order tells whether it heard.
    async fn finalize(
        &self,
        order: &mut Order<'_>,
        files: &OrderFiles,
        request: &Request,
        answers: &mut Poll,
    ) -> Result<bool, Error> {
        match order.finalize(&request.der).await {
            Ok(()) => Ok(true),
            Err(error) if error.is("orderNotReady") => Ok(false),
            Err(error) if error.is_passing() => Ok(answers.look(Err::<(), _>(error))?.is_some()),
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

    fn verify(
        &self,
        chain: &Chain,
        request: &Request,
        files: &OrderFiles,
        resumed: bool,
    ) -> Result<(), Error> {
        if self.record.must_staple && !chain.facts().must_staple {
            tracing::warn!("{}: the CA left must-staple out of the certificate", self.name);
        }
        let identifiers = &self.record.identifiers;
        let now = OffsetDateTime::now_utc();
        // One that was ordered for later is good from then on.
        let begin = self.record.not_before.map_or(now, |moment| moment.from(now).max(now));
        match chain.verify(&request.public_key, identifiers, begin) {
            Ok(()) => Ok(()),
            // What an earlier run left so long that it has ended is of no use any more.
            Err(error @ ChainError::Dates { to, .. }) if resumed && to < now => {
                files.forget()?;
                Err(Error::from(AcmeError::from(error)).hint("the next run orders another one"))
            }
            // The clock may be put right; then the certificate is good and the order still has it.
            Err(error @ ChainError::Dates { .. }) => {
                Err(Error::from(AcmeError::from(error)).hint("check this machine's clock"))
            }
            // Not what was asked for: a new order may bring it. Anything else may be mended on the way here.
            Err(error @ (ChainError::Key | ChainError::Names { .. })) => {
                files.forget()?;
                Err(AcmeError::from(error).into())
            }
            Err(error) => {
                if resumed {
                    // It failed the run before too.
                    files.forget()?;
                }
                Err(AcmeError::from(error).into())
            }
        }
    }

    fn tell(&self, what: &str) {
        self.progress.tell(self.name.as_str(), what);
    }
}
