//! `show`: one certificate.

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::core::certificate_name::CertificateName;
use crate::core::renewal;
use crate::error::Error;
use crate::store::{CertificateFiles, CertificateRecord, Installed, StoreError};
use crate::ui::Report;

use super::Context;

/// Arguments of `show`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The certificate
    name: CertificateName,
}

/// Shows it.
///
/// # Errors
/// When there is none of that name, or its files are damaged.
pub(super) fn run(context: &Context, args: &Args) -> Result<Report, Error> {
    let files = context.store().certificate(&args.name);
    let record = files.record()?.ok_or_else(|| StoreError::NoCertificate(args.name.clone()))?;
    let installed = files.current()?;
    let mut text = format!("{}\n", args.name);
    let mut row = |label: &str, value: String| text.push_str(&format!("  {label:<12} {value}\n"));
    for (index, identifier) in record.identifiers.iter().enumerate() {
        let label = if index == 0 { "names" } else { "" };
        let method =
            record.challenges.get(identifier).map(|method| format!("  ({method})")).unwrap_or_default();
        row(label, format!("{}{method}", identifier.shown()));
    }
    match &installed {
        Some(installed) => {
            let facts = &installed.facts;
            row("version", installed.version.to_string());
            row("valid", format!("{} to {}", date(facts.not_before), date(facts.not_after)));
            row("renewal", format!("from {}", date(renewal::due_at(facts.not_before, facts.not_after))));
            row("issuer", facts.issuer.clone());
            row("serial", facts.serial.clone());
        }
        None => row("version", "none installed yet".into()),
    }
    let revoked =
        record.revoked.as_ref().filter(|_| installed.as_ref().is_some_and(|one| record.revokes(one)));
    if let Some(revocation) = revoked {
        row("revoked", format!("{}: the next renewal replaces it", date(revocation.at)));
    }
    let kept = if record.reuse_key { ", kept at renewals" } else { "" };
    row("key type", format!("{}{kept}", record.key_type));
    for (label, value) in wishes(&record) {
        row(label, value);
    }
    row("account", format!("{} at {}", record.account, record.server));
    let paths = files.paths();
    row("certificate", paths.cert.display().to_string());
    row("with chain", paths.fullchain.display().to_string());
    row("issuers", paths.chain.display().to_string());
    row(
        "key",
        match record.csr {
            None => paths.privkey.display().to_string(),
            Some(_) => "where the request was made".into(),
        },
    );
    Ok(Report::new(text, certificate_json(&files, &record, installed.as_ref())))
}

/// What was asked for beyond names and key.
fn wishes(record: &CertificateRecord) -> Vec<(&'static str, String)> {
    let mut wishes = Vec::new();
    if record.must_staple {
        wishes.push(("must-staple", "yes".to_owned()));
    }
    wishes.extend(record.profile.clone().map(|profile| ("profile", profile)));
    wishes.extend(record.preferred_chain.as_ref().map(|chain| ("chain", format!("with {chain}"))));
    wishes.extend(record.not_before.map(|moment| ("not before", moment.to_string())));
    wishes.extend(record.not_after.map(|moment| ("not after", moment.to_string())));
    wishes
}

/// A certificate for programs; the same in every command.
pub(super) fn certificate_json(
    files: &CertificateFiles,
    record: &CertificateRecord,
    installed: Option<&Installed>,
) -> Value {
    let mut document = json!({
        "name": files.name().as_str(),
        "identifiers": record.identifiers,
        "identifiers_unicode": record.identifiers.iter().map(|one| one.unicode().unwrap_or_else(|| one.to_string())).collect::<Vec<_>>(),
        "key_type": record.key_type,
        "reuse_key": record.reuse_key,
        "must_staple": record.must_staple,
        "profile": record.profile,
        "preferred_chain": record.preferred_chain,
        "wanted_not_before": record.not_before,
        "wanted_not_after": record.not_after,
        "csr": record.csr.is_some(),
        "server": record.server,
        "account": record.account,
        "challenges": record.challenges,
        "revoked": installed.is_some_and(|installed| record.revokes(installed)),
        "files": files.paths(),
        "version": null,
    });
    if record.csr.is_some() {
        document["files"]["privkey"] = Value::Null;
    }
    if let Some(Installed { version, facts }) = installed {
        document["version"] = json!(version);
        document["issuer"] = json!(facts.issuer);
        document["serial"] = json!(facts.serial);
        document["not_before"] = json!(rfc3339(facts.not_before));
        document["not_after"] = json!(rfc3339(facts.not_after));
        document["renew_from"] = json!(rfc3339(renewal::due_at(facts.not_before, facts.not_after)));
    }
    document
}

/// A moment for people: `2026-11-23 19:42 UTC`.
pub(super) fn date(moment: OffsetDateTime) -> String {
    let moment = moment.to_offset(time::UtcOffset::UTC);
    format!("{} {:02}:{:02} UTC", moment.date(), moment.hour(), moment.minute())
}

/// A moment for programs; to the second, which certificates don't go below.
pub(super) fn rfc3339(moment: OffsetDateTime) -> String {
    let whole = moment.replace_nanosecond(0).unwrap_or(moment);
    whole.format(&Rfc3339).unwrap_or_default()
}
