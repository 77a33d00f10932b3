//! `renew`: all certificates that are due.

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt as _};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::core::certificate_name::CertificateName;
use crate::error::{Error, Kind};
use crate::issuance::{Presented, until_signal};
use crate::store::{Installed, StoreError};
use crate::ui::{Report, error_json};

use super::Context;
use super::issue::{dry_run, is_due, is_under_way, obtain, refuse_revoked_key};
use super::show::{certificate_json, date, rfc3339};

/// More orders at once would not be faster, and look like an attack.
const AT_ONCE: usize = 8;

/// The exit status that `--report-not-due` gives when there was nothing to do.
const NOT_DUE: u8 = 10;

/// Arguments of `renew`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A certificate is due when a third of its lifetime is left (half, if it lives less than ten \
days), or when it was revoked. A certificate that fails stops no other; its old version stays in place. When nothing is \
due, nothing is printed unless somebody watches."
)]
pub struct Args {
    /// Only these certificates [default: all]
    #[arg(value_name = "NAME")]
    names: Vec<CertificateName>,
    /// Renew even if not due
    #[arg(long)]
    force: bool,
    /// Go the whole way for each certificate, due or not, and install nothing
    #[arg(long)]
    dry_run: bool,
    /// Exit with status 10 when nothing was due
    #[arg(long)]
    report_not_due: bool,
}

/// What became of one certificate.
enum Outcome {
    NotDue(Installed),
    Renewed(Installed),
    Tried(Installed),
    Failed(Error),
}

/// Renews what is due.
///
/// # Errors
/// When the store can't be read or a signal ends the run; failures of single certificates are in the report.
pub(super) async fn run(context: &Context, args: Args) -> Result<Report, Error> {
    let names = args.selected(context)?;
    let presented = Presented::default();
    let work = stream::iter(names)
        .map(|name| async {
            let outcome = args.renew(context, &presented, &name).await.unwrap_or_else(Outcome::Failed);
            context.ui().progress().done(name.as_str());
            (name, outcome)
        })
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<_>>();
    let mut outcomes = until_signal(&presented, async { Ok(work.await) }).await?;
    outcomes.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(args.report(context, &outcomes))
}

impl Args {
    async fn renew(
        &self,
        context: &Context,
        presented: &Presented,
        name: &CertificateName,
    ) -> Result<Outcome, Error> {
        let _lock = context.store().lock_certificate(name).await?;
        // Read under the lock: another run may just have renewed it.
        let files = context.store().certificate(name);
        let Some(record) = files.record()? else {
            return Err(StoreError::NoCertificate(name.clone()).into());
        };
        if self.dry_run {
            let record = record.without_fixed_dates();
            return dry_run(context, presented, name, &record).await.map(Outcome::Tried);
        }
        let under_way = is_under_way(context, name, &record)?;
        if let Some(installed) = files.current_or_none()
            && !self.force
            && !under_way
            && record.is_met_by(&installed)
            && !is_due(&installed, OffsetDateTime::now_utc())
        {
            return Ok(Outcome::NotDue(installed));
        }
        if !self.force {
            refuse_revoked_key(&files, &record)?;
        }
        // A fixed date was for the certificate that is there.
        let record = if under_way { record } else { record.without_fixed_dates() };
        obtain(context, presented, name, &record).await.map(Outcome::Renewed)
    }

    fn selected(&self, context: &Context) -> Result<Vec<CertificateName>, Error> {
        if !self.names.is_empty() {
            let named: BTreeSet<CertificateName> = self.names.iter().cloned().collect();
            return Ok(named.into_iter().collect());
        }
        let all = context.store().certificates()?;
        // A folder without a record belongs to an issuance that did not come to its end. One whose record can't be
        // read stays in: its failure is told, and stops no other.
        let begun = all.iter().filter(|files| !matches!(files.record(), Ok(None)));
        Ok(begun.map(|files| files.name().clone()).collect())
    }

    fn report(&self, context: &Context, outcomes: &[(CertificateName, Outcome)]) -> Report {
        let mut lines = Vec::new();
        let mut documents = Vec::new();
        let mut worst: Option<Kind> = None;
        let mut renewed = 0;
        for (name, outcome) in outcomes {
            match outcome {
                Outcome::NotDue(installed) if context.ui().is_watched() => {
                    lines.push(format!("{name}: not due, valid until {}", date(installed.facts.not_after)));
                }
                Outcome::NotDue(_) => {}
                Outcome::Renewed(installed) => {
                    renewed += 1;
                    let (version, end) = (installed.version, date(installed.facts.not_after));
                    lines.push(format!("{name}: renewed, version {version}, valid until {end}"));
                }
                Outcome::Tried(obtained) => {
                    renewed += 1;
                    let end = date(obtained.facts.not_after);
                    lines.push(format!(
                        "{name}: the dry run got one valid until {end}, and installed nothing"
                    ));
                }
                Outcome::Failed(error) => {
                    worst = Some(worst.map_or(error.kind, |kind| more_telling(kind, error.kind)));
                    if !context.ui().is_json() {
                        context.ui().error(&error.clone().context(format!("{name} was not renewed")));
                    }
                }
            }
            documents.push(document(context, name, outcome));
        }
        if outcomes.is_empty() && context.ui().is_watched() {
            lines.push("There are no certificates yet: `cacert-acme issue` gets one.".into());
        }
        let status = match worst {
            Some(kind) => kind.exit_status(),
            None if renewed == 0 && self.report_not_due => NOT_DUE,
            None => 0,
        };
        Report { status, ..Report::new(lines.join("\n"), json!({ "certificates": documents })) }
    }
}

fn document(context: &Context, name: &CertificateName, outcome: &Outcome) -> Value {
    let described = |installed: &Installed, outcome: &str| {
        let files = context.store().certificate(name);
        let record = files.record().ok().flatten();
        let mut document = match record {
            Some(record) => certificate_json(&files, &record, Some(installed)),
            None => json!({ "name": name.as_str() }),
        };
        document["outcome"] = outcome.into();
        document
    };
    match outcome {
        Outcome::NotDue(installed) => described(installed, "not-due"),
        Outcome::Renewed(installed) => described(installed, "renewed"),
        Outcome::Tried(obtained) => json!({
            "name": name.as_str(),
            "outcome": "dry-run",
            "serial": obtained.facts.serial,
            "not_after": rfc3339(obtained.facts.not_after),
        }),
        Outcome::Failed(error) => {
            json!({ "name": name.as_str(), "outcome": "failed", "error": error_json(error) })
        }
    }
}

/// Of two failures the one whose exit status counts: the lowest from 3 up.
fn more_telling(a: Kind, b: Kind) -> Kind {
    let rank = |kind: Kind| (kind.exit_status() < 3, kind.exit_status());
    if rank(a) <= rank(b) { a } else { b }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_status_from_3_up_counts() {
        assert_eq!(more_telling(Kind::Server, Kind::Refused), Kind::Refused);
        assert_eq!(more_telling(Kind::Internal, Kind::Locked), Kind::Locked);
        assert_eq!(more_telling(Kind::Internal, Kind::Internal), Kind::Internal);
    }
}
