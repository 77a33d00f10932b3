//! http-01 by a file in the folder that a web server serves (RFC 8555 §8.3).

use std::collections::HashSet;
use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use nix::fcntl::OFlag;

use crate::core::key_authorization::Token;

use super::{ChallengeError, Proof, Solver};

/// Writes proofs to `DIR/.well-known/acme-challenge/`, and removes what it made.
pub(super) struct Webroot {
    folder: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Folders that were not there before us, outermost first.
    made: Vec<PathBuf>,
    /// The proofs in place; the last one takes the folders along.
    present: HashSet<Token>,
}

impl Webroot {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, state: Mutex::default() }
    }

    fn challenges(&self) -> PathBuf {
        self.folder.join(".well-known/acme-challenge")
    }

    fn make_folders(&self, state: &mut State) -> Result<(), ChallengeError> {
        // The webroot itself must be there: a mistyped one would be made, and never served.
        if !self.folder.is_dir() {
            let source = io::Error::from(ErrorKind::NotFound);
            return Err(error("find the webroot", &self.folder)(source));
        }
        for folder in [self.folder.join(".well-known"), self.challenges()] {
            match fs::create_dir(&folder) {
                Ok(()) => {
                    // Readable by the web server whatever the umask of this run.
                    fs::set_permissions(&folder, Permissions::from_mode(0o755))
                        .map_err(error("open to the web server", &folder))?;
                    state.made.push(folder);
                }
                Err(exists) if exists.kind() == ErrorKind::AlreadyExists => {}
                Err(other) => return Err(error("create", &folder)(other)),
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Solver for Webroot {
    fn challenge_types(&self) -> &'static [&'static str] {
        &["http-01"]
    }

    async fn present(&self, proof: &Proof) -> Result<(), ChallengeError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.make_folders(&mut state)?;
        let path = self.challenges().join(proof.token.as_str());
        write_readable(&path, proof.key_authorization.as_bytes()).map_err(error("write", &path))?;
        state.present.insert(proof.token.clone());
        Ok(())
    }

    async fn clean_up(&self, proof: &Proof) -> Result<(), ChallengeError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.challenges().join(proof.token.as_str());
        // Only what is ours: the file of this token with this content, be it from a run that died.
        if holds(&path, proof.key_authorization.as_bytes()) {
            fs::remove_file(&path).map_err(error("remove", &path))?;
        }
        let _ = fs::remove_file(incoming(&path));
        state.present.remove(&proof.token);
        if state.present.is_empty() {
            // A folder that somebody else uses by now is not empty, and stays.
            for folder in std::mem::take(&mut state.made).iter().rev() {
                let _ = fs::remove_dir(folder);
            }
        }
        Ok(())
    }

    fn advice(&self, name: &str) -> String {
        let folder = self.folder.display();
        format!(
            "--webroot {folder} must be the folder that your web server serves for http://{name}/, and must be reachable on port 80 from outside"
        )
    }
}

/// Writes the file under another name first: a server that looks early must not see half of it.
fn write_readable(path: &Path, content: &[u8]) -> io::Result<()> {
    let incoming = incoming(path);
    let _ = fs::remove_file(&incoming);
    // Newly made, so that nobody's link is followed.
    let mut file = File::options().write(true).create_new(true).open(&incoming)?;
    file.write_all(content)?;
    file.set_permissions(Permissions::from_mode(0o644))?;
    fs::rename(&incoming, path)
}

/// A token holds no dot, so that this is nobody's proof.
fn incoming(path: &Path) -> PathBuf {
    path.with_extension("new")
}

/// Whether a regular file holds this and no more. Others may write to this folder: a link is not followed, a pipe not
/// waited for, and no more is read than is expected.
fn holds(path: &Path, content: &[u8]) -> bool {
    let read = || -> io::Result<bool> {
        let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
        let file = File::options().read(true).custom_flags(flags).open(path)?;
        if !file.metadata()?.is_file() {
            return Ok(false);
        }
        let mut found = Vec::new();
        file.take(content.len() as u64 + 1).read_to_end(&mut found)?;
        Ok(found == content)
    };
    read().unwrap_or(false)
}

fn error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ChallengeError {
    move |source| ChallengeError::File { action, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn c44_what_was_made_is_removed_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let well_known = root.path().join(".well-known");
        fs::create_dir(&well_known).unwrap();
        let webroot = Webroot::new(root.path().into());
        webroot.present(&Proof::of_token("one")).await.unwrap();
        webroot.present(&Proof::of_token("two")).await.unwrap();
        let file = well_known.join("acme-challenge/one");
        assert_eq!(fs::read_to_string(&file).unwrap(), "one.thumb");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o644);
        webroot.clean_up(&Proof::of_token("one")).await.unwrap();
        assert!(!file.exists() && well_known.join("acme-challenge/two").exists());
        webroot.clean_up(&Proof::of_token("two")).await.unwrap();
        assert!(!well_known.join("acme-challenge").exists(), "we made it");
        assert!(well_known.exists(), "it was there before us");
    }

    #[tokio::test]
    async fn a_strangers_file_and_a_missing_webroot_are_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let webroot = Webroot::new(root.path().into());
        let folder = root.path().join(".well-known/acme-challenge");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("one"), "somebody else's").unwrap();
        nix::unistd::mkfifo(&folder.join("two"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        std::os::unix::fs::symlink("/dev/zero", folder.join("three")).unwrap();
        for token in ["one", "two", "three"] {
            webroot.clean_up(&Proof::of_token(token)).await.unwrap();
            assert!(folder.join(token).symlink_metadata().is_ok(), "{token}");
        }
        let missing = Webroot::new(root.path().join("nowhere"));
        assert!(missing.present(&Proof::of_token("one")).await.is_err());
        assert!(!root.path().join("nowhere").exists());
    }
}
