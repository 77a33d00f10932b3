//! `kill -9` at any moment leaves the old state or the new one, and the next run ends well.

use std::process::Stdio;
use std::time::{Duration, Instant};

use cacert_acme::core::chain::Chain;
use rcgen::{KeyPair, PublicKeyData as _};

use crate::common::run::wait;
use crate::common::{World, poll};

const ROUNDS: u32 = 50;

pub(crate) fn issue_survives_kill_9_at_any_moment() {
    let world = World::registered();
    world.issue("www.example.test");
    // The second run of three: the first one finds nothing in the caches.
    let mut runs = [(); 3].map(|()| {
        let started = Instant::now();
        world.client(&["renew", "--force"]).succeeds();
        started.elapsed()
    });
    runs.sort();
    let mut whole = runs[1];
    let mut killed = 0_u32;
    for round in 0..ROUNDS {
        let before = serial(&world);
        // Every moment from the start to a little after the usual end, in an order that is not the clock's.
        let moment = whole.mul_f64(f64::from(round * 37 % ROUNDS) / f64::from(ROUNDS) * 1.1);
        let mut command = world.command(&["issue", "-d", "www.example.test", &world.standalone(), "--force"]);
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let started = Instant::now();
        poll("the moment has come", || started.elapsed() >= moment || child.try_wait().unwrap().is_some());
        let ended_itself = started.elapsed();
        let _ = child.kill();
        if wait(&mut child) == 128 + 9 {
            killed += 1;
        } else {
            // The machine got faster: other tests have come to their end.
            whole = whole.min(ended_itself);
        }

        let left = serial(&world);
        // Whether old or new, it is whole; and what is under way is taken up by any next run.
        let next = world.client(&["renew"]).succeeds();
        let after = serial(&world);
        let under_way = world.state().join("orders/www.example.test/order.toml");
        assert!(!under_way.exists(), "round {round}: {next:?}");
        assert!(left == before || after == left, "round {round}: a new version was replaced without need");
    }
    assert!(killed >= ROUNDS / 4, "only {killed} of {ROUNDS} runs were killed before their end");
    first_issuance_is_resumed();
}

/// The same for a certificate that was never there before: the next `issue` ends well.
fn first_issuance_is_resumed() {
    let world = World::registered();
    for round in 0..10_u32 {
        let name = format!("new{round}.example.test");
        let mut command = world.command(&["issue", "-d", &name, &world.standalone()]);
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_millis(u64::from(round) * 15);
        poll("the moment has come", || Instant::now() >= deadline || child.try_wait().unwrap().is_some());
        let _ = child.kill();
        wait(&mut child);
        world.issue(&name);
        assert!(!world.state().join("orders").join(&name).exists());
    }
}

/// The current certificate's serial number, after a check that all files of the version belong together.
fn serial(world: &World) -> String {
    let read = |file| std::fs::read_to_string(world.current("www.example.test", file)).unwrap();
    let chain = Chain::parse(&read("fullchain.pem")).unwrap();
    assert_eq!((chain.leaf_pem(), chain.issuers_pem()), (read("cert.pem"), read("chain.pem")));
    let key = KeyPair::from_pem(&read("privkey.pem")).unwrap();
    assert_eq!(
        chain.facts().public_key,
        key.subject_public_key_info(),
        "key and certificate belong together"
    );
    chain.facts().serial.clone()
}
