//! Work that goes on when the request that asked for it has been answered: bounded in number, and over when the
//! server ends.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
};

use crate::model::AccountId;

/// How much of it may run or wait.
const PLACES: usize = 4096;
/// How much of it may be one account's, so that none has it all.
const SHARE: usize = PLACES / 4;
/// How much of it may run at the same time; each may hold a connection or two.
const RUNNING: usize = 256;

/// The work that is going on.
pub struct Background {
    /// `None` after the end.
    tasks: Mutex<Option<JoinSet<()>>>,
    shares: Arc<Shares>,
    places: Arc<Semaphore>,
    running: Arc<Semaphore>,
}

/// How many places each account has.
type Shares = Mutex<BTreeMap<AccountId, usize>>;

/// Room for one piece of work.
pub(crate) struct Place {
    account: AccountId,
    shares: Arc<Shares>,
    _place: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut share) = shares.entry(self.account.clone()) {
            *share.get_mut() -= 1;
            if *share.get() == 0 {
                share.remove();
            }
        }
    }
}

impl Default for Background {
    fn default() -> Self {
        Self {
            tasks: Mutex::new(Some(JoinSet::new())),
            shares: Arc::default(),
            places: Arc::new(Semaphore::new(PLACES)),
            running: Arc::new(Semaphore::new(RUNNING)),
        }
    }
}

impl Background {
    /// Room for one more piece of an account's work, if there is any, the account has not had its share, and the
    /// server goes on.
    pub(crate) fn place(&self, account: &AccountId) -> Option<Place> {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        if shares.get(account).is_some_and(|share| *share >= SHARE) {
            return None;
        }
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        *shares.entry(account.clone()).or_default() += 1;
        Some(Place { account: account.clone(), shares: Arc::clone(&self.shares), _place: place })
    }

    /// Does the work without waiting for a turn. The caller sees to it that there is not too much of it.
    pub(crate) fn spawn_at_once(&self, work: impl Future<Output = ()> + Send + 'static) {
        // After the end it is dropped: nobody would break it off any more.
        if let Some(tasks) = &mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner) {
            while tasks.try_join_next().is_some() {}
            tasks.spawn(work);
        }
    }

    /// Does the work as soon as fewer than the bound are running, with what it is given, and again after each pause that
    /// it asks for, with what it gives then. A pause keeps nobody from running.
    pub(crate) fn spawn_repeating<S, W>(
        &self,
        place: Place,
        mut state: S,
        mut work: impl FnMut(S) -> W + Send + 'static,
    ) where
        S: Send + 'static,
        W: Future<Output = Option<(Duration, S)>> + Send + 'static,
    {
        let running = Arc::clone(&self.running);
        let task = async move {
            loop {
                let turn = Arc::clone(&running).acquire_owned().await;
                let again = work(state).await;
                drop(turn);
                let Some((pause, next)) = again else { break };
                tokio::time::sleep(pause).await;
                state = next;
            }
            drop(place);
        };
        self.spawn_at_once(task);
    }

    /// Breaks all of it off, and takes no more.
    pub(crate) fn end(&self) {
        self.places.close();
        // Dropping the set breaks off what is in it.
        drop(self.tasks.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

/// Ends the work when it goes away: the work itself holds the server's parts, and so would live on with them.
pub(crate) struct EndOnDrop(pub(crate) Arc<Background>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.end();
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    /// Enough accounts to take all places.
    fn account(number: usize) -> AccountId {
        format!("account-{}", number / SHARE).into()
    }

    #[tokio::test]
    async fn no_account_has_all_places() {
        let background = Background::default();
        let mut places: Vec<Place> =
            std::iter::from_fn(|| background.place(&account(0))).take(PLACES).collect();
        assert_eq!(places.len(), SHARE);
        assert!(background.place(&account(SHARE)).is_some(), "another account has room");
        places.pop();
        assert!(background.place(&account(0)).is_some());
        drop(places);
        assert!(background.shares.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn nothing_begins_after_the_end() {
        let background = Background::default();
        background.end();
        let (sender, mut receiver) = mpsc::unbounded_channel::<()>();
        background.spawn_at_once(async move {
            std::future::pending::<()>().await;
            drop(sender);
        });
        assert_eq!(receiver.recv().await, None, "it was dropped");
    }

    #[tokio::test(flavor = "current_thread")]
    async fn it_is_bounded_and_ends() {
        let background = Background::default();
        let (sender, mut receiver) = mpsc::unbounded_channel();
        for number in 0..PLACES {
            let sender = sender.clone();
            background.spawn_repeating(
                background.place(&account(number)).unwrap(),
                sender,
                move |sender| async move {
                    sender.send(number).unwrap();
                    std::future::pending().await
                },
            );
        }
        drop(sender);
        assert!(background.place(&account(PLACES)).is_none());
        // One thread: when all tasks have had their turn, all that may run have begun.
        for _ in 0..4 * PLACES {
            tokio::task::yield_now().await;
        }
        let begun = std::iter::from_fn(|| receiver.try_recv().ok()).count();
        assert_eq!(begun, RUNNING);
        background.end();
        assert_eq!(receiver.recv().await, None, "every sender is gone");
        assert!(background.place(&account(0)).is_none(), "nothing begins after the end");
    }

    #[tokio::test]
    async fn places_come_back() {
        let background = Background::default();
        for _ in 0..2 * PLACES {
            let place = loop {
                match background.place(&account(0)) {
                    Some(place) => break place,
                    None => tokio::task::yield_now().await,
                }
            };
            background.spawn_repeating(place, (), |()| async { None });
        }
    }
}
