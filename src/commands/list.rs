//! `list`: all certificates.

use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::core::identifier::Identifier;
use crate::error::Error;
use crate::store::{CertificateFiles, CertificateRecord, Installed};
use crate::ui::{Report, error_json};

use super::Context;
use super::issue::is_due;
use super::show::{certificate_json, date};

/// Arguments of `list`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Lists them.
///
/// # Errors
/// When the folder of certificates can't be read. A single damaged certificate is a row that says so.
pub(super) fn run(context: &Context, _args: &Args) -> Result<Report, Error> {
    let now = OffsetDateTime::now_utc();
    let mut rows = vec![["NAME", "DAYS LEFT", "VALID UNTIL", "STATE", "NAMES"].map(String::from)];
    let mut documents: Vec<Value> = Vec::new();
    for files in context.store().certificates()? {
        match read(&files) {
            Ok(Some((record, installed))) => {
                rows.push(row(&files, &record, installed.as_ref(), now));
                documents.push(certificate_json(&files, &record, installed.as_ref()));
            }
            // An issuance that did not come to its end.
            Ok(None) => {}
            Err(error) => {
                let name = files.name().to_string();
                documents.push(json!({"name": name, "error": error_json(&error)}));
                rows.push([name, String::new(), String::new(), "damaged".into(), error.message]);
            }
        }
    }
    let text = if documents.is_empty() {
        "There are no certificates yet: `cacert-acme issue` gets one.".into()
    } else {
        table(&rows)
    };
    Ok(Report::new(text, json!({ "certificates": documents })))
}

fn read(files: &CertificateFiles) -> Result<Option<(CertificateRecord, Option<Installed>)>, Error> {
    let Some(record) = files.record()? else { return Ok(None) };
    Ok(Some((record, files.current()?)))
}

fn row(
    files: &CertificateFiles,
    record: &CertificateRecord,
    installed: Option<&Installed>,
    now: OffsetDateTime,
) -> [String; 5] {
    let names: Vec<String> = record.identifiers.iter().map(Identifier::shown).collect();
    let (days, until, state) = match installed {
        None => (String::new(), String::new(), "not installed"),
        Some(installed) => {
            let end = installed.facts.not_after;
            let state = match () {
                () if record.revokes(installed) => "revoked",
                () if end <= now => "expired",
                () if is_due(installed, now) => "due",
                () => "good",
            };
            ((end - now).whole_days().to_string(), date(end), state)
        }
    };
    [files.name().to_string(), days, until, state.into(), names.join(" ")]
}

/// Rows with their columns under each other.
fn table(rows: &[[String; 5]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let [name, days, until, state] = [0, 1, 2, 3].map(width);
    let line = |row: &[String; 5]| {
        let [a, b, c, d, e] = row;
        format!("{a:<name$}  {b:>days$}  {c:<until$}  {d:<state$}  {e}").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_each_other() {
        let rows =
            [["NAME", "DAYS", "UNTIL", "STATE", "NAMES"], ["a.test", "7", "2026", "due", "a.test b.test"]];
        let rows = rows.map(|row| row.map(String::from));
        assert_eq!(
            table(&rows),
            "NAME    DAYS  UNTIL  STATE  NAMES\na.test     7  2026   due    a.test b.test"
        );
    }
}
