//! What goes wrong is told with its own exit status, and changes nothing.

use std::net::TcpListener;

use crate::common::{World, run};

pub(crate) fn json_errors_have_one_form() {
    let mut world = World::new();
    let usage = world.client(&["issue", "--json"]).exits(2).json();
    assert_eq!(usage["error"]["kind"], "usage");
    let local = world.client(&["show", "nothing", "--json"]).exits(3).json();
    assert_eq!(local["error"]["message"], "there is no certificate named nothing");
    let arguments = ["--eab-kid", "no-such-kid", "--json"];
    let mut command = world.command(&world.registration(&arguments));
    command.env("CACERT_ACME_EAB_KEY", &world.eab.hmac_key);
    let refused = run(command).exits(4).json();
    assert_eq!(refused["error"]["problem"]["type"], "urn:ietf:params:acme:error:unauthorized");
    let command = world.command(&world.registration(&["--eab-kid", "k", "--json"]));
    world.stop_mock();
    assert_eq!(run(command).exits(6).json()["error"]["kind"], "server");
}

pub(crate) fn an_unreachable_server_is_status_6() {
    let mut world = World::registered();
    world.issue("www.example.test");
    let commands = [vec!["renew", "--force"], vec!["account", "show"]];
    let commands = commands.map(|arguments| world.command(&arguments));
    world.stop_mock();
    for command in commands {
        run(command).exits(6).tells("could not reach https://");
    }
}

pub(crate) fn an_untrusted_server_is_told_apart() {
    let world = World::registered();
    let mut command = world.command(&["account", "show"]);
    command.env("CACERT_ACME_CA_BUNDLE", world.path("root.pem"));
    run(command).exits(6).tells("could not trust the server").tells("--ca-bundle");
}

pub(crate) fn a_name_outside_the_rights_is_status_4() {
    let world = World::registered();
    let outcome =
        world.client(&["issue", "-d", "www.other.test", &world.standalone(), "--json"]).exits(4).json();
    assert_eq!(outcome["error"]["problem"]["type"], "urn:ietf:params:acme:error:rejectedIdentifier");
    let text = world.client(&["issue", "-d", "www.other.test", &world.standalone()]).exits(4);
    text.tells("could not order www.other.test").tells("rights").tells("CAcert web UI");
    assert!(!world.state().join("orders/www.other.test").exists());
}

pub(crate) fn c44_a_failed_challenge_is_status_5_and_is_cleaned_up() {
    let world = World::registered();
    let webroot = world.path("www");
    std::fs::create_dir(&webroot).unwrap();
    // Nothing listens where the mock looks.
    let outcome = world.client(&["issue", "-d", "www.example.test", "--webroot", webroot.to_str().unwrap()]);
    outcome.exits(5).tells("could not validate www.example.test by http-01").tells("--webroot");
    assert_eq!(std::fs::read_dir(&webroot).unwrap().count(), 0, "what was made was removed");
    // The next run makes a new order, and ends well.
    world.issue("www.example.test");
}

pub(crate) fn a_taken_port_is_status_5() {
    let world = World::registered();
    let taken = TcpListener::bind(("127.0.0.1", world.mock().http_port())).unwrap();
    let outcome = world.client(&["issue", "-d", "www.example.test", &world.standalone()]).exits(5);
    outcome.tells(&format!("could not listen on {}", taken.local_addr().unwrap())).tells("--webroot");
    drop(taken);
    world.issue("www.example.test");
}

pub(crate) fn bad_names_are_refused_before_anything_happens() {
    let world = World::new();
    for name in ["a..b", "-x.test", "a b", "*.*.test", "127.0.0.1", "../../etc"] {
        world.client(&["issue", &format!("-d{name}"), "--standalone"]).exits(2);
    }
    world.client(&["issue", "-d", "*.example.test", "--standalone"]).exits(2).tells("wildcard");
    world.client(&["issue", "-d", "a.example.test"]).exits(2).tells("--webroot DIR");
    world.client(&["issue", "-d", "a.test", "--name", "../x", "--standalone"]).exits(2);
    world.client(&["list", "--account", "../x"]).exits(2);
    let left: Vec<_> = walk(&world.state());
    assert!(left.iter().all(|path| path.starts_with("locks")), "{left:?}");
}

pub(crate) fn the_config_file_is_read() {
    let world = World::new();
    let config = world.path("config.toml");
    let text = format!(
        "server = {:?}\nstandalone = \"127.0.0.1:{}\"\ncontact = [\"alice@example.test\"]\nagree-tos = true\naccept-responsibility = true\n",
        world.mock().directory_url(),
        world.mock().http_port()
    );
    std::fs::write(&config, text).unwrap();
    let with_config = |arguments: &[&str]| {
        let mut command = world.command(arguments);
        command.env_remove("CACERT_ACME_SERVER").env("CACERT_ACME_CONFIG", &config);
        command.env("CACERT_ACME_EAB_KID", &world.eab.kid).env("CACERT_ACME_EAB_KEY", &world.eab.hmac_key);
        run(command)
    };
    with_config(&["register"]).succeeds();
    with_config(&["issue", "-d", "www.example.test"]).succeeds();
    std::fs::write(&config, "json = false\nsever = 'x'\n").unwrap();
    with_config(&["list"]).exits(3).tells("config.toml:2: there is no setting \"sever\"").tells("`server`");
    with_config(&["--help"]).succeeds();
}

pub(crate) fn other_names_are_not_replaced_silently() {
    let world = World::registered();
    world.issue("www.example.test");
    let more = ["issue", "-d", "www.example.test", "-d", "b.example.test", &world.standalone()];
    world.client(&more).exits(2).tells("exists for other names").tells("--force").tells("--name");
    let forced: Vec<&str> = more.into_iter().chain(["--force", "--json"]).collect();
    assert_eq!(world.client(&forced).succeeds().json()["version"], 2);
}

/// A certificate whose challenge fails does not keep another one from its renewal.
pub(crate) fn one_failure_stops_no_other() {
    let world = World::registered();
    world.issue("good.example.test");
    world.issue("bad.example.test");
    // The name leads elsewhere by now.
    world.mock().dns_table().fail("bad.example.test", server_mock::testbed::DnsFailure::ServFail).unwrap();
    let outcome = world.client(&["renew", "--force", "--json"]).exits(5).json();
    let [bad, good] = outcome["certificates"].as_array().unwrap().as_slice() else { panic!("{outcome}") };
    assert_eq!((bad["name"].as_str(), bad["outcome"].as_str()), (Some("bad.example.test"), Some("failed")));
    assert_eq!((good["outcome"].as_str(), good["version"].as_u64()), (Some("renewed"), Some(2)));
}

/// Damage to one certificate's files is told, and does not keep another from its renewal, nor itself from a new version.
pub(crate) fn damage_is_told_and_mended() {
    let world = World::registered();
    for name in ["a.example.test", "b.example.test", "c.example.test"] {
        world.issue(name);
    }
    let folder = |name: &str| world.state().join("certificates").join(name);
    std::fs::create_dir(folder("Not A Name")).unwrap();
    std::fs::write(folder("a.example.test").join("certificate.toml"), "server = ").unwrap();
    std::fs::write(world.current("b.example.test", "fullchain.pem"), "").unwrap();
    // What follows links when it copies makes a folder of `current`.
    let current = folder("c.example.test").join("current");
    let copied: Vec<_> = std::fs::read_dir(&current).unwrap().map(|entry| entry.unwrap().path()).collect();
    let copied: Vec<_> =
        copied.iter().map(|path| (path.file_name().unwrap(), std::fs::read(path).unwrap())).collect();
    std::fs::remove_file(&current).unwrap();
    std::fs::create_dir(&current).unwrap();
    copied.iter().for_each(|(name, content)| std::fs::write(current.join(name), content).unwrap());

    world.client(&["list"]).succeeds().tells("Not A Name");
    let outcome = world.client(&["renew", "--json"]).exits(3).json();
    let outcomes: Vec<&str> = outcome["certificates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes, ["failed", "renewed", "renewed"], "{outcome}");
    let listed = world.client(&["list"]).succeeds().stdout;
    assert!(listed.contains("damaged") && listed.matches("good").count() == 2, "{listed}");
    // Another one can be revoked all the same.
    let cert = world.current("b.example.test", "cert.pem");
    world.client(&["revoke", "--cert", cert.to_str().unwrap()]).succeeds();
}

/// What the record wants and what is installed may differ, when a run died between the two: then something is due.
pub(crate) fn a_record_that_wants_more_is_due() {
    let world = World::registered();
    world.issue("www.example.test");
    let record = world.state().join("certificates/www.example.test/certificate.toml");
    let text = std::fs::read_to_string(&record).unwrap();
    let method = world.standalone().trim_start_matches("--").replace('=', ":");
    let text = text.replace("identifiers = [", "identifiers = [\"b.example.test\", ");
    std::fs::write(&record, text + &format!("\"b.example.test\" = {method:?}\n")).unwrap();
    let both = ["issue", "-d", "www.example.test", "-d", "b.example.test", "--json"];
    let outcome = world.client(&both).succeeds().json();
    assert_eq!((&outcome["issued"], &outcome["version"]), (&true.into(), &2.into()), "{outcome}");
    assert_eq!(world.client(&both).succeeds().json()["issued"], false);
}

/// A disk that is full, or a terminal that is gone.
pub(crate) fn output_that_cannot_be_written_is_no_panic() {
    let world = World::registered();
    let shell = |line: &str| {
        let mut command = world.command(&[]);
        let client = command.get_program().to_owned();
        let environment: Vec<_> =
            command.get_envs().filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned()))).collect();
        command = crate::common::clean("sh", world.folder.path());
        command.envs(environment).args(["-c", line, "sh"]).arg(client);
        run(command)
    };
    shell("\"$1\" show nothing 2>/dev/full").exits(3);
    shell("\"$1\" list --json >/dev/full").exits(3).tells("the result could not be written");
    shell("\"$1\" list --json | true").succeeds();
}

/// What is set but empty is not set; a wrong value is told with the place it came from.
pub(crate) fn settings_are_told_with_their_place() {
    let world = World::registered();
    let mut command = world.command(&["list"]);
    command.env("CACERT_ACME_CONFIG", "").env("CACERT_ACME_ACCOUNT", "").env("CACERT_ACME_JSON", "");
    run(command).succeeds();
    let mut command = world.command(&["list"]);
    command.env("CACERT_ACME_JSON", "1");
    run(command).succeeds().json();
    let config = world.path("config.toml");
    let with_config = |text: &str, arguments: &[&str]| {
        std::fs::write(&config, text).unwrap();
        let mut command = world.command(arguments);
        command.env("CACERT_ACME_CONFIG", &config);
        run(command)
    };
    let issue = ["issue", "-d", "www.example.test"];
    with_config("key-type = 'foo'\n", &issue).exits(3).tells("config.toml").tells("'foo'");
    with_config("\nserver = ['a', 'b']\n", &["list"])
        .exits(3)
        .tells("config.toml:2: server must be one value");
    with_config("webroot = '/tmp'\nstandalone = true\n", &issue).exits(2).tells("several methods");
    let usage = with_config("json = true\n", &["show"]).exits(2).json();
    assert!(usage["error"]["causes"][0].as_str().unwrap().contains("<NAME>"), "{usage}");
    with_config("domain = ['www.example.test']\n", &["issue", &world.standalone()]).succeeds();
}

/// Every file below a folder, relative to it.
pub(crate) fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path)
            } else {
                files.push(path.strip_prefix(folder).unwrap().to_owned())
            }
        }
    }
    files
}
