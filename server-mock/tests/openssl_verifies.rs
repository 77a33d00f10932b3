//! What OpenSSL, written by others, says to the authority's certificates and CRLs.
//!
//! Without the `openssl` program every test here is reported as ignored.

use std::{
    fs,
    path::Path,
    process::{Command, ExitCode},
};

use libtest_mimic::{Arguments, Failed, Trial};
use rcgen::{KeyPair, PublicKeyData, SignatureAlgorithm};
use server_mock::{
    ca::{Authority, CaKey, CaSettings, Chain, LeafRequest, RevokedEntry},
    model::{Identifier, certificate::KeyUse},
    random::OsRandom,
};
use tempfile::TempDir;
use time::{Duration, OffsetDateTime};

const SERIAL: [u8; 16] = [0xa5; 16];

fn main() -> ExitCode {
    let missing = Command::new("openssl").arg("version").output().is_err();
    let subjects: [(&str, &'static SignatureAlgorithm); 5] = [
        ("rsa2048", &rcgen::PKCS_RSA_SHA256),
        ("p256", &rcgen::PKCS_ECDSA_P256_SHA256),
        ("p384", &rcgen::PKCS_ECDSA_P384_SHA384),
        ("p521", &rcgen::PKCS_ECDSA_P521_SHA512),
        ("ed25519", &rcgen::PKCS_ED25519),
    ];
    let mut trials: Vec<Trial> = subjects
        .into_iter()
        .map(|(name, algorithm)| {
            Trial::test(format!("verifies_{name}"), move || verifies(CaKey::Ec256, algorithm))
        })
        .collect();
    trials.push(Trial::test("verifies_under_an_rsa_authority", || {
        verifies(CaKey::Rsa2048, &rcgen::PKCS_ECDSA_P256_SHA256)
    }));
    trials.push(Trial::test("refuses_what_the_crl_lists", refuses_what_the_crl_lists));
    trials.push(Trial::test("refuses_another_name", refuses_another_name));
    let trials = trials.into_iter().map(|trial| trial.with_ignored_flag(missing)).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Root, intermediate, leaf and both CRLs as files.
struct Files {
    folder: TempDir,
    authority: Authority,
}

impl Files {
    fn new(key: CaKey, subject: &'static SignatureAlgorithm) -> Result<Self, Failed> {
        let now = OffsetDateTime::now_utc();
        let settings = CaSettings { key, base_url: "http://127.0.0.1:15000".into(), alternate_root: true };
        let authority = Authority::generate(&settings, now, &OsRandom)?;
        let spki_der = KeyPair::generate_for(subject)?.subject_public_key_info();
        let identifiers = [
            Identifier::Dns("www.example.test".into()),
            Identifier::Dns("*.example.test".into()),
            Identifier::Ip("127.0.0.1".parse()?),
            Identifier::Ip("2001:db8::1".parse()?),
        ];
        let leaf = authority.issue(&LeafRequest {
            spki_der: &spki_der,
            identifiers: &identifiers,
            person: None,
            must_staple: false,
            key_use: KeyUse::Both,
            serial: SERIAL,
            not_before: now,
            not_after: now + Duration::days(90),
        })?;
        let chain = authority.chain_pem(&leaf, Chain::Default).ok_or("no chain")?;
        let files = Self { folder: TempDir::new()?, authority };
        files.write("root.pem", files.authority.root_pem())?;
        files.write("intermediate.pem", files.authority.intermediate_pem())?;
        files.write("leaf.pem", chain)?;
        files.write_crls(&[])?;
        Ok(files)
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> Result<(), Failed> {
        Ok(fs::write(self.path().join(name), content)?)
    }

    fn write_crls(&self, revoked: &[RevokedEntry]) -> Result<(), Failed> {
        let now = OffsetDateTime::now_utc();
        self.write("intermediate.crl.der", self.authority.crl(revoked, now)?)?;
        self.write("root.crl.der", self.authority.root_crl(now)?)?;
        for name in ["intermediate", "root"] {
            let (der, pem) = (format!("{name}.crl.der"), format!("{name}.crl.pem"));
            let issuer = format!("{name}.pem");
            let arguments = ["crl", "-inform", "DER", "-in", &der, "-out", &pem, "-CAfile", &issuer];
            expect(true, self.openssl(&arguments)?, "verify OK")?;
        }
        Ok(())
    }

    /// Success and the output of both streams.
    fn openssl(&self, arguments: &[&str]) -> Result<(bool, String), Failed> {
        let output = Command::new("openssl").args(arguments).current_dir(self.path()).output()?;
        let text = [output.stdout, output.stderr].concat();
        Ok((output.status.success(), String::from_utf8_lossy(&text).into_owned()))
    }

    fn verify(&self, more: &[&str]) -> Result<(bool, String), Failed> {
        let base = ["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", "root.pem", "-untrusted"];
        self.openssl(&[&base[..], &["intermediate.pem"], more, &["leaf.pem"]].concat())
    }

    fn verify_with_crls(&self) -> Result<(bool, String), Failed> {
        self.verify(&["-crl_check_all", "-CRLfile", "intermediate.crl.pem", "-CRLfile", "root.crl.pem"])
    }
}

fn expect(expected: bool, (accepted, text): (bool, String), said: &str) -> Result<(), Failed> {
    if accepted == expected && text.contains(said) { Ok(()) } else { Err(text.into()) }
}

fn verifies(key: CaKey, subject: &'static SignatureAlgorithm) -> Result<(), Failed> {
    let files = Files::new(key, subject)?;
    expect(true, files.verify(&[])?, "leaf.pem: OK")?;
    expect(true, files.verify(&["-verify_ip", "2001:db8::1"])?, "OK")?;
    expect(true, files.verify(&["-verify_hostname", "other.example.test"])?, "OK")?;
    expect(true, files.verify_with_crls()?, "OK")
}

fn refuses_what_the_crl_lists() -> Result<(), Failed> {
    let files = Files::new(CaKey::Ec256, &rcgen::PKCS_ECDSA_P256_SHA256)?;
    let entry = |serial: [u8; 16], reason| RevokedEntry {
        serial: serial.to_vec(),
        revoked_at: OffsetDateTime::now_utc(),
        reason,
    };
    files.write_crls(&[entry([0x11; 16], None)])?;
    expect(true, files.verify_with_crls()?, "OK")?;
    for reason in [None, Some(4)] {
        files.write_crls(&[entry([0x11; 16], None), entry(SERIAL, reason)])?;
        expect(false, files.verify_with_crls()?, "certificate revoked")?;
    }
    Ok(())
}

fn refuses_another_name() -> Result<(), Failed> {
    let files = Files::new(CaKey::Ec256, &rcgen::PKCS_ECDSA_P256_SHA256)?;
    expect(false, files.verify(&["-verify_hostname", "www.example.org"])?, "hostname mismatch")
}
