//! `orders/<NAME>/`: an order under way, so that a run that crashed is taken up by the next one.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::core::specification::Specification;

use super::{CertificateRecord, StoreError, files};

/// The files of one order.
#[derive(Clone, Debug)]
pub struct OrderFiles {
    folder: PathBuf,
}

/// `order.toml`: what was ordered where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderRecord {
    /// The URL of the account that ordered.
    pub account_url: String,
    /// The order's URL.
    pub url: String,
    /// What was ordered; its key waits beside this file.
    pub specification: Specification,
}

impl OrderRecord {
    /// Whether this order's certificate would be the one that is wanted.
    #[must_use]
    pub fn is_for(&self, wanted: &CertificateRecord) -> bool {
        self.specification == wanted.specification()
    }
}

impl OrderFiles {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The order under way; `None` when there is none.
    ///
    /// # Errors
    /// When the file can't be read or is damaged.
    pub fn record(&self) -> Result<Option<OrderRecord>, StoreError> {
        files::read_toml(&self.folder.join("order.toml"))
    }

    /// Keeps an order that the server just made.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn save_record(&self, record: &OrderRecord) -> Result<(), StoreError> {
        files::write_toml(&self.folder.join("order.toml"), record)
    }

    /// The certificate key in PEM; `None` when there is none yet.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn key(&self) -> Result<Option<Zeroizing<String>>, StoreError> {
        let path = self.folder.join("privkey.pem");
        if path.exists() { files::read(&path).map(Some) } else { Ok(None) }
    }

    /// Keeps the certificate key. Done before its CSR leaves this machine.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn save_key(&self, pem: &str) -> Result<(), StoreError> {
        files::write_private(&self.folder.join("privkey.pem"), pem.as_bytes())
    }

    /// Removes an order that has come to its end. Its key goes last, with the folder.
    ///
    /// # Errors
    /// When it can't be removed.
    pub fn forget(&self) -> Result<(), StoreError> {
        files::remove(&self.folder.join("order.toml"))?;
        files::remove(&self.folder)
    }
}
