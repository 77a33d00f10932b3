//! certbot.

use crate::common::programs::openssl_verifies;
use crate::common::{World, clean, run};

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
