//! The proofs in place at this moment, and taking them down.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::join_all;

use crate::challenge::{Proof, Solver};
use crate::error::Error;

/// The proofs in place at this moment, in the whole run, and who put them there.
#[derive(Default)]
pub struct Presented(Mutex<State>);

#[derive(Default)]
struct State {
    proofs: Vec<(Arc<dyn Solver>, Proof)>,
    /// Every solver that was used so far.
    solvers: Vec<Arc<dyn Solver>>,
    /// The first failure to prove a name.
    failure: Option<String>,
}

impl Presented {
    pub(super) fn add(&self, solver: &Arc<dyn Solver>, proof: &Proof) {
        let mut state = self.lock();
        state.proofs.push((solver.clone(), proof.clone()));
        if !state.solvers.iter().any(|known| Arc::ptr_eq(known, solver)) {
            state.solvers.push(solver.clone());
        }
    }

    pub(super) fn remove(&self, proof: &Proof) {
        self.lock().proofs.retain(|(_, presented)| presented != proof);
    }

    pub(super) fn has(&self, proof: &Proof) -> bool {
        self.lock().proofs.iter().any(|(_, presented)| presented == proof)
    }

    pub(super) fn fail(&self, error: &Error) {
        self.lock().failure.get_or_insert_with(|| error.message.clone());
    }

    /// Takes every proof down, as far as possible.
    pub async fn clean_up_all(&self) {
        let presented = std::mem::take(&mut self.lock().proofs);
        let pairs = presented.iter().map(|(solver, proof)| (solver, proof));
        if let Err(error) = take_down(pairs).await {
            tracing::warn!("{}", error.message);
        }
    }

    /// Tells all who worked that the run ends, and what went wrong in it.
    pub async fn end(&self, error: Option<&Error>) {
        let State { solvers, failure, .. } = std::mem::take(&mut *self.lock());
        let error = error.map(|error| error.message.clone()).or(failure);
        join_all(solvers.iter().map(|solver| solver.end(error.as_deref()))).await;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        // Nothing panics while this lock is held; should it, the lists are whole all the same.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Proofs with the solver that they belong to, in their order.
pub(super) fn by_solver<'a>(
    pairs: impl Iterator<Item = (&'a Arc<dyn Solver>, &'a Proof)>,
) -> Vec<(&'a Arc<dyn Solver>, Vec<Proof>)> {
    let mut groups: Vec<(&Arc<dyn Solver>, Vec<Proof>)> = Vec::new();
    for (solver, proof) in pairs {
        match groups.iter_mut().find(|(known, _)| Arc::ptr_eq(known, solver)) {
            Some((_, proofs)) => proofs.push(proof.clone()),
            None => groups.push((solver, vec![proof.clone()])),
        }
    }
    groups
}

/// Takes proofs down; the first failure that must end the run.
pub(super) async fn take_down<'a>(
    pairs: impl Iterator<Item = (&'a Arc<dyn Solver>, &'a Proof)>,
) -> Result<(), Error> {
    let groups = by_solver(pairs);
    let outcomes = join_all(groups.iter().map(|(solver, proofs)| solver.take_down(proofs))).await;
    Ok(outcomes.into_iter().collect::<Result<(), _>>()?)
}
