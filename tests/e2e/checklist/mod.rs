//! The client's checklist for any server, number by number: `cN_…` is the test of number N. What goes wrong is
//! scripted in the mock; where that is too polite, a small server of our own plays the part.

pub(crate) mod accounts;
pub(crate) mod documents;
pub(crate) mod lost_answers;
pub(crate) mod nonces;
pub(crate) mod refusals;
pub(crate) mod waiting;

use std::time::Duration;

use serde_json::{Map, Value};
use server_mock::faults::{Endpoint, Fault, Kind};

use crate::common::{Outcome, World};

const NAME: &str = "www.example.test";

impl World {
    /// A client with an account, at a CA that takes its time to sign: so orders are looked at.
    fn with_slow_signer() -> Self {
        let world = Self::with(|config| config.policy.signing_delay = Duration::from_millis(300));
        world.register();
        world
    }

    /// Scripts a fault.
    fn strike(&self, fault: Fault) -> &Self {
        self.mock().faults().add(fault);
        self
    }

    /// Counts requests to an endpoint from now on.
    fn count(&self, endpoint: Endpoint) -> &Self {
        self.strike(Fault::at(endpoint, Kind::Delay(Duration::ZERO)))
    }

    /// How many requests the first fault of this endpoint has seen.
    fn seen(&self, endpoint: Endpoint) -> u64 {
        let faults = self.mock().faults().list();
        faults.iter().find(|one| one.fault.endpoint == Some(endpoint)).unwrap().seen
    }

    /// Checks that every fault struck as often as it could.
    #[track_caller]
    fn all_struck(&self) {
        for one in self.mock().faults().list() {
            assert!(one.hits > 0 && one.fault.count.is_none_or(|count| count == one.hits), "{one:?}");
        }
    }

    /// Issues for several names in one certificate.
    fn issue_all(&self, names: &[&str]) -> Outcome {
        let standalone = self.standalone();
        let names = names.iter().flat_map(|name| ["-d", name]);
        let arguments: Vec<&str> = ["issue", &standalone].into_iter().chain(names).collect();
        self.client(&arguments)
    }

    /// How many certificates the CA has issued.
    fn certificates(&self) -> usize {
        self.mock().services().store.with(|model| model.certificates().count())
    }
}

/// A merge patch as a fault.
fn merge(patch: Value) -> Kind {
    Kind::Merge(members(patch))
}

/// A problem document as a fault.
fn problem(document: Value) -> Kind {
    Kind::Problem(members(document))
}

fn members(document: Value) -> Map<String, Value> {
    match document {
        Value::Object(members) => members,
        other => panic!("{other} is no object"),
    }
}
