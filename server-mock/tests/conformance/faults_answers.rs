//! Faults of connections, refusals, headers and bodies, as they are seen on the wire.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use server_mock::faults::{Endpoint, ErrorPage, Fault, Kind, LinkForm, LocationForm, RetryAfter};

use crate::common::{Answer, Client, Mock};

const NAMES: &[&str] = &["a.example.test"];

/// A server with one account, and with these faults from then on.
macro_rules! struck {
    ($mock:ident, $client:ident, $($fault:expr),+) => {
        let $mock = Mock::start().await;
        let $client = $mock.account().await;
        $($mock.handle.faults().add($fault);)+
    };
}

/// Sends newOrder where no answer may come.
async fn try_order(client: &Client<'_>) -> Option<Answer> {
    let url = client.mock.url("newOrder");
    let protected = client.protected(&url).await;
    let payload = json!({"identifiers": [{"type": "dns", "value": NAMES[0]}]}).to_string();
    let body = client.key.jws(&protected, &payload).to_string();
    let request = client.mock.http.post(&url).header("Content-Type", "application/jose+json").body(body);
    let response = request.send().await.ok()?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Some(Answer { status, headers, body: response.bytes().await.ok()?.to_vec() })
}

async fn orders(client: &Client<'_>) -> usize {
    let list = client.read(&format!("{}/orders", client.kid)).await.expect(200);
    list["orders"].as_array().unwrap().len()
}

#[tokio::test]
async fn fault_delay_answers_later() {
    let pause = Duration::from_millis(300);
    struck!(mock, client, Fault::at(Endpoint::NewOrder, Kind::Delay(pause)));
    let begun = Instant::now();
    client.order(NAMES).await.expect(201);
    assert!(begun.elapsed() >= pause);
    assert_eq!(mock.handle.faults().list()[0].hits, 1);
}

#[tokio::test]
async fn fault_drop_before_answers_nothing_and_does_nothing() {
    struck!(_mock, client, Fault::at(Endpoint::NewOrder, Kind::DropBefore).times(1));
    assert!(try_order(&client).await.is_none());
    assert_eq!(orders(&client).await, 0);
    assert_eq!(try_order(&client).await.unwrap().status, 201);
}

#[tokio::test]
async fn fault_drop_after_answers_nothing_and_does_the_work() {
    struck!(_mock, client, Fault::at(Endpoint::NewOrder, Kind::DropAfter).times(1));
    assert!(try_order(&client).await.is_none());
    assert_eq!(orders(&client).await, 1);
}

/// A dropped connection takes requests along that share it; over HTTP/1.1 it is seen as such.
#[tokio::test]
async fn fault_drop_after_over_http_1() {
    let mock = Mock::start().await;
    mock.handle.faults().add(Fault::at(Endpoint::Directory, Kind::DropAfter).times(1));
    let root = reqwest::Certificate::from_pem(mock.handle.ca_bundle_pem().as_bytes()).unwrap();
    let http = reqwest::Client::builder().no_proxy().http1_only().tls_certs_only([root]).build().unwrap();
    http.get(mock.handle.directory_url()).send().await.unwrap_err();
    assert_eq!(http.get(mock.handle.directory_url()).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn fault_bad_nonce_brings_another_one() {
    struck!(_mock, client, Fault::at(Endpoint::NewOrder, Kind::BadNonce).times(1));
    client.order(NAMES).await.expect_problem(400, "badNonce");
    client.order(NAMES).await.expect(201);
    client.mock.handle.faults().add(Fault::always(Kind::BadNonce));
    assert_eq!(client.mock.get(&client.mock.url("newNonce")).await.status, 204, "it brings no nonce");
}

#[tokio::test]
async fn fault_rate_limited_says_when() {
    struck!(_mock, client, Fault::at(Endpoint::NewOrder, Kind::RateLimited(RetryAfter::Seconds(17))));
    let answer = client.order(NAMES).await;
    answer.expect_problem(429, "rateLimited");
    assert_eq!(answer.header("retry-after"), Some("17"));
    assert_eq!(orders(&client).await, 0);
}

#[tokio::test]
async fn fault_problem_is_told_as_given() {
    let document = json!({
        "type": "unauthorized", "status": 401, "detail": "\u{1b}[31mred",
        "subproblems": [{"type": "urn:x", "detail": "why"}],
    });
    let Value::Object(document) = document else { panic!() };
    struck!(_mock, client, Fault::at(Endpoint::NewOrder, Kind::Problem(document)));
    let problem = client.order(NAMES).await.expect_problem(401, "unauthorized");
    assert_eq!(problem["detail"], "\u{1b}[31mred");
    assert_eq!(problem["subproblems"][0]["type"], "urn:x");
}

#[tokio::test]
async fn fault_error_page_is_html_without_a_nonce() {
    let page = |after_work| ErrorPage { status: 503, retry_after: Some(RetryAfter::Seconds(3)), after_work };
    let at = |page| Fault::at(Endpoint::NewOrder, Kind::ErrorPage(page));
    struck!(_mock, client, at(page(false)).times(1), at(page(true)).from_request(2));
    for done in [0, 1] {
        let answer = client.order(NAMES).await;
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("3")));
        assert!(answer.header("content-type").unwrap().starts_with("text/html"));
        assert_eq!((answer.header("replay-nonce"), answer.links().len()), (None, 0));
        assert_eq!(orders(&client).await, done);
    }
}

#[tokio::test]
async fn fault_redirect_leads_back_to_itself() {
    let mock = Mock::start().await;
    mock.handle.faults().add(Fault::at(Endpoint::Directory, Kind::Redirect(307)));
    let root = reqwest::Certificate::from_pem(mock.handle.ca_bundle_pem().as_bytes()).unwrap();
    let never = reqwest::redirect::Policy::none();
    let http = reqwest::Client::builder().no_proxy().redirect(never).tls_certs_only([root]).build().unwrap();
    let response = http.get(mock.handle.directory_url()).send().await.unwrap();
    assert_eq!(response.status(), 307);
    let url = mock.handle.directory_url();
    assert!(url.ends_with("/directory"));
    let location = response.headers()["location"].to_str().unwrap();
    assert!(location.ends_with("/directory"), "{location}");
    assert!(mock.http.get(url).send().await.unwrap_err().is_redirect());
}

#[tokio::test]
async fn fault_no_nonce_takes_it_away() {
    struck!(_mock, client, Fault::at(Endpoint::NewOrder, Kind::NoNonce));
    let answer = client.order(NAMES).await;
    assert_eq!((answer.status, answer.header("replay-nonce")), (201, None));
}

#[tokio::test]
async fn fault_invalid_nonce_replaces_it() {
    struck!(_mock, client, Fault::at(Endpoint::NewOrder, Kind::InvalidNonce("a b=".into())));
    assert_eq!(client.order(NAMES).await.header("replay-nonce"), Some("a b="));
}

#[tokio::test]
async fn fault_retry_after_has_every_form() {
    let forms = [
        RetryAfter::Seconds(99_999_999_999),
        RetryAfter::Date(Duration::from_secs(3600)),
        RetryAfter::PastDate(Duration::from_secs(3600)),
        RetryAfter::Text("soon".into()),
    ];
    let forms = forms.map(|form| Fault::at(Endpoint::NewOrder, Kind::RetryAfter(form)).times(1));
    let [seconds, date, past, text] = forms;
    struck!(_mock, client, seconds, date.from_request(2), past.from_request(3), text.from_request(4));
    let mut told = Vec::new();
    for _ in 0..4 {
        told.push(client.order(NAMES).await.header("retry-after").unwrap().to_owned());
    }
    assert_eq!((told[0].as_str(), told[3].as_str()), ("99999999999", "soon"));
    let now = std::time::SystemTime::now();
    assert!(httpdate::parse_http_date(&told[1]).unwrap() > now + Duration::from_secs(3500));
    assert!(httpdate::parse_http_date(&told[2]).unwrap() < now - Duration::from_secs(3500));
}

#[tokio::test]
async fn fault_location_is_relative_or_missing() {
    let form = |form| Fault::at(Endpoint::NewOrder, Kind::Location(form)).times(1);
    struck!(_mock, client, form(LocationForm::Relative), form(LocationForm::Missing).from_request(2));
    assert!(client.order(NAMES).await.location().starts_with("/acme/order/"));
    assert_eq!(client.order(NAMES).await.header("location"), None);
}

#[tokio::test]
async fn fault_links_are_several_or_joined() {
    let form = |form| Fault::at(Endpoint::NewOrder, Kind::Links(form)).times(1);
    struck!(_mock, client, form(LinkForm::Several), form(LinkForm::Joined).from_request(2));
    let answer = client.order(NAMES).await;
    assert_eq!(answer.links().len(), 3);
    assert!(answer.links()[1].ends_with("rel=\"index\""));
    let answer = client.order(NAMES).await;
    assert_eq!(answer.links().len(), 1);
    assert!(answer.links()[0].contains("rel=\"index\" , </more>"), "{:?}", answer.links());
}

#[tokio::test]
async fn fault_status_is_another_success() {
    struck!(_mock, client, Fault::at(Endpoint::NewOrder, Kind::Status(200)));
    client.order(NAMES).await.expect(200);
    client.order(&[]).await.expect_problem(400, "malformed");
}

#[tokio::test]
async fn fault_empty_body_keeps_the_headers() {
    struck!(_mock, client, Fault::at(Endpoint::NewOrder, Kind::EmptyBody));
    let answer = client.order(NAMES).await;
    assert_eq!((answer.status, answer.body.len()), (201, 0));
    assert!(!answer.location().is_empty());
}

#[tokio::test]
async fn fault_cut_body_ends_early() {
    struck!(_mock, client, Fault::at(Endpoint::NewOrder, Kind::CutBody(20)));
    assert_eq!(client.order(NAMES).await.body.len(), 20);
}

#[tokio::test]
async fn fault_broken_body_ends_with_the_connection() {
    struck!(_mock, client, Fault::at(Endpoint::NewOrder, Kind::BrokenBody(20)).times(1));
    assert!(try_order(&client).await.is_none());
    assert_eq!(orders(&client).await, 1);
}

#[tokio::test]
async fn fault_huge_body_says_the_same_at_length() {
    struck!(_mock, client, Fault::at(Endpoint::NewOrder, Kind::HugeBody(3_000_000)));
    let answer = client.order(NAMES).await;
    assert_eq!(answer.body.len(), 3_000_000);
    assert_eq!(answer.expect(201)["status"], "pending");
}

#[tokio::test]
async fn fault_body_is_any_text() {
    let mock = Mock::start().await;
    mock.handle.faults().add(Fault::at(Endpoint::Directory, Kind::Body("<html>".into())));
    let answer = mock.get(&mock.handle.directory_url()).await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b"<html>"[..]));
}
