//! `register` and `account`.

use serde_json::{Value, json};
use server_mock::faults::{Endpoint, Fault, Kind};

use crate::common::{World, run, run_with_input};

pub(crate) fn eab_key_from_a_file() {
    let world = World::new();
    let key = world.path("eab-key");
    let arguments = ["--eab-kid", &world.eab.kid, "--eab-key-file", key.to_str().unwrap(), "--json"];
    let outcome = world.client(&world.registration(&arguments)).succeeds().json();
    assert_eq!(outcome["created"], true);
    assert_eq!(outcome["eab_kid"], world.eab.kid);
    assert_eq!(outcome["contacts"], json!(["alice@example.test"]));
}

pub(crate) fn eab_key_from_standard_input() {
    let world = World::new();
    let arguments = world.registration(&["--eab-kid", &world.eab.kid, "--eab-key-file", "-"]);
    run_with_input(world.command(&arguments), &format!("{}\n", world.eab.hmac_key)).succeeds();
}

pub(crate) fn eab_key_from_a_systemd_credential() {
    let world = World::new();
    let mut command = world.command(&world.registration(&["--eab-kid", &world.eab.kid]));
    command.env("CREDENTIALS_DIRECTORY", world.folder.path());
    run(command).succeeds();
}

/// The block that the web UI shows names the server too.
pub(crate) fn eab_block_with_its_server() {
    let world = World::new();
    let block = format!(
        "Key identifier: {}\nMAC key: {}\nServer: {}\n",
        world.eab.kid,
        world.eab.hmac_key,
        world.mock().directory_url()
    );
    let mut command = world.command(&world.registration(&["--eab", "-"]));
    command.env_remove("CACERT_ACME_SERVER");
    run_with_input(command, &block).succeeds();
    // The server is remembered.
    let mut command = world.command(&["account", "show"]);
    command.env_remove("CACERT_ACME_SERVER");
    run(command).succeeds();
}

pub(crate) fn a_second_registration_changes_nothing() {
    let world = World::registered();
    let before = world.client(&["account", "show", "--json"]).succeeds().json();
    // Another key identifier is not even looked at.
    let other = world.mock().create_demo_owner().unwrap();
    let mut command = world.command(&world.registration(&["--eab-kid", &other.kid]));
    command.env("CACERT_ACME_EAB_KEY", &other.hmac_key);
    let outcome = run(command).succeeds();
    assert!(outcome.stdout.contains("is registered at") && outcome.stdout.contains("nothing was changed"));
    assert_eq!(world.client(&["account", "show", "--json"]).succeeds().json(), before);
}

pub(crate) fn responsibility_must_be_accepted() {
    let world = World::new();
    let key = world.path("eab-key");
    let eab = ["--eab-kid", &world.eab.kid, "--eab-key-file", key.to_str().unwrap()];
    let without = |flag: &str| {
        let arguments = world.registration(&eab);
        world.client(&arguments.into_iter().filter(|argument| *argument != flag).collect::<Vec<_>>())
    };
    without("--accept-responsibility").exits(2).tells("YOU are responsible").tells("--accept-responsibility");
    without("--agree-tos").exits(2).tells("CAcertCommunityAgreement").tells("--agree-tos");
    assert!(!world.state().join("accounts").exists(), "nothing was made");
}

pub(crate) fn acceptance_is_recorded() {
    let world = World::new();
    world.register();
    let record = std::fs::read_to_string(account_folder(&world).join("account.toml")).unwrap();
    let record: toml::Table = record.parse().unwrap();
    for time in ["responsibility_accepted_at", "terms_agreed_at"] {
        let recorded = record[time].as_str().unwrap();
        let recorded =
            time::OffsetDateTime::parse(recorded, &time::format_description::well_known::Rfc3339).unwrap();
        assert!((time::OffsetDateTime::now_utc() - recorded).whole_minutes() < 10, "{recorded}");
    }
    assert!(record["terms_of_service"].as_str().unwrap().starts_with("https://"));
}

pub(crate) fn account_show_asks_the_server() {
    let mut world = World::registered();
    let shown = world.client(&["account", "show", "--json"]).succeeds().json();
    assert_eq!(shown["status"], "valid");
    assert_eq!(shown["contacts"], json!(["mailto:alice@example.test"]));
    assert_eq!(shown["eab_kid"], world.eab.kid);
    let mut command = world.command(&["account", "show"]);
    world.stop_mock();
    command.env_remove("CACERT_ACME_SERVER");
    run(command).exits(6);
}

/// The server made the account, the answer never came: the saved key finds the account again.
pub(crate) fn a_lost_answer_is_made_up_for() {
    let world = World::registered();
    let before = world.client(&["account", "show", "--json"]).succeeds().json();
    std::fs::remove_file(account_folder(&world).join("account.toml")).unwrap();
    world.client(&["account", "show"]).exits(3).tells("has no account");
    world.register();
    assert_eq!(world.client(&["account", "show", "--json"]).succeeds().json(), before);
}

pub(crate) fn contacts_are_updated() {
    let world = World::registered();
    world.client(&["account", "update", "--contact", "bob@example.test,carol@example.test"]).succeeds();
    let shown = world.client(&["account", "show", "--json"]).succeeds().json();
    assert_eq!(shown["contacts"], json!(["mailto:bob@example.test", "mailto:carol@example.test"]));
    let listed = world.client(&["account", "list", "--json"]).succeeds().json();
    assert_eq!(listed["accounts"][0]["contacts"], json!(["bob@example.test", "carol@example.test"]));
    world.client(&["account", "update"]).exits(2);
}

pub(crate) fn a_key_rollover_goes_on_with_the_new_key() {
    let world = World::registered();
    let old = std::fs::read(account_folder(&world).join("key.pem")).unwrap();
    world.client(&["account", "rollover"]).succeeds();
    assert_ne!(std::fs::read(account_folder(&world).join("key.pem")).unwrap(), old);
    world.issue("www.example.test");
}

/// Whichever side of the server's answer a run died on, the next one finds out which key counts.
pub(crate) fn a_rollover_that_died_is_made_up_for() {
    let world = World::registered();
    let (key, next) = (account_folder(&world).join("key.pem"), account_folder(&world).join("key-next.pem"));
    let old = std::fs::read(&key).unwrap();
    // Died before the server heard of it: the next key is unknown there.
    std::fs::write(&next, rcgen::KeyPair::generate().unwrap().serialize_pem()).unwrap();
    world.client(&["account", "show"]).succeeds();
    assert!(!next.exists() && std::fs::read(&key).unwrap() == old);
    // Died after the server took it: the account key is the old one still.
    world.client(&["account", "rollover"]).succeeds();
    std::fs::rename(&key, &next).unwrap();
    std::fs::write(&key, &old).unwrap();
    world.client(&["account", "show"]).succeeds();
    assert!(!next.exists() && std::fs::read(&key).unwrap() != old);
    world.issue("www.example.test");
}

pub(crate) fn a_deactivated_account_is_gone() {
    let world = World::registered();
    let url = world.client(&["account", "show", "--json"]).succeeds().json()["account"].clone();
    let outcome = world.client(&["account", "deactivate", "--json"]).succeeds().json();
    assert_eq!((&outcome["status"], &outcome["account"]), (&json!("deactivated"), &url));
    world.client(&["account", "show"]).exits(3).tells("has no account");
    assert_eq!(world.client(&["account", "list", "--json"]).json()["accounts"], json!([]));
    world.register();
    assert_ne!(world.client(&["account", "show", "--json"]).succeeds().json()["account"], url);
}

/// A server that says 200 and leaves the account as it was.
pub(crate) fn a_deactivation_that_did_not_happen_is_told() {
    let world = World::registered();
    let Value::Object(members) = json!({"status": "valid"}) else { unreachable!() };
    world.mock().faults().add(Fault::at(Endpoint::Account, Kind::Merge(members)).times(1));
    world.client(&["account", "deactivate"]).exits(6).tells("did not deactivate");
    assert!(account_folder(&world).join("key.pem").exists(), "the key is kept");
}

fn account_folder(world: &World) -> std::path::PathBuf {
    let mut servers = std::fs::read_dir(world.state().join("accounts")).unwrap();
    servers.next().unwrap().unwrap().path().join("default")
}
