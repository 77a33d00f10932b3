//! What the network costs: requests, handshakes and round trips. Figures are in benches/round_trips.

use std::time::{Duration, Instant};

use crate::common::{Outcome, World, run};
use crate::link::Link;

/// One certificate through a link with this round trip; how long it took.
fn issue_through(world: &World, link: &Link, names: &[String]) -> (Outcome, Duration) {
    let mut command = world.command(&["issue", "-vv", "-d", &names.join(","), &world.standalone()]);
    command.env("HTTPS_PROXY", format!("http://{}", link.address()));
    let started = Instant::now();
    let outcome = run(command).succeeds();
    (outcome, started.elapsed())
}

/// The requests that the client tells in its log.
fn requests(outcome: &Outcome) -> Vec<&str> {
    outcome.stderr.lines().filter(|line| line.contains(" request ")).collect()
}

fn link_to(world: &World, round_trip: Duration) -> Link {
    let url = world.mock().directory_url();
    let authority = url.trim_start_matches("https://").split('/').next().unwrap();
    Link::to(authority.parse().unwrap(), round_trip)
}

/// Directory, nonce, order, authorization, challenge, a look or two, CSR, certificate.
pub(crate) fn one_name_takes_nine_requests_and_one_handshake() {
    let world = World::registered();
    let link = link_to(&world, Duration::from_millis(100));
    let (outcome, _) = issue_through(&world, &link, &["www.example.test".to_owned()]);
    let requests = requests(&outcome);
    assert!((7..=9).contains(&requests.len()), "{requests:#?}");
    assert_eq!(link.connections(), 1);
}

/// All names go through each step at once, over one connection.
pub(crate) fn a_hundred_names_take_few_round_trips() {
    const ROUND_TRIP: Duration = Duration::from_millis(300);
    let world = World::registered();
    let link = link_to(&world, ROUND_TRIP);
    let names: Vec<String> = (0..100).map(|number| format!("host{number}.example.test")).collect();
    let (outcome, elapsed) = issue_through(&world, &link, &names);
    let round_trips = elapsed.as_secs_f64() / ROUND_TRIP.as_secs_f64();
    assert!(round_trips < 20.0, "{round_trips:.1} round trips, {} requests", requests(&outcome).len());
    assert_eq!(link.connections(), 1);
}
