//! `certificates/<NAME>/`: every version of a certificate, and a link to the current one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::core::certificate_name::CertificateName;
use crate::core::chain::{Chain, Facts};
use crate::core::csr::SigningRequest;
use crate::core::dns_settings::DnsSettings;
use crate::core::identifier::Identifier;
use crate::core::key_type::KeyType;
use crate::core::moment::Moment;
use crate::core::preferred_chain::PreferredChain;
use crate::core::specification::Specification;

use super::StoreError;
use super::files::{self, Mode};

/// The files of one certificate.
#[derive(Clone, Debug)]
pub struct CertificateFiles {
    name: CertificateName,
    folder: PathBuf,
}

/// `certificate.toml`: what renewal needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateRecord {
    /// The URL of the server's directory.
    pub server: String,
    /// The account's name on this machine.
    pub account: String,
    /// The names, as the user gave them.
    pub identifiers: Vec<Identifier>,
    /// The kind of key.
    pub key_type: KeyType,
    /// Whether renewals keep the key.
    #[serde(default, skip_serializing_if = "is_false")]
    pub reuse_key: bool,
    /// Whether it asks for the TLS feature extension (RFC 7633).
    #[serde(default, skip_serializing_if = "is_false")]
    pub must_staple: bool,
    /// One of the server's profiles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The chain to take where the server offers several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferred_chain: Option<PreferredChain>,
    /// When its life is to begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Moment>,
    /// When it is to end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<Moment>,
    /// The request that the user brought; its key is not here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csr: Option<SigningRequest>,
    /// How each name is proven: `webroot:DIR`, `standalone:ADDR:PORT`, …
    pub challenges: BTreeMap<Identifier, String>,
    /// How DNS is worked with.
    #[serde(default, skip_serializing_if = "DnsSettings::is_default")]
    pub dns: DnsSettings,
    /// The newest revocation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revocation>,
}

/// A revocation of a version; it counts while that version is the current one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// The serial number of the revoked certificate, in hexadecimal.
    pub serial: String,
    /// When the server took it.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

impl CertificateRecord {
    /// What is ordered.
    #[must_use]
    pub fn specification(&self) -> Specification {
        Specification {
            identifiers: self.identifiers.clone(),
            key_type: self.key_type,
            must_staple: self.must_staple,
            profile: self.profile.clone(),
            not_before: self.not_before,
            not_after: self.not_after,
            csr: self.csr.clone(),
        }
    }

    /// The same for another certificate: a fixed date was for one alone.
    #[must_use]
    pub fn without_fixed_dates(self) -> Self {
        let counted = |moment: Option<Moment>| moment.filter(|moment| matches!(moment, Moment::After(_)));
        Self { not_before: counted(self.not_before), not_after: counted(self.not_after), ..self }
    }

    /// Whether this version is revoked.
    #[must_use]
    pub fn revokes(&self, installed: &Installed) -> bool {
        self.revoked.as_ref().is_some_and(|revocation| revocation.serial == installed.facts.serial)
    }

    /// Whether this version is revoked, and the request that the user brought is for its very key.
    #[must_use]
    pub fn repeats_revoked_key(&self, installed: &Installed) -> bool {
        let csr = self.csr.as_ref().filter(|_| self.revokes(installed));
        csr.is_some_and(|csr| csr.public_key() == installed.facts.public_key)
    }

    /// Whether this version is for the names and the kind of key that are wanted, and not revoked.
    #[must_use]
    pub fn is_met_by(&self, installed: &Installed) -> bool {
        let wanted: BTreeSet<&Identifier> = self.identifiers.iter().collect();
        let key = &installed.facts.public_key;
        let same_key = match &self.csr {
            Some(csr) => csr.public_key() == key,
            // A kind that we don't make came from elsewhere, and is as good.
            None => KeyType::of(key).is_none_or(|kind| kind == self.key_type),
        };
        same_key && installed.facts.identifiers.iter().eq(wanted) && !self.revokes(installed)
    }
}

/// A version that is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// Its number, from 1 up.
    pub version: u32,
    /// What the certificate says.
    pub facts: Facts,
}

/// Where a server program finds the current version, whichever it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Paths {
    /// The leaf certificate.
    pub cert: PathBuf,
    /// The issuers' certificates.
    pub chain: PathBuf,
    /// Both.
    pub fullchain: PathBuf,
    /// The private key; not there where the user brought the request.
    pub privkey: PathBuf,
}

/// For what is not written when it is not so.
fn is_false(value: &bool) -> bool {
    !value
}

impl CertificateFiles {
    pub(super) fn new(name: CertificateName, folder: PathBuf) -> Self {
        Self { name, folder }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &CertificateName {
        &self.name
    }

    /// What renewal needs; `None` when this certificate was never issued.
    ///
    /// # Errors
    /// When the file can't be read or is damaged.
    pub fn record(&self) -> Result<Option<CertificateRecord>, StoreError> {
        files::read_toml(&self.folder.join("certificate.toml"))
    }

    /// Keeps what renewal needs.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn save_record(&self, record: &CertificateRecord) -> Result<(), StoreError> {
        files::write_toml(&self.folder.join("certificate.toml"), record)
    }

    /// Where the current version's files are found.
    #[must_use]
    pub fn paths(&self) -> Paths {
        let file = |name| self.folder.join("current").join(name);
        Paths {
            cert: file("cert.pem"),
            chain: file("chain.pem"),
            fullchain: file("fullchain.pem"),
            privkey: file("privkey.pem"),
        }
    }

    /// The current version; `None` when nothing is installed.
    ///
    /// # Errors
    /// When its files can't be read or are damaged.
    pub fn current(&self) -> Result<Option<Installed>, StoreError> {
        let Some(version) = self.current_version()? else { return Ok(None) };
        let chain = self.chain(version)?;
        Ok(Some(Installed { version, facts: chain.facts().clone() }))
    }

    /// The current version; `None` also when its files can't be used, which is told in the log: a new version mends
    /// that, so that nothing should keep one from coming.
    #[must_use]
    pub fn current_or_none(&self) -> Option<Installed> {
        self.current().unwrap_or_else(|error| {
            tracing::warn!("{}: the current version can't be used: {error}", self.name);
            None
        })
    }

    /// The current version's chain.
    ///
    /// # Errors
    /// [`StoreError::NoCertificate`] when nothing is installed; else when its file can't be read or is damaged.
    pub fn current_chain(&self) -> Result<Chain, StoreError> {
        let version = self.current_version()?.ok_or_else(|| StoreError::NoCertificate(self.name.clone()))?;
        self.chain(version)
    }

    /// The chain of the version with this serial number, newest first. Versions that can't be read are passed over.
    ///
    /// # Errors
    /// When the folder of versions can't be read.
    pub fn chain_with_serial(&self, serial: &str) -> Result<Option<Chain>, StoreError> {
        let chains = self.versions()?.into_iter().rev().filter_map(|version| self.chain(version).ok());
        // Some programs leave out the zero byte that keeps the number positive.
        let bare = |serial: &str| serial.trim_start_matches("00").to_owned();
        Ok(chains.into_iter().find(|chain| bare(&chain.facts().serial) == bare(serial)))
    }

    /// The current version's key in PEM; `None` when it is not here.
    ///
    /// # Errors
    /// When its file can't be read.
    pub fn current_key(&self) -> Result<Option<Zeroizing<String>>, StoreError> {
        let path = self.paths().privkey;
        if path.exists() { files::read(&path).map(Some) } else { Ok(None) }
    }

    /// Installs a chain, with its key if it is ours, as a new version and makes it the current one by a rename. A chain that is
    /// installed already (a run died before the switch) only becomes current.
    ///
    /// # Errors
    /// When a file can't be written; the current version is unchanged then.
    pub fn install(&self, chain: &Chain, key_pem: Option<&str>) -> Result<Installed, StoreError> {
        let versions = self.folder.join("versions");
        files::create_folder(&versions)?;
        let known = self.versions()?;
        let newest = known.last().copied();
        let version = match newest {
            Some(newest) if self.chain(newest).is_ok_and(|installed| installed == *chain) => newest,
            _ => {
                let version = newest.unwrap_or(0).checked_add(1);
                let version = version.ok_or_else(|| {
                    StoreError::damaged(&versions, "a version has the last number there is")
                })?;
                self.write_version(&versions, version, chain, key_pem)?;
                version
            }
        };
        self.switch(version)?;
        Ok(Installed { version, facts: chain.facts().clone() })
    }

    /// A version's folder is filled under a hidden name and appears whole.
    fn write_version(
        &self,
        versions: &Path,
        version: u32,
        chain: &Chain,
        key_pem: Option<&str>,
    ) -> Result<(), StoreError> {
        let incoming = versions.join(".incoming");
        files::remove(&incoming)?;
        files::create_folder(&incoming)?;
        if let Some(pem) = key_pem {
            files::write(&incoming.join("privkey.pem"), pem.as_bytes(), Mode::Private)?;
        }
        files::write(&incoming.join("cert.pem"), chain.leaf_pem().as_bytes(), Mode::Public)?;
        files::write(&incoming.join("chain.pem"), chain.issuers_pem().as_bytes(), Mode::Public)?;
        files::write(&incoming.join("fullchain.pem"), chain.pem().as_bytes(), Mode::Public)?;
        let path = versions.join(version.to_string());
        files::rename(&incoming, &path)
    }

    fn switch(&self, version: u32) -> Result<(), StoreError> {
        let current = self.folder.join("current");
        let target = Path::new("versions").join(version.to_string());
        if fs::read_link(&current).is_ok_and(|old| old == target) {
            return Ok(());
        }
        if current.is_dir() && !current.is_symlink() {
            // Copied by something that follows links; it would be in the way, and might be all that is left.
            let aside = self.folder.join(".current-copied");
            files::remove(&aside)?;
            files::rename(&current, &aside)?;
        }
        let incoming = self.folder.join(".current");
        files::remove(&incoming)?;
        symlink(&target, &incoming).map_err(StoreError::io("create", &incoming))?;
        files::rename(&incoming, &current)
    }

    fn current_version(&self) -> Result<Option<u32>, StoreError> {
        let path = self.folder.join("current");
        match fs::read_link(&path) {
            Ok(target) => {
                let version = target.file_name().and_then(|name| name.to_str()?.parse().ok());
                version.map(Some).ok_or_else(|| StoreError::damaged(&path, "it does not point to a version"))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::io("read", &path)(error)),
        }
    }

    /// The numbers of all versions, ascending.
    fn versions(&self) -> Result<Vec<u32>, StoreError> {
        let folders = files::list_folders(&self.folder.join("versions"))?;
        let mut versions: Vec<u32> =
            folders.iter().filter_map(|folder| folder.file_name()?.to_str()?.parse().ok()).collect();
        versions.sort_unstable();
        Ok(versions)
    }

    fn chain(&self, version: u32) -> Result<Chain, StoreError> {
        let path = self.folder.join("versions").join(version.to_string()).join("fullchain.pem");
        Chain::parse(&files::read(&path)?).map_err(StoreError::chain(&path))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Store;
    use super::*;

    fn chain(name: &str) -> (Chain, String) {
        let certified = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        (Chain::parse(&certified.cert.pem()).unwrap(), certified.signing_key.serialize_pem())
    }

    #[test]
    fn versions_count_up_and_current_follows() {
        let folder = tempfile::tempdir().unwrap();
        let files = Store::new(folder.path().into()).certificate(&CertificateName::parse("a.test").unwrap());
        assert_eq!(files.current().unwrap(), None);
        let (first, first_key) = chain("a.test");
        let (second, second_key) = chain("a.test");
        assert_eq!(files.install(&first, Some(&first_key)).unwrap().version, 1);
        assert_eq!(files.install(&second, Some(&second_key)).unwrap().version, 2);
        assert_eq!(files.current().unwrap().unwrap().facts, *second.facts());
        assert_eq!(fs::read_to_string(files.paths().privkey).unwrap(), second_key);
        assert_eq!(fs::read_to_string(files.paths().fullchain).unwrap(), second.pem());
    }

    #[test]
    fn a_version_whose_switch_was_missed_is_switched_to() {
        let folder = tempfile::tempdir().unwrap();
        let files = Store::new(folder.path().into()).certificate(&CertificateName::parse("a.test").unwrap());
        let (first, first_key) = chain("a.test");
        let (second, second_key) = chain("a.test");
        files.install(&first, Some(&first_key)).unwrap();
        // A run died after the second version was written, and another one while it wrote a third.
        let versions = files.folder.join("versions");
        files.write_version(&versions, 2, &second, Some(&second_key)).unwrap();
        files::create_folder(&versions.join(".incoming")).unwrap();
        assert_eq!(files.current().unwrap().unwrap().version, 1);
        assert_eq!(files.install(&second, Some(&second_key)).unwrap().version, 2);
        assert_eq!(files.versions().unwrap(), [1, 2]);
    }
}
