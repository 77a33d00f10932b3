//! Which challenges hooks have answered and not yet cleaned up, kept on disk: a hook that was never called for a
//! challenge is not called to take it away, and one that was is, even by the run after a crash.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::HookError;
use super::challenge::{ChallengeKind, HookChallenge};

/// How often a lock that another process holds is tried.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// `hooks/presented/TOKEN.KIND`, which holds what the hook wrote when it answered: the challenges of an authorization may
/// share a token.
pub(super) struct Journal {
    folder: PathBuf,
}

impl Journal {
    /// In the state directory.
    pub(super) fn new(state: &Path) -> Self {
        Self { folder: state.join("hooks/presented") }
    }

    /// Notes that the hook is about to answer this challenge. Only base64url reaches here as token.
    pub(super) fn begin(&self, challenge: &HookChallenge) -> Result<(), HookError> {
        self.keep(challenge, "")
    }

    /// Keeps what the hook wrote.
    pub(super) fn keep(&self, challenge: &HookChallenge, output: &str) -> Result<(), HookError> {
        let path = self.path(&challenge.token, challenge.kind);
        make_folder(&self.folder).map_err(HookError::file("make", &self.folder))?;
        write_private(&path, output).map_err(HookError::file("write", &path))
    }

    /// What the hook wrote when it answered this challenge; `None` if it did not.
    pub(super) fn output(&self, challenge: &HookChallenge) -> Option<String> {
        fs::read_to_string(self.path(&challenge.token, challenge.kind)).ok()
    }

    /// Whether the hook answered a challenge with this token, of this type.
    pub(super) fn knows(&self, token: &str, kind: ChallengeKind) -> bool {
        self.path(token, kind).exists()
    }

    /// Forgets a challenge.
    pub(super) fn forget(&self, challenge: &HookChallenge) -> Result<(), HookError> {
        let path = self.path(&challenge.token, challenge.kind);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(HookError::file("remove", &path)(error)),
            _ => Ok(()),
        }
    }

    /// No token has a dot.
    fn path(&self, token: &str, kind: ChallengeKind) -> PathBuf {
        self.folder.join(format!("{token}.{kind}"))
    }
}

/// A folder for us alone, with those above it.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// A file for us alone, replaced as a whole: whoever reads it meanwhile, or after a crash, finds the old text or the new.
pub(super) fn write_private(path: &Path, content: &str) -> io::Result<()> {
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.{number}", std::process::id()));
    let incoming = path.with_file_name(name);
    let written = write_new(&incoming, content).and_then(|()| fs::rename(&incoming, path));
    if written.is_err() {
        // The failure itself is told.
        let _ = fs::remove_file(&incoming);
    }
    written
}

fn write_new(path: &Path, content: &str) -> io::Result<()> {
    // One that a dead process of the same number left is written anew.
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(content.as_bytes())?;
    file.sync_all()
}

/// The file's lock, once nobody else has it; held until the file is closed.
pub(super) async fn lock(path: &Path, patience: Duration) -> Result<File, HookError> {
    let failed = |source| HookError::file("lock", path)(source);
    if let Some(folder) = path.parent() {
        make_folder(folder).map_err(HookError::file("make", folder))?;
    }
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
    let file = file.map_err(failed)?;
    let waiting = async {
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) => tokio::time::sleep(LOOK_AGAIN).await,
                Err(TryLockError::Error(source)) => return Err(source),
            }
        }
    };
    let late = || io::Error::new(ErrorKind::TimedOut, "a hook of another run holds it");
    tokio::time::timeout(patience, waiting).await.unwrap_or_else(|_| Err(late())).map_err(failed)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::super::challenge::example;
    use super::*;

    #[test]
    fn what_was_begun_is_known_until_it_is_forgotten() {
        let state = tempfile::tempdir().unwrap();
        let journal = Journal::new(state.path());
        let challenge = example(ChallengeKind::Dns01, "a.test", "a");
        let same_token = example(ChallengeKind::Http01, "a.test", "a");
        assert_eq!(journal.output(&challenge), None);
        journal.forget(&challenge).unwrap();
        journal.begin(&challenge).unwrap();
        assert_eq!(journal.output(&challenge).as_deref(), Some(""));
        journal.keep(&challenge, "said").unwrap();
        assert_eq!(journal.output(&challenge).as_deref(), Some("said"));
        assert!(journal.knows("a", ChallengeKind::Dns01));
        assert_eq!(journal.output(&same_token), None, "of another type");
        let mode = |path: &str| fs::metadata(state.path().join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("hooks/presented"), mode("hooks/presented/a.dns-01")), (0o700, 0o600));
        assert_eq!(fs::read_dir(state.path().join("hooks/presented")).unwrap().count(), 1, "nothing else");
        journal.forget(&same_token).unwrap();
        assert!(journal.output(&challenge).is_some());
        journal.forget(&challenge).unwrap();
        assert_eq!(journal.output(&challenge), None);
    }

    #[tokio::test]
    async fn a_lock_is_held_by_one() {
        let state = tempfile::tempdir().unwrap();
        let path = state.path().join("hooks/lock");
        let held = lock(&path, Duration::ZERO).await.unwrap();
        assert!(matches!(
            lock(&path, Duration::ZERO).await,
            Err(HookError::File { action: "lock", source, .. }) if source.kind() == ErrorKind::TimedOut
        ));
        let waiting = async { lock(&path, Duration::from_secs(60)).await.unwrap() };
        let release = async { drop(held) };
        tokio::join!(waiting, release);
    }
}
