//! What OpenSSL, written by others, is told about certificates by OCSP and by the CRL, after every kind of revocation
//! and at once.
//!
//! Without the `openssl` program every test here is reported as ignored.
#![allow(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

#[allow(dead_code, reason = "what the conformance checks need is more than what is needed here")]
#[path = "conformance/common/mod.rs"]
mod common;

use std::{
    fs,
    process::{Command, ExitCode},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD};
use common::{Client, Key, Mock, certificates, csr};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::{Value, json};
use server_mock::{Config, ca::CaKey};
use tempfile::TempDir;

const NAME: &str = "www.example.test";

fn main() -> ExitCode {
    let missing = Command::new("openssl").arg("version").output().is_err();
    let trials = [
        Trial::test("good_under_an_ec_authority", || run(good(CaKey::Ec256))),
        Trial::test("good_under_an_rsa_authority", || run(good(CaKey::Rsa2048))),
        Trial::test("every_digest_and_no_nonce", || run(every_digest_and_no_nonce())),
        Trial::test("several_in_one_request", || run(several_in_one_request())),
        Trial::test("unknown_certificates", || run(unknown_certificates())),
        Trial::test("by_get_as_by_post", || run(by_get_as_by_post())),
        Trial::test("s127_revoked_by_its_account", || run(revoked_by_its_account())),
        Trial::test("s128_revoked_by_its_key", || run(revoked_by_its_key())),
        Trial::test("s129_revoked_by_who_holds_the_authorizations", || run(revoked_by_authorizations())),
        Trial::test("s085_revoked_in_bulk", || run(revoked_in_bulk())),
        Trial::test("s118_the_alternate_chain_verifies", || run(alternate_chain())),
    ];
    let trials = trials.into_iter().map(|trial| trial.with_ignored_flag(missing)).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn run(test: impl Future<Output = ()>) -> Result<(), Failed> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(test);
    Ok(())
}

/// A server, and a folder with its root, its intermediate and the certificates of a test.
struct Files {
    mock: Mock,
    folder: TempDir,
}

impl Files {
    async fn new(key: CaKey) -> Self {
        Self::new_with(|config| (config.ca_key, config.alternate_root) = (key, true)).await
    }

    async fn new_with(change: impl FnOnce(&mut Config)) -> Self {
        let mock = Mock::start_with(change).await;
        let files = Self { mock, folder: TempDir::new().unwrap() };
        files.write("root.pem", files.mock.handle.root_pem());
        files.write("intermediate.pem", files.mock.handle.services().authority.intermediate_pem());
        files
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.folder.path().join(name), content).unwrap();
    }

    async fn issue(&self, client: &Client<'_>, file: &str, key: &Key) -> String {
        let (_, chain) = client.issue(&[NAME], key).await;
        self.write(file, &chain);
        chain
    }

    /// The output of both streams, and success.
    async fn openssl(&self, arguments: &[&str]) -> (bool, String) {
        let mut command = tokio::process::Command::new("openssl");
        let output = command.args(arguments).current_dir(self.folder.path()).output().await.unwrap();
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.success(), text)
    }

    /// Asks the responder that the certificate itself names; the answer verifies.
    async fn ocsp(&self, more: &[&str]) -> String {
        let text = self.ask(&[&["-issuer", "intermediate.pem"], more].concat()).await;
        assert!(text.contains("Response verify OK"), "{text}");
        assert!(!text.contains("WARNING: no nonce"), "{text}");
        text
    }

    async fn ask(&self, more: &[&str]) -> String {
        let (_, url) = self.openssl(&["x509", "-in", "leaf.pem", "-noout", "-ocsp_uri"]).await;
        let url = url.trim();
        assert!(url.starts_with("http://127.0.0.1:"), "{url}");
        // The responder's certificate comes with the answer; the intermediate is what leads on to the root.
        let base = ["ocsp", "-url", url, "-CAfile", "root.pem", "-verify_other", "intermediate.pem"];
        self.openssl(&[&base[..], more].concat()).await.1
    }

    /// `openssl verify -crl_check_all` with CRLs as served at this moment.
    async fn verify(&self, leaf: &str) -> (bool, String) {
        let mut arguments = vec!["verify", "-x509_strict", "-crl_check_all", "-CAfile", "root.pem"];
        arguments.extend(["-untrusted", "intermediate.pem"]);
        for (path, file) in [("root", "root.crl"), ("intermediate", "intermediate.crl")] {
            let url = format!("{}/ca/{path}.crl", self.mock.handle.admin_url());
            self.write("crl.der", self.mock.get(&url).await.body);
            let convert = ["crl", "-inform", "DER", "-in", "crl.der", "-out", file];
            assert!(self.openssl(&convert).await.0);
            arguments.extend(["-CRLfile", file]);
        }
        arguments.push(leaf);
        self.openssl(&arguments).await
    }

    /// OCSP and CRL say that the certificate in the file is good.
    async fn expect_good(&self, file: &str) {
        let text = self.ocsp(&["-cert", file]).await;
        assert!(text.contains(&format!("{file}: good")), "{text}");
        let (accepted, text) = self.verify(file).await;
        assert!(accepted, "{text}");
    }

    /// OCSP and CRL say that it is revoked, OCSP for this reason or for none.
    async fn expect_revoked(&self, file: &str, reason: Option<&str>) {
        let text = self.ocsp(&["-cert", file]).await;
        assert!(text.contains(&format!("{file}: revoked")), "{text}");
        match reason {
            Some(reason) => assert!(text.contains(&format!("Reason: {reason}")), "{text}"),
            None => assert!(!text.contains("Reason:"), "{text}"),
        }
        let (accepted, text) = self.verify(file).await;
        assert!(!accepted && text.contains("certificate revoked"), "{text}");
    }
}

fn request(chain: &str, reason: Option<u8>) -> Value {
    let mut request = json!({"certificate": URL_SAFE_NO_PAD.encode(&certificates(chain)[0])});
    if let Some(reason) = reason {
        request["reason"] = reason.into();
    }
    request
}

async fn good(key: CaKey) {
    let files = Files::new(key).await;
    let client = files.mock.account().await;
    files.issue(&client, "leaf.pem", &Key::es256()).await;
    files.expect_good("leaf.pem").await;
}

async fn every_digest_and_no_nonce() {
    let files = Files::new(CaKey::Ec256).await;
    let client = files.mock.account().await;
    files.issue(&client, "leaf.pem", &Key::es256()).await;
    for digest in ["-sha1", "-sha256", "-sha384", "-sha512"] {
        let text = files.ocsp(&[digest, "-cert", "leaf.pem"]).await;
        assert!(text.contains("leaf.pem: good"), "{digest}: {text}");
    }
    // A digest that nobody uses for this: the certificate is not recognised.
    let text = files.ask(&["-issuer", "intermediate.pem", "-sha3-256", "-cert", "leaf.pem"]).await;
    assert!(text.contains("unauthorized (6)"), "{text}");
    let text = files.ocsp(&["-no_nonce", "-cert", "leaf.pem"]).await;
    assert!(text.contains("leaf.pem: good"), "{text}");
}

async fn several_in_one_request() {
    let files = Files::new(CaKey::Ec256).await;
    let client = files.mock.account().await;
    let chain = files.issue(&client, "leaf.pem", &Key::es256()).await;
    files.issue(&client, "other.pem", &Key::es256()).await;
    client.post(&files.mock.url("revokeCert"), request(&chain, Some(4))).await.expect(200);
    let text = files.ocsp(&["-cert", "leaf.pem", "-cert", "other.pem"]).await;
    assert!(text.contains("leaf.pem: revoked") && text.contains("other.pem: good"), "{text}");
}

async fn unknown_certificates() {
    let files = Files::new(CaKey::Ec256).await;
    let client = files.mock.account().await;
    files.issue(&client, "leaf.pem", &Key::es256()).await;
    let text = files.ocsp(&["-serial", "0x4711"]).await;
    assert!(text.contains("0x4711: unknown"), "{text}");
    // The issuer of another server, whose certificates are none of ours.
    let elsewhere = Mock::start().await;
    files.write("elsewhere.pem", elsewhere.handle.services().authority.intermediate_pem());
    let text = files.ask(&["-issuer", "elsewhere.pem", "-cert", "leaf.pem"]).await;
    assert!(text.contains("unauthorized (6)"), "{text}");
}

async fn by_get_as_by_post() {
    let files = Files::new(CaKey::Ec256).await;
    let client = files.mock.account().await;
    files.issue(&client, "leaf.pem", &Key::es256()).await;
    let make =
        ["ocsp", "-issuer", "intermediate.pem", "-cert", "leaf.pem", "-no_nonce", "-reqout", "request.der"];
    files.openssl(&make).await;
    let request = STANDARD.encode(fs::read(files.folder.path().join("request.der")).unwrap());
    let encoded: String = url::form_urlencoded::byte_serialize(request.as_bytes()).collect();
    for path in [request, encoded] {
        let answer = files.mock.get(&format!("{}/ocsp/{path}", files.mock.handle.admin_url())).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/ocsp-response")));
        files.write("response.der", answer.body);
        let read = ["ocsp", "-respin", "response.der", "-CAfile", "root.pem", "-issuer", "intermediate.pem"];
        let (_, text) = files.openssl(&[&read[..], &["-cert", "leaf.pem"]].concat()).await;
        assert!(text.contains("Response verify OK") && text.contains("leaf.pem: good"), "{text}");
    }
    let answer = files.mock.get(&format!("{}/ocsp/%21", files.mock.handle.admin_url())).await;
    assert_eq!((answer.status, &answer.body[..]), (200, &[0x30, 0x03, 0x0a, 0x01, 0x01][..]));
}

async fn revoked_by_its_account() {
    let files = Files::new(CaKey::Ec256).await;
    let client = files.mock.account().await;
    let reasons = [
        (None, None),
        (Some(0), None),
        (Some(1), Some("keyCompromise")),
        (Some(3), Some("affiliationChanged")),
        (Some(4), Some("superseded")),
        (Some(5), Some("cessationOfOperation")),
        // OpenSSL has no word for privilegeWithdrawn.
        (Some(9), Some("")),
    ];
    for (reason, said) in reasons {
        let chain = files.issue(&client, "leaf.pem", &Key::es256()).await;
        files.expect_good("leaf.pem").await;
        client.post(&files.mock.url("revokeCert"), request(&chain, reason)).await.expect(200);
        files.expect_revoked("leaf.pem", said).await;
    }
}

async fn revoked_by_its_key() {
    let files = Files::new(CaKey::Ec256).await;
    let client = files.mock.account().await;
    let key = Key::es256();
    let chain = files.issue(&client, "leaf.pem", &key).await;
    let holder = Client::new(&files.mock, key);
    holder.post_by_key(&files.mock.url("revokeCert"), request(&chain, Some(1))).await.expect(200);
    files.expect_revoked("leaf.pem", Some("keyCompromise")).await;
}

async fn revoked_by_authorizations() {
    let files = Files::new(CaKey::Ec256).await;
    let client = files.mock.account().await;
    let chain = files.issue(&client, "leaf.pem", &Key::es256()).await;
    let other = files.mock.account().await;
    other.ready_order(&[NAME]).await;
    other.post(&files.mock.url("revokeCert"), request(&chain, Some(5))).await.expect(200);
    files.expect_revoked("leaf.pem", Some("cessationOfOperation")).await;
}

async fn revoked_in_bulk() {
    let files = Files::new_with(|config| config.policy.signing_delay = Duration::from_millis(300)).await;
    let client = files.mock.account().await;
    files.issue(&client, "leaf.pem", &Key::es256()).await;
    files.issue(&client, "second.pem", &Key::es256()).await;
    let other = files.mock.account().await;
    files.issue(&other, "others.pem", &Key::es256()).await;
    let (late, order) = client.ready_order(&[NAME]).await;
    let answer = client.finalize(&order, &csr(&[NAME], &Key::es256().for_csr())).await;
    assert_eq!(answer.expect(200)["status"], "processing");
    let id = client.kid.rsplit('/').next().unwrap();
    let url = format!("{}/api/acme-accounts/{id}/revoke-certificates", files.mock.handle.admin_url());
    assert_eq!(files.mock.http.post(url).send().await.unwrap().status(), 200);
    files.expect_revoked("leaf.pem", None).await;
    files.expect_revoked("second.pem", None).await;
    let order = client.settle(&late, &["processing"]).await;
    files.write("late.pem", client.read(order["certificate"].as_str().unwrap()).await.body);
    files.expect_revoked("late.pem", None).await;
    files.expect_good("others.pem").await;
}

async fn alternate_chain() {
    let files = Files::new(CaKey::Ec256).await;
    let client = files.mock.account().await;
    let (order, _) = client.issue(&[NAME], &Key::es256()).await;
    let url = format!("{}/alternate", order["certificate"].as_str().unwrap());
    files.write("leaf.pem", client.read(&url).await.body);
    let root = files.mock.get(&format!("{}/ca/alternate-root.der", files.mock.handle.admin_url())).await;
    files.write("other.der", root.body);
    assert!(files.openssl(&["x509", "-inform", "DER", "-in", "other.der", "-out", "other.pem"]).await.0);
    let verify = |root| ["verify", "-x509_strict", "-CAfile", root, "-untrusted", "leaf.pem", "leaf.pem"];
    let (accepted, text) = files.openssl(&verify("other.pem")).await;
    assert!(accepted, "{text}");
    assert!(!files.openssl(&verify("root.pem")).await.0, "the chain leads to the other root alone");
}
