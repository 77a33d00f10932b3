//! `revoke`: a certificate is declared bad (RFC 8555 §7.6).

use std::path::{Path, PathBuf};

use serde_json::json;
use time::OffsetDateTime;

use crate::acme::{AccountKey, revoke_with_certificate_key};
use crate::core::certificate_name::CertificateName;
use crate::core::chain::Chain;
use crate::core::revocation_reason::RevocationReason;
use crate::error::{Error, Kind};
use crate::store::{CertificateFiles, CertificateRecord, Revocation, read_named};
use crate::ui::Report;

use super::Context;

/// Arguments of `revoke`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("which").required(true))]
pub struct Args {
    /// The certificate by its name on this machine
    #[arg(group = "which")]
    name: Option<CertificateName>,
    /// The certificate in a PEM file
    #[arg(long, value_name = "FILE", group = "which")]
    cert: Option<PathBuf>,
    /// Sign with the certificate's own key (ECDSA P-256, PEM) instead of the account's
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// Why
    #[arg(long, value_name = "REASON", value_enum)]
    reason: Option<RevocationReason>,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

/// Revokes it.
///
/// # Errors
/// What a person must be told.
pub(super) async fn run(context: &Context, args: Args) -> Result<Report, Error> {
    let (chain, local) = match (&args.name, &args.cert) {
        (Some(name), _) => {
            let files = context.store().certificate(name);
            (files.current_chain()?, Some(files))
        }
        (None, Some(path)) => {
            let chain = read_chain(path)?;
            let local = find_local(context, &chain)?;
            (chain, local)
        }
        // clap wants one of them.
        (None, None) => return Err(Error::new(Kind::Usage, "no certificate is given")),
    };
    args.confirm(context, &chain)?;
    let _lock = match &local {
        Some(files) => Some(context.store().lock_certificate(files.name()).await?),
        None => None,
    };
    // Read under the lock: another run may just have changed it.
    let record = local.as_ref().map(CertificateFiles::record).transpose()?.flatten();
    let serial = chain.facts().serial.clone();
    context.ui().progress().tell(&serial, "revoking");
    args.revoke(context, &chain, record.as_ref()).await?;
    context.ui().progress().done(&serial);
    let mut text = format!("Revoked the certificate with serial number {serial}.");
    if let Some((files, record)) = local.zip(record) {
        let revocation = Revocation { serial: serial.clone(), at: OffsetDateTime::now_utc() };
        files.save_record(&CertificateRecord { revoked: Some(revocation), ..record })?;
        text.push_str(&format!("\n  `cacert-acme renew {}` replaces it.", files.name()));
    }
    Ok(Report::new(text, json!({"revoked": true, "serial": serial})))
}

impl Args {
    fn confirm(&self, context: &Context, chain: &Chain) -> Result<(), Error> {
        if self.yes || !context.ui().can_ask() {
            return Ok(());
        }
        let names: Vec<String> = chain.facts().identifiers.iter().map(ToString::to_string).collect();
        let question = format!("Revoke the certificate for {}? This can't be undone.", names.join(", "));
        if context.agrees(&question)? {
            return Ok(());
        }
        Err(Error::new(Kind::Usage, "not revoked, as you did not agree"))
    }

    async fn revoke(
        &self,
        context: &Context,
        chain: &Chain,
        record: Option<&CertificateRecord>,
    ) -> Result<(), Error> {
        let revoked = match (&self.key, record) {
            (Some(path), record) => {
                let pem = read_named(path).map_err(|error| {
                    Error::new(Kind::Local, "the key given by --key can't be read").because(error.to_string())
                })?;
                let key = AccountKey::from_pem(&pem).map_err(|error| {
                    Error::from(error)
                        .hint("without --key, the account that ordered the certificate revokes it")
                })?;
                let server = match (context.named_server(), record) {
                    (Some(server), _) => server.to_owned(),
                    (None, Some(record)) => record.server.clone(),
                    (None, None) => context.account()?.server,
                };
                let transport = context.transport(&server)?;
                revoke_with_certificate_key(&transport, &key, chain.leaf(), self.reason).await
            }
            (None, Some(record)) => {
                let session = context.session(&record.server, &record.account).await?;
                session.revoke(chain.leaf(), self.reason).await
            }
            (None, None) => {
                let session = context.session(&context.account()?.server, context.account_name()).await?;
                session.revoke(chain.leaf(), self.reason).await
            }
        };
        match revoked {
            Ok(()) => Ok(()),
            // What was asked for is so; a run that lost the answer may try again.
            Err(error) if error.is("alreadyRevoked") => Ok(()),
            Err(error) => Err(Error::from(error).context("the certificate was not revoked")),
        }
    }
}

fn read_chain(path: &Path) -> Result<Chain, Error> {
    let failed = |cause: String| {
        Error::new(Kind::Local, format!("{} can't be used as a certificate", path.display())).because(cause)
    };
    let text = read_named(path).map_err(|error| failed(error.to_string()))?;
    Chain::parse(&text).map_err(|error| failed(error.to_string()))
}

/// The certificate of this machine whose current version it is, if any. A damaged one must not keep another from being
/// revoked.
fn find_local(context: &Context, chain: &Chain) -> Result<Option<CertificateFiles>, Error> {
    let mut all = context.store().certificates()?.into_iter();
    Ok(all.find(|files| files.current_or_none().is_some_and(|installed| installed.facts == *chain.facts())))
}
