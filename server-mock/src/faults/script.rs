//! Which faults strike a request: counted, and by chance where a fault says so.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use super::{Endpoint, Fault, Kind};
use crate::{model::AccountId, random::Random};

/// A fault in the script, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Scripted {
    /// The fault.
    #[serde(flatten)]
    pub fault: Fault,
    /// How many requests its endpoint and account selected.
    pub seen: u64,
    /// How many of them it struck.
    pub hits: u64,
}

impl Scripted {
    fn new(fault: Fault) -> Self {
        Self { fault, seen: 0, hits: 0 }
    }

    /// Counts the request, and whether it is struck. `draw` gives a number of the range 0 to 1.
    fn strikes(&mut self, asked: &Asked, draw: &mut dyn FnMut() -> f64) -> bool {
        let fault = &self.fault;
        let here = fault.endpoint.is_none_or(|endpoint| endpoint == asked.endpoint);
        let theirs = fault.account.as_deref().is_none_or(|account| {
            let id = AccountId::from(account.rsplit('/').next().unwrap_or(account));
            asked.account.as_ref() == Some(&id)
        });
        // Where no nonce is sent, none can be bad.
        let possible = asked.signed || fault.fault != Kind::BadNonce;
        if !here || !theirs || !possible {
            return false;
        }
        self.seen += 1;
        let due = self.seen >= fault.from && fault.count.is_none_or(|count| self.hits < count);
        let struck = due && fault.probability.is_none_or(|probability| probability.holds(draw()));
        self.hits += u64::from(struck);
        struck
    }
}

/// What selects faults in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) endpoint: Endpoint,
    /// Who signs, as far as the request says so.
    pub(super) account: Option<AccountId>,
    /// Whether it is a signed request, which brings a nonce.
    pub(super) signed: bool,
}

/// The script: faults in the order in which they were added.
pub struct Faults {
    scripted: Mutex<Vec<Scripted>>,
    random: Arc<dyn Random>,
}

impl Faults {
    /// A script that begins with these faults; chance is drawn from `random`.
    #[must_use]
    pub fn new(faults: Vec<Fault>, random: Arc<dyn Random>) -> Self {
        let scripted = faults.into_iter().map(Scripted::new).collect();
        Self { scripted: Mutex::new(scripted), random }
    }

    /// Adds a fault after those that are there.
    pub fn add(&self, fault: Fault) {
        self.lock().push(Scripted::new(fault));
    }

    /// Forgets all faults.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// All faults, and how often each was looked at and struck.
    #[must_use]
    pub fn list(&self) -> Vec<Scripted> {
        self.lock().clone()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// What strikes this request, in the script's order.
    pub(super) fn strike(&self, asked: &Asked) -> Vec<Kind> {
        let mut draw = || self.draw();
        let mut scripted = self.lock();
        let struck = scripted.iter_mut().filter_map(|one| {
            let strikes = one.strikes(asked, &mut draw);
            strikes.then(|| one.fault.fault.clone())
        });
        struck.collect()
    }

    /// What chance decides, and keys and serial numbers, come from here.
    pub(super) fn random(&self) -> &dyn Random {
        &*self.random
    }

    /// A number from 0 to 1, without 1.
    pub(super) fn draw(&self) -> f64 {
        let mut bytes = [0; 4];
        self.random.fill(&mut bytes);
        f64::from(u32::from_be_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Scripted>> {
        self.scripted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{faults::Probability, random::SeededRandom};

    fn script(faults: Vec<Fault>) -> Faults {
        Faults::new(faults, Arc::new(SeededRandom::new(1)))
    }

    fn asked(endpoint: Endpoint, account: &str) -> Asked {
        Asked { endpoint, account: Some(account.into()), signed: true }
    }

    #[test]
    fn from_and_count_choose_requests() {
        let fault = Fault::at(Endpoint::Order, Kind::BadNonce).from_request(2).times(2);
        let script = script(vec![fault]);
        let order = asked(Endpoint::Order, "a");
        assert!(script.strike(&asked(Endpoint::NewOrder, "a")).is_empty());
        let struck: Vec<bool> = (0..5).map(|_| !script.strike(&order).is_empty()).collect();
        assert_eq!(struck, [false, true, true, false, false]);
        let [scripted] = script.list().try_into().unwrap();
        assert_eq!((scripted.seen, scripted.hits), (5, 2));
        script.clear();
        assert!(script.is_empty() && script.strike(&order).is_empty());
    }

    #[test]
    fn an_account_is_chosen_by_id_or_url() {
        for account in ["a1", "https://127.0.0.1:14000/acme/account/a1"] {
            let script =
                script(vec![Fault { account: Some(account.into()), ..Fault::always(Kind::BadNonce) }]);
            assert_eq!(script.strike(&asked(Endpoint::Order, "a1")), [Kind::BadNonce]);
            assert!(script.strike(&asked(Endpoint::Order, "a2")).is_empty());
            assert!(
                script
                    .strike(&Asked { endpoint: Endpoint::NewNonce, account: None, signed: false })
                    .is_empty()
            );
        }
    }

    #[test]
    fn chance_is_the_seeds() {
        let run = || {
            let half = Probability::new(0.5).unwrap();
            let script = script(vec![Fault::always(Kind::BadNonce).likely(half)]);
            let order = asked(Endpoint::Order, "a");
            (0..1000).map(|_| script.strike(&order).len()).collect::<Vec<_>>()
        };
        let (one, two) = (run(), run());
        assert_eq!(one, two);
        assert!((400..600).contains(&one.iter().sum::<usize>()));
        assert!(Probability::new(1.0).unwrap().holds(0.999) && !Probability::new(0.0).unwrap().holds(0.0));
        assert!(Probability::new(f64::NAN).is_none());
    }

    #[test]
    fn several_faults_strike_in_the_scripts_order() {
        let script = script(vec![Fault::always(Kind::Shuffle)]);
        script.add(Fault::always(Kind::EmptyBody));
        assert_eq!(script.strike(&asked(Endpoint::Order, "a")), [Kind::Shuffle, Kind::EmptyBody]);
    }
}
