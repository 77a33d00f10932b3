//! The ready file: tells other programs that everything is served, and where.

use std::{
    fs::{self, Permissions},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use nix::{sys::signal::kill, unistd::Pid};
use serde::{Deserialize, Serialize};
use server_mock::Handle;

use super::error::ProgramError;

#[derive(Serialize)]
struct Ready<'a> {
    directory_url: String,
    admin_url: &'a str,
    dns: String,
    http_port: u16,
    tls_port: u16,
    mail_listen: Option<String>,
    ca_bundle_pem: &'a str,
    root_pem: String,
    pid: u32,
}

/// As much of a ready file as says whose it is.
#[derive(Deserialize)]
struct Owner {
    pid: i32,
}

/// A ready file; it is there exactly while the server is.
pub(super) struct ReadyFile(Option<PathBuf>);

impl ReadyFile {
    /// Takes away what an earlier run may have left; not that of a server that runs, which this one will not replace.
    pub(super) fn prepare(path: Option<&Path>) -> Result<Self, ProgramError> {
        let Some(path) = path else { return Ok(Self(None)) };
        if owner(path).is_some_and(|pid| kill(pid, None) != Err(nix::errno::Errno::ESRCH)) {
            return Ok(Self(Some(path.to_owned())));
        }
        match fs::remove_file(path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(ProgramError::Write { path: path.to_owned(), source })
            }
            _ => Ok(Self(Some(path.to_owned()))),
        }
    }

    /// Writes it, whole or not at all.
    pub(super) fn announce(&self, handle: &Handle) -> Result<(), ProgramError> {
        let Some(path) = &self.0 else { return Ok(()) };
        write(path, handle).map_err(|source| ProgramError::Write { path: path.clone(), source })
    }
}

impl Drop for ReadyFile {
    fn drop(&mut self) {
        let ours = |path: &&Path| owner(path) == Some(Pid::this());
        // Somebody may have taken it away already.
        let _ = self.0.as_deref().filter(ours).map(fs::remove_file);
    }
}

/// The process that wrote this file, if one did.
fn owner(path: &Path) -> Option<Pid> {
    let owner: Owner = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    // 0 and below are no single process.
    (owner.pid > 0).then(|| Pid::from_raw(owner.pid))
}

fn write(path: &Path, handle: &Handle) -> io::Result<()> {
    let ready = Ready {
        directory_url: handle.directory_url(),
        admin_url: handle.admin_url(),
        dns: handle.dns_addr().to_string(),
        http_port: handle.http_port(),
        tls_port: handle.tls_port(),
        mail_listen: handle.mail_addr().map(|address| address.to_string()),
        ca_bundle_pem: handle.ca_bundle_pem(),
        root_pem: handle.root_pem(),
        pid: std::process::id(),
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer_pretty(&mut file, &ready)?;
    file.write_all(b"\n")?;
    // There is no secret in it, and other users' programs may wait for it.
    file.as_file().set_permissions(Permissions::from_mode(0o644))?;
    file.persist(path)?;
    Ok(())
}
