//! Caddy, a web server that gets its certificates itself.

use std::fs;

use std::time::Duration;

use crate::common::programs::{Server, served_certificate, serves_certificate};
use crate::common::{World, clean, free_address, poll};

pub(crate) fn caddy_with_our_mock() {
    // Short-lived enough that its renewal can be seen: it comes when a third of the lifetime is left.
    let world = World::with(|config| config.policy.certificate_lifetime = Some(Duration::from_secs(12)));
    let https = free_address();
    let config = format!(
        "{{\n acme_ca {}\n acme_ca_root {}\n acme_eab {{\n key_id {}\n mac_key {}\n }}\n email alice@example.test\n admin off\n renew_interval 1s\n http_port {}\n https_port {}\n storage file_system {}\n}}\ncaddy.example.test {{\n bind 127.0.0.1\n respond hello\n}}\n",
        world.mock().directory_url(),
        world.path("ca-bundle.pem").display(),
        world.eab.kid,
        world.eab.hmac_key,
        world.mock().http_port(),
        https.port(),
        world.path("caddy").display(),
    );
    fs::write(world.path("Caddyfile"), config).unwrap();
    let mut caddy = clean("caddy", world.folder.path());
    caddy.args(["run", "--config", "Caddyfile", "--adapter", "caddyfile"]);
    let _caddy = Server::start(caddy, https);
    poll("Caddy serves a certificate of the mock's", || {
        serves_certificate(https, "caddy.example.test", &world.path("root.pem"))
    });
    let first = served_certificate(https, "caddy.example.test");
    poll("Caddy serves a renewed certificate", || {
        served_certificate(https, "caddy.example.test") != first
            && serves_certificate(https, "caddy.example.test", &world.path("root.pem"))
    });
}
