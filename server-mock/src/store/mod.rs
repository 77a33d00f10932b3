//! Where the [`Model`] is kept: in memory, behind one lock.

use std::sync::{Mutex, PoisonError};

use crate::model::Model;

/// Holds the model and lets one transition at a time happen.
#[derive(Debug, Default)]
pub struct Store {
    model: Mutex<Model>,
}

impl Store {
    /// Runs one transition; nothing else happens meanwhile, so it must not wait for anything.
    pub fn with<T>(&self, transition: impl FnOnce(&mut Model) -> T) -> T {
        // A transition that panicked has been answered with an error; the others go on.
        transition(&mut self.model.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
