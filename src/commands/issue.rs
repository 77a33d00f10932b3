//! `issue`: a certificate for some names.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::json;
use time::OffsetDateTime;

use crate::core::certificate_name::CertificateName;
use crate::core::csr::SigningRequest;
use crate::core::identifier::{DnsName, Identifier, listed};
use crate::core::key_type::KeyType;
use crate::core::renewal;
use crate::error::{Error, Kind};
use crate::issuance::{Issuance, Presented, until_signal};
use crate::store::{CertificateFiles, CertificateRecord, Installed, Store};
use crate::ui::Report;

use super::certificate_args::CertificateArgs;
use super::methods::MethodArgs;
use super::show::{certificate_json, date, rfc3339};
use super::{Context, profiles};

/// Arguments of `issue`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cacert-acme issue -d www.example.org -d example.org --webroot /var/www/html
  cacert-acme issue -d www.example.org --standalone
  cacert-acme issue -d '*.example.org' -d example.org --dns-rfc2136 /etc/cacert-acme/update.key
  cacert-acme issue --csr request.pem --webroot /var/www/html
  cacert-acme issue --profile ?

A certificate that exists is replaced only when it is due, when it is to be otherwise (another key type, profile, \
request), or with --force. What is not said stays as it was; --profile= and --must-staple=false take it back. Other names \
are asked about on a terminal and refused in scripts. Its files are found \
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
    /// Get a new certificate even if none is due, or if the names differ
    #[arg(long)]
    pub force: bool,
    /// Go the whole way, and install nothing; what the server issues counts towards its limits
    #[arg(long)]
    pub dry_run: bool,
    /// What it is to be like.
    #[command(flatten)]
    pub certificate: CertificateArgs,
    /// Ways to prove control.
    #[command(flatten)]
    pub methods: MethodArgs,
}

/// Gets it, unless it is there already.
///
/// # Errors
/// What a person must be told.
pub(super) async fn run(context: &Context, args: Args) -> Result<Report, Error> {
    if args.certificate.profile.as_deref() == Some("?") {
        return profiles::list(context).await;
    }
    let csr = args.certificate.signing_request()?;
    let identifiers = args.identifiers(csr.as_ref())?;
    let name = match &args.name {
        Some(name) => name.clone(),
        None => CertificateName::for_identifier(&args.first(&identifiers)?),
    };
    let _lock = context.store().lock_certificate(&name).await?;
    let files = context.store().certificate(&name);
    let existing = files.record()?;
    let record = args.record(context, identifiers, csr, existing.as_ref())?;
    let presented = Presented::default();
    if args.dry_run {
        let work = dry_run(context, &presented, &name, &record);
        let obtained = until_signal(&presented, work).await?;
        return Ok(dry_report(&name, &record, &obtained));
    }
    let mut under_way = false;
    if let Some(existing) = &existing {
        args.agree_to_changes(context, &name, existing, &record)?;
        under_way = is_under_way(context, &name, &record)?;
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
    if !args.force {
        refuse_revoked_key(&files, &record)?;
    }
    // A date of an earlier run was for the certificate that it got.
    let same_dates = under_way || args.certificate.names_a_date();
    let record = if same_dates { record } else { record.without_fixed_dates() };
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
    obtain_into(context, context.store(), presented, name, record).await
}

/// The same into a store that is removed afterwards: everything is done and checked, and nothing here is touched.
pub(super) async fn dry_run(
    context: &Context,
    presented: &Presented,
    name: &CertificateName,
    record: &CertificateRecord,
) -> Result<Installed, Error> {
    /// Removes it also when a signal ends the run.
    struct Scratch(Store);
    impl Drop for Scratch {
        fn drop(&mut self) {
            if let Err(error) = self.0.discard() {
                tracing::warn!("{error}");
            }
        }
    }
    let scratch = Scratch(context.store().scratch(name));
    scratch.0.discard()?;
    obtain_into(context, &scratch.0, presented, name, record).await
}

async fn obtain_into(
    context: &Context,
    store: &Store,
    presented: &Presented,
    name: &CertificateName,
    record: &CertificateRecord,
) -> Result<Installed, Error> {
    let progress = context.ui().progress();
    progress.tell(name.as_str(), "asking the server");
    let session = context.session(&record.server, &record.account).await?;
    let solvers = context.solvers();
    Issuance { session: &session, store, solvers, presented, progress, name, record }.obtain().await
}

impl Args {
    /// All names and addresses, sorted, each once. A request that is brought has its own.
    fn identifiers(&self, csr: Option<&SigningRequest>) -> Result<Vec<Identifier>, Error> {
        let mut identifiers: BTreeSet<Identifier> = self.ip.iter().copied().map(Identifier::Ip).collect();
        for text in &self.domains {
            identifiers.insert(parse_domain(text)?);
        }
        let identifiers: Vec<Identifier> = identifiers.into_iter().collect();
        match csr {
            Some(csr) if identifiers.is_empty() || identifiers == csr.identifiers() => {
                Ok(csr.identifiers().to_vec())
            }
            Some(csr) => Err(Error::new(Kind::Usage, "the request is for other names than those given")
                .because(format!(
                    "it is for {}; given is {}",
                    listed(csr.identifiers()),
                    listed(&identifiers)
                ))
                .hint("with --csr, leave -d and --ip out")),
            None => Ok(identifiers),
        }
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
        csr: Option<SigningRequest>,
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
        let mut record = CertificateRecord {
            server: account.server,
            account: context.account_name().to_owned(),
            identifiers,
            key_type: KeyType::default(),
            reuse_key: false,
            must_staple: false,
            profile: None,
            preferred_chain: None,
            not_before: None,
            not_after: None,
            csr,
            challenges,
            dns: self.methods.dns.settings(existing.map(|existing| &existing.dns)),
            revoked: existing.and_then(|existing| existing.revoked.clone()),
        };
        self.certificate.apply(&mut record, existing)?;
        Ok(record)
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
        let (old, new) = (listed(&existing.identifiers), listed(&wanted.identifiers));
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
    let same = existing.specification() == wanted.specification() && existing.server == wanted.server;
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

/// A key whose certificate was revoked may be in other hands; where the user brings the request, only he can make
/// another one.
pub(super) fn refuse_revoked_key(files: &CertificateFiles, record: &CertificateRecord) -> Result<(), Error> {
    match files.current_or_none() {
        Some(installed) if record.repeats_revoked_key(&installed) => Err(Error::new(
            Kind::Local,
            format!("the request for {} has the key of the certificate that was revoked", files.name()),
        )
        .hint("make a new key and request, then: cacert-acme issue --csr FILE")
        .hint("--force has the same key certified again")),
        _ => Ok(()),
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
    let key = match record.csr {
        None => paths.privkey.display().to_string(),
        Some(_) => "where the request was made".to_owned(),
    };
    let text = format!(
        "{headline}\n  names:       {}\n  certificate: {}\n  with chain:  {}\n  key:         {key}",
        listed(&record.identifiers),
        paths.cert.display(),
        paths.fullchain.display(),
    );
    let mut json = certificate_json(files, record, Some(installed));
    json["issued"] = json!(outcome == Outcome::Issued);
    Report::new(text, json)
}

fn dry_report(name: &CertificateName, record: &CertificateRecord, obtained: &Installed) -> Report {
    let end = date(obtained.facts.not_after);
    let text = format!(
        "Certificate {name}: the dry run got one for {}, valid until {end}, and installed nothing.",
        listed(&record.identifiers)
    );
    let json = json!({
        "name": name.as_str(),
        "dry_run": true,
        "issued": false,
        "identifiers": record.identifiers,
        "issuer": obtained.facts.issuer,
        "serial": obtained.facts.serial,
        "not_after": rfc3339(obtained.facts.not_after),
    });
    Report::new(text, json)
}

fn parse_domain(text: &str) -> Result<Identifier, Error> {
    if text.trim().parse::<IpAddr>().is_ok() {
        return Err(Error::new(Kind::Usage, format!("{text} is an IP address, not a name"))
            .hint(format!("--ip {text} certifies an address")));
    }
    DnsName::parse(text).map(Identifier::Dns).map_err(|error| Error::new(Kind::Usage, error.to_string()))
}
