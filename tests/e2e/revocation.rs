//! `revoke`: which certificate, by which key, and what is left.

use std::fs;

use serde_json::json;

use crate::common::World;

/// Any kind of key signs for its own certificate, by its file or by the name on this machine.
pub(crate) fn any_kind_of_certificate_key_revokes() {
    let world = World::registered();
    for kind in ["ec256", "ec384", "rsa2048", "ed25519"] {
        let name = format!("{kind}.example.test");
        world.client(&["issue", "-d", &name, "--key-type", kind, &world.standalone()]).succeeds();
        let (cert, key) = (world.current(&name, "cert.pem"), world.current(&name, "privkey.pem"));
        let (cert, key) = (cert.to_str().unwrap(), key.to_str().unwrap());
        world
            .client(&["revoke", "--cert", cert, "--key", key, "--reason", "keycompromise", "--yes"])
            .succeeds();
        assert_eq!(world.client(&["show", &name, "--json"]).succeeds().json()["revoked"], true, "{kind}");
        let listed = world.client(&["list"]).succeeds().stdout;
        assert!(listed.lines().any(|line| line.starts_with(&name) && line.contains("revoked")), "{listed}");
    }
    // Another key is none of its.
    let (cert, key) =
        (world.current("ec256.example.test", "cert.pem"), world.current("ec384.example.test", "privkey.pem"));
    world.client(&["renew", "ec256.example.test"]).succeeds();
    let revoke = ["revoke", "--cert", cert.to_str().unwrap(), "--key", key.to_str().unwrap(), "--yes"];
    world.client(&revoke).exits(4);
}

pub(crate) fn a_serial_number_finds_the_version() {
    let world = World::registered();
    world.issue("www.example.test");
    world.issue("b.example.test");
    let serial = |name: &str| {
        let shown = world.client(&["show", name, "--json"]).succeeds().json();
        shown["serial"].as_str().unwrap().to_owned()
    };
    let old = serial("www.example.test");
    world.client(&["renew", "--force", "www.example.test"]).succeeds();
    // An old version's revocation is no reason to replace the new one.
    let outcome = world.client(&["revoke", "--serial", &old.to_uppercase(), "--json"]).succeeds().json();
    assert_eq!(outcome, json!({"revoked": true, "serial": old}));
    assert_eq!(world.client(&["show", "www.example.test", "--json"]).json()["revoked"], false);
    // As OpenSSL writes it: with colons, without the zero byte in front.
    let current = serial("b.example.test");
    let bare = current.trim_start_matches("00");
    let pairs: Vec<String> =
        bare.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair).into()).collect();
    let revoked = world.client(&["revoke", "--serial", &pairs.join(":")]).succeeds();
    assert!(revoked.stdout.contains("`cacert-acme renew b.example.test` replaces it"), "{}", revoked.stdout);
    assert_eq!(world.client(&["show", "b.example.test", "--json"]).json()["revoked"], true);
    world.client(&["revoke", "--serial", "0123456789"]).exits(3).tells("no version on this machine");
    world.client(&["revoke", "--serial", "xyz"]).exits(2);
}

/// A file that is kept elsewhere, in DER or among other things in PEM, by the account that ordered it.
pub(crate) fn a_file_is_enough() {
    let world = World::registered();
    for form in ["pem", "der"] {
        let name = format!("{form}.example.test");
        world.issue(&name);
        let pem = fs::read_to_string(world.current(&name, "cert.pem")).unwrap();
        let file = world.path(form);
        match form {
            "pem" => fs::write(&file, format!("subject=CN = {name}\n{pem}")).unwrap(),
            _ => {
                let chain = cacert_acme::core::chain::Chain::parse(&pem).unwrap();
                fs::write(&file, chain.leaf()).unwrap();
            }
        }
        world.client(&["revoke", "--cert", file.to_str().unwrap()]).succeeds();
        assert_eq!(world.client(&["show", &name, "--json"]).succeeds().json()["revoked"], true);
    }
    fs::write(world.path("none"), "no certificate").unwrap();
    world.client(&["revoke", "--cert", world.path("none").to_str().unwrap()]).exits(3);
}

pub(crate) fn a_compromised_key_is_not_kept_by_the_version_that_shares_it() {
    let world = World::registered();
    let name = "www.example.test";
    world.client(&["issue", "-d", name, "--reuse-key", &world.standalone()]).succeeds();
    let (key, first) = (world.current(name, "privkey.pem"), world.path("first.pem"));
    fs::copy(world.current(name, "cert.pem"), &first).unwrap();
    let compromised = fs::read_to_string(&key).unwrap();
    world.client(&["renew", "--force"]).succeeds();
    assert_eq!(fs::read_to_string(&key).unwrap(), compromised);
    let outcome = world.client(&["revoke", "--cert", first.to_str().unwrap(), "--reason", "keyCompromise"]);
    outcome.succeeds();
    world.client(&["renew"]).succeeds();
    assert_ne!(fs::read_to_string(&key).unwrap(), compromised);
}
