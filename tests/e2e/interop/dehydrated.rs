//! dehydrated, a shell script on curl and openssl.

use std::fs;

use crate::common::programs::{openssl_key_matches, openssl_verifies};
use crate::common::webserver::Webserver;
use crate::common::{World, clean, run};

pub(crate) fn dehydrated_with_our_mock() {
    let world = World::new();
    let web = Webserver::start(world.mock().http_port());
    let config = format!(
        "CA={:?}\nEAB_KID={:?}\nEAB_HMAC_KEY={:?}\nBASEDIR={:?}\nWELLKNOWN={:?}\nCURL_OPTS=\"--cacert {}\"\nCONTACT_EMAIL=alice@example.test\n",
        world.mock().directory_url(),
        world.eab.kid,
        world.eab.hmac_key,
        world.path("dh"),
        web.challenges(),
        world.path("ca-bundle.pem").display(),
    );
    fs::create_dir(world.path("dh")).unwrap();
    fs::write(world.path("dh/config"), config).unwrap();
    let dehydrated = |arguments: &[&str]| {
        let mut command = clean("dehydrated", world.folder.path());
        command.args(["-f", "dh/config"]).args(arguments);
        run(command).succeeds()
    };
    dehydrated(&["--register", "--accept-terms"]);
    let names = ["-d", "dh.example.test", "-d", "dh2.example.test"];
    dehydrated(&[&["-c"], &names[..]].concat());
    let file = |name: &str| world.path("dh/certs/dh.example.test").join(name);
    openssl_verifies(&world.path("root.pem"), &file("chain.pem"), &file("cert.pem"));
    openssl_key_matches(&file("privkey.pem"), &file("cert.pem"));
    let first = fs::read(file("cert.pem")).unwrap();
    dehydrated(&[&["-c", "-x"], &names[..]].concat());
    assert_ne!(fs::read(file("cert.pem")).unwrap(), first, "renewed");
    dehydrated(&["--revoke", file("cert.pem").to_str().unwrap()]);
}
