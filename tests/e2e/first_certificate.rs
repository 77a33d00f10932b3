//! The main job: a certificate, from one name to an installed version.

use std::fs;
use std::time::Duration;

use serde_json::json;

use crate::common::programs::{Server, openssl_key_matches, openssl_verifies};
use crate::common::{CLIENT, World, clean, free_port, run};

/// `server-mock exec` with the commands of the README, line by line.
pub(crate) fn exec_as_the_readme_says() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let bin = std::path::Path::new(CLIENT).parent().unwrap();
    let script = r#"
        set -e
        cacert-acme register --contact alice@example.test --agree-tos --accept-responsibility
        cacert-acme issue -d www.example.test --standalone=127.0.0.1:$ACME_HTTP_PORT
        cp "$ACME_ROOT" root.pem
        cp -rL state/certificates/www.example.test/current first
        cacert-acme issue -d www.example.test --standalone=127.0.0.1:$ACME_HTTP_PORT > second.txt
        diff -r first state/certificates/www.example.test/current/
        readlink state/certificates/www.example.test/current > before.txt
        cacert-acme renew --force
        readlink state/certificates/www.example.test/current > after.txt
    "#;
    let mock = bin.join("server-mock");
    assert!(mock.is_file(), "build the whole workspace first: cargo build --workspace");
    let mut command = clean(mock, folder.path());
    command.env("PATH", format!("{}:/usr/bin:/bin", bin.display())).env("CACERT_ACME_STATE_DIR", &state);
    command.args(["exec", "--", "sh", "-c", script]);
    run(command).succeeds();

    let read = |file: &str| fs::read_to_string(folder.path().join(file)).unwrap();
    assert!(read("second.txt").contains("nothing is due"), "{}", read("second.txt"));
    assert_eq!((read("before.txt").as_str(), read("after.txt").as_str()), ("versions/1\n", "versions/2\n"));
    let current = state.join("certificates/www.example.test/current");
    let (root, chain) = (folder.path().join("root.pem"), current.join("chain.pem"));
    openssl_verifies(&root, &chain, &current.join("cert.pem"));
    openssl_key_matches(&current.join("privkey.pem"), &current.join("cert.pem"));
    assert_eq!(
        fs::read_to_string(current.join("fullchain.pem")).unwrap(),
        fs::read_to_string(current.join("cert.pem")).unwrap() + &fs::read_to_string(chain).unwrap()
    );
    assert_ne!(
        fs::read(current.join("privkey.pem")).unwrap(),
        fs::read(folder.path().join("first/privkey.pem")).unwrap()
    );
}

pub(crate) fn several_names_and_an_address() {
    let world = World::registered();
    let arguments =
        ["issue", "-d", "www.example.test,example.test", "-d", "API.example.test", "--ip", "127.0.0.1"];
    let outcome =
        world.client(&[&arguments[..], &[&world.standalone(), "--json"]].concat()).succeeds().json();
    assert_eq!(outcome["name"], "www.example.test");
    assert_eq!(
        outcome["identifiers"],
        json!(["api.example.test", "example.test", "www.example.test", "127.0.0.1"])
    );
    // An order whose authorizations are valid already is finalized without a challenge.
    let free = World::with(|config| config.policy.reuse_authorizations = true);
    free.register();
    free.issue("www.example.test");
    free.client(&["issue", "-d", "www.example.test", "--force", "--standalone=127.0.0.1:1"]).succeeds();
}

/// Each name by its own method, an address by tls-alpn-01, in one certificate.
pub(crate) fn methods_are_mixed_in_one_certificate() {
    let world = World::registered();
    let webroot = world.path("www");
    fs::create_dir(&webroot).unwrap();
    let by_tls = format!("--tls-alpn=127.0.0.1:{}", world.mock().tls_port());
    let by_http =
        format!("www.example.test={}", world.standalone().trim_start_matches("--").replace('=', ":"));
    let names = ["issue", "-d", "www.example.test", "-d", "tls.example.test", "--ip", "127.0.0.1", "--json"];
    let outcome = world.client(&[&names[..], &[&by_tls, "--challenge", &by_http]].concat()).succeeds().json();
    let challenges = outcome["challenges"].as_object().unwrap();
    assert!(challenges["127.0.0.1"].as_str().unwrap().starts_with("tls-alpn:127.0.0.1:"), "{outcome}");
    assert!(challenges["www.example.test"].as_str().unwrap().starts_with("standalone:"), "{outcome}");
    assert_eq!(
        world.client(&["renew", "--force", "--json"]).succeeds().json()["certificates"][0]["version"],
        2
    );
}

pub(crate) fn webroot_behind_nginx() {
    let world = World::registered();
    let (port, webroot) = (world.mock().http_port(), world.path("www"));
    fs::create_dir(&webroot).unwrap();
    // nginx' workers are nobody's when root starts it: the way to the webroot must be open.
    let open = |path: &std::path::Path| {
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    };
    open(world.folder.path());
    open(&webroot);
    let config = format!(
        "daemon off; pid {0}/nginx.pid; error_log stderr; events {{}} http {{ access_log off;
         client_body_temp_path {0}/b; proxy_temp_path {0}/p; fastcgi_temp_path {0}/f; uwsgi_temp_path {0}/u;
         scgi_temp_path {0}/s; server {{ listen 127.0.0.1:{port}; root {1}; }} }}",
        world.folder.path().display(),
        webroot.display()
    );
    fs::write(world.path("nginx.conf"), config).unwrap();
    let mut nginx = clean("nginx", world.folder.path());
    nginx.arg("-c").arg(world.path("nginx.conf"));
    let _nginx = Server::start(nginx, ([127, 0, 0, 1], port).into());
    let names = ["issue", "-d", "www.example.test", "-d", "example.test", "--webroot", "www"];
    world.client(&names).succeeds();
    assert_eq!(fs::read_dir(&webroot).unwrap().count(), 0, "the challenge files and folders are gone");
    // A timer runs it elsewhere: the relative path was kept as an absolute one.
    let mut renew = world.command(&["renew", "--force"]);
    renew.current_dir("/");
    run(renew).succeeds();
}

pub(crate) fn every_key_type() {
    let world = World::registered();
    for (key_type, word) in [
        ("ec256", "prime256v1"),
        ("ec384", "secp384r1"),
        ("rsa2048", "2048 bit"),
        ("rsa3072", "3072 bit"),
        ("rsa4096", "4096 bit"),
        ("ed25519", "ED25519"),
    ] {
        let arguments = ["issue", "-d", "k.example.test", "--key-type", key_type, "--force"];
        world.client(&[&arguments[..], &[&world.standalone()]].concat()).succeeds();
        let file = |name| world.current("k.example.test", name);
        openssl_key_matches(&file("privkey.pem"), &file("cert.pem"));
        openssl_verifies(&world.path("root.pem"), &file("chain.pem"), &file("cert.pem"));
        let mut text = clean("openssl", world.folder.path());
        text.args(["x509", "-noout", "-text", "-in"]).arg(file("cert.pem"));
        let text = run(text).succeeds().stdout;
        assert!(text.contains(word), "{key_type}: {text}");
    }
}

pub(crate) fn revoked_certificates_are_replaced() {
    let world = World::registered();
    world.issue("www.example.test");
    let revoked = world.client(&["revoke", "www.example.test", "--reason", "superseded"]).succeeds();
    assert!(revoked.stdout.contains("renew www.example.test"));
    let shown = world.client(&["show", "www.example.test", "--json"]).succeeds().json();
    assert_eq!(shown["revoked"], true);
    // Once more is no failure: what was asked for is so.
    world.client(&["revoke", "www.example.test"]).succeeds();
    world.client(&["renew"]).succeeds();
    let shown = world.client(&["show", "www.example.test", "--json"]).succeeds().json();
    assert_eq!((&shown["revoked"], &shown["version"]), (&json!(false), &json!(2)));
    // An old version's revocation is no reason to replace the new one.
    let old = world.state().join("certificates/www.example.test/versions/1/cert.pem");
    world.client(&["revoke", "--cert", old.to_str().unwrap()]).succeeds();
    assert_eq!(world.client(&["show", "www.example.test", "--json"]).json()["revoked"], false);
    assert_eq!(world.client(&["renew"]).succeeds().stdout, "");
    // By file, signed with the certificate's own key, without an account.
    let (cert, key) =
        (world.current("www.example.test", "cert.pem"), world.current("www.example.test", "privkey.pem"));
    let (cert, key) = (cert.to_str().unwrap(), key.to_str().unwrap());
    world.client(&["revoke", "--cert", cert, "--key", key, "--reason", "keyCompromise"]).succeeds();
    assert_eq!(world.client(&["show", "www.example.test", "--json"]).json()["revoked"], true);
    world.client(&["revoke"]).exits(2);
}

/// Certificates that are renewed at once answer on one port.
pub(crate) fn standalone_is_shared_by_renewals() {
    let world = World::registered();
    let names = ["a", "b", "c", "d", "e"].map(|host| format!("{host}.example.test"));
    for name in &names {
        world.issue(name);
    }
    assert_eq!(world.client(&["renew"]).succeeds().stdout, "", "nothing was due, and cron sends no mail");
    world.client(&["renew", "--report-not-due"]).exits(10);
    let outcome = world.client(&["renew", "--force", "--json"]).succeeds().json();
    let renewed = outcome["certificates"].as_array().unwrap();
    assert_eq!(renewed.len(), names.len());
    assert!(renewed.iter().all(|one| one["outcome"] == "renewed" && one["version"] == 2), "{outcome}");
}

/// Of a name there is one certificate for tls-alpn-01 at a time.
pub(crate) fn certificates_of_one_name_take_turns() {
    let world = World::registered();
    let by_tls = format!("--tls-alpn=127.0.0.1:{}", world.mock().tls_port());
    for name in ["a", "b", "c", "d"] {
        world.client(&["issue", "-d", "www.example.test", "--name", name, &by_tls]).succeeds();
    }
    world.client(&["renew", "--force"]).succeeds();
}

/// CAcert signs elsewhere, and late.
pub(crate) fn a_long_processing_is_waited_for() {
    let world = World::with(|config| {
        config.policy.signing_delay = Duration::from_millis(700);
        config.http_port = free_port();
    });
    world.register();
    world.issue("www.example.test");
}

pub(crate) fn list_and_show() {
    let world = World::registered();
    assert!(world.client(&["list"]).succeeds().stdout.contains("cacert-acme issue"));
    world.issue("b.example.test");
    world.issue("a.example.test");
    let listed = world.client(&["list", "--json"]).succeeds().json();
    let listed = listed["certificates"].as_array().unwrap();
    assert_eq!([&listed[0]["name"], &listed[1]["name"]], ["a.example.test", "b.example.test"]);
    let shown = world.client(&["show", "a.example.test", "--json"]).succeeds().json();
    assert_eq!(shown, listed[0]);
    assert_eq!(
        shown["challenges"]["a.example.test"],
        world.standalone().trim_start_matches("--").replace('=', ":")
    );
    let table = world.client(&["list"]).succeeds().stdout;
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("NAME") && lines[1].contains("good") && lines.len() == 3, "{table}");
    assert!(world.client(&["list", "-q"]).succeeds().stdout.is_empty());
}
