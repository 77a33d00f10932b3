//! What a state file keeps beside the model: the keys of the CAs.

use std::path::{Path, PathBuf};

use crate::{
    ca::{Authority, AuthorityRecord, CaCertificate, CaCertificateRecord},
    model::changes::{Change, Row, RowError},
    store::{Store, StoreError},
};

/// The kind of rows that hold a CA. A dot begins what is not the model's.
const CA: &str = ".ca";
/// The kind of the row that counts how often the server was started.
const RUNS: &str = ".runs";
const COUNT: &str = "count";
const AUTHORITY: &str = "authority";
const ENDPOINT: &str = "endpoint";

/// Why a state file can't be used.
#[derive(Debug, thiserror::Error)]
#[error("{path}")]
pub struct StateError {
    path: PathBuf,
    #[source]
    source: StoreError,
}

/// What was kept.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) store: Store,
    pub(crate) authority: Option<AuthorityRecord>,
    pub(crate) endpoint: Option<CaCertificateRecord>,
    /// How often a server was started on this file before. A seed must not give the same names once more.
    pub(crate) runs: u64,
}

impl Kept {
    /// Opens the file, if there is to be one. What an earlier run was signing is given up.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, StateError> {
        let Some(path) = path else { return Ok(Self::default()) };
        Self::read(path).map_err(|source| StateError { path: path.to_owned(), source })
    }

    fn read(path: &Path) -> Result<Self, StoreError> {
        let (store, rows) = Store::open(path)?;
        store.with(|model| model.abandon_signing());
        let mut kept = Self { store, ..Self::default() };
        for Row { kind, id, document } in rows {
            let unreadable = |source| StoreError::from(RowError::unreadable(&id, source));
            match (kind.as_str(), id.as_str()) {
                (CA, AUTHORITY) => {
                    kept.authority = Some(serde_json::from_str(&document).map_err(unreadable)?)
                }
                (CA, ENDPOINT) => kept.endpoint = Some(serde_json::from_str(&document).map_err(unreadable)?),
                (RUNS, COUNT) => kept.runs = serde_json::from_str(&document).map_err(unreadable)?,
                _ => return Err(RowError::Kind { kind }.into()),
            }
        }
        let runs = Some((kept.runs + 1).to_string());
        kept.store.keep(vec![Change { kind: RUNS, id: COUNT.to_owned(), document: runs }]);
        Ok(kept)
    }
}

/// Keeps the CAs, if anything is kept.
pub(crate) fn keep(store: &Store, authority: &Authority, endpoint: &CaCertificate) {
    let row = |id: &str, record: serde_json::Value| Change {
        kind: CA,
        id: id.to_owned(),
        document: Some(record.to_string()),
    };
    store.keep(vec![
        row(AUTHORITY, serde_json::json!(authority.record())),
        row(ENDPOINT, serde_json::json!(endpoint.record())),
    ]);
}
