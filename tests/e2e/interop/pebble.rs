//! Pebble 2.4, Let's Encrypt's test server, in its own configuration with External Account Binding required.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::common::programs::{Server, openssl_key_matches};
use crate::common::{CLIENT, clean, free_address, run};

const PEBBLE_KID: &str = "kid-1";
const PEBBLE_MAC_KEY: &str = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";

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
    pebble.env("PEBBLE_VA_NOSLEEP", "1").env("PEBBLE_AUTHZREUSE", "0").env("PEBBLE_WFE_NONCEREJECT", "50");
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
    // Another server's word on the signatures of each kind of account key.
    for kind in ["rsa2048", "ec384", "ec256"] {
        client(&["account", "rollover", "--account-key-type", kind]).succeeds();
        client(&["renew", "--dry-run"]).succeeds();
    }
    client(&["renew", "--force"]).succeeds();
    // Two methods in one certificate.
    let (by_tls, by_http) = (format!("--tls-alpn={tls}"), format!("example.test=standalone:{http}"));
    let both = [
        "issue",
        "-d",
        "www.example.test",
        "-d",
        "example.test",
        "--force",
        &by_tls,
        "--challenge",
        &by_http,
    ];
    client(&both).succeeds();
    let current = home.join("state/certificates/www.example.test/current");
    assert_eq!(fs::read_link(&current).unwrap(), Path::new("versions/3"));
    openssl_key_matches(&current.join("privkey.pem"), &current.join("cert.pem"));
    client(&["revoke", "www.example.test"]).succeeds();
}
