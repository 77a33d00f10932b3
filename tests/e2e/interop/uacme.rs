//! uacme, and acme-tiny, which knows no External Account Binding and so uses the account that uacme registered.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::common::programs::{openssl_key_matches, openssl_verifies};
use crate::common::webserver::Webserver;
use crate::common::{Outcome, World, clean, run};

pub(crate) fn uacme_and_acme_tiny_with_our_mock() {
    let world = World::new();
    let web = Webserver::start(world.mock().http_port());
    let hook = format!(
        "#!/bin/sh\n[ \"$2\" = http-01 ] || exit 1\nfile={}/$4\ncase $1 in begin) printf %s \"$5\" >\"$file\" ;; *) rm -f \"$file\" ;; esac\n",
        web.challenges().display()
    );
    fs::write(world.path("hook.sh"), hook).unwrap();
    fs::set_permissions(world.path("hook.sh"), fs::Permissions::from_mode(0o755)).unwrap();

    let eab = format!("{}:{}", world.eab.kid, world.eab.hmac_key);
    uacme(&world, &["-t", "RSA", "-e", &eab, "new", "alice@example.test"]);
    let issue = ["-h", "./hook.sh", "issue", "ua.example.test"];
    uacme(&world, &issue);
    let certificate = world.path("ua/ua.example.test/cert.pem");
    openssl_verifies(&world.path("root.pem"), &certificate, &certificate);
    openssl_key_matches(&world.path("ua/private/ua.example.test/key.pem"), &certificate);
    let first = fs::read(&certificate).unwrap();
    uacme(&world, &["newkey"]);
    uacme(&world, &[&["-f"], &issue[..]].concat());
    assert_ne!(fs::read(&certificate).unwrap(), first, "renewed, with the new account key");
    uacme(&world, &["revoke", certificate.to_str().unwrap()]);

    acme_tiny(&world, &web);
}

/// libcurl reads the system's roots and nothing else: for uacme, in a mount namespace, these are the mock's.
fn uacme(world: &World, arguments: &[&str]) -> Outcome {
    let script = "mount --bind ca-bundle.pem /etc/ssl/certs/ca-certificates.crt && exec uacme \"$@\"";
    let mut command = clean("unshare", world.folder.path());
    command.args(["--map-root-user", "--mount", "sh", "-c", script, "uacme", "-v", "-y", "-c", "ua"]);
    command.args(["-a", &world.mock().directory_url()]).args(arguments);
    run(command).succeeds()
}

fn acme_tiny(world: &World, web: &Webserver) {
    let mut openssl = clean("openssl", world.folder.path());
    openssl.args(["req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "tiny.key", "-out", "tiny.csr"]);
    openssl.args(["-subj", "/", "-addext", "subjectAltName=DNS:tiny.example.test"]);
    run(openssl).succeeds();
    let mut tiny = clean("acme-tiny", world.folder.path());
    tiny.args(["--account-key", "ua/private/key.pem", "--csr", "tiny.csr", "--disable-check", "--acme-dir"]);
    tiny.arg(web.challenges()).args(["--directory-url", &world.mock().directory_url()]);
    tiny.env("SSL_CERT_FILE", world.path("ca-bundle.pem"));
    fs::write(world.path("tiny.crt"), run(tiny).succeeds().stdout).unwrap();
    openssl_verifies(&world.path("root.pem"), &world.path("tiny.crt"), &world.path("tiny.crt"));
    openssl_key_matches(&world.path("tiny.key"), &world.path("tiny.crt"));
}
