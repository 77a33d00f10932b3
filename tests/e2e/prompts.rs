//! At a terminal, everything can be typed.

use crate::common::{Outcome, World, clean, run_with_input};

/// Runs `register` on a terminal of its own and types.
fn register_on_a_terminal(world: &World, typed: &str) -> Outcome {
    let mut command = clean("script", world.folder.path());
    let register = format!("{} register --contact alice@example.test", crate::common::CLIENT);
    command.args(["-qec", &register, "/dev/null"]).env("TERM", "xterm");
    command.env("CACERT_ACME_SERVER", world.mock().directory_url());
    command.env("CACERT_ACME_CA_BUNDLE", world.path("ca-bundle.pem"));
    command.env("CACERT_ACME_STATE_DIR", world.state());
    run_with_input(command, typed)
}

pub(crate) fn everything_can_be_typed() {
    let world = World::new();
    let typed = format!("yes\nyes\n{}\n{}\n", world.eab.kid, world.eab.hmac_key);
    let outcome = register_on_a_terminal(&world, &typed).succeeds();
    assert!(outcome.stdout.contains("YOU are responsible"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("Registered account default"), "{}", outcome.stdout);
    world.client(&["account", "show"]).succeeds();
}

pub(crate) fn a_refused_prompt_changes_nothing() {
    let world = World::new();
    let outcome = register_on_a_terminal(&world, "no\n").exits(2);
    assert!(outcome.stdout.contains("was not accepted"), "{}", outcome.stdout);
    assert!(!world.state().join("accounts").exists());
}
