//! Which challenges hooks have answered and not yet cleaned up, kept on disk: a hook that was never called for a
//! challenge is not called to take it away, and one that was is, even by the run after a crash.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::HookError;

/// `hooks/presented/TOKEN`, which holds what the hook wrote when it answered.
pub(super) struct Journal {
    folder: PathBuf,
}

impl Journal {
    /// In the state directory.
    pub(super) fn new(state: &Path) -> Self {
        Self { folder: state.join("hooks/presented") }
    }

    /// Notes that the hook is about to answer this challenge. Only base64url reaches here as token.
    pub(super) fn begin(&self, token: &str) -> Result<(), HookError> {
        self.keep(token, "")
    }

    /// Keeps what the hook wrote.
    pub(super) fn keep(&self, token: &str, output: &str) -> Result<(), HookError> {
        let path = self.folder.join(token);
        make_folder(&self.folder).map_err(HookError::file("make", &self.folder))?;
        write_private(&path, output).map_err(HookError::file("write", &path))
    }

    /// What the hook wrote when it answered this challenge; `None` if it did not.
    pub(super) fn output(&self, token: &str) -> Option<String> {
        fs::read_to_string(self.folder.join(token)).ok()
    }

    /// Forgets a challenge.
    pub(super) fn forget(&self, token: &str) -> Result<(), HookError> {
        let path = self.folder.join(token);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(HookError::file("remove", &path)(error)),
            _ => Ok(()),
        }
    }
}

/// A folder for us alone, with those above it.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// A file for us alone.
pub(super) fn write_private(path: &Path, content: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(content.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_begun_is_known_until_it_is_forgotten() {
        let state = tempfile::tempdir().unwrap();
        let journal = Journal::new(state.path());
        assert_eq!(journal.output("a"), None);
        journal.forget("a").unwrap();
        journal.begin("a").unwrap();
        assert_eq!(journal.output("a").as_deref(), Some(""));
        journal.keep("a", "said").unwrap();
        assert_eq!(journal.output("a").as_deref(), Some("said"));
        let mode = |path: &str| fs::metadata(state.path().join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("hooks/presented"), mode("hooks/presented/a")), (0o700, 0o600));
        journal.forget("a").unwrap();
        assert_eq!(journal.output("a"), None);
    }
}
