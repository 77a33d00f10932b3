//! Work that goes on when the request that asked for it has been answered: bounded in number, and over when the
//! server ends.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
};

/// How much of it may run or wait.
const PLACES: usize = 4096;
/// How much of it may run at the same time; each may hold a connection or two.
const RUNNING: usize = 256;

/// The work that is going on.
pub struct Background {
    tasks: Mutex<JoinSet<()>>,
    places: Arc<Semaphore>,
    running: Arc<Semaphore>,
}

/// Room for one piece of work.
pub(crate) struct Place(OwnedSemaphorePermit);

impl Default for Background {
    fn default() -> Self {
        Self {
            tasks: Mutex::default(),
            places: Arc::new(Semaphore::new(PLACES)),
            running: Arc::new(Semaphore::new(RUNNING)),
        }
    }
}

impl Background {
    /// Room for one more piece of work, if there is any and the server goes on.
    pub(crate) fn place(&self) -> Option<Place> {
        Arc::clone(&self.places).try_acquire_owned().ok().map(Place)
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
            drop(place.0);
        };
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }

    /// Breaks all of it off, and takes no more.
    pub(crate) fn end(&self) {
        self.places.close();
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
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
    use std::time::Duration;

    use tokio::{sync::mpsc, time::timeout};

    use super::*;

    #[tokio::test]
    async fn it_is_bounded_and_ends() {
        let background = Background::default();
        let (sender, mut receiver) = mpsc::unbounded_channel();
        for number in 0..PLACES {
            let sender = sender.clone();
            background.spawn_repeating(background.place().unwrap(), sender, move |sender| async move {
                sender.send(number).unwrap();
                std::future::pending().await
            });
        }
        drop(sender);
        assert!(background.place().is_none());
        for _ in 0..RUNNING {
            receiver.recv().await.unwrap();
        }
        assert!(timeout(Duration::from_millis(50), receiver.recv()).await.is_err(), "no more run at once");
        background.end();
        assert_eq!(receiver.recv().await, None, "every sender is gone");
        assert!(background.place().is_none(), "nothing begins after the end");
    }

    #[tokio::test]
    async fn places_come_back() {
        let background = Background::default();
        for _ in 0..2 * PLACES {
            let place = loop {
                match background.place() {
                    Some(place) => break place,
                    None => tokio::task::yield_now().await,
                }
            };
            background.spawn_repeating(place, (), |()| async { None });
        }
    }
}
