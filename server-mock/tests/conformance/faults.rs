//! Scripted faults: the admin API, what selects requests, and the list in FAULTS.md.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::{Value, from_str, from_value, json};
use server_mock::{
    Config,
    faults::{Endpoint, Fault, Kind, Probability},
};

use crate::common::{Answer, Mock};

#[tokio::test]
async fn faults_are_added_shown_and_cleared() {
    let mock = Mock::start().await;
    let fault = json!({"fault": "bad_nonce", "endpoint": "newOrder", "count": 1});
    let (status, script) = mock.api("POST", "faults", &fault).await;
    let shown =
        json!({"fault": "bad_nonce", "endpoint": "newOrder", "from": 1, "count": 1, "seen": 0, "hits": 0});
    assert_eq!((status, &script), (201, &json!([shown])));
    let client = mock.account().await;
    client.order(&["a.example.test"]).await.expect_problem(400, "badNonce");
    client.order(&["a.example.test"]).await.expect(201);
    let (_, script) = mock.api("GET", "faults", &Value::Null).await;
    assert_eq!((&script[0]["seen"], &script[0]["hits"]), (&json!(2), &json!(1)));

    let url = format!("{}/api/faults", mock.handle.admin_url());
    assert_eq!(mock.http.delete(url).send().await.unwrap().status(), 204);
    assert_eq!(mock.api("GET", "faults", &Value::Null).await, (200, json!([])));
}

#[tokio::test]
async fn what_is_misspelt_is_refused_by_name() {
    let mock = Mock::start().await;
    for (fault, named) in [
        (json!({"fault": "bad_nonse"}), "`bad_nonse`"),
        (json!({"fault": "bad_nonce", "endpiont": "newOrder"}), "`endpiont`"),
        (json!({"fault": {"retry_after": {"minutes": 1}}}), "`minutes`"),
    ] {
        let (status, answer) = mock.api("POST", "faults", &fault).await;
        assert_eq!(status, 400);
        assert!(answer["error"].as_str().unwrap().contains(named), "{answer}");
    }
    assert_eq!(mock.api("GET", "faults", &Value::Null).await.1, json!([]));
}

#[tokio::test]
async fn the_configuration_scripts_faults_from_the_start() {
    let document = "[[faults]]\nfault = { error_page = { status = 503 } }\nendpoint = \"newNonce\"\n";
    let faults = Config::from_toml(document).unwrap().faults;
    let mock = Mock::start_with(|config| config.faults = faults).await;
    assert_eq!(mock.get(&mock.url("newNonce")).await.status, 503);
    mock.handle.faults().clear();
    assert_eq!(mock.get(&mock.url("newNonce")).await.status, 204);
}

#[tokio::test]
async fn an_account_is_struck_and_no_other() {
    let mock = Mock::start().await;
    let (one, other) = (mock.account().await, mock.account().await);
    let fault = Fault { account: Some(one.kid.clone()), ..Fault::at(Endpoint::NewOrder, Kind::BadNonce) };
    mock.handle.faults().add(fault);
    one.order(&["a.example.test"]).await.expect_problem(400, "badNonce");
    other.order(&["a.example.test"]).await.expect(201);
}

#[tokio::test]
async fn a_seed_repeats_a_run_of_faults() {
    async fn run(seed: u64) -> Vec<u16> {
        let mock = Mock::start_with(|config| config.seed = Some(seed)).await;
        let half = Probability::new(0.5).unwrap();
        mock.handle.faults().add(Fault::at(Endpoint::NewNonce, Kind::Status(299)).likely(half));
        let mut statuses = Vec::new();
        for _ in 0..64 {
            statuses.push(mock.get(&mock.url("newNonce")).await.status);
        }
        statuses
    }
    let one = run(7).await;
    assert_eq!(one, run(7).await);
    assert_ne!(one, run(8).await);
    assert!(one.contains(&204) && one.contains(&299));
}

#[tokio::test]
async fn a_refused_request_has_spent_its_nonce_and_done_nothing() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let url = mock.url("newOrder");
    let protected = client.protected(&url).await;
    let payload = json!({"identifiers": [{"type": "dns", "value": "a.example.test"}]}).to_string();
    let request = client.key.jws(&protected, &payload);
    mock.handle.faults().add(Fault::always(Kind::BadNonce).times(1));
    let refused: Answer = mock.post(&url, &request).await;
    let detail = refused.expect_problem(400, "badNonce")["detail"].clone();
    assert_eq!(detail, "a scripted fault");
    // The very same request: now it is the server's own answer.
    let detail = mock.post(&url, &request).await.expect_problem(400, "badNonce")["detail"].clone();
    assert_ne!(detail, "a scripted fault");
    let orders = client.read(&format!("{}/orders", client.kid)).await.expect(200);
    assert_eq!(orders["orders"], json!([]));
    // The nonce that the refusal brought is good.
    let fresh = refused.header("replay-nonce").unwrap();
    let protected = json!({"alg": client.key.algorithm, "kid": client.kid, "nonce": fresh, "url": url});
    mock.post(&url, &client.key.jws(&protected, &payload)).await.expect(201);
}

/// Every name that the enumeration has, as its own error lists them.
fn kinds() -> BTreeSet<String> {
    let error = from_value::<Kind>(json!("no-such-fault")).unwrap_err().to_string();
    let (_, names) = error.split_once("expected one of ").unwrap();
    names
        .split('`')
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_list_of_faults_is_complete_and_its_examples_work() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = fs::read_to_string(root.join("FAULTS.md")).unwrap();
    let (_, table) = document.split_once("<!-- faults: begin -->").unwrap();
    let (table, _) = table.split_once("<!-- faults: end -->").unwrap();
    let mut listed = BTreeSet::new();
    for line in table.lines().filter(|line| line.starts_with("| `{")) {
        let example: Value = from_str(line.split('`').nth(1).unwrap()).unwrap();
        from_value::<Fault>(example.clone()).unwrap_or_else(|error| panic!("{line}: {error}"));
        let name = match &example["fault"] {
            Value::String(name) => name.clone(),
            fault => fault.as_object().unwrap().keys().next().unwrap().clone(),
        };
        assert!(listed.insert(name), "{line}: listed twice");
    }
    assert!(!listed.is_empty());
    assert_eq!(listed, kinds());
    let configuration = document.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    assert_eq!(Config::from_toml(configuration).unwrap().faults.len(), 1);
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    assert!(readme.contains(&format!("{} kinds of what servers", listed.len())));

    let error = from_value::<Endpoint>(json!("x")).unwrap_err().to_string();
    for name in error.split('`').skip(3).step_by(2) {
        assert!(document.contains(&format!("`{name}`")), "endpoint {name} is not listed");
    }
}

#[test]
fn every_fault_has_a_test_that_sees_it_on_the_wire() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance");
    let tests: String = ["faults_answers.rs", "faults_documents.rs"]
        .map(|file| fs::read_to_string(folder.join(file)).unwrap())
        .concat();
    for kind in kinds() {
        assert!(tests.contains(&format!("async fn fault_{kind}_")), "{kind} has no test");
    }
}
