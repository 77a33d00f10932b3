//! MAC key and account key appear in no argv, log, output or error; every secret file is 0600 in folders of 0700.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;

use base64::prelude::{
    BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD, Engine as _,
};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;

use crate::common::run::wait;
use crate::common::{World, run};

pub(crate) fn secrets_stay_secret() {
    let world = World::new();
    let mut said = String::new();
    let mut tell = |arguments: &[&str], mac_key: Option<&str>| {
        for manner in ["-vvv", "--json"] {
            let mut command = world.command(&[arguments, &[manner]].concat());
            if let Some(key) = mac_key {
                command.env("CACERT_ACME_EAB_KEY", key);
            }
            let outcome = run(command);
            said.push_str(&outcome.stdout);
            said.push_str(&outcome.stderr);
        }
    };
    let standalone = world.standalone();
    let register = world.registration(&["--eab-kid", &world.eab.kid]);
    // Put where a file's name belongs.
    tell(&["register", "--eab", &format!("kid:{}", world.eab.hmac_key)], None);
    tell(&["register", "--eab-key-file", &world.eab.hmac_key], None);
    // Refused first (the wrong key identifier), then cut off, then right.
    tell(&world.registration(&["--eab-kid", "wrong"]), Some(&world.eab.hmac_key));
    tell(&register, Some(&world.eab.hmac_key[..world.eab.hmac_key.len() - 1]));
    tell(&register, Some(&format!("{}!", world.eab.hmac_key)));
    tell(&register, Some(&world.eab.hmac_key));
    tell(&["account", "show"], None);
    tell(&["issue", "-d", "www.example.test", &standalone, "--force"], None);
    tell(&["issue", "-d", "www.other.test", &standalone], None);
    tell(&["renew", "--force"], None);
    tell(&["show", "www.example.test"], None);
    tell(&["revoke", "www.example.test"], None);
    assert!(
        said.contains("request") && said.contains("newOrder") || said.contains("new-order"),
        "the log is there: {said}"
    );

    let account = fs::read_dir(world.state().join("accounts")).unwrap().next().unwrap().unwrap().path();
    let account_key = fs::read_to_string(account.join("default/key.pem")).unwrap();
    let mut secrets = forms(&BASE64_URL_SAFE_NO_PAD.decode(&world.eab.hmac_key).unwrap());
    secrets.extend(key_forms(&account_key));
    secrets.extend(key_forms(&fs::read_to_string(world.current("www.example.test", "privkey.pem")).unwrap()));
    for secret in secrets {
        assert!(!said.contains(&secret), "a secret was told: {secret}");
    }
    modes(&world.state());
    argv_holds_no_secret();
}

/// A private key's text lines and its bytes in every usual encoding.
fn key_forms(pem: &str) -> Vec<String> {
    let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).unwrap();
    // In PKCS#8 of P-256 the private scalar stands at 36..68 (RFC 5915 within RFC 5958).
    let scalar = &der.secret_pkcs8_der()[36..68];
    let lines = pem.lines().filter(|line| !line.starts_with('-') && line.len() > 20).map(String::from);
    forms(scalar).into_iter().chain(lines).collect()
}

fn forms(bytes: &[u8]) -> Vec<String> {
    vec![
        BASE64_STANDARD.encode(bytes),
        BASE64_STANDARD_NO_PAD.encode(bytes),
        BASE64_URL_SAFE.encode(bytes),
        BASE64_URL_SAFE_NO_PAD.encode(bytes),
        bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        bytes.iter().map(|byte| format!("{byte:02X}")).collect(),
        format!("{bytes:?}"),
    ]
}

/// Folders are 0700, files 0600; but certificates, which are public, are 0644 in a folder that keeps strangers out.
fn modes(folder: &Path) {
    let mode = |path: &Path| fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(folder), 0o700, "{}", folder.display());
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            modes(&path);
            continue;
        }
        let public =
            path.parent().unwrap().parent().unwrap().ends_with("versions") && !path.ends_with("privkey.pem");
        assert_eq!(mode(&path), if public { 0o644 } else { 0o600 }, "{}", path.display());
    }
}

/// What `ps` shows while the client runs: it waits for its key on standard input.
fn argv_holds_no_secret() {
    let world = World::new();
    let mut command =
        world.command(&world.registration(&["--eab-kid", &world.eab.kid, "--eab-key-file", "-"]));
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let proc = format!("/proc/{}", child.id());
    let read = |file: &str| fs::read(format!("{proc}/{file}")).unwrap_or_default();
    use std::io::Write as _;
    // From the moment it is our program, through the one in which it gets the key, until it ends.
    let mut seen = Vec::new();
    crate::common::poll("the program runs", || {
        seen = read("cmdline");
        String::from_utf8_lossy(&seen).contains("register")
    });
    child.stdin.take().unwrap().write_all(world.eab.hmac_key.as_bytes()).unwrap();
    crate::common::poll("the registration ends", || {
        seen.extend([read("cmdline"), read("environ")].concat());
        child.try_wait().unwrap().is_some()
    });
    assert_eq!(wait(&mut child), 0);
    let seen = String::from_utf8_lossy(&seen);
    assert!(!seen.contains(&world.eab.hmac_key));
    // And no flag would take it.
    let help = world.client(&["register", "--help"]).succeeds().stdout;
    assert!(!help.contains("--eab-key ") && !help.contains("--hmac"), "{help}");
}
