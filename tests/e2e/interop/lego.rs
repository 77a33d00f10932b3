//! lego. It wants the key identifier with every command; without a terminal its renewal sleeps unless told otherwise.

use std::fs;
use std::process::Command;

use crate::common::programs::{openssl_key_matches, openssl_verifies};
use crate::common::{World, clean, run};

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
