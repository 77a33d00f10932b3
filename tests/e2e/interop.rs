//! Servers and clients that other people wrote, as Debian ships them, by their own documented flags.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::common::programs::{Server, openssl_key_matches, openssl_verifies};
use crate::common::{CLIENT, World, clean, free_address, run};

const PEBBLE_KID: &str = "kid-1";
const PEBBLE_MAC_KEY: &str = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";

/// Pebble with `externalAccountBindingRequired`, in its own configuration format.
pub(crate) fn our_client_with_pebble() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    let (acme, management, http, tls, dns, dns_management) =
        (free_address(), free_address(), free_address(), free_address(), free_address(), free_address());
    let mut openssl = clean("openssl", home);
    openssl.args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]);
    openssl.args(["-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=localhost"]);
    openssl.args(["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"]);
    run(openssl).succeeds();
    let config = json!({"pebble": {
        "listenAddress": acme, "managementListenAddress": management,
        "certificate": "cert.pem", "privateKey": "key.pem",
        "httpPort": http.port(), "tlsPort": tls.port(), "ocspResponderURL": "",
        "externalAccountBindingRequired": true,
        "externalAccountMACKeys": { PEBBLE_KID: PEBBLE_MAC_KEY },
    }});
    fs::write(home.join("pebble.json"), config.to_string()).unwrap();
    let mut names = clean("pebble-challtestsrv", home);
    names.args([
        "-defaultIPv4",
        "127.0.0.1",
        "-defaultIPv6",
        "",
        "-http01",
        "",
        "-https01",
        "",
        "-tlsalpn01",
        "",
    ]);
    names.arg("-dns01").arg(dns.to_string()).arg("-management").arg(dns_management.to_string());
    let _names = Server::start(names, dns_management);
    let mut pebble = clean("pebble", home);
    pebble.args(["-config", "pebble.json", "-strict", "-dnsserver"]).arg(dns.to_string());
    pebble.env("PEBBLE_VA_NOSLEEP", "1").env("PEBBLE_AUTHZREUSE", "0").env("PEBBLE_WFE_NONCEREJECT", "30");
    let _pebble = Server::start(pebble, acme);

    let client = |arguments: &[&str]| {
        let mut command = clean(CLIENT, home);
        command
            .env("CACERT_ACME_SERVER", format!("https://{acme}/dir"))
            .env("CACERT_ACME_CA_BUNDLE", "cert.pem");
        command.env("CACERT_ACME_STATE_DIR", home.join("state")).env("CACERT_ACME_EAB_KEY", PEBBLE_MAC_KEY);
        command.args(arguments);
        run(command)
    };
    let agreed = ["--contact", "alice@example.test", "--agree-tos", "--accept-responsibility"];
    client(&[&["register"], &agreed[..]].concat()).exits(2).tells("the key identifier is missing");
    client(&[&["register", "--eab-kid", "no-such-kid"], &agreed[..]].concat()).exits(4);
    client(&[&["register", "--eab-kid", PEBBLE_KID], &agreed[..]].concat()).succeeds();
    assert_eq!(client(&["account", "show", "--json"]).succeeds().json()["status"], "valid");
    let standalone = format!("--standalone={http}");
    client(&["issue", "-d", "www.example.test", "-d", "example.test", &standalone]).succeeds();
    client(&["renew", "--force"]).succeeds();
    let current = home.join("state/certificates/www.example.test/current");
    assert_eq!(fs::read_link(&current).unwrap(), Path::new("versions/2"));
    openssl_key_matches(&current.join("privkey.pem"), &current.join("cert.pem"));
    client(&["revoke", "www.example.test"]).succeeds();
}

pub(crate) fn certbot_with_our_mock() {
    let world = World::new();
    let certbot = |arguments: &[&str]| {
        let mut command = clean("certbot", world.folder.path());
        command.args(arguments).args([
            "--non-interactive",
            "--config-dir",
            "cb",
            "--work-dir",
            "cb",
            "--logs-dir",
            "cb",
        ]);
        command.args(["--server", &world.mock().directory_url()]);
        command.env("REQUESTS_CA_BUNDLE", world.path("ca-bundle.pem"));
        run(command)
    };
    certbot(&[
        "register",
        "--agree-tos",
        "-m",
        "alice@example.test",
        "--eab-kid",
        &world.eab.kid,
        "--eab-hmac-key",
        &world.eab.hmac_key,
    ])
    .succeeds();
    let port = world.mock().http_port().to_string();
    let standalone = ["--standalone", "--http-01-port", &port, "--http-01-address", "127.0.0.1"];
    certbot(&[&["certonly", "-d", "cb.example.test", "-d", "cb2.example.test"], &standalone[..]].concat())
        .succeeds();
    let live = world.path("cb/live/cb.example.test");
    openssl_verifies(&world.path("root.pem"), &live.join("chain.pem"), &live.join("cert.pem"));
    certbot(&["renew", "--force-renewal", "--no-random-sleep-on-renew"]).succeeds();
    assert!(world.path("cb/archive/cb.example.test/cert2.pem").is_file(), "renewed");
    certbot(&["revoke", "--cert-name", "cb.example.test", "--no-delete-after-revoke"]).succeeds();
}

pub(crate) fn lego_with_our_mock() {
    let world = World::new();
    let address = format!("127.0.0.1:{}", world.mock().http_port());
    let lego = |action: &[&str]| {
        let mut command: Command = clean("lego", world.folder.path());
        command.args([
            "--server",
            &world.mock().directory_url(),
            "--path",
            "lego",
            "--email",
            "alice@example.test",
        ]);
        command.args(["--accept-tos", "--eab", "--kid", &world.eab.kid, "--hmac", &world.eab.hmac_key]);
        command.args(["--http", "--http.port", &address, "--domains", "lego.example.test"]).args(action);
        command.env("LEGO_CA_CERTIFICATES", world.path("ca-bundle.pem"));
        run(command)
    };
    lego(&["run"]).succeeds();
    let file = |name: &str| world.path("lego/certificates").join(format!("lego.example.test.{name}"));
    openssl_verifies(&world.path("root.pem"), &file("issuer.crt"), &file("crt"));
    openssl_key_matches(&file("key"), &file("crt"));
    let first = fs::read(file("crt")).unwrap();
    lego(&["renew", "--days", "4000", "--no-random-sleep"]).succeeds();
    assert_ne!(fs::read(file("crt")).unwrap(), first, "renewed");
    lego(&["revoke"]).succeeds();
}
