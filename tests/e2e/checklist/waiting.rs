//! Waiting, as long as the server asks and no longer than is sensible (RFC 8555 §6.6, §7.4, §7.5.1).

use std::time::{Duration, Instant};

use serde_json::json;
use server_mock::faults::{Endpoint, ErrorPage, Fault, Kind, RetryAfter};

use super::{NAME, merge, problem};
use crate::common::World;

/// Every endpoint that an issuance asks.
const ASKED: [Endpoint; 8] = [
    Endpoint::Directory,
    Endpoint::NewNonce,
    Endpoint::NewOrder,
    Endpoint::Authorization,
    Endpoint::Challenge,
    Endpoint::Order,
    Endpoint::Finalize,
    Endpoint::Certificate,
];

/// Issues while finalize answers `processing` once with this Retry-After; gives the time that it took.
fn time_with(pause: RetryAfter) -> Duration {
    let world = World::registered();
    let processing = merge(json!({"status": "processing", "certificate": null}));
    world.strike(Fault::at(Endpoint::Finalize, processing));
    world.strike(Fault::at(Endpoint::Finalize, Kind::RetryAfter(pause)));
    let begun = Instant::now();
    world.issue(NAME);
    world.all_struck();
    begun.elapsed()
}

pub(crate) fn c10_retry_after_in_seconds() {
    assert!(time_with(RetryAfter::Seconds(2)) >= Duration::from_secs(2));
}

pub(crate) fn c11_retry_after_as_a_date() {
    // A date has whole seconds.
    assert!(time_with(RetryAfter::Date(Duration::from_secs(3))) >= Duration::from_secs(2));
}

pub(crate) fn c12_an_odd_retry_after_is_bounded() {
    time_with(RetryAfter::Text("soon".into()));
    time_with(RetryAfter::PastDate(Duration::from_secs(86_400)));
    let world = World::registered();
    world.strike(Fault::at(Endpoint::NewOrder, Kind::RateLimited(RetryAfter::Seconds(99_999_999_999))));
    let outcome = world.client(&["issue", "-d", NAME, &world.standalone()]).exits(4);
    outcome.tells("(rateLimited)").tells("asks to wait 86400 s");
    assert_eq!(world.seen(Endpoint::NewOrder), 1);
}

pub(crate) fn c13_backs_off_when_there_were_too_many_requests() {
    let world = World::registered();
    world.strike(Fault::at(Endpoint::NewOrder, Kind::RateLimited(RetryAfter::Seconds(1))).times(2));
    world.strike(
        Fault::at(Endpoint::Finalize, Kind::RateLimited(RetryAfter::Date(Duration::from_secs(2)))).times(1),
    );
    let begun = Instant::now();
    world.issue(NAME);
    assert!(begun.elapsed() >= Duration::from_secs(3));
    world.all_struck();
}

pub(crate) fn c14_error_pages_in_html_pass() {
    for status in [500, 503] {
        let world = World::registered();
        for endpoint in ASKED {
            let page =
                ErrorPage { status, retry_after: Some(RetryAfter::Seconds(0)), after_work: status == 500 };
            world.strike(Fault::at(endpoint, Kind::ErrorPage(page)).times(1));
        }
        world.issue(NAME);
        assert_eq!(world.certificates(), 1);
    }
    let world = World::registered();
    let page = ErrorPage { status: 503, retry_after: None, after_work: false };
    world.strike(Fault::at(Endpoint::NewOrder, Kind::ErrorPage(page)));
    let outcome = world.client(&["issue", "-d", NAME, &world.standalone()]).exits(6);
    outcome.tells("answered with status 503").tells("Service Unavailable");
    assert_eq!(world.seen(Endpoint::NewOrder), 5, "a server that is down is let alone");
}

pub(crate) fn c15_an_empty_body_is_asked_for_again() {
    let world = World::registered();
    for endpoint in ASKED {
        world.strike(Fault::at(endpoint, Kind::EmptyBody).times(1));
    }
    world.issue(NAME);
    assert_eq!(world.certificates(), 1);
    world.mock().faults().clear();
    world.strike(Fault::at(Endpoint::Directory, Kind::EmptyBody));
    world.client(&["renew", "--force"]).exits(6).tells("empty body");
}

pub(crate) fn c23_processing_is_waited_for_everywhere() {
    let world = World::with_slow_signer();
    world.strike(
        Fault::at(Endpoint::Order, merge(json!({"status": "processing", "certificate": null}))).times(3),
    );
    world.issue("a.example.test");
    world.all_struck();
    world.mock().faults().clear();
    world.strike(Fault::at(Endpoint::Challenge, merge(json!({"status": "processing"}))));
    let processing = merge(json!({"status": "processing"}));
    world.strike(Fault::at(Endpoint::Authorization, processing).from_request(2).times(3));
    world.issue("b.example.test");
    world.all_struck();
}

pub(crate) fn c24_finalize_answers_processing() {
    let world = World::with_slow_signer();
    world.count(Endpoint::Order).issue(NAME);
    assert!(world.seen(Endpoint::Order) >= 2, "the order was asked for until it was there");
}

pub(crate) fn c25_finalize_answers_valid() {
    let world = World::registered();
    world.count(Endpoint::Order).issue(NAME);
    assert_eq!(world.seen(Endpoint::Order), 0, "there was nothing to ask");
}

pub(crate) fn c26_an_order_that_is_not_ready_is_asked_for_again() {
    let world = World::registered();
    let not_ready = problem(json!({"type": "orderNotReady", "status": 403}));
    world.strike(Fault::at(Endpoint::Finalize, not_ready).times(2));
    world.issue(NAME);
    world.all_struck();
}

pub(crate) fn c30_a_server_that_never_gets_ready_is_given_up() {
    let world = World::registered();
    let page = ErrorPage { status: 500, retry_after: Some(RetryAfter::Seconds(0)), after_work: false };
    world.strike(Fault::at(Endpoint::Finalize, Kind::ErrorPage(page)));
    let begun = Instant::now();
    world.client(&["issue", "-d", NAME, &world.standalone()]).exits(6).tells("status 500");
    assert!(begun.elapsed() < Duration::from_secs(60) && world.seen(Endpoint::Finalize) < 10);
    // The order is kept, and the next run goes on with it.
    world.mock().faults().clear();
    world.count(Endpoint::NewOrder).issue(NAME);
    assert_eq!(world.seen(Endpoint::NewOrder), 0);
}
