//! What a certificate can be like: names, keys, requests, profiles, chains, dates; and what a second `issue` does.

use std::fs;

use cacert_acme::core::chain::Chain;
use cacert_acme::core::csr::public_key;
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};
use server_mock::faults::{Endpoint, Fault, Kind};
use server_mock::model::settings::PrevalidAuthorizations;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::common::{Outcome, World, run};

/// `issue` of `www.example.test` with these arguments.
fn issue(world: &World, arguments: &[&str]) -> Outcome {
    world.client(&[&["issue", "-d", "www.example.test", &world.standalone()], arguments].concat())
}

fn issued(world: &World, arguments: &[&str]) -> Value {
    issue(world, &[arguments, &["--json"]].concat()).succeeds().json()
}

fn show(world: &World) -> Value {
    world.client(&["show", "www.example.test", "--json"]).succeeds().json()
}

fn moment(document: &Value, member: &str) -> OffsetDateTime {
    OffsetDateTime::parse(document[member].as_str().unwrap(), &Rfc3339).unwrap()
}

pub(crate) fn international_names_are_shown_both_ways() {
    let world = World::registered();
    let both = "bücher.example.test (xn--bcher-kva.example.test)";
    let outcome = world.client(&["issue", "-d", "Bücher.example.test", &world.standalone()]).succeeds();
    assert!(outcome.stdout.contains(both), "{}", outcome.stdout);
    assert!(world.client(&["list"]).succeeds().stdout.contains(both));
    assert!(world.client(&["show", "xn--bcher-kva.example.test"]).succeeds().stdout.contains(both));
    let shown = world.client(&["show", "xn--bcher-kva.example.test", "--json"]).succeeds().json();
    assert_eq!(shown["identifiers"], json!(["xn--bcher-kva.example.test"]));
    assert_eq!(shown["identifiers_unicode"], json!(["bücher.example.test"]));
    // Typed the other way it is the same certificate.
    let again = ["issue", "-d", "xn--bcher-kva.example.test", &world.standalone(), "--json"];
    assert_eq!(world.client(&again).succeeds().json()["issued"], false);
}

/// As many as the server takes in one order; and one more, which it tells.
pub(crate) fn a_thousand_names_are_one_certificate() {
    let world = World::with(|config| config.policy.prevalid_authorizations = PrevalidAuthorizations::On);
    world.register();
    let names: Vec<String> = (0..1001).map(|number| format!("host{number:04}.example.test")).collect();
    let standalone = world.standalone();
    let arguments = |count: usize| -> Vec<&str> {
        let names = names[..count].iter().flat_map(|name| ["-d", name.as_str()]);
        ["issue", "--name", "many", &standalone, "--json"].into_iter().chain(names).collect()
    };
    let outcome = world.client(&arguments(1000)).succeeds().json();
    assert_eq!(outcome["identifiers"].as_array().unwrap().len(), 1000);
    let pem = fs::read_to_string(world.current("many", "fullchain.pem")).unwrap();
    assert_eq!(Chain::parse(&pem).unwrap().facts().identifiers.len(), 1000);
    let refused = world.client(&[arguments(1001), vec!["--force"]].concat()).exits(4).json();
    let error = &refused["error"];
    assert!(error["message"].as_str().unwrap().ends_with("and 996 more"), "{error}");
    assert!(error["causes"].to_string().contains("at most 1000 identifiers"), "{error}");
    assert!(error["hints"].to_string().contains("several certificates"), "{error}");
}

/// A hundred names, each proven.
pub(crate) fn a_hundred_names_are_proven_at_once() {
    let world = World::registered();
    let names: Vec<String> = (0..100).map(|number| format!("host{number}.example.test")).collect();
    world.client(&["issue", "-d", &names.join(","), &world.standalone()]).succeeds();
}

pub(crate) fn a_request_is_brought() {
    let world = World::registered();
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    let request = |key: &KeyPair| {
        let names = ["www.example.test".to_owned(), "b.example.test".to_owned()];
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.serialize_request(key).unwrap()
    };
    let csr = request(&key);
    fs::write(world.path("request.der"), csr.der()).unwrap();
    fs::write(world.path("request.pem"), csr.pem().unwrap()).unwrap();
    let by_file = |file: &str, more: &[&str]| {
        let path = world.path(file);
        let standalone = world.standalone();
        world.client(&[&["issue", "--csr", path.to_str().unwrap(), &standalone, "--json"], more].concat())
    };
    let outcome = by_file("request.pem", &[]).succeeds().json();
    assert_eq!(outcome["name"], "b.example.test", "the first name, as they are sorted");
    assert_eq!((&outcome["csr"], &outcome["key_type"]), (&json!(true), &json!("ec384")));
    assert_eq!(outcome["files"]["privkey"], Value::Null);
    assert!(!world.current("b.example.test", "privkey.pem").exists());
    let certified = || {
        let pem = fs::read_to_string(world.current("b.example.test", "fullchain.pem")).unwrap();
        Chain::parse(&pem).unwrap().facts().public_key.clone()
    };
    assert_eq!(certified(), public_key(&key));
    // The same request again, in the other form, changes nothing; its renewal needs no file.
    assert_eq!(by_file("request.der", &[]).succeeds().json()["issued"], false);
    fs::remove_file(world.path("request.pem")).unwrap();
    world.client(&["renew", "--force"]).succeeds();
    assert_eq!(certified(), public_key(&key));
    // Names beside the request must be its own.
    by_file("request.der", &["-d", "c.example.test"]).exits(2);
    // Another key for the same names is another request.
    let other = KeyPair::generate().unwrap();
    fs::write(world.path("request.der"), request(&other).der()).unwrap();
    assert_eq!(by_file("request.der", &[]).succeeds().json()["issued"], true);
    assert_eq!(certified(), public_key(&other));
    // A revoked key is not sent again by itself.
    let revoked = world.client(&["revoke", "b.example.test", "--reason", "keyCompromise"]).succeeds();
    assert!(revoked.stdout.contains("With a new key and request"), "{}", revoked.stdout);
    world.client(&["renew"]).exits(3).tells("key of the certificate that was revoked");
    by_file("request.der", &[]).exits(3);
    fs::write(world.path("request.der"), request(&key).der()).unwrap();
    assert_eq!(by_file("request.der", &[]).succeeds().json()["revoked"], false);
    fs::write(world.path("request.der"), "no request").unwrap();
    by_file("request.der", &[]).exits(3);
}

/// A run that died while the CA worked on a request that the user brought: the next one takes up the same order.
pub(crate) fn a_request_under_way_is_taken_up() {
    let world = World::registered();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["www.example.test".to_owned()]).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    fs::write(world.path("request.pem"), params.serialize_request(&key).unwrap().pem().unwrap()).unwrap();
    let path = world.path("request.pem");
    let standalone = world.standalone();
    let issue = ["issue", "--csr", path.to_str().unwrap(), &standalone];
    world.mock().faults().add(Fault::at(Endpoint::Certificate, Kind::DropBefore));
    world.client(&issue).exits(6);
    assert!(world.state().join("orders/www.example.test/order.toml").exists());
    world.mock().faults().clear();
    world.client(&issue).succeeds();
    let orders = world.client(&["account", "show", "--json"]).succeeds().json()["orders"].clone();
    assert_eq!(orders.as_array().unwrap().len(), 1, "{orders}");
    assert!(!world.state().join("orders/www.example.test").exists());
}

pub(crate) fn a_key_is_kept_at_renewals() {
    let world = World::registered();
    let key = || fs::read(world.current("www.example.test", "privkey.pem")).unwrap();
    issued(&world, &["--reuse-key"]);
    let first = key();
    world.client(&["renew", "--force"]).succeeds();
    assert_eq!(key(), first);
    // Another kind of key is a new one; so is that after a revocation.
    issued(&world, &["--key-type", "ec384"]);
    let second = key();
    assert_ne!(second, first);
    world.client(&["renew", "--force"]).succeeds();
    assert_eq!(key(), second);
    world.client(&["revoke", "www.example.test", "--reason", "keyCompromise"]).succeeds();
    world.client(&["renew"]).succeeds();
    let third = key();
    assert_ne!(third, second);
    issued(&world, &["--reuse-key=false", "--force"]);
    assert_ne!(key(), third);
}

pub(crate) fn profiles_are_listed_and_chosen() {
    let world = World::registered();
    let listed = world.client(&["issue", "--profile", "?"]).succeeds();
    assert!(listed.stdout.contains("shortlived  Server certificates for six days"), "{}", listed.stdout);
    let unknown = issue(&world, &["--profile", "classic"]).exits(4);
    unknown.tells("no profile \"classic\"").tells("shortlived");
    let outcome = issued(&world, &["--profile", "shortlived"]);
    let lifetime = moment(&outcome, "not_after") - moment(&outcome, "not_before");
    assert!(lifetime <= Duration::days(6), "{lifetime}");
    // Renewal keeps it, and so does another `issue` that does not speak of it.
    world.client(&["renew", "--force"]).succeeds();
    assert_eq!(show(&world)["profile"], "shortlived");
    assert_eq!(issued(&world, &[])["issued"], false);
    let server = issued(&world, &["--profile", "server"]);
    assert_eq!((&server["issued"], &server["profile"]), (&json!(true), &json!("server")));
    assert_eq!(issued(&world, &["--profile="])["profile"], Value::Null);
    // The server may withdraw one.
    issued(&world, &["--profile", "shortlived"]);
    world.mock().admin().remove_profile("shortlived").unwrap();
    world.client(&["renew", "--force"]).exits(4).tells("no profile").tells("--profile=");
}

pub(crate) fn the_preferred_chain_is_taken() {
    let world = World::with(|config| config.alternate_root = true);
    world.register();
    let top = || {
        let pem = fs::read_to_string(world.current("www.example.test", "fullchain.pem")).unwrap();
        Chain::parse(&pem).unwrap().issuer_names().pop().unwrap()
    };
    issue(&world, &[]).succeeds();
    assert_eq!(top(), "CA Cert Signing Authority (server-mock)");
    let other = "CA Cert Alternate Authority (server-mock)";
    issue(&world, &["--preferred-chain", other, "--force"]).succeeds();
    assert_eq!(top(), other);
    world.client(&["renew", "--force"]).succeeds();
    assert_eq!(top(), other, "renewal keeps it");
    // By the fingerprint of the certificate that is sent along.
    let pem = fs::read_to_string(world.current("www.example.test", "fullchain.pem")).unwrap();
    let issuer = Chain::parse(&pem).unwrap().certificates()[1].clone();
    let fingerprint = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &issuer);
    let fingerprint: Vec<String> = fingerprint.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    issue(&world, &["--preferred-chain=", "--force"]).succeeds();
    assert_ne!(top(), other);
    issue(&world, &["--preferred-chain", &fingerprint.join(":"), "--force"]).succeeds();
    assert_eq!(top(), other);
    // One that is not offered is told, and is no reason to have none.
    let told = issue(&world, &["--preferred-chain", "Nobody", "--force"]).succeeds();
    told.tells("no chain with «Nobody»");
}

pub(crate) fn dates_are_asked_for() {
    let world = World::registered();
    let outcome = issued(&world, &["--not-after", "+30d"]);
    let lifetime = moment(&outcome, "not_after") - OffsetDateTime::now_utc();
    assert!(lifetime > Duration::days(29) && lifetime <= Duration::days(30), "{lifetime}");
    world.client(&["renew", "--force"]).succeeds();
    assert!(moment(&show(&world), "not_after") - OffsetDateTime::now_utc() <= Duration::days(30));
    // A fixed date is for one certificate: the renewal lives as long as others again.
    let end = (OffsetDateTime::now_utc() + Duration::days(50)).replace_nanosecond(0).unwrap();
    let outcome = issued(&world, &["--not-after", &end.format(&Rfc3339).unwrap()]);
    assert_eq!(moment(&outcome, "not_after"), end);
    assert_eq!(issued(&world, &[])["issued"], false);
    world.client(&["renew", "--force"]).succeeds();
    assert!(moment(&show(&world), "not_after") > end);
    assert_eq!(show(&world)["wanted_not_after"], Value::Null);
    let outcome = issued(&world, &["--not-before", "+3d", "--not-after", "+20d"]);
    let begin = moment(&outcome, "not_before") - OffsetDateTime::now_utc();
    assert!(begin > Duration::hours(71) && begin <= Duration::days(3), "{begin}");
    issue(&world, &["--not-after", "tomorrow"]).exits(2).tells("+90d");
    issue(&world, &["--not-after", "2020-01-01T00:00:00Z"]).exits(4).tells("notAfter");
}

pub(crate) fn must_staple_is_asked_for_and_kept() {
    let world = World::registered();
    let staples = || {
        let pem = fs::read_to_string(world.current("www.example.test", "fullchain.pem")).unwrap();
        Chain::parse(&pem).unwrap().facts().must_staple
    };
    issue(&world, &["--must-staple"]).succeeds();
    assert_eq!((staples(), &show(&world)["must_staple"]), (true, &json!(true)));
    world.client(&["renew", "--force"]).succeeds();
    assert!(staples());
    assert_eq!(issued(&world, &[])["issued"], false);
    assert_eq!(issued(&world, &["--must-staple=false"])["issued"], true);
    assert!(!staples());
}

pub(crate) fn a_dry_run_changes_nothing() {
    let world = World::registered();
    let before = || {
        let mut files = crate::failures::walk(&world.state());
        files.retain(|path| !path.starts_with("locks"));
        files.sort();
        files.into_iter().map(|path| (fs::read(world.state().join(&path)).unwrap(), path)).collect::<Vec<_>>()
    };
    let empty = before();
    let tried = issued(&world, &["--dry-run"]);
    assert_eq!((&tried["dry_run"], &tried["issued"]), (&json!(true), &json!(false)));
    assert_eq!(before(), empty);
    issue(&world, &[]).succeeds();
    let installed = before();
    issue(&world, &["--dry-run", "--key-type", "ec384"]).succeeds();
    let outcome = world.client(&["renew", "--dry-run", "--json"]).succeeds().json();
    assert_eq!(outcome["certificates"][0]["outcome"], "dry-run");
    assert_ne!(outcome["certificates"][0]["serial"], show(&world)["serial"], "it went the whole way");
    assert_eq!(before(), installed);
    // What would fail fails.
    world.mock().dns_table().fail("www.example.test", server_mock::testbed::DnsFailure::ServFail).unwrap();
    world.client(&["renew", "--dry-run"]).exits(5);
    assert_eq!(before(), installed);
}

/// A second `issue` does what differs, and no more.
pub(crate) fn issue_does_what_differs() {
    let world = World::registered();
    assert_eq!(issued(&world, &[])["version"], 1);
    assert_eq!(issued(&world, &[])["version"], 1);
    assert_eq!(issued(&world, &["--key-type", "rsa2048"])["version"], 2);
    // Who says nothing of the key wants it as it is.
    let same = issued(&world, &[]);
    assert_eq!((&same["version"], &same["key_type"]), (&json!(2), &json!("rsa2048")));
    // What only counts at renewals is kept, and needs no new certificate.
    let kept = issued(&world, &["--reuse-key"]);
    assert_eq!((&kept["version"], &kept["reuse_key"]), (&json!(2), &json!(true)));
    // A record that was changed without its certificate is due.
    let record = world.state().join("certificates/www.example.test/certificate.toml");
    let text = fs::read_to_string(&record).unwrap();
    fs::write(&record, text.replace("rsa2048", "ec256")).unwrap();
    world.client(&["renew"]).succeeds();
    assert_eq!(show(&world)["version"], 3);
    let mut unattended = world.command(&["issue", "-d", "www.example.test,b.example.test"]);
    unattended.arg(world.standalone());
    run(unattended).exits(2).tells("exists for other names");
}
