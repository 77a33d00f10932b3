//! `accounts/<server>/<name>/`: the account's key and what was agreed.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::core::contact::Contact;

use super::{StoreError, files};

/// The files of one account.
#[derive(Clone, Debug)]
pub struct AccountFiles {
    folder: PathBuf,
}

/// `account.toml`: an account as it was registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountRecord {
    /// The URL of the server's directory.
    pub server: String,
    /// The account's URL, its key identifier in every request (RFC 8555 §6.2).
    pub url: String,
    /// The key identifier of the External Account Binding, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eab_kid: Option<String>,
    /// Where the CA can reach the owner.
    pub contacts: Vec<Contact>,
    /// When the owner accepted responsibility for what this client does.
    #[serde(with = "time::serde::rfc3339")]
    pub responsibility_accepted_at: OffsetDateTime,
    /// The terms of service that were agreed to, where the server names some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms_of_service: Option<String>,
    /// When they were agreed to.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub terms_agreed_at: Option<OffsetDateTime>,
}

impl AccountFiles {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Where the files are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The account key's file.
    #[must_use]
    pub fn key_path(&self) -> PathBuf {
        self.folder.join("key.pem")
    }

    /// The account's name on this machine.
    #[must_use]
    pub fn name(&self) -> &str {
        // Account names are ASCII, and the last part of the folder's path.
        self.folder.file_name().and_then(|name| name.to_str()).unwrap_or_default()
    }

    /// What was registered; `None` when nothing was, or when a registration did not come to its end.
    ///
    /// # Errors
    /// When the file can't be read or is damaged.
    pub fn record(&self) -> Result<Option<AccountRecord>, StoreError> {
        files::read_toml(&self.folder.join("account.toml"))
    }

    /// Keeps what was registered.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn save_record(&self, record: &AccountRecord) -> Result<(), StoreError> {
        files::write_toml(&self.folder.join("account.toml"), record)
    }

    /// The account key in PEM; `None` when there is none.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn key(&self) -> Result<Option<Zeroizing<String>>, StoreError> {
        let path = self.key_path();
        if path.exists() { files::read(&path).map(Some) } else { Ok(None) }
    }

    /// Keeps the account key. Done before the server hears of the key.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn save_key(&self, pem: &str) -> Result<(), StoreError> {
        files::write_private(&self.key_path(), pem.as_bytes())
    }

    /// The key that is to replace the account key, if a change is under way.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn next_key(&self) -> Result<Option<Zeroizing<String>>, StoreError> {
        let path = self.next_key_path();
        if path.exists() { files::read(&path).map(Some) } else { Ok(None) }
    }

    /// Keeps a new key beside the account key. Done before the server hears of it.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn save_next_key(&self, pem: &str) -> Result<(), StoreError> {
        files::write_private(&self.next_key_path(), pem.as_bytes())
    }

    /// Lets the new key take the account key's place, by one rename.
    ///
    /// # Errors
    /// When it can't be renamed; both are there then.
    pub fn promote_next_key(&self) -> Result<(), StoreError> {
        files::rename(&self.next_key_path(), &self.key_path())
    }

    /// Removes a new key that the server did not take.
    ///
    /// # Errors
    /// When it can't be removed.
    pub fn discard_next_key(&self) -> Result<(), StoreError> {
        files::remove(&self.next_key_path())
    }

    fn next_key_path(&self) -> PathBuf {
        self.folder.join("key-next.pem")
    }

    /// Removes everything: no server takes this key (any more).
    ///
    /// # Errors
    /// When it can't be removed.
    pub fn forget(&self) -> Result<(), StoreError> {
        files::remove(&self.folder)
    }
}
