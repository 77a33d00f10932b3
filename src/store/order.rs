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

    /// The order under way; `None` when there is none. One that can't be understood is set aside with its key, and told
    /// in the log: a new order mends it, so that nothing should keep one from coming.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn record(&self) -> Result<Option<OrderRecord>, StoreError> {
        match files::read_toml(&self.folder.join("order.toml")) {
            Err(error @ StoreError::Damaged { .. }) => {
                let name = self.folder.file_name().unwrap_or_default().to_string_lossy();
                // No certificate's name begins with a dot.
                let aside = self.folder.with_file_name(format!(".{name}.damaged"));
                files::remove(&aside)?;
                files::rename(&self.folder, &aside)?;
                tracing::warn!("{error}; what is left of that order is now in {}", aside.display());
                Ok(None)
            }
            read => read,
        }
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

#[cfg(test)]
mod tests {
    use super::super::Store;
    use crate::core::certificate_name::CertificateName;

    #[test]
    fn an_order_that_is_not_understood_is_set_aside_with_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let files = Store::new(folder.path().into()).order(&CertificateName::parse("a.test").unwrap());
        files.save_key("the key").unwrap();
        std::fs::write(files.folder.join("order.toml"), "url = 1\n").unwrap();
        assert_eq!(files.record().unwrap(), None);
        assert!(files.key().unwrap().is_none());
        let aside = folder.path().join("orders/.a.test.damaged/privkey.pem");
        assert_eq!(std::fs::read_to_string(aside).unwrap(), "the key");
    }
}
