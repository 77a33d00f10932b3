//! Accounts with every kind of key and binding, several of them, and registered by many at once.

use std::process::Stdio;
use std::sync::Arc;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use cacert_acme::acme::{AccountKey, NewOrder, Order, Session, TlsTrust, Transport};
use serde_json::{Value, json};
use server_mock::faults::{Endpoint, Fault, Kind};

use crate::common::run::wait;
use crate::common::{Outcome, World, clean, run};

/// Registers an account of this name with an EAB key of its own.
fn register(world: &World, name: &str, arguments: &[&str]) -> Outcome {
    let eab = world.mock().create_demo_owner().unwrap();
    let own = ["--account", name, "--eab-kid", &eab.kid];
    let mut command = world.command(&world.registration(&[&own[..], arguments].concat()));
    command.env("CACERT_ACME_EAB_KEY", &eab.hmac_key);
    run(command)
}

fn show(world: &World, name: &str) -> Value {
    world.client(&["account", "show", "--account", name, "--json"]).succeeds().json()
}

pub(crate) fn every_kind_of_account_key_orders() {
    let world = World::new();
    for kind in ["ec256", "ec384", "rsa2048", "rsa3072", "rsa4096", "ed25519"] {
        register(&world, kind, &["--account-key-type", kind]).succeeds();
        let host = format!("{kind}.example.test");
        world.client(&["issue", "-d", &host, "--account", kind, &world.standalone()]).succeeds();
        world.client(&["revoke", &host]).succeeds();
        assert_eq!(show(&world, kind)["status"], "valid");
    }
    let listed = world.client(&["account", "list", "--json"]).succeeds().json();
    assert_eq!(listed["accounts"].as_array().unwrap().len(), 6);
}

/// Keys that OpenSSL made, in each of its forms.
pub(crate) fn a_key_is_brought_in_any_form() {
    let world = World::new();
    let openssl = |file: &str, arguments: &[&str]| {
        let mut command = clean("openssl", world.folder.path());
        command.args(arguments).arg("-out").arg(world.path(file));
        run(command).succeeds();
        std::fs::read_to_string(world.path(file)).unwrap()
    };
    let forms: [(&str, &str, &[&str]); 5] = [
        ("pkcs1", "BEGIN RSA PRIVATE KEY", &["genrsa", "-traditional"]),
        ("sec1", "BEGIN EC PRIVATE KEY", &["ecparam", "-name", "secp384r1", "-genkey"]),
        ("p521", "BEGIN EC PRIVATE KEY", &["ecparam", "-name", "secp521r1", "-genkey"]),
        ("rsa", "BEGIN PRIVATE KEY", &["genpkey", "-algorithm", "RSA"]),
        ("ed25519", "BEGIN PRIVATE KEY", &["genpkey", "-algorithm", "ED25519"]),
    ];
    for (name, label, arguments) in forms {
        let pem = openssl(name, arguments);
        assert!(pem.contains(label), "{name}: {pem}");
        register(&world, name, &["--account-key", world.path(name).to_str().unwrap()]).succeeds();
        let thumbprint = AccountKey::from_pem(&pem).unwrap().thumbprint().to_owned();
        assert_eq!(show(&world, name)["thumbprint"], json!(thumbprint));
    }
    let pass = ["genpkey", "-algorithm", "RSA", "-aes-256-cbc", "-pass", "pass:secret"];
    openssl("locked", &pass);
    let locked = world.path("locked");
    register(&world, "locked", &["--account-key", locked.to_str().unwrap()]).exits(3).tells("openssl pkcs8");
    openssl("weak", &["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"]);
    let weak = world.path("weak");
    register(&world, "weak", &["--account-key", weak.to_str().unwrap()]).exits(3).tells("2048");
}

/// A key gives way to one of another kind, made here or brought.
pub(crate) fn a_rollover_changes_the_kind_of_key() {
    let world = World::registered();
    for kind in ["rsa2048", "ed25519", "ec384"] {
        let changed = world.client(&["account", "rollover", "--account-key-type", kind, "--json"]).succeeds();
        assert_eq!(show(&world, "default")["thumbprint"], changed.json()["thumbprint"], "{kind}");
    }
    std::fs::write(world.path("own.pem"), rcgen::KeyPair::generate().unwrap().serialize_pem()).unwrap();
    let own = world.path("own.pem");
    world.client(&["account", "rollover", "--account-key", own.to_str().unwrap()]).succeeds();
    world.issue("www.example.test");
}

pub(crate) fn a_binding_is_made_with_any_hmac() {
    let world = World::new();
    for algorithm in ["hs256", "hs384", "hs512"] {
        register(&world, algorithm, &["--eab-alg", algorithm]).succeeds();
    }
}

/// The MAC key's length gives the algorithm, unless the server wants another; what the user says is final.
pub(crate) fn a_binding_takes_the_algorithm_that_the_server_asks_for() {
    let refused = |algorithms: Value| {
        let Value::Object(members) =
            json!({"type": "badSignatureAlgorithm", "status": 400, "algorithms": algorithms})
        else {
            unreachable!()
        };
        Fault::at(Endpoint::NewAccount, Kind::Problem(members)).times(1)
    };
    let bound_by = |world: &World| -> Value {
        let binding = world
            .mock()
            .services()
            .store
            .with(|model| model.accounts().next().unwrap().external_account_binding.clone());
        let protected = BASE64_URL_SAFE_NO_PAD.decode(binding["protected"].as_str().unwrap()).unwrap();
        serde_json::from_slice::<Value>(&protected).unwrap()["alg"].clone()
    };
    let world = World::registered();
    assert_eq!(bound_by(&world), "HS512", "the mock's keys have 64 bytes");
    let world = World::new();
    world.mock().faults().add(refused(json!(["ES256", "HS384", "HS256"])));
    world.register();
    assert_eq!(bound_by(&world), "HS384");
    let world = World::new();
    world.mock().faults().add(refused(Value::Null));
    world.register();
    assert_eq!(bound_by(&world), "HS256");
    let world = World::new();
    world.mock().faults().add(refused(json!(["HS256"])));
    register(&world, "default", &["--eab-alg", "hs512"]).exits(4).tells("another --eab-alg");
}

/// Eight runs on one machine register at once: one makes the account, the others find it.
pub(crate) fn registering_at_once_makes_one_account() {
    let world = World::new();
    let key = world.path("eab-key");
    let arguments =
        world.registration(&["--eab-kid", &world.eab.kid, "--eab-key-file", key.to_str().unwrap(), "--json"]);
    let mut runs: Vec<_> = (0..8)
        .map(|_| {
            let mut command = world.command(&arguments);
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
        })
        .collect();
    let documents: Vec<Value> = runs
        .iter_mut()
        .map(|run| {
            assert_eq!(wait(run), 0);
            serde_json::from_reader(run.stdout.take().unwrap()).unwrap()
        })
        .collect();
    assert_eq!(documents.iter().filter(|document| document["created"] == true).count(), 1, "{documents:?}");
    assert!(documents.iter().all(|document| document["account"] == documents[0]["account"]));
}

pub(crate) fn accounts_and_servers_stand_side_by_side() {
    let world = World::registered();
    let other = World::new();
    register(&world, "second", &[]).succeeds();
    let at_other = |arguments: &[&str]| {
        let mut command = world.command(arguments);
        command.env("CACERT_ACME_SERVER", other.mock().directory_url());
        command.env("CACERT_ACME_CA_BUNDLE", other.path("ca-bundle.pem"));
        command.env("CACERT_ACME_EAB_KEY", &other.eab.hmac_key);
        run(command)
    };
    at_other(&world.registration(&["--eab-kid", &other.eab.kid])).succeeds();
    let listed = world.client(&["account", "list", "--json"]).succeeds().json();
    assert_eq!(listed["accounts"].as_array().unwrap().len(), 3, "{listed}");
    let mut unclear = world.command(&["account", "show"]);
    unclear.env_remove("CACERT_ACME_SERVER");
    run(unclear).exits(2).tells("several servers").tells("--server");
    // Each certificate is renewed by its own account.
    let issue = ["issue", "-d", "b.example.test", "--account", "second", &world.standalone()];
    world.client(&issue).succeeds();
    world.issue("a.example.test");
    world.client(&["account", "deactivate", "--account", "second"]).succeeds();
    world.client(&["renew", "--force", "a.example.test"]).succeeds();
    world.client(&["renew", "--force", "b.example.test"]).exits(3).tells("no account named second");
    assert_eq!(at_other(&["account", "show", "--json"]).succeeds().json()["status"], "valid");
}

/// The list of orders has pages.
pub(crate) fn account_show_counts_all_orders() {
    let world = World::registered();
    let folder = std::fs::read_dir(world.state().join("accounts")).unwrap().next().unwrap().unwrap().path();
    let key = std::fs::read_to_string(folder.join("default/key.pem")).unwrap();
    let shown = show(&world, "default");
    assert_eq!(shown["orders"], json!([]));
    let url = shown["account"].as_str().unwrap().to_owned();
    let trust = TlsTrust::bundle(world.mock().ca_bundle_pem().as_bytes()).unwrap();
    let transport = Transport::new(&world.mock().directory_url(), &trust).unwrap();
    let session = Arc::new(Session::new(transport, url, AccountKey::from_pem(&key).unwrap()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let identifiers = ["www.example.test".parse().unwrap()];
        let order = NewOrder { identifiers: &identifiers, profile: None, not_before: None, not_after: None };
        for _ in 0..205 {
            Order::create(&session, &order).await.unwrap();
        }
    });
    assert_eq!(show(&world, "default")["orders"].as_array().unwrap().len(), 205);
    let text = world.client(&["account", "show"]).succeeds().stdout;
    assert!(text.contains("orders            205") && text.contains("agreed to"), "{text}");
}
