//! Files written whole or not at all.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use nix::fcntl::OFlag;
use zeroize::Zeroizing;

use super::StoreError;

/// No file of ours is larger; a larger one is somebody's mistake.
const LARGEST: u64 = 1 << 20;

/// A name of this length still leaves room for what is put before and behind it; no file name has more than 255.
const LONGEST_NAME: usize = 120;

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// 0600: keys and what tells of them.
    Private,
    /// 0644: certificates; their folder keeps strangers out until somebody opens it on purpose.
    Public,
}

/// Makes a folder and those above it, 0700 each; folders that exist are left as they are.
pub(super) fn create_folder(path: &Path) -> Result<(), StoreError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(StoreError::io("create the folder", path))
}

/// Writes a secret file (0600) whole, replacing an older one by a rename, and waits until it is on disk.
pub(super) fn write_private(path: &Path, contents: &[u8]) -> Result<(), StoreError> {
    write(path, contents, Mode::Private)
}

/// Writes a file whole; see [`write_private`].
pub(super) fn write(path: &Path, contents: &[u8], mode: Mode) -> Result<(), StoreError> {
    // Every path of ours has a folder: the state directory at least.
    let folder = path.parent().unwrap_or(Path::new("."));
    create_folder(folder)?;
    let mut incoming = path.file_name().unwrap_or_default().to_owned();
    incoming.push(".new");
    // Always the same name, which locks keep to one run at a time: what a run that died left behind is replaced.
    let incoming = folder.join(incoming);
    let write = || -> io::Result<()> {
        if let Err(error) = fs::remove_file(&incoming)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
        // Made with 0600, so that no moment exists in which others can read it.
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(&incoming)?;
        file.write_all(contents)?;
        if mode == Mode::Public {
            file.set_permissions(Permissions::from_mode(0o644))?;
        }
        file.sync_all()?;
        fs::rename(&incoming, path)?;
        sync_folder(folder)
    };
    write().map_err(StoreError::io("write", path))
}

/// Reads a file that the user named and that may be secret; a pipe will do.
///
/// # Errors
/// The system's, also for a file of more than 1 MiB.
pub fn read_named(path: &Path) -> io::Result<Zeroizing<String>> {
    read_all(File::open(path)?)
}

/// Reads a file that the user named, whatever is in it.
///
/// # Errors
/// The system's, also for a file of more than 1 MiB.
pub fn read_named_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it has more than 1 MiB"));
    }
    Ok(bytes)
}

/// Reads a file of ours, which may be secret.
///
/// # Errors
/// [`StoreError::Io`], also for what is no regular file (a pipe would keep us waiting) or has more than 1 MiB.
pub(super) fn read(path: &Path) -> Result<Zeroizing<String>, StoreError> {
    let open = || -> io::Result<Zeroizing<String>> {
        let file = File::options().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        read_all(file)
    };
    open().map_err(StoreError::io("read", path))
}

fn read_all(file: File) -> io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    file.take(LARGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it has more than 1 MiB"));
    }
    Ok(text)
}

/// Reads a TOML file of ours; `None` when there is none.
pub(super) fn read_toml<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<T>, StoreError> {
    let text = match read(path) {
        Ok(text) => text,
        Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    toml::from_str(&text).map(Some).map_err(|error| StoreError::damaged(path, error))
}

/// Writes a TOML file of ours (0600).
pub(super) fn write_toml<T: serde::Serialize>(path: &Path, value: &T) -> Result<(), StoreError> {
    let text = toml::to_string(value).map_err(|error| StoreError::damaged(path, error))?;
    write(path, text.as_bytes(), Mode::Private)
}

/// Makes what happened in a folder (files made, renamed, removed) survive a power cut.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Renames within a folder, and waits until that is on disk.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    let folder = to.parent().unwrap_or(Path::new("."));
    fs::rename(from, to).and_then(|()| sync_folder(folder)).map_err(StoreError::io("rename", from))
}

/// The folders in a folder, without hidden ones; none when it doesn't exist.
pub(super) fn list_folders(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let list = || -> io::Result<Vec<PathBuf>> {
        let mut folders = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            // A link to a folder is one: people move state to another disk.
            if !hidden && entry.path().is_dir() {
                folders.push(entry.path());
            }
        }
        Ok(folders)
    };
    match list() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        other => other.map_err(StoreError::io("list", folder)),
    }
}

/// Removes a file or folder with all in it; nothing there is fine.
pub(super) fn remove(path: &Path) -> Result<(), StoreError> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::io("remove", path)(error)),
        _ => Ok(()),
    }
}

/// A server's URL as a folder name: host, port and path, with `%` and two hexadecimal digits for what a folder name
/// had better not have. Different URLs have different names.
pub(super) fn folder_name(url: &str) -> String {
    let mut name = String::new();
    for byte in url.strip_prefix("https://").unwrap_or(url).bytes() {
        let plain = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':');
        // Never hidden, never `..`.
        if plain || byte == b'.' && !name.is_empty() {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("%{byte:02X}"));
        }
    }
    if name.len() > LONGEST_NAME {
        let digest = digest(&SHA256, url.as_bytes());
        name.truncate(LONGEST_NAME);
        name.extend(digest.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")));
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn secrets_are_0600_in_folders_of_0700() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/key.pem");
        write_private(&path, b"one").unwrap();
        write_private(&path, b"two").unwrap();
        assert_eq!(read(&path).unwrap().as_str(), "two");
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no temporary file stays");
    }

    #[test]
    fn servers_become_folder_names() {
        assert_eq!(folder_name("https://127.0.0.1:14000/directory"), "127.0.0.1:14000%2Fdirectory");
        assert_eq!(folder_name("https://../../x"), "%2E.%2F..%2Fx");
        assert_ne!(folder_name("https://ca.test/acme/dir"), folder_name("https://ca.test/acme_dir"));
        let long = |end| folder_name(&format!("https://ca.test/{}{end}", "x".repeat(300)));
        assert!(long('a').len() < 150 && long('a') != long('b'));
    }

    #[test]
    fn what_is_no_regular_file_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(matches!(read(&pipe), Err(StoreError::Io { .. })));
        assert!(matches!(read(folder.path()), Err(StoreError::Io { .. })));
    }

    #[test]
    fn a_missing_toml_file_is_none_and_a_damaged_one_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.toml");
        assert!(read_toml::<toml::Table>(&path).unwrap().is_none());
        fs::write(&path, "a = ").unwrap();
        assert!(matches!(read_toml::<toml::Table>(&path), Err(StoreError::Damaged { .. })));
    }
}
