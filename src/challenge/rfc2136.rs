//! Records by dynamic updates, where the zone's server takes them (RFC 2136, RFC 8945).

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use zeroize::Zeroizing;

use crate::core::dns_record::TxtRecord;
use crate::core::secret::Secret;
use crate::core::update_file::{InvalidUpdateFile, SecretSource, UpdateFile, parse_secret};
use crate::dns::{Change, DnsClient, UpdateKey, UpdateTarget};

use super::dns::Publisher;
use super::{ChallengeError, Proof};

/// No such file is larger, in bytes; what is cut off does not fit the form.
const LARGEST: u64 = 1 << 16;

/// Why a file can't be used to update zones.
#[derive(Debug, thiserror::Error)]
pub enum UpdateFileError {
    /// The operating system refused.
    #[error("could not read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// Its text is not of the form.
    #[error("{} does not say how zones are updated", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: InvalidUpdateFile,
    },
    /// It holds a secret that others can read.
    #[error("{} holds a secret, and others than its owner may read it (mode {mode:04o})", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
}

/// Sends updates as its file says. The file is read anew each time: it may change between two renewals.
pub(super) struct Rfc2136 {
    file: PathBuf,
    dns: Arc<DnsClient>,
}

impl Rfc2136 {
    pub(super) fn new(file: PathBuf, dns: Arc<DnsClient>) -> Self {
        Self { file, dns }
    }

    async fn change(&self, change: Change, record: &TxtRecord) -> Result<(), ChallengeError> {
        let (target, key) = read_update_file(&self.file)?;
        let updated = self.dns.update(&target, &key, change, record).await;
        updated.map_err(|error| ChallengeError::Update { name: record.name.clone(), source: error.into() })
    }
}

#[async_trait]
impl Publisher for Rfc2136 {
    async fn publish(&self, record: &TxtRecord, _proof: &Proof) -> Result<(), ChallengeError> {
        self.change(Change::Add, record).await
    }

    async fn withdraw(&self, record: &TxtRecord, _proof: &Proof) -> Result<(), ChallengeError> {
        self.change(Change::Remove, record).await
    }

    fn advice(&self, _name: &str) -> String {
        format!(
            "the server looks from outside: the zone that {} updates must be the one that everybody sees",
            self.file.display()
        )
    }
}

/// Reads how zones are updated, with the key.
///
/// # Errors
/// [`UpdateFileError`], never with the secret in it.
pub fn read_update_file(path: &Path) -> Result<(UpdateTarget, UpdateKey), UpdateFileError> {
    let (text, mode) = read(path)?;
    let form = |path: &Path| {
        let path = path.to_owned();
        move |source| UpdateFileError::Form { path, source }
    };
    let file: UpdateFile = text.parse().map_err(form(path))?;
    let secret: Secret = match file.secret {
        SecretSource::Inline(secret) => {
            closed(path, mode)?;
            secret
        }
        SecretSource::File(other) => {
            // Beside the file that names it, unless it says where.
            let other = path.parent().unwrap_or(Path::new("")).join(other);
            let (text, mode) = read(&other)?;
            closed(&other, mode)?;
            parse_secret(&text).map_err(form(&other))?
        }
    };
    let key = UpdateKey { name: file.key, algorithm: file.algorithm, secret };
    Ok((UpdateTarget { server: file.server, zone: file.zone }, key))
}

/// A file's text and permissions.
fn read(path: &Path) -> Result<(Zeroizing<String>, u32), UpdateFileError> {
    let read = || {
        let file = File::open(path)?;
        let mode = file.metadata()?.permissions().mode() & 0o7777;
        let mut text = Zeroizing::new(String::new());
        file.take(LARGEST).read_to_string(&mut text)?;
        Ok((text, mode))
    };
    read().map_err(|source| UpdateFileError::Read { path: path.to_owned(), source })
}

fn closed(path: &Path, mode: u32) -> Result<(), UpdateFileError> {
    if mode & 0o077 == 0 { Ok(()) } else { Err(UpdateFileError::Open { path: path.to_owned(), mode }) }
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions, write};

    use super::*;

    fn file(folder: &Path, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = folder.join(name);
        write(&path, text).unwrap();
        set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn a_secret_that_others_can_read_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let open = file(folder.path(), "open", "key = 'a'\nsecret = 'aGVsbG8='", 0o640);
        let error = read_update_file(&open).unwrap_err();
        assert!(matches!(error, UpdateFileError::Open { mode: 0o640, .. }), "{error}");
        let closed = file(folder.path(), "closed", "key = 'a'\nsecret = 'aGVsbG8='", 0o600);
        assert_eq!(read_update_file(&closed).unwrap().1.secret.expose(), b"hello");
    }

    #[test]
    fn a_secret_in_a_file_of_its_own_is_found_beside_and_keeps_the_first_open() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path(), "update", "key = 'a'\nsecret-file = 'secret'", 0o644);
        assert!(matches!(read_update_file(&path), Err(UpdateFileError::Read { .. })));
        let secret = file(folder.path(), "secret", "aGVsbG8=\n", 0o644);
        assert!(matches!(read_update_file(&path), Err(UpdateFileError::Open { path, .. }) if path == secret));
        set_permissions(&secret, Permissions::from_mode(0o400)).unwrap();
        assert_eq!(read_update_file(&path).unwrap().1.secret.expose(), b"hello");
    }
}
