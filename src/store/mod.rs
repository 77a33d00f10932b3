//! What is kept between runs: accounts, certificates, and orders under way, as files.
//!
//! Folders are 0700 and secrets 0600. Every file is written whole under another name and then renamed, and a new
//! certificate becomes the current one by one rename, so that a crash at any instant leaves the old state or the
//! new one.

mod account;
mod certificate;
mod files;
mod lock;
mod order;

use std::io;
use std::path::{Path, PathBuf};

use crate::core::certificate_name::CertificateName;
use crate::core::chain::ChainError;

pub use account::{AccountFiles, AccountRecord};
pub use certificate::{CertificateFiles, CertificateRecord, Installed, Paths, Revocation};
pub use files::{read_named, read_named_bytes};
pub use lock::Lock;
pub use order::{OrderFiles, OrderRecord};

/// The state directory.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
}

/// What went wrong with a local file.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The operating system refused.
    #[error("could not {action} {}", path.display())]
    Io {
        /// What was tried: `read`, `write`, …
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// A file holds something else than it should.
    #[error("{} is damaged", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Another run works on the same thing, for too long.
    #[error("another run of cacert-acme holds {} since more than {} seconds", path.display(), waited.as_secs())]
    Locked {
        /// The lock's file.
        path: PathBuf,
        /// How long this run waited.
        waited: std::time::Duration,
    },
    /// There is no certificate of that name.
    #[error("there is no certificate named {0}")]
    NoCertificate(CertificateName),
}

impl StoreError {
    /// For `map_err`: what was tried on which path.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }

    fn damaged(path: &Path, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Damaged { path: path.to_owned(), source: source.into() }
    }

    fn chain(path: &Path) -> impl FnOnce(ChainError) -> Self {
        move |source| Self::damaged(path, source)
    }
}

impl Store {
    /// The state directory at this path; nothing is created before something is written.
    #[must_use]
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Where it is.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The account of this name at this server.
    #[must_use]
    pub fn account(&self, server: &str, name: &str) -> AccountFiles {
        AccountFiles::new(self.root.join("accounts").join(files::folder_name(server)).join(name))
    }

    /// Every registered account with its name, sorted by name and server.
    ///
    /// # Errors
    /// When a folder can't be listed or an account's file is damaged.
    pub fn accounts(&self) -> Result<Vec<(String, AccountRecord)>, StoreError> {
        let mut accounts = Vec::new();
        for server in files::list_folders(&self.root.join("accounts"))? {
            for folder in files::list_folders(&server)? {
                let files = AccountFiles::new(folder);
                if let Some(record) = files.record()? {
                    accounts.push((files.name().to_owned(), record));
                }
            }
        }
        accounts.sort_by(|(a, one), (b, other)| (a, &one.server).cmp(&(b, &other.server)));
        Ok(accounts)
    }

    /// The files of a certificate.
    #[must_use]
    pub fn certificate(&self, name: &CertificateName) -> CertificateFiles {
        CertificateFiles::new(name.clone(), self.root.join("certificates").join(name.as_str()))
    }

    /// Every certificate, sorted by name. A folder whose name no certificate has is somebody else's.
    ///
    /// # Errors
    /// When the folder can't be listed.
    pub fn certificates(&self) -> Result<Vec<CertificateFiles>, StoreError> {
        let mut certificates = Vec::new();
        for folder in files::list_folders(&self.root.join("certificates"))? {
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            match CertificateName::parse(&name) {
                Ok(known) if known.as_str() == name => {
                    certificates.push(CertificateFiles::new(known, folder))
                }
                _ => tracing::warn!("{} is no certificate's folder, and left alone", folder.display()),
            }
        }
        certificates.sort_by(|a, b| a.name().cmp(b.name()));
        Ok(certificates)
    }

    /// A store beside this one for a dry run: what happens there touches nothing here, and is removed afterwards.
    #[must_use]
    pub fn scratch(&self, name: &CertificateName) -> Self {
        Self { root: self.root.join("scratch").join(name.as_str()) }
    }

    /// Removes the whole store; for the end of a dry run.
    ///
    /// # Errors
    /// When it can't be removed.
    pub fn discard(&self) -> Result<(), StoreError> {
        files::remove(&self.root)
    }

    /// The order under way for a certificate.
    #[must_use]
    pub fn order(&self, name: &CertificateName) -> OrderFiles {
        OrderFiles::new(self.root.join("orders").join(name.as_str()))
    }

    /// Waits until no other run works on this certificate. The lock ends with the process, however it ends.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when the other run takes too long.
    pub async fn lock_certificate(&self, name: &CertificateName) -> Result<Lock, StoreError> {
        Lock::acquire(&self.root.join("locks"), &format!("certificate-{name}")).await
    }

    /// Waits until no other run registers this account.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when the other run takes too long.
    pub async fn lock_account(&self, server: &str, name: &str) -> Result<Lock, StoreError> {
        Lock::acquire(&self.root.join("locks"), &format!("account-{}-{name}", files::folder_name(server)))
            .await
    }
}
