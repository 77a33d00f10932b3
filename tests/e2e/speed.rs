//! What the network costs: requests, handshakes and round trips. Figures are in benches/round_trips.

use std::time::{Duration, Instant};

use server_mock::faults::{Fault, Kind};

use crate::common::{World, run};
use crate::link::Link;

/// A world whose client reaches its server over a slow link.
struct Far {
    world: World,
    link: Link,
}

impl Far {
    fn new(round_trip: Duration) -> Self {
        let world = World::registered();
        let url = world.mock().directory_url();
        let authority = url.trim_start_matches("https://").split('/').next().unwrap();
        let link = Link::to(authority.parse().unwrap(), round_trip);
        // A fault that does nothing counts the requests of which it was asked.
        world.mock().faults().add(Fault::always(Kind::Delay(Duration::ZERO)));
        Self { world, link }
    }

    /// Gets one certificate; how long it took.
    fn issue(&self, names: &[String]) -> Duration {
        let arguments = ["issue", "-d", &names.join(","), &self.world.standalone()];
        let mut command = self.world.command(&arguments);
        command.env("HTTPS_PROXY", format!("http://{}", self.link.address()));
        let started = Instant::now();
        run(command).succeeds();
        started.elapsed()
    }

    /// How many requests the server has seen.
    fn requests(&self) -> u64 {
        self.world.mock().faults().list()[0].seen
    }
}

/// Directory, nonce, order, authorization, challenge, a look or two, CSR, certificate.
pub(crate) fn one_name_takes_nine_requests_and_one_handshake() {
    let far = Far::new(Duration::from_millis(100));
    far.issue(&["www.example.test".to_owned()]);
    assert!((7..=9).contains(&far.requests()), "{}", far.requests());
    assert_eq!(far.link.connections(), 1);
}

/// All names go through each step at once, over one connection.
pub(crate) fn a_hundred_names_take_few_round_trips() {
    // So long that what a busy machine computes in between hardly counts.
    const ROUND_TRIP: Duration = Duration::from_millis(500);
    let far = Far::new(ROUND_TRIP);
    let names: Vec<String> = (0..100).map(|number| format!("host{number}.example.test")).collect();
    let round_trips = far.issue(&names).as_secs_f64() / ROUND_TRIP.as_secs_f64();
    assert!(round_trips < 20.0, "{round_trips:.1} round trips, {} requests", far.requests());
    assert_eq!(far.link.connections(), 1);
}
