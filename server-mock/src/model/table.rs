//! Rows by name that know which of them changed.

use std::{
    borrow::Borrow,
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    ops::Deref,
};

use serde::{Serialize, de::DeserializeOwned};

use super::changes::{Change, RowError};

/// What can be a row: JSON, written and read again.
pub(super) trait Document: Sized {
    fn write(&self) -> serde_json::Result<String>;
    fn read(document: &str) -> serde_json::Result<Self>;
}

impl<T: Serialize + DeserializeOwned> Document for T {
    fn write(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }

    fn read(document: &str) -> serde_json::Result<Self> {
        serde_json::from_str(document)
    }
}

/// A map whose rows are kept beyond the end of the program, so every way to change one leaves a note.
///
/// Reading goes through [`Deref`]; there is no `DerefMut`, so that no change escapes.
#[derive(Clone, Debug)]
pub(super) struct Table<K, V> {
    rows: BTreeMap<K, V>,
    changed: BTreeSet<K>,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), changed: BTreeSet::new() }
    }
}

impl<K, V> Deref for Table<K, V> {
    type Target = BTreeMap<K, V>;

    fn deref(&self) -> &Self::Target {
        &self.rows
    }
}

impl<K: Ord + Clone, V> Table<K, V> {
    /// Adds or replaces a row.
    pub(super) fn insert(&mut self, key: K, row: V) -> &mut V {
        self.changed.insert(key.clone());
        self.rows.entry(key).insert_entry(row).into_mut()
    }

    /// A row to be changed; it counts as changed from now on.
    pub(super) fn get_mut<Q>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
        Q: Ord + ToOwned<Owned = K> + ?Sized,
    {
        let row = self.rows.get_mut(key)?;
        self.changed.insert(key.to_owned());
        Some(row)
    }

    /// A row of which something is to be changed that is not kept.
    pub(super) fn get_mut_unkept<Q>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.rows.get_mut(key)
    }

    /// Takes a row out.
    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        let row = self.rows.remove(key)?;
        self.changed.insert(key.clone());
        Some(row)
    }

    /// Forgets which rows changed.
    pub(super) fn forget_changes(&mut self) {
        self.changed.clear();
    }
}

impl<K, V> Table<K, V>
where
    K: Ord + Clone + Display + From<String>,
    V: Document,
{
    /// Notes down every row that changed since the last time.
    pub(super) fn take_changes(&mut self, kind: &'static str, changes: &mut Vec<Change>) {
        for key in std::mem::take(&mut self.changed) {
            let document = self.rows.get(&key).map(|row| {
                // Rows have string keys and no types of others that could refuse.
                row.write().expect("every row can be written as JSON")
            });
            changes.push(Change { kind, id: key.to_string(), document });
        }
    }

    /// Puts a row back that was noted down before.
    pub(super) fn restore(&mut self, id: String, document: &str) -> Result<(), RowError> {
        match V::read(document) {
            Ok(row) => {
                self.rows.insert(id.into(), row);
                Ok(())
            }
            Err(source) => Err(RowError::Unreadable { id, source }),
        }
    }
}
