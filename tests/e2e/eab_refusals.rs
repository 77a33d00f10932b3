//! What a member reads when key identifier or MAC key do not do: what to change in CAcert's web UI.

use crate::common::{World, run};

pub(crate) fn without_eab() {
    let world = World::new();
    let outcome = world.client(&world.registration(&[])).exits(2);
    outcome.tells("the key identifier and the MAC key are missing").tells("CAcert web UI").tells("--eab-kid");
    // Raw, as another client would send it, the refusal is the server's: see the mock's own tests (s067).
    assert!(!world.state().join("accounts").exists());
}

pub(crate) fn with_a_wrong_mac() {
    let world = World::new();
    let mut command = world.command(&world.registration(&["--eab-kid", &world.eab.kid]));
    command.env("CACERT_ACME_EAB_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let outcome = run(command).exits(4);
    outcome
        .tells("the account could not be made")
        .tells("(unauthorized)")
        .tells("CAcert web UI")
        .tells("MAC key");
    // Nothing stays behind: the right key registers at once.
    world.register();
}

pub(crate) fn with_a_revoked_kid() {
    let world = World::new();
    world.mock().admin().revoke_eab_key(&world.eab.kid).unwrap();
    let mut command = world.command(&world.registration(&["--eab-kid", &world.eab.kid]));
    command.env("CACERT_ACME_EAB_KEY", &world.eab.hmac_key);
    run(command).exits(4).tells("(unauthorized)").tells("revoked").tells("CAcert web UI");
}

pub(crate) fn revoked_after_registration() {
    let world = World::registered();
    world.issue("www.example.test");
    world.mock().admin().revoke_eab_key(&world.eab.kid).unwrap();
    let outcome = world.client(&["renew", "--force"]).exits(4);
    outcome.tells("www.example.test was not renewed").tells("revoked").tells("CAcert web UI");
    let shown = world.client(&["show", "www.example.test", "--json"]).succeeds().json();
    assert_eq!(shown["version"], 1, "the old version still serves");
}
