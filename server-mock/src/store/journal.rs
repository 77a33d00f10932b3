//! The thread that writes changes to the file, in order, a transaction for each transition.

use std::{
    io,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
};

use tokio::sync::watch;

use super::{NotWritten, sqlite::Database};
use crate::model::changes::Change;

type Batch = Vec<Change>;

/// How far the thread is.
#[derive(Clone, Debug, Default)]
struct Progress {
    /// The number of batches that are in the file.
    written: u64,
    /// Why no more will be.
    failed: Option<String>,
}

/// Takes batches of changes. Every request waits for its own to be written, so that few are waiting at any moment; only
/// those of background work have nobody who waits.
#[derive(Debug)]
pub(super) struct Journal {
    open: Mutex<Option<Open>>,
    appended: AtomicU64,
    progress: watch::Receiver<Progress>,
}

#[derive(Debug)]
struct Open {
    batches: mpsc::Sender<Batch>,
    thread: JoinHandle<()>,
}

impl Journal {
    /// Starts the thread.
    pub(super) fn start(database: Database) -> io::Result<Self> {
        let (batches, receiver) = mpsc::channel();
        let (sender, progress) = watch::channel(Progress::default());
        let thread = thread::Builder::new()
            .name("state-file".to_owned())
            .spawn(move || write(database, &receiver, &sender))?;
        let open = Mutex::new(Some(Open { batches, thread }));
        Ok(Self { open, appended: AtomicU64::new(0), progress })
    }

    /// Adds a batch; the caller sees to the order.
    pub(super) fn append(&self, batch: Batch) {
        if batch.is_empty() {
            return;
        }
        if let Some(open) = &*self.open.lock().unwrap_or_else(PoisonError::into_inner) {
            // Counted in any case: when the thread is gone, whoever waits for the batch must hear of it.
            self.appended.fetch_add(1, Ordering::SeqCst);
            let _ = open.batches.send(batch);
        }
    }

    /// Waits until everything that was added before is in the file.
    pub(super) async fn written(&self) -> Result<(), NotWritten> {
        let appended = self.appended.load(Ordering::SeqCst);
        let mut progress = self.progress.clone();
        let settled = |progress: &Progress| progress.written >= appended || progress.failed.is_some();
        match progress.wait_for(settled).await.map(|progress| progress.failed.clone()) {
            Ok(None) => Ok(()),
            Ok(Some(failure)) => Err(NotWritten(failure)),
            Err(_) => Err(NotWritten("its thread is gone".to_owned())),
        }
    }

    /// Writes what is left and ends the thread.
    pub(super) fn close(&self) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Open { batches, thread }) = open {
            drop(batches);
            if thread.join().is_err() {
                tracing::error!("the thread of the state file broke down");
            }
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.close();
    }
}

/// Writes until nobody can add anything more. After a failure nothing more is written: what came later would stand
/// in the file without what came before.
fn write(mut database: Database, batches: &mpsc::Receiver<Batch>, progress: &watch::Sender<Progress>) {
    for batch in batches {
        if progress.borrow().failed.is_some() {
            continue;
        }
        match database.write(&batch) {
            Ok(()) => progress.send_modify(|progress| progress.written += 1),
            Err(error) => {
                tracing::error!(%error, "could not write the state file");
                progress.send_modify(|progress| progress.failed = Some(error.to_string()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn when_the_thread_is_gone_nothing_counts_as_written() {
        let (batches, receiver) = mpsc::channel();
        let (sender, progress) = watch::channel(Progress::default());
        drop((receiver, sender));
        let open = Mutex::new(Some(Open { batches, thread: thread::spawn(|| {}) }));
        let journal = Journal { open, appended: AtomicU64::new(0), progress };
        journal.written().await.unwrap();
        journal.append(vec![Change { kind: "owner", id: "1".to_owned(), document: None }]);
        assert!(journal.written().await.is_err());
    }
}
