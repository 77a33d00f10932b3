//! `dns-persist`: the records that are published once, and prove names from then on.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde_json::json;
use time::macros::format_description;
use time::{Date, OffsetDateTime};

use crate::acme::{Authorization, NewOrder, Order, Session};
use crate::core::dns_record::TxtRecord;
use crate::core::identifier::{DnsName, Identifier};
use crate::core::persist_record::{DNS_PERSIST_01, Demand, Issuers, persist_name};
use crate::core::plan::AuthorizationStatus;
use crate::error::{Error, Kind};
use crate::ui::Report;

use super::Context;

/// How long others may keep such a record, in seconds.
const TTL: u32 = 3600;

/// Arguments of `dns-persist`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The output is a piece of a zone file. Publish it once; from then on `cacert-acme issue -d NAME \
--dns-persist` and every renewal need no access to the DNS. Whoever has this machine's account key can get certificates \
for the names as long as the records stand."
)]
pub struct Args {
    /// A name to prove for good; for *.NAME the record also covers NAME and all names below it
    #[arg(value_name = "NAME", required = true)]
    names: Vec<DnsName>,
    /// Let the records end on this day
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_day)]
    until: Option<OffsetDateTime>,
}

/// Asks the server what it wants to see, and prints it.
///
/// # Errors
/// What a person must be told.
pub(super) async fn run(context: &Context, args: Args) -> Result<Report, Error> {
    if args.until.is_some_and(|until| until <= OffsetDateTime::now_utc()) {
        return Err(Error::new(Kind::Usage, "--until must be a day to come"));
    }
    context.ui().progress().tell("dns-persist", "asking the server");
    let account = context.account()?;
    let session = context.session(&account.server, context.account_name()).await?;
    let mut records = BTreeMap::new();
    for (name, demand) in demands(&session, &args.names).await? {
        let base = name.trim_start_matches("*.").to_owned();
        let name = persist_name(&name).map_err(|error| Error::new(Kind::Usage, error.to_string()))?;
        // For a name and its wildcard one record is enough: that of the wildcard, which comes first.
        records.entry(base).or_insert(TxtRecord { name, value: demand.record(args.until) });
    }
    let lines: Vec<String> = records.values().map(|record| record.in_zone_file(TTL)).collect();
    let documents: Vec<_> = records
        .iter()
        .map(|(base, record)| json!({"for": base, "name": record.name.as_str(), "value": record.value}))
        .collect();
    Ok(Report::new(lines.join("\n"), json!({ "records": documents })))
}

/// What the server demands for each name, sorted by name. What must be ordered to learn that is given up again.
async fn demands(session: &Session, names: &[DnsName]) -> Result<BTreeMap<String, Demand>, Error> {
    let mut identifiers: Vec<Identifier> = names.iter().cloned().map(Identifier::Dns).collect();
    identifiers.sort();
    identifiers.dedup();
    let wanted = NewOrder { identifiers: &identifiers, profile: None, not_before: None, not_after: None };
    let order = Order::create(session, &wanted).await?;
    let urls = order.authorization_urls();
    let authorizations = join_all(urls.iter().map(|url| session.authorization(url))).await;
    let mut demands = BTreeMap::new();
    let mut outcome = Ok(());
    for (url, authorization) in urls.iter().zip(authorizations) {
        let authorization = authorization?;
        match demand(session, &authorization).await {
            Ok(demand) => drop(demands.insert(authorization.name(), demand)),
            Err(error) => outcome = outcome.and(Err(error)),
        }
        if authorization.status == AuthorizationStatus::Pending
            && let Err(error) = session.deactivate_authorization(url).await
        {
            tracing::info!("the authorization of {} stays until it expires: {error}", authorization.name());
        }
    }
    outcome.map(|()| demands)
}

/// By the challenge; by the directory when a name is proven already, and its challenges are gone.
async fn demand(session: &Session, authorization: &Authorization) -> Result<Demand, Error> {
    let (account, name) = (session.account_url(), authorization.name());
    let wildcard = name.starts_with("*.");
    if let Some(challenge) = authorization.challenge(DNS_PERSIST_01) {
        return Ok(challenge.demand(account, wildcard)?);
    }
    let unavailable =
        || Error::new(Kind::Refused, format!("the server does not offer {DNS_PERSIST_01} for {name}"));
    if authorization.status != AuthorizationStatus::Valid {
        return Err(unavailable());
    }
    let issuers = Issuers::parse(&session.caa_identities().await?);
    let demand = issuers.and_then(|issuers| Demand::new(issuers, account, wildcard));
    demand.map_err(|error| unavailable().because(format!("the CA's names in its directory: {error}")))
}

fn parse_day(text: &str) -> Result<OffsetDateTime, String> {
    let day = Date::parse(text, format_description!("[year]-[month]-[day]"));
    day.map(|day| day.midnight().assume_utc()).map_err(|_| "it is not a day such as 2030-12-31".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_as_they_begin_in_utc() {
        assert_eq!(parse_day("2030-12-31").unwrap().unix_timestamp(), 1_924_905_600);
        for bad in ["", "31.12.2030", "2030-13-01", "2030-12-31T00:00:00Z", "tomorrow"] {
            assert!(parse_day(bad).is_err(), "{bad}");
        }
    }
}
