//! The state file: one table of JSON documents in SQLite.

use std::{
    fs::{OpenOptions, Permissions},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

use rusqlite::{Connection, params};

use super::StoreError;
use crate::model::changes::{Change, Row};

/// What says that a database is ours, in SQLite's `application_id`: "acme".
const APPLICATION_ID: i64 = 0x6163_6d65;
/// The form of the file, in SQLite's `user_version`.
const VERSION: i64 = 1;

/// An open state file. Nobody else can open it meanwhile.
#[derive(Debug)]
pub(super) struct Database(Connection);

impl Database {
    /// Opens or makes the file. It holds private keys and MAC keys, so it is the user's alone.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
        let connection = Connection::open(path)?;
        // Before anything is changed, be it the mode: it may be somebody else's.
        let is_new = is_new(&connection)?;
        file.set_permissions(Permissions::from_mode(0o600))?;
        drop(file);
        // Exclusive: two servers would overwrite each other's state. A write-ahead log without a sync for each
        // transaction survives the end of the program at any moment; only the system's own end may lose the latest.
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        if is_new {
            connection.execute_batch(&format!(
                "BEGIN; CREATE TABLE objects (kind TEXT NOT NULL, id TEXT NOT NULL, document TEXT NOT NULL, \
                 PRIMARY KEY (kind, id)) WITHOUT ROWID; PRAGMA application_id = {APPLICATION_ID}; \
                 PRAGMA user_version = {VERSION}; COMMIT;",
            ))?;
        } else {
            // The lock is taken with the first write.
            connection.execute_batch("BEGIN IMMEDIATE; COMMIT;")?;
        }
        Ok(Self(connection))
    }

    /// Everything in it.
    pub(super) fn rows(&self) -> Result<Vec<Row>, rusqlite::Error> {
        let mut statement = self.0.prepare("SELECT kind, id, document FROM objects")?;
        let row =
            |row: &rusqlite::Row<'_>| Ok(Row { kind: row.get(0)?, id: row.get(1)?, document: row.get(2)? });
        statement.query_map([], row)?.collect()
    }

    /// Writes all changes or none.
    pub(super) fn write(&mut self, changes: &[Change]) -> Result<(), rusqlite::Error> {
        let transaction = self.0.transaction()?;
        for Change { kind, id, document } in changes {
            match document {
                Some(document) => transaction
                    .prepare_cached("INSERT OR REPLACE INTO objects VALUES (?1, ?2, ?3)")?
                    .execute(params![kind, id, document])?,
                None => transaction
                    .prepare_cached("DELETE FROM objects WHERE kind = ?1 AND id = ?2")?
                    .execute(params![kind, id])?,
            };
        }
        transaction.commit()
    }
}

/// Whether nothing is in the file yet.
///
/// # Errors
/// When what is in it is not ours, or of a form that we do not know.
fn is_new(connection: &Connection) -> Result<bool, StoreError> {
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    match (pragma("application_id")?, pragma("user_version")?) {
        (APPLICATION_ID, VERSION) => Ok(false),
        (APPLICATION_ID, other) => Err(StoreError::Version(other)),
        (0, 0) => {
            let things: i64 =
                connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
            if things == 0 { Ok(true) } else { Err(StoreError::Foreign) }
        }
        _ => Err(StoreError::Foreign),
    }
}

#[cfg(test)]
impl Database {
    /// Lets every write fail from now on.
    pub(super) fn forbid_writing(&self) {
        self.0.pragma_update(None, "query_only", true).unwrap();
    }
}
