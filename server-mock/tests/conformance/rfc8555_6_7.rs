//! RFC 8555 §6.7 and §7.1: errors, links, cross-origin access.

use serde_json::{Value, json};

use crate::common::Mock;

#[tokio::test]
async fn s038_what_does_not_exist_is_a_problem_too() {
    let mock = Mock::start().await;
    let base = mock.handle.directory_url().replace("/directory", "");
    mock.get(&format!("{base}/nothing")).await.expect_problem(404, "malformed");
    mock.get(&format!("{base}/acme/order/%ff")).await.expect_problem(405, "malformed");
    let client = mock.account().await;
    for path in ["order", "authorization", "certificate", "authorization/x"] {
        client.read(&format!("{base}/acme/{path}/x")).await.expect_problem(404, "malformed");
    }
    // Not UTF-8: the framework's own refusal.
    let url = format!("{base}/acme/order/%ff");
    assert_eq!(client.read(&url).await.header("content-type"), Some("application/problem+json"));
}

#[tokio::test]
async fn s039_s040_a_subproblem_for_each_bad_name() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let problem =
        client.order(&["a..b", "www.example.test", "-.test"]).await.expect_problem(400, "malformed");
    assert_eq!(problem.get("identifier"), None);
    let names: Vec<&Value> =
        problem["subproblems"].as_array().unwrap().iter().map(|sub| &sub["identifier"]["value"]).collect();
    assert_eq!(names, ["a..b", "-.test"]);
}

#[tokio::test]
async fn s041_s042_index_link_and_cross_origin() {
    let mock = Mock::start().await;
    let client = mock.account().await;
    let directory = mock.handle.directory_url();
    let index = format!("<{directory}>;rel=\"index\"");
    let answer = mock.get(&directory).await;
    assert!(answer.links().is_empty());
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let order = client.order(&["www.example.test"]).await;
    let error = client.post(&mock.url("newOrder"), json!({})).await;
    let missing = mock.get(&directory.replace("/directory", "/nothing")).await;
    for answer in [mock.get(&mock.url("newNonce")).await, order, error, missing] {
        assert!(answer.links().contains(&index.as_str()), "{answer:?}");
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert!(answer.header("access-control-expose-headers").unwrap().contains("Replay-Nonce"));
    }
    let preflight = mock.http.request(reqwest::Method::OPTIONS, mock.url("newOrder")).send().await.unwrap();
    assert_eq!(preflight.status(), 204);
    assert_eq!(preflight.headers()["access-control-allow-headers"], "Content-Type");
}
