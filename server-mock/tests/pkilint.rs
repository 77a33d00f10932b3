//! What pkilint, written by others, finds in certificates, CRLs and OCSP responses: nothing but what the README's table
//! of deviations lists, each with its reason; and nothing is listed that is not found.
//!
//! Without pkilint, which `tests/pkilint.sh` installs into the target folder, every test here is reported as ignored.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    sync::{Arc, Mutex},
};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use libtest_mimic::{Arguments, Failed, Trial};
use rcgen::{KeyPair, PublicKeyData, SignatureAlgorithm};
use server_mock::{
    ca::{Authority, CaKey, CaSettings, CertificateStatus, LeafRequest, RevokedEntry},
    model::{Identifier, certificate::KeyUse},
    random::OsRandom,
};
use tempfile::TempDir;
use time::{Duration, OffsetDateTime};
use x509_parser::prelude::{FromDer, X509Certificate};

const CERTIFICATE: &[&str] = &["lint_pkix_cert", "lint"];
const UNASSURED: &[&str] = &["lint_cabf_smime_cert", "lint", "-t", "MAILBOX-MULTIPURPOSE"];
const ASSURED: &[&str] = &["lint_cabf_smime_cert", "lint", "-t", "INDIVIDUAL-MULTIPURPOSE"];
const DOMAIN_VALIDATED: &[&str] = &["lint_cabf_serverauth_cert", "lint", "-t", "DV-FINAL-CERTIFICATE"];
const CRL: &[&str] = &["lint_crl", "lint", "-t", "CRL", "-p", "PKIX"];
const ROOT_CRL: &[&str] = &["lint_crl", "lint", "-t", "ARL", "-p", "PKIX"];
const OCSP: &[&str] = &["lint_ocsp_response", "lint"];

/// The kinds of keys that are certified.
const KEYS: [(&str, &SignatureAlgorithm); 8] = [
    ("rsa2048", &rcgen::PKCS_RSA_SHA256),
    ("p256", &rcgen::PKCS_ECDSA_P256_SHA256),
    ("p384", &rcgen::PKCS_ECDSA_P384_SHA384),
    ("p521", &rcgen::PKCS_ECDSA_P521_SHA512),
    ("ed25519", &rcgen::PKCS_ED25519),
    ("ml_dsa_44", &rcgen::PKCS_ML_DSA_44),
    ("ml_dsa_65", &rcgen::PKCS_ML_DSA_65),
    ("ml_dsa_87", &rcgen::PKCS_ML_DSA_87),
];

/// Something to lint.
struct Sample {
    name: String,
    /// The linter and its arguments.
    linter: &'static [&'static str],
    der: Vec<u8>,
}

fn main() -> ExitCode {
    let programs = programs();
    let folder = Arc::new(TempDir::new().expect("a folder for the samples"));
    let found = Arc::new(Mutex::new(BTreeSet::new()));
    let trials: Vec<Trial> = samples(CaKey::Ec256, "", &KEYS)
        .into_iter()
        .chain(samples(CaKey::Rsa2048, "_under_rsa", &KEYS[..1]))
        .map(|sample| {
            let (name, programs) = (format!("{}_{}", sample.linter[0], sample.name), programs.clone());
            let (folder, found) = (Arc::clone(&folder), Arc::clone(&found));
            let test = move || lint(&programs.unwrap_or_default(), folder.path(), &sample, &found);
            Trial::test(name, test).with_ignored_flag(self::programs().is_none())
        })
        .collect();
    let arguments = Arguments::from_args();
    let all = arguments.filter.is_none() && arguments.skip.is_empty() && !arguments.list && !arguments.exact;
    let conclusion = libtest_mimic::run(&arguments, trials);
    if all && programs.is_some() && !conclusion.has_failed() {
        let found = found.lock().expect("no test panicked while it held the lock");
        let stale: Vec<_> = deviations().into_iter().filter(|listed| !found.contains(listed)).collect();
        assert!(stale.is_empty(), "listed as deviations, but found nowhere: {stale:?}");
    }
    conclusion.exit_code()
}

/// Where pkilint's programs are: what `pkilint.sh` installed, or the search path.
fn programs() -> Option<PathBuf> {
    let installed = Path::new(env!("CARGO_TARGET_TMPDIR")).parent()?.join("pkilint/bin");
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = [installed].into_iter().chain(env::split_paths(&path));
    folders.into_iter().find(|folder| folder.join("lint_pkix_cert").is_file())
}

impl Sample {
    /// The first word of its name: client certificates deviate where no other may.
    fn kind(&self) -> &str {
        self.name.split('_').next().unwrap_or_default()
    }
}

/// Lints one sample; every finding must be listed for its linter and kind.
fn lint(
    programs: &Path,
    folder: &Path,
    sample: &Sample,
    found: &Mutex<BTreeSet<(String, String)>>,
) -> Result<(), Failed> {
    let file = folder.join(format!("{}_{}.der", sample.linter[0], sample.name));
    fs::write(&file, &sample.der)?;
    let mut command = Command::new(programs.join(sample.linter[0]));
    command.args(&sample.linter[1..]).args(["-s", "NOTICE", "-f", "JSON", "--document-format", "DER"]);
    let output = command.arg(&file).output()?;
    let report: serde_json::Value = serde_json::from_slice(&output.stdout)
        .map_err(|_| format!("no report: {}", String::from_utf8_lossy(&output.stderr)))?;
    let listed = deviations();
    let mut unlisted = Vec::new();
    for result in report["results"].as_array().ok_or("the report has no results")? {
        for finding in result["finding_descriptions"].as_array().into_iter().flatten() {
            let code = finding["code"].as_str().ok_or("a finding has no code")?;
            let finding_of = (format!("{} {}", sample.linter[0], sample.kind()), code.to_owned());
            if !listed.contains(&finding_of) {
                unlisted.push(format!("{finding} at {}", result["node_path"]));
            }
            found.lock().expect("no test panics while it holds the lock").insert(finding_of);
        }
    }
    if unlisted.is_empty() { Ok(()) } else { Err(unlisted.join("\n").into()) }
}

/// The rows of the README's table: linter with kind of sample, and finding.
fn deviations() -> BTreeSet<(String, String)> {
    let readme = include_str!("../README.md");
    let rows = readme.lines().filter(|line| line.starts_with("| `lint_"));
    rows.map(|row| {
        let mut cells = row.split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).skip(1);
        (cells.next().unwrap_or_default(), cells.next().unwrap_or_default())
    })
    .collect()
}

/// One of everything that an authority with this kind of key publishes.
fn samples(key: CaKey, suffix: &str, keys: &[(&str, &'static SignatureAlgorithm)]) -> Vec<Sample> {
    let now = OffsetDateTime::now_utc();
    let settings = CaSettings { key, base_url: "http://ca.example.com".into(), alternate_root: true };
    let authority = Authority::generate(&settings, now, &OsRandom).expect("an authority");
    let mut samples = Vec::new();
    let mut add = |name: &str, linter, der: &[u8]| {
        samples.push(Sample { name: format!("{name}{suffix}"), linter, der: der.to_vec() });
    };
    add("root", CERTIFICATE, authority.root_der());
    add("intermediate", CERTIFICATE, authority.intermediate_der());
    add("alternate_root", CERTIFICATE, authority.alternate_root_der().expect("configured"));
    add("alternate_intermediate", CERTIFICATE, authority.alternate_intermediate_der().expect("configured"));
    add("responder", CERTIFICATE, authority.responder_der());
    add("root_crl", ROOT_CRL, &authority.root_crl(now).expect("a CRL"));
    add("empty_crl", CRL, &authority.crl(&[], now).expect("a CRL"));
    add("crl", CRL, &authority.crl(&revoked(now), now).expect("a CRL"));
    for (name, status) in [
        ("good", CertificateStatus::Good),
        ("revoked", CertificateStatus::Revoked { at: now, reason: Some(1) }),
        ("revoked_for_no_reason", CertificateStatus::Revoked { at: now, reason: None }),
        ("unknown", CertificateStatus::Unknown),
    ] {
        add(name, OCSP, &authority.ocsp(&ocsp_request(&authority), now, |_| status).expect("a response"));
    }
    for (name, algorithm) in keys {
        let leaf = |person, identifiers: &[Identifier]| leaf(&authority, algorithm, person, identifiers, now);
        // The linter takes addresses for documentation for internal ones.
        let hosts = [Identifier::Dns("www.example.com".into()), Identifier::Ip([1, 1, 1, 1].into())];
        let server = leaf(None, &hosts);
        add(&format!("server_{name}"), CERTIFICATE, &server);
        add(&format!("server_domain_validated_{name}"), DOMAIN_VALIDATED, &server);
        let alice = [Identifier::Email("alice@example.com".into())];
        let (unassured, assured) =
            (leaf(Some("CAcert WoT User"), &alice), leaf(Some("Alice Müller"), &alice));
        add(&format!("client_{name}"), CERTIFICATE, &assured);
        add(&format!("client_unassured_{name}"), UNASSURED, &unassured);
        add(&format!("client_assured_{name}"), ASSURED, &assured);
    }
    samples
}

fn revoked(now: OffsetDateTime) -> Vec<RevokedEntry> {
    let entry = |(number, reason)| RevokedEntry { serial: vec![number; 16], revoked_at: now, reason };
    [(0x11, None), (0x91, Some(1)), (0x22, Some(4)), (0x33, Some(9))].map(entry).to_vec()
}

fn leaf(
    authority: &Authority,
    algorithm: &'static SignatureAlgorithm,
    person: Option<&str>,
    identifiers: &[Identifier],
    now: OffsetDateTime,
) -> Vec<u8> {
    let spki_der = KeyPair::generate_for(algorithm).expect("a key").subject_public_key_info();
    let mut serial = [0; 16];
    aws_lc_rs::rand::fill(&mut serial).expect("randomness");
    let (key_use, not_before, not_after) = (KeyUse::Both, now, now + Duration::days(180));
    let request = LeafRequest {
        spki_der: &spki_der,
        identifiers,
        person,
        key_use,
        must_staple: false,
        serial,
        not_before,
        not_after,
    };
    authority.issue(&request).expect("a certificate")
}

/// A question about one certificate of the intermediate; every length is below 128.
fn ocsp_request(authority: &Authority) -> Vec<u8> {
    let short = |tag: u8, value: &[u8]| [&[tag, value.len() as u8], value].concat();
    let sha1 = |bytes: &[u8]| short(0x04, digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref());
    let (_, issuer) = X509Certificate::from_der(authority.intermediate_der()).expect("a certificate");
    let algorithm = short(0x30, &[0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00]);
    let hashes =
        [sha1(issuer.subject().as_raw()), sha1(&issuer.public_key().subject_public_key.data)].concat();
    let id = short(0x30, &[algorithm, hashes, short(0x02, &[0x47, 0x11])].concat());
    (0..4).fold(id, |inner, _| short(0x30, &inner))
}
