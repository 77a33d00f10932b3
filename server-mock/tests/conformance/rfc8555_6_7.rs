//! RFC 8555 §6.7 and §7.1: errors, links, cross-origin access.

use serde_json::{Value, json};

use crate::common::{Answer, Client, Key, Mock, csr, endpoints::Endpoints, http_01};

/// The types of RFC 8555 §6.7 and of the RFCs that this server implements beside it.
const REGISTERED: &[&str] = &[
    "accountDoesNotExist",
    "alreadyReplaced",
    "alreadyRevoked",
    "badCSR",
    "badNonce",
    "badPublicKey",
    "badRevocationReason",
    "badSignatureAlgorithm",
    "caa",
    "compound",
    "connection",
    "dns",
    "externalAccountRequired",
    "incorrectResponse",
    "invalidContact",
    "invalidProfile",
    "malformed",
    "orderNotReady",
    "rateLimited",
    "rejectedIdentifier",
    "serverInternal",
    "tls",
    "unauthorized",
    "unsupportedContact",
    "unsupportedIdentifier",
    "userActionRequired",
];

#[tokio::test]
async fn s038_every_error_is_a_problem_of_a_registered_type() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let base = mock.handle.directory_url().replace("/directory", "");
    let order = client.order(&["www.example.test"]).await.expect(201);
    let mut answers = vec![
        mock.get(&format!("{base}/nothing")).await,
        mock.get(&format!("{base}/acme/order/%ff")).await,
        mock.get(&mock.url("newOrder")).await,
        mock.post(&mock.url("newOrder"), &json!("no JWS")).await,
        mock.post(&mock.url("newOrder"), &json!("x".repeat(1 << 20))).await,
        // Not UTF-8: the framework's own refusal.
        client.read(&format!("{base}/acme/order/%ff")).await,
        client.order(&["-.test"]).await,
        client.order(&["other.test"]).await,
        client.finalize(&order, &csr(&["www.example.test"], &Key::es256().for_csr())).await,
        Client::new(&mock, Key::es256()).post_by_key(&mock.url("newAccount"), json!({})).await,
    ];
    for path in ["order", "authorization", "certificate", "authorization/x"] {
        let missing = client.read(&format!("{base}/acme/{path}/x")).await;
        missing.expect_problem(404, "malformed");
        answers.push(missing);
    }
    for answer in answers {
        assert!((400..500).contains(&answer.status), "{answer:?}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        let problem = answer.json();
        let kind = problem["type"].as_str().unwrap().strip_prefix("urn:ietf:params:acme:error:").unwrap();
        assert!(REGISTERED.contains(&kind), "{problem}");
        assert_eq!(problem["status"], answer.status);
        assert!(!problem["detail"].as_str().unwrap().is_empty());
    }
    for kind in server_mock::model::ProblemType::ALL {
        assert!(REGISTERED.contains(&kind.name()), "{kind:?}");
    }
}

/// The problem of an order with two bad names and a good one.
async fn two_bad_names() -> Value {
    let mock = Mock::start().await;
    let client = mock.account().await;
    client.order(&["a..b", "www.example.test", "-.test"]).await.expect_problem(400, "malformed")
}

#[tokio::test]
async fn s039_identifiers_stand_in_subproblems_alone() {
    let problem = two_bad_names().await;
    assert_eq!(problem.get("identifier"), None);
    for subproblem in problem["subproblems"].as_array().unwrap() {
        assert!(subproblem["identifier"]["value"].is_string(), "{problem}");
        assert_eq!(subproblem.get("subproblems"), None);
    }
    // One bad name has its own subproblem too, and outside of orders there are none.
    let mock = Mock::start().await;
    let client = mock.account().await;
    let one = client.order(&["-.test"]).await.expect_problem(400, "malformed");
    assert_eq!(
        (one.get("identifier"), &one["subproblems"][0]["identifier"]["value"]),
        (None, &json!("-.test"))
    );
    let outside = client.order(&["other.test"]).await.expect_problem(403, "rejectedIdentifier");
    assert_eq!(outside.get("identifier"), None);
    let ahead = json!({"identifier": {"type": "dns", "value": "-.test"}});
    let ahead = client.post(&mock.url("newAuthz"), ahead).await.expect_problem(400, "malformed");
    assert_eq!(
        (ahead.get("identifier"), &ahead["subproblems"][0]["identifier"]["value"]),
        (None, &json!("-.test"))
    );
    let order = client.order(&["www.example.test"]).await.expect(201);
    let url = order["authorizations"][0].as_str().unwrap();
    let challenge = http_01(&client.read(url).await.json());
    client.post(challenge["url"].as_str().unwrap(), json!({})).await.expect(200);
    let invalid = http_01(&client.settle(url, &["pending"]).await);
    assert_eq!((&invalid["status"], invalid["error"].get("identifier")), (&json!("invalid"), None));
}

#[tokio::test]
async fn s040_a_subproblem_for_each_bad_name() {
    let problem = two_bad_names().await;
    let subproblems = problem["subproblems"].as_array().unwrap();
    let names: Vec<&Value> = subproblems.iter().map(|sub| &sub["identifier"]["value"]).collect();
    assert_eq!(names, ["a..b", "-.test"]);
    for subproblem in subproblems {
        assert_eq!(subproblem["type"], "urn:ietf:params:acme:error:malformed");
        assert!(!subproblem["detail"].as_str().unwrap().is_empty());
    }
}

/// Successes and failures of everything that takes signed requests, and what comes without them: by name.
async fn answers(mock: &Mock) -> Vec<(&'static str, Answer)> {
    let client = mock.account().await;
    let base = mock.handle.directory_url().replace("/directory", "");
    let mut answers = vec![
        ("newNonce", mock.get(&mock.url("newNonce")).await),
        ("nothing", mock.get(&format!("{base}/nothing")).await),
        ("method", mock.get(&mock.url("newOrder")).await),
        ("renewalInfo", mock.get(&format!("{}/AAAA.AQ", mock.url("renewalInfo"))).await),
        ("no JWS", mock.post(&mock.url("newOrder"), &json!("no JWS")).await),
    ];
    for endpoint in Endpoints::of(&client).await.list {
        answers.push((endpoint.name, endpoint.ask_wrongly(&client).await));
        let fine = endpoint.ask(&client).await;
        assert!((200..300).contains(&fine.status), "{}: {fine:?}", endpoint.name);
        answers.push((endpoint.name, fine));
    }
    answers
}

#[tokio::test]
async fn s041_index_link_everywhere_but_on_the_directory() {
    let mock = Mock::start_with(|config| config.alternate_root = true).await;
    let directory = mock.handle.directory_url();
    assert!(mock.get(&directory).await.links().is_empty());
    for (name, answer) in answers(&mock).await {
        let index = (name != "directory").then(|| directory.clone());
        assert_eq!(answer.link("index"), index, "{name}: {answer:?}");
    }
}

#[tokio::test]
async fn s042_cross_origin_requests() {
    let mock = Mock::start_with(|config| config.alternate_root = true).await;
    let directory = mock.get(&mock.handle.directory_url()).await;
    for (name, answer) in answers(&mock).await.into_iter().chain([("directory", directory)]) {
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{name}");
        let exposed = answer.header("access-control-expose-headers").unwrap();
        for header in ["Link", "Location", "Replay-Nonce", "Retry-After"] {
            assert!(exposed.contains(header), "{name}: {exposed}");
        }
    }
    let preflight = mock.http.request(reqwest::Method::OPTIONS, mock.url("newOrder")).send().await.unwrap();
    assert_eq!(preflight.status(), 204);
    assert_eq!(preflight.headers()["access-control-allow-headers"], "Content-Type");
}
