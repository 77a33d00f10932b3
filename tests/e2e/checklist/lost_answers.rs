//! Answers that never come: whether the server heard, it alone knows; there is one certificate all the same.

use server_mock::faults::{Endpoint, ErrorPage, Fault, Kind, Probability};

use super::NAME;
use crate::common::World;

/// What loses an answer.
fn losses() -> [Kind; 5] {
    [
        Kind::DropBefore,
        Kind::DropAfter,
        Kind::BrokenBody(10),
        Kind::ErrorPage(ErrorPage { status: 502, retry_after: None, after_work: false }),
        Kind::ErrorPage(ErrorPage { status: 504, retry_after: None, after_work: true }),
    ]
}

fn one_certificate_though(endpoint: Endpoint) {
    let world = World::registered();
    for (number, loss) in (1..).zip(losses()) {
        world.mock().faults().clear();
        world.strike(Fault::at(endpoint, loss).times(1));
        world.issue(&format!("n{number}.example.test"));
        world.all_struck();
        assert_eq!(world.certificates(), number);
    }
}

pub(crate) fn c43_the_answer_to_new_order_is_lost() {
    one_certificate_though(Endpoint::NewOrder);
}

pub(crate) fn c43_the_answer_to_finalize_is_lost() {
    one_certificate_though(Endpoint::Finalize);
}

pub(crate) fn c43_the_answer_to_a_challenge_is_lost() {
    one_certificate_though(Endpoint::Challenge);
}

pub(crate) fn c43_the_certificate_is_lost_on_its_way() {
    one_certificate_though(Endpoint::Certificate);
}

/// Everything at once, by chance.
pub(crate) fn c43_a_bad_line() {
    let world = World::with(|config| config.seed = Some(1));
    world.register();
    let sometimes = Probability::new(0.05).unwrap();
    for loss in losses() {
        for endpoint in [Endpoint::NewOrder, Endpoint::Authorization, Endpoint::Order, Endpoint::Certificate]
        {
            world.strike(Fault::at(endpoint, loss.clone()).likely(sometimes).times(2));
        }
    }
    for number in 1..=5 {
        let names = ["a", "b", "c"].map(|label| format!("{label}{number}.example.test"));
        world.issue_all(&names.each_ref().map(String::as_str)).succeeds();
        assert_eq!(world.certificates(), number);
    }
    let hits: u64 = world.mock().faults().list().iter().map(|one| one.hits).sum();
    assert!(hits >= 5, "{hits} answers were lost");
}

pub(crate) fn c51_an_order_under_way_is_taken_up() {
    let world = World::registered();
    world.strike(Fault::at(Endpoint::Certificate, Kind::Body("no certificate".into())));
    world.client(&["issue", "-d", NAME, &world.standalone()]).exits(6);
    world.mock().faults().clear();
    for endpoint in [Endpoint::NewOrder, Endpoint::Challenge, Endpoint::Finalize] {
        world.count(endpoint);
    }
    world.issue(NAME);
    for endpoint in [Endpoint::NewOrder, Endpoint::Challenge, Endpoint::Finalize] {
        assert_eq!(world.seen(endpoint), 0, "{endpoint:?}: all of that was done");
    }
    assert_eq!(world.certificates(), 1);
}
