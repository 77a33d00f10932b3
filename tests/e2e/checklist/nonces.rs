//! Nonces (RFC 8555 §6.5).

use server_mock::faults::{Endpoint, ErrorPage, Fault, Kind, Probability};

use super::NAME;
use crate::common::World;

/// Where an issuance sends signed requests.
const SIGNED: [Endpoint; 6] = [
    Endpoint::NewOrder,
    Endpoint::Authorization,
    Endpoint::Challenge,
    Endpoint::Order,
    Endpoint::Finalize,
    Endpoint::Certificate,
];

pub(crate) fn c1_a_bad_nonce_is_replaced_by_the_one_it_brings() {
    let world = World::registered();
    world.count(Endpoint::NewNonce).issue("a.example.test");
    let usual = world.seen(Endpoint::NewNonce);
    world.mock().faults().clear();
    world.count(Endpoint::NewNonce).strike(Fault::at(Endpoint::NewOrder, Kind::BadNonce).times(1));
    world.issue("b.example.test");
    world.all_struck();
    assert_eq!(world.seen(Endpoint::NewNonce), usual, "no nonce was fetched for the retry");
}

pub(crate) fn c2_five_bad_nonces_in_a_row() {
    let world = World::with_slow_signer();
    for endpoint in SIGNED {
        world.strike(Fault::at(endpoint, Kind::BadNonce).times(5));
    }
    let outcome = world.client(&["issue", "-d", NAME, &world.standalone(), "-vv"]).succeeds();
    world.all_struck();
    // What the test of number 5 looks for is there to be seen.
    assert!(outcome.stderr.matches("badNonce, once more").count() >= 30, "{}", outcome.stderr);
}

pub(crate) fn c3_an_invalid_nonce_is_ignored() {
    let world = World::registered();
    for endpoint in SIGNED {
        world.strike(Fault::at(endpoint, Kind::InvalidNonce("no base64url!".into())));
    }
    world.count(Endpoint::NewNonce).issue(NAME);
    assert!(world.seen(Endpoint::NewNonce) >= 6, "one for each request");
}

pub(crate) fn c4_where_an_error_brings_no_nonce_one_is_fetched() {
    let world = World::registered();
    world.strike(Fault::at(Endpoint::NewOrder, Kind::BadNonce).times(1));
    world.strike(Fault::at(Endpoint::NewOrder, Kind::NoNonce).times(1));
    let page = ErrorPage { status: 503, retry_after: None, after_work: false };
    world.strike(Fault::at(Endpoint::Finalize, Kind::ErrorPage(page)).times(1));
    world.issue(NAME);
    world.all_struck();
}

/// The mock takes a nonce once; a second use would show as a retry in the log.
pub(crate) fn c5_no_nonce_is_used_twice_however_concurrent() {
    let world = World::registered();
    let names: Vec<String> = (0..20).map(|number| format!("n{number}.example.test")).collect();
    let standalone = world.standalone();
    let names = names.iter().flat_map(|name| ["-d", name]);
    let arguments: Vec<&str> = ["issue", &standalone, "-vv"].into_iter().chain(names).collect();
    let outcome = world.client(&arguments).succeeds();
    assert!(outcome.stderr.contains("request") && !outcome.stderr.contains("badNonce"), "{}", outcome.stderr);
}

/// The same that Pebble does to our client, with the seed that makes it the same each time.
pub(crate) fn half_of_all_nonces_are_refused() {
    let world = World::with(|config| config.seed = Some(50));
    let half = Probability::new(0.5).unwrap();
    world.strike(Fault::always(Kind::BadNonce).likely(half));
    world.register();
    world.issue_all(&[NAME, "example.test"]).succeeds();
    world.client(&["renew", "--force"]).succeeds();
    world.client(&["revoke", NAME]).succeeds();
    let [refused] = world.mock().faults().list().try_into().unwrap();
    assert!(refused.hits >= 10 && refused.seen > refused.hits, "{refused:?}");
}
