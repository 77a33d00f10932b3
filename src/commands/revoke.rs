//! `revoke`: a certificate is declared bad (RFC 8555 §7.6).

use std::path::{Path, PathBuf};

use serde_json::json;
use time::OffsetDateTime;

use crate::acme::{AccountKey, revoke_with_certificate_key};
use crate::core::certificate_name::CertificateName;
use crate::core::chain::{Chain, Facts};
use crate::core::revocation_reason::RevocationReason;
use crate::error::{Error, Kind};
use crate::store::{CertificateFiles, CertificateRecord, Revocation, read_named, read_named_bytes};
use crate::ui::Report;

use super::Context;

/// Arguments of `revoke`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("which").required(true))]
pub struct Args {
    /// The certificate by its name on this machine
    #[arg(group = "which")]
    name: Option<CertificateName>,
    /// The certificate in a file (PEM or DER)
    #[arg(long, value_name = "FILE", group = "which")]
    cert: Option<PathBuf>,
    /// The certificate by its serial number, among all versions on this machine
    #[arg(long, value_name = "HEX", group = "which", value_parser = serial_number)]
    serial: Option<String>,
    /// Sign with the certificate's own key (PEM) instead of the account's
    #[arg(long, value_name = "FILE", requires = "which")]
    key: Option<PathBuf>,
    /// Why, by its name in RFC 5280
    #[arg(long, value_name = "REASON", value_enum, ignore_case = true)]
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
    let (chain, local) = args.find(context)?;
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
    // An older version's revocation is no reason to replace the current one, unless its key is in other hands and the
    // current one has it too.
    let same_key = |facts: &Facts| {
        args.reason == Some(RevocationReason::KeyCompromise) && facts.public_key == chain.facts().public_key
    };
    let concerned = local.zip(record).and_then(|(files, record)| {
        let facts = files.current_or_none()?.facts;
        (facts == *chain.facts() || same_key(&facts)).then_some((files, record, facts.serial))
    });
    if let Some((files, record, serial)) = concerned {
        let revocation = Revocation { serial, at: OffsetDateTime::now_utc() };
        let next = match record.csr {
            None => format!("`cacert-acme renew {}` replaces it.", files.name()),
            Some(_) => "With a new key and request, `cacert-acme issue --csr FILE` replaces it.".into(),
        };
        files.save_record(&CertificateRecord { revoked: Some(revocation), ..record })?;
        text.push_str(&format!("\n  {next}"));
    }
    Ok(Report::new(text, json!({"revoked": true, "serial": serial})))
}

impl Args {
    /// The certificate, and whose version it is on this machine, if it is one.
    fn find(&self, context: &Context) -> Result<(Chain, Option<CertificateFiles>), Error> {
        if let Some(name) = &self.name {
            let files = context.store().certificate(name);
            return Ok((files.current_chain()?, Some(files)));
        }
        if let Some(path) = &self.cert {
            let chain = read_chain(path)?;
            let local = find_version(context, &chain.facts().serial)?;
            let local = local.filter(|(stored, _)| stored.leaf() == chain.leaf());
            return Ok((chain, local.map(|(_, files)| files)));
        }
        // clap wants one of the three.
        let serial = self.serial.as_deref().unwrap_or_default();
        let found = find_version(context, serial)?;
        let (chain, files) = found.ok_or_else(|| {
            Error::new(Kind::Local, format!("no version on this machine has the serial number {serial}"))
                .hint("--cert FILE revokes a certificate that is kept elsewhere")
        })?;
        Ok((chain, Some(files)))
    }

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
    let file = read_named_bytes(path).map_err(|error| failed(error.to_string()))?;
    Chain::read(&file).map_err(|error| failed(error.to_string()))
}

/// The version with this serial number, of whichever certificate of this machine. A damaged one must not keep another
/// from being revoked.
fn find_version(context: &Context, serial: &str) -> Result<Option<(Chain, CertificateFiles)>, Error> {
    for files in context.store().certificates()? {
        match files.chain_with_serial(serial) {
            Ok(Some(chain)) => return Ok(Some((chain, files))),
            Ok(None) => {}
            Err(error) => tracing::warn!("{}: its versions can't be read: {error}", files.name()),
        }
    }
    Ok(None)
}

/// Hexadecimal digits in the form that certificates are shown with here: lower case, without colons, with a whole
/// number of bytes.
fn serial_number(text: &str) -> Result<String, String> {
    let digits: String = text.trim_start_matches("0x").chars().filter(|c| !matches!(c, ':' | ' ')).collect();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("a serial number has hexadecimal digits".into());
    }
    let digits = digits.to_ascii_lowercase();
    Ok(if digits.len().is_multiple_of(2) { digits } else { format!("0{digits}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_numbers_are_read_as_programs_write_them() {
        assert_eq!(serial_number("0A:1B:ff").unwrap(), "0a1bff");
        assert_eq!(serial_number("0xA1B").unwrap(), "0a1b");
        assert!(serial_number("").is_err() && serial_number("xyz").is_err());
    }
}
