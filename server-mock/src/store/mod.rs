//! Where the [`Model`] is kept: in memory, behind one lock, and on request in a file too.

mod journal;
mod sqlite;

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
};

use crate::model::{
    Model,
    changes::{Change, Row, RowError},
};
use journal::Journal;
use sqlite::Database;

/// Why the state file can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It can't be made, or its mode can't be set.
    #[error("could not open the file")]
    File(#[from] std::io::Error),
    /// It is no database, or another program has it open.
    #[error("could not use the file as a database")]
    Database(#[from] rusqlite::Error),
    /// It is a database of something else.
    #[error("the file is a database, and not one of this program: it is left as it is")]
    Foreign,
    /// It was written by a later version of this program.
    #[error("the file has the form {0}, which this version does not know")]
    Version(i64),
    /// What is in it does not make sense.
    #[error("could not understand what is in the file")]
    Row(#[from] RowError),
}

/// Some transitions of the past are not in the file, and will not be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the state file can't be written: {0}")]
pub struct NotWritten(String);

/// Holds the model and lets one transition at a time happen.
///
/// Memory is the truth while the program runs. With a file, the rows that a transition changed are written to it in
/// one transaction, in the order of the transitions, by a thread of its own; nobody waits for it but who asks for
/// [`written`](Self::written).
#[derive(Debug, Default)]
pub struct Store {
    model: Mutex<Model>,
    journal: Option<Journal>,
}

impl Store {
    /// Opens a state file, or makes it, and reads what is in it. The rows whose kind begins with `.` are not the
    /// model's; they are returned as they are.
    ///
    /// # Errors
    /// When the file can't be opened, or has something else in it.
    pub fn open(path: &Path) -> Result<(Self, Vec<Row>), StoreError> {
        let database = Database::open(path)?;
        let (others, rows): (Vec<Row>, Vec<Row>) =
            database.rows()?.into_iter().partition(|row| row.kind.starts_with('.'));
        let model = Model::restore(rows)?;
        let store = Self { model: Mutex::new(model), journal: Some(Journal::start(database)?) };
        Ok((store, others))
    }

    /// Runs one transition; nothing else happens meanwhile, so it must not wait for anything.
    pub fn with<T>(&self, transition: impl FnOnce(&mut Model) -> T) -> T {
        // A transition that panics is answered with an error by whoever serves the request; the others go on.
        let mut model = self.model.lock().unwrap_or_else(PoisonError::into_inner);
        let result = transition(&mut model);
        match &self.journal {
            // Under the lock, so that the order is that of the transitions.
            Some(journal) => journal.append(model.take_changes()),
            None => model.forget_changes(),
        }
        result
    }

    /// Writes rows that are not the model's; their kind begins with `.`.
    pub fn keep(&self, rows: Vec<Change>) {
        let _order = self.model.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(journal) = &self.journal {
            journal.append(rows);
        }
    }

    /// Waits until every transition up to now is in the file, if there is one.
    ///
    /// # Errors
    /// When one could not be written.
    pub async fn written(&self) -> Result<(), NotWritten> {
        match &self.journal {
            Some(journal) => journal.written().await,
            None => Ok(()),
        }
    }

    /// Writes what is left and closes the file; transitions from now on are kept in memory alone.
    pub(crate) fn close(&self) {
        if let Some(journal) = &self.journal {
            journal.close();
        }
    }
}

#[cfg(test)]
impl Store {
    /// One whose file can't be written.
    pub(crate) fn unwritable() -> Self {
        let folder = tempfile::tempdir().expect("there is a place for temporary files");
        let database = Database::open(&folder.path().join("state.db")).expect("it is new");
        database.forbid_writing();
        let journal = Journal::start(database).expect("there is a thread for it");
        Self { model: Mutex::default(), journal: Some(journal) }
    }
}

#[cfg(test)]
mod tests;
