//! The records of the built-in DNS, for tests in any language.

use std::net::Ipv4Addr;

use axum::{Json, body::Bytes, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Admin,
    json::{ApiError, parse},
};
use crate::testbed::{DnsFailure, DnsTableError, RecordData};

/// A record with the name it belongs to: `{"name","type","value"}`.
#[derive(Serialize, Deserialize)]
struct Entry {
    name: String,
    #[serde(flatten)]
    data: RecordData,
}

/// What `DELETE /api/dns-records` takes: a record, or a name alone for all that is known about it.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "this is {\"name\",\"type\",\"value\"} for one record, or {\"name\"} for all of a name"
)]
enum Removal {
    One(Entry),
    All(Name),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Name {
    name: String,
}

/// What `POST /api/dns-failures` takes.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Failure {
    name: String,
    failure: DnsFailure,
}

/// What `PUT /api/dns-default` takes.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Default {
    /// Null says that there is none; it can't be left out.
    #[serde(deserialize_with = "Option::deserialize")]
    address: Option<Ipv4Addr>,
}

pub(super) async fn list(State(admin): State<Admin>) -> Json<Value> {
    let entry = |(name, data)| json!(Entry { name, data });
    Json(admin.services.dns_table.records().into_iter().map(entry).collect())
}

pub(super) async fn add(
    State(admin): State<Admin>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    check_members(&body)?;
    let entry: Entry = parse(&body)?;
    admin.services.dns_table.add(&entry.name, &entry.data)?;
    Ok((StatusCode::CREATED, Json(json!(entry))))
}

pub(super) async fn remove(State(admin): State<Admin>, body: Bytes) -> Result<Json<Value>, ApiError> {
    check_members(&body)?;
    let table = &admin.services.dns_table;
    match parse(&body)? {
        Removal::One(entry) if table.remove(&entry.name, &entry.data)? => Ok(Json(json!(entry))),
        Removal::One(_) => Err(ApiError::not_found("there is no such record")),
        Removal::All(Name { name }) => {
            table.clear(&name)?;
            Ok(Json(json!({"name": name})))
        }
    }
}

pub(super) async fn fail(
    State(admin): State<Admin>,
    body: Bytes,
) -> Result<(StatusCode, Json<Failure>), ApiError> {
    let failure: Failure = parse(&body)?;
    admin.services.dns_table.fail(&failure.name, failure.failure)?;
    Ok((StatusCode::CREATED, Json(failure)))
}

pub(super) async fn set_default(State(admin): State<Admin>, body: Bytes) -> Result<Json<Value>, ApiError> {
    let default: Default = parse(&body)?;
    admin.services.dns_table.set_default_ipv4(default.address);
    Ok(Json(json!(default)))
}

/// Records are read as a flat document, where serde lets unknown members pass.
fn check_members(body: &[u8]) -> Result<(), ApiError> {
    let document: serde_json::Map<String, Value> = parse(body)?;
    match document.keys().find(|member| !["name", "type", "value"].contains(&member.as_str())) {
        Some(member) => Err(ApiError::bad_request(format!("unknown field `{member}`"))),
        None => Ok(()),
    }
}

impl From<DnsTableError> for ApiError {
    fn from(error: DnsTableError) -> Self {
        ApiError::bad_request(error.to_string())
    }
}
