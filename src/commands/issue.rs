//! `issue`: a certificate for some names.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::json;
use time::OffsetDateTime;

use crate::core::certificate_name::CertificateName;
use crate::core::identifier::{DnsName, Identifier};
use crate::core::key_type::KeyType;
use crate::core::renewal;
use crate::error::{Error, Kind};
use crate::issuance::{Issuance, Presented, until_signal};
use crate::store::{CertificateFiles, CertificateRecord, Installed};
use crate::ui::Report;

use super::Context;
use super::methods::MethodArgs;
use super::show::{certificate_json, date};

/// Arguments of `issue`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cacert-acme issue -d www.example.org -d example.org --webroot /var/www/html
  cacert-acme issue -d www.example.org --standalone
  cacert-acme issue -d '*.example.org' -d example.org --dns-rfc2136 /etc/cacert-acme/update.key

A certificate that exists for the same names is renewed only when it is due, or with --force. Its files are found \
through the link certificates/NAME/current in the state directory: cert.pem, chain.pem, fullchain.pem, privkey.pem.")]
pub struct Args {
    /// A name to certify; may be repeated
    #[arg(short = 'd', long = "domain", value_name = "NAME", value_delimiter = ',')]
    pub domains: Vec<String>,
    /// An IP address to certify; may be repeated
    #[arg(long, value_name = "ADDR", value_delimiter = ',')]
    pub ip: Vec<IpAddr>,
    /// What to call the certificate on this machine [default: its first name]
    #[arg(long, value_name = "NAME")]
    pub name: Option<CertificateName>,
    /// The kind of key
    #[arg(long, value_name = "TYPE", value_enum, default_value_t)]
    pub key_type: KeyType,
    /// Get a new certificate even if none is due, or if names or key type differ
    #[arg(long)]
    pub force: bool,
    /// Ways to prove control.
    #[command(flatten)]
    pub methods: MethodArgs,
}

/// Gets it, unless it is there already.
///
/// # Errors
/// What a person must be told.
pub(super) async fn run(context: &Context, args: Args) -> Result<Report, Error> {
    let identifiers = args.identifiers()?;
    let name = match &args.name {
        Some(name) => name.clone(),
        None => CertificateName::for_identifier(&args.first(&identifiers)?),
    };
    let _lock = context.store().lock_certificate(&name).await?;
    let files = context.store().certificate(&name);
    let existing = files.record()?;
    let record = args.record(context, identifiers, existing.as_ref())?;
    if let Some(existing) = &existing {
        args.agree_to_changes(context, &name, existing, &record)?;
        let under_way = is_under_way(context, &name, &record)?;
        if !args.force
            && !under_way
            && let Some(installed) = unchanged(&files, existing, &record)
        {
            // The way to prove names may change without a new certificate: the next renewal goes it.
            files.save_record(&record)?;
            let outcome = if *existing == record { Outcome::Unchanged } else { Outcome::OnlyRenewalChanged };
            return Ok(report(&files, &record, &installed, outcome));
        }
    }
    let presented = Presented::default();
    let installed = until_signal(&presented, obtain(context, &presented, &name, &record)).await?;
    Ok(report(&files, &record, &installed, Outcome::Issued))
}

/// Obtains a certificate with the account that its record names.
pub(super) async fn obtain(
    context: &Context,
    presented: &Presented,
    name: &CertificateName,
    record: &CertificateRecord,
) -> Result<Installed, Error> {
    let progress = context.ui().progress();
    progress.tell(name.as_str(), "asking the server");
    let session = context.session(&record.server, &record.account).await?;
    let (store, solvers) = (context.store(), context.solvers());
    Issuance { session: &session, store, solvers, presented, progress, name, record }.obtain().await
}

impl Args {
    /// All names and addresses, sorted, each once.
    fn identifiers(&self) -> Result<Vec<Identifier>, Error> {
        let mut identifiers: BTreeSet<Identifier> = self.ip.iter().copied().map(Identifier::Ip).collect();
        for text in &self.domains {
            identifiers.insert(parse_domain(text)?);
        }
        Ok(identifiers.into_iter().collect())
    }

    /// What the user named first; it gives the certificate its name.
    fn first(&self, identifiers: &[Identifier]) -> Result<Identifier, Error> {
        match self.domains.first() {
            Some(text) => parse_domain(text),
            None => identifiers.first().cloned().ok_or_else(|| {
                Error::new(Kind::Usage, "no name is given")
                    .hint("-d NAME certifies a name, --ip ADDR an address")
            }),
        }
    }

    /// What is wanted. Methods and account that the user did not name are those of the existing certificate.
    fn record(
        &self,
        context: &Context,
        identifiers: Vec<Identifier>,
        existing: Option<&CertificateRecord>,
    ) -> Result<CertificateRecord, Error> {
        let assigned = self.methods.assign(&identifiers)?;
        let mut challenges: std::collections::BTreeMap<Identifier, String> =
            assigned.iter().map(|(identifier, method)| (identifier.clone(), method.to_string())).collect();
        for identifier in &identifiers {
            if challenges.contains_key(identifier) {
                continue;
            }
            let known = existing.and_then(|existing| existing.challenges.get(identifier));
            let known = known.ok_or_else(|| {
                Error::new(Kind::Usage, format!("no method is given to prove control of {identifier}")).hint(
                    "--webroot DIR if a web server serves the name, --standalone if port 80 of this machine is free",
                )
            })?;
            challenges.insert(identifier.clone(), known.clone());
        }
        let account = context.account()?;
        Ok(CertificateRecord {
            server: account.server,
            account: context.account_name().to_owned(),
            identifiers,
            key_type: self.key_type,
            challenges,
            dns: self.methods.dns.settings(existing.map(|existing| &existing.dns)),
            revoked: existing.and_then(|existing| existing.revoked.clone()),
        })
    }

    /// Other names under an existing certificate's name may be a slip: asked about on a terminal, refused in scripts.
    fn agree_to_changes(
        &self,
        context: &Context,
        name: &CertificateName,
        existing: &CertificateRecord,
        wanted: &CertificateRecord,
    ) -> Result<(), Error> {
        if self.force || existing.identifiers == wanted.identifiers {
            return Ok(());
        }
        let (old, new) = (joined(&existing.identifiers), joined(&wanted.identifiers));
        let question = format!("Certificate {name} is for {old}. Replace it by one for {new}?");
        if context.ui().can_ask() && context.agrees(&question)? {
            return Ok(());
        }
        Err(Error::new(Kind::Usage, format!("certificate {name} exists for other names"))
            .because(format!("it is for {old}; asked for is {new}"))
            .hint("--force replaces it; --name OTHER keeps both"))
    }
}

/// What came of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Issued,
    Unchanged,
    OnlyRenewalChanged,
}

/// The installed version, if it is what is wanted and not due. One that can't be read is not.
fn unchanged(
    files: &CertificateFiles,
    existing: &CertificateRecord,
    wanted: &CertificateRecord,
) -> Option<Installed> {
    let installed = files.current_or_none()?;
    let same = existing.key_type == wanted.key_type && existing.server == wanted.server;
    let good = same && wanted.is_met_by(&installed) && !is_due(&installed, OffsetDateTime::now_utc());
    good.then_some(installed)
}

/// Whether an earlier run has ordered just this. What is left of an order that was finished or never made is removed.
pub(super) fn is_under_way(
    context: &Context,
    name: &CertificateName,
    wanted: &CertificateRecord,
) -> Result<bool, Error> {
    let files = context.store().order(name);
    match files.record()? {
        Some(order) => Ok(order.is_for(wanted)),
        None => {
            files.forget()?;
            Ok(false)
        }
    }
}

/// Whether this version should be renewed now.
pub(super) fn is_due(installed: &Installed, now: OffsetDateTime) -> bool {
    now >= renewal::due_at(installed.facts.not_before, installed.facts.not_after)
}

fn report(
    files: &CertificateFiles,
    record: &CertificateRecord,
    installed: &Installed,
    outcome: Outcome,
) -> Report {
    let paths = files.paths();
    let (name, version) = (files.name(), installed.version);
    let due = renewal::due_at(installed.facts.not_before, installed.facts.not_after);
    let (end, due) = (date(installed.facts.not_after), date(due));
    let headline = match outcome {
        Outcome::Issued => format!("Certificate {name}: version {version} is installed, valid until {end}."),
        Outcome::Unchanged => format!(
            "Certificate {name}: nothing is due before {due}, and nothing was changed (version {version}, valid until {end})."
        ),
        Outcome::OnlyRenewalChanged => format!(
            "Certificate {name}: nothing is due before {due}; how it will be renewed was changed (version {version}, valid until {end})."
        ),
    };
    let text = format!(
        "{headline}\n  certificate: {}\n  with chain:  {}\n  key:         {}",
        paths.cert.display(),
        paths.fullchain.display(),
        paths.privkey.display()
    );
    let mut json = certificate_json(files, record, Some(installed));
    json["issued"] = json!(outcome == Outcome::Issued);
    Report::new(text, json)
}

fn parse_domain(text: &str) -> Result<Identifier, Error> {
    if text.trim().parse::<IpAddr>().is_ok() {
        return Err(Error::new(Kind::Usage, format!("{text} is an IP address, not a name"))
            .hint(format!("--ip {text} certifies an address")));
    }
    DnsName::parse(text).map(Identifier::Dns).map_err(|error| Error::new(Kind::Usage, error.to_string()))
}

fn joined(identifiers: &[Identifier]) -> String {
    identifiers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
