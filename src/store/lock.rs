//! Locks between runs.

use std::fs::{File, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use super::{StoreError, files};

/// How long a run waits for another one.
const PATIENCE: Duration = Duration::from_secs(300);

/// How often it looks whether the other one has ended.
const INTERVAL: Duration = Duration::from_millis(100);

/// A lock, held until dropped or until the process ends, even by `kill -9`.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    pub(super) async fn acquire(folder: &Path, name: &str) -> Result<Self, StoreError> {
        files::create_folder(folder)?;
        let path = folder.join(name);
        // The file stays: removing it would let a third run lock a new one beside the second's.
        let file = File::options().create(true).write(true).truncate(false).mode(0o600).open(&path);
        let file = file.map_err(StoreError::io("open", &path))?;
        let deadline = Instant::now() + PATIENCE;
        let mut told = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::Error(error)) => return Err(StoreError::io("lock", &path)(error)),
                Err(TryLockError::WouldBlock) if Instant::now() >= deadline => {
                    return Err(StoreError::Locked { path, waited: PATIENCE });
                }
                Err(TryLockError::WouldBlock) => {
                    if !std::mem::replace(&mut told, true) {
                        tracing::warn!(
                            "waiting for another run of cacert-acme that works on the same ({name})"
                        );
                    }
                    tokio::time::sleep(INTERVAL).await;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_second_run_waits_and_then_gives_up() {
        let folder = tempfile::tempdir().unwrap();
        let held = Lock::acquire(folder.path(), "x").await.unwrap();
        assert!(matches!(Lock::acquire(folder.path(), "x").await, Err(StoreError::Locked { .. })));
        drop(held);
        Lock::acquire(folder.path(), "x").await.unwrap();
    }
}
