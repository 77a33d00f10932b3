//! A signal ends a run cleanly.

use std::net::TcpListener;
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::common::run::wait;
use crate::common::{World, poll};

pub(crate) fn c44_sigterm_takes_the_challenge_down() {
    let world = World::registered();
    let webroot = world.path("www");
    std::fs::create_dir(&webroot).unwrap();
    // The mock's request is taken and never answered, so that the validation is still going on.
    let _silent = TcpListener::bind(("127.0.0.1", world.mock().http_port())).unwrap();
    let mut command =
        world.command(&["issue", "-d", "www.example.test", "--webroot", webroot.to_str().unwrap()]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let challenges = webroot.join(".well-known/acme-challenge");
    poll("the proof is in place", || {
        std::fs::read_dir(&challenges).is_ok_and(|mut files| files.next().is_some())
    });
    kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
    assert_eq!(wait(&mut child), 128 + 15);
    assert!(!webroot.join(".well-known").exists(), "what was made was removed");
    assert!(
        world.state().join("orders/www.example.test/order.toml").exists(),
        "the next run takes the order up"
    );
}
