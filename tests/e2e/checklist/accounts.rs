//! Directory and accounts.

use std::sync::Mutex;

use serde_json::json;
use server_mock::faults::{Endpoint, Fault, Kind};
use server_mock::model::AccountId;

use super::{NAME, problem};
use crate::common::scripted::{Reply, Request, Scripted};
use crate::common::{Outcome, World, run};

/// A server that registers anybody, refuses every order, and whose resources are where `place` puts them.
fn anywhere(origin: &str, request: &Request, place: &str) -> Reply {
    let nonce = format!(
        "Replay-Nonce: {}",
        BASE.lock()
            .map(|mut number| {
                *number += 1;
                *number
            })
            .unwrap()
    );
    let url = |name: &str| format!("{origin}{place}{name}");
    if request.target == "/directory" {
        let directory = json!({
            "newNonce": url("nonce"), "newAccount": url("account"), "newOrder": url("order"),
            "revokeCert": url("revoke"), "keyChange": url("key"),
            "meta": {"externalAccountRequired": true, "termsOfService": "https://ca.test/terms"},
        });
        return ("200 OK", vec!["Content-Type: application/json".into()], directory.to_string());
    }
    match request.target.strip_prefix(place) {
        Some("nonce") => ("200 OK", vec![nonce], String::new()),
        Some("account") => (
            "201 Created",
            vec![nonce, format!("Location: {}", url("account/1"))],
            json!({"status": "valid"}).to_string(),
        ),
        Some("order") => {
            let refusal =
                json!({"type": "urn:ietf:params:acme:error:unauthorized", "detail": "no orders today"});
            (
                "403 Forbidden",
                vec![nonce, "Content-Type: application/problem+json".into()],
                refusal.to_string(),
            )
        }
        _ => ("404 Not Found", vec![nonce], String::new()),
    }
}

static BASE: Mutex<u64> = Mutex::new(1000);

/// The client against a scripted server.
fn against(world: &World, server: &Scripted, arguments: &[&str]) -> Outcome {
    let mut command = world.command(arguments);
    command.env("CACERT_ACME_SERVER", format!("https://{}/directory", server.address));
    command.env("CACERT_ACME_CA_BUNDLE", world.path("scripted.pem"));
    command.env("CACERT_ACME_EAB_KEY", &world.eab.hmac_key);
    run(command)
}

const PLACES: [&str; 2] = ["/Some%7eWhere//x;v=1?a=%2F&b=", "/elsewhere/"];

pub(crate) fn c6_every_request_says_who_asks() {
    let world = World::new();
    let server = Scripted::start(&world.path("scripted.pem"), |origin, asked| anywhere(origin, asked, "/"));
    against(&world, &server, &world.registration(&["--eab-kid", "k"])).succeeds();
    let requests = server.requests();
    assert!(requests.len() >= 3);
    let agent = concat!("user-agent: cacert-acme/", env!("CARGO_PKG_VERSION"), "\r\n");
    for request in requests {
        assert_eq!(request.head.matches(agent).count(), 1, "{request:?}");
    }
}

pub(crate) fn c7_urls_are_used_as_the_directory_has_them() {
    let world = World::new();
    let server =
        Scripted::start(&world.path("scripted.pem"), |origin, asked| anywhere(origin, asked, PLACES[0]));
    against(&world, &server, &world.registration(&["--eab-kid", "k"])).succeeds();
    let requests = server.requests();
    let account = requests.iter().find(|request| request.method == "POST").unwrap();
    assert_eq!(account.target, format!("{}account", PLACES[0]));
    assert_eq!(account.protected()["url"], format!("https://{}{}account", server.address, PLACES[0]));
}

pub(crate) fn c8_a_directory_that_changed_is_followed() {
    let world = World::new();
    let moved = Mutex::new(0);
    let server = Scripted::start(&world.path("scripted.pem"), move |origin, asked| {
        let mut runs = moved.lock().unwrap();
        *runs += usize::from(asked.target == "/directory");
        anywhere(origin, asked, PLACES[(*runs).saturating_sub(1).min(1)])
    });
    against(&world, &server, &world.registration(&["--eab-kid", "k"])).succeeds();
    let before = server.requests().len();
    against(&world, &server, &["issue", "-d", NAME, &world.standalone()]).exits(4).tells("no orders today");
    let after: Vec<String> =
        server.requests().split_off(before).into_iter().map(|asked| asked.target).collect();
    assert!(after.contains(&"/elsewhere/order".to_owned()), "{after:?}");
    assert!(
        after.iter().all(|target| target == "/directory" || target.starts_with("/elsewhere/")),
        "{after:?}"
    );
}

pub(crate) fn c38_an_account_comes_with_200_or_201() {
    for status in [200, 201] {
        let world = World::new();
        world.strike(Fault::at(Endpoint::NewAccount, Kind::Status(status)));
        world.register();
        world.issue(NAME);
        world.client(&["account", "show"]).succeeds();
    }
}

pub(crate) fn c40_external_account_required() {
    let world = World::new();
    let required =
        problem(json!({"type": "externalAccountRequired", "status": 403, "detail": "who are you?"}));
    world.strike(Fault::at(Endpoint::NewAccount, required));
    let key = world.path("eab-key");
    let eab = ["--eab-kid", &world.eab.kid, "--eab-key-file", key.to_str().unwrap()];
    let outcome = world.client(&world.registration(&eab)).exits(4);
    outcome.tells("who are you?").tells("External Account Binding").tells("CAcert web UI").tells("--eab-kid");
    // Once more to ask whether it has the key all the same: an answer before this one might have been lost.
    assert_eq!(world.seen(Endpoint::NewAccount), 2);
}

pub(crate) fn c41_an_account_that_is_gone_is_told_and_not_used_again() {
    let account = |world: &World| -> AccountId {
        world.mock().services().store.with(|model| model.accounts().next().unwrap().id.clone())
    };
    let stops = |world: &World| {
        world.count(Endpoint::NewOrder);
        let outcome = world.client(&["issue", "-d", NAME, &world.standalone()]).exits(4);
        assert_eq!(world.seen(Endpoint::NewOrder), 1);
        outcome
    };
    let world = World::registered();
    world.mock().services().store.with(|model| {
        let id = model.accounts().next().unwrap().id.clone();
        model.deactivate_account(&id).unwrap();
    });
    stops(&world).tells("this account was deactivated").tells("register a new one");
    let world = World::registered();
    world.mock().admin().revoke_account(&account(&world)).unwrap();
    stops(&world).tells("this ACME account was revoked in the CAcert web UI");
    let world = World::registered();
    world.mock().admin().revoke_eab_key(&world.eab.kid).unwrap();
    stops(&world).tells("was revoked in the CAcert web UI");
}

pub(crate) fn c42_the_new_key_is_another_accounts() {
    let world = World::registered();
    let before = world.client(&["account", "show", "--json"]).succeeds().json();
    let taken = problem(json!({"type": "malformed", "status": 409, "detail": "another account has the key"}));
    world.strike(Fault::at(Endpoint::KeyChange, taken).times(1));
    let outcome = world.client(&["account", "rollover"]).exits(4);
    outcome
        .tells("the account key was not changed")
        .tells("another account has the key")
        .tells("take another one");
    assert_eq!(world.client(&["account", "show", "--json"]).succeeds().json(), before);
    world.issue(NAME);
    world.client(&["account", "rollover"]).succeeds();
    world.issue("a.example.test");
}

/// What was asked for is so in the end, whether the server heard it once or twice.
pub(crate) fn c43_the_answer_to_an_account_request_is_lost() {
    for loss in [Kind::DropBefore, Kind::DropAfter] {
        let world = World::new();
        for endpoint in [Endpoint::NewAccount, Endpoint::RevokeCert] {
            world.strike(Fault::at(endpoint, loss.clone()).times(1));
        }
        world.register();
        world.issue(NAME);
        world.client(&["revoke", NAME]).succeeds();
        world.strike(Fault::at(Endpoint::Account, loss).times(1));
        world.client(&["account", "deactivate"]).succeeds();
        world.all_struck();
        assert_eq!(world.client(&["account", "list", "--json"]).json()["accounts"], json!([]));
    }
}

/// Whether the server took the new key or not, the account can be used.
pub(crate) fn c43_the_answer_to_a_key_change_is_lost() {
    for loss in [Kind::DropBefore, Kind::DropAfter] {
        let world = World::registered();
        world.strike(Fault::at(Endpoint::KeyChange, loss).times(1));
        world.client(&["account", "rollover"]).exits(6);
        world.issue(NAME);
        world.client(&["account", "rollover"]).succeeds();
    }
}
