//! Peers that would take the server's places and never give them back.

use std::time::Duration;

use axum::{body::Bytes, http::StatusCode, routing::post};
use reqwest::Client;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use super::*;

/// One place, and little patience with whoever has it.
const ONE_PLACE: Limits = Limits {
    connections: 1,
    streams: 2,
    head: Duration::from_secs(600),
    body: Duration::from_millis(200),
    idle: Duration::from_millis(200),
};
/// How long something that happens may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(20);

async fn start(limits: Limits) -> (Server, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/", post(|body: Bytes| async move { body }));
    (Server::start(listener, None, router, limits), address)
}

/// Somebody else asks, with the patience of [`DEADLINE`].
async fn expect_served(address: SocketAddr) {
    let client = Client::builder().no_proxy().timeout(DEADLINE).build().unwrap();
    let answer = client.post(format!("http://{address}/")).body("hello").send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "hello");
}

#[tokio::test]
async fn half_a_body_is_not_waited_for_for_ever() {
    let (server, address) = start(Limits { idle: Duration::from_secs(600), ..ONE_PLACE }).await;
    let mut half = TcpStream::connect(address).await.unwrap();
    half.write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf").await.unwrap();
    let mut answer = String::new();
    timeout(DEADLINE, half.read_to_string(&mut answer)).await.expect("the connection is closed").unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    expect_served(address).await;
    server.shutdown().await;
}

#[tokio::test]
async fn a_connection_without_requests_is_closed_before_and_after_the_first() {
    let (server, address) = start(ONE_PLACE).await;
    let mut silent = TcpStream::connect(address).await.unwrap();
    expect_served(address).await;
    assert_eq!(timeout(DEADLINE, silent.read(&mut [0])).await.unwrap().unwrap(), 0);

    let mut once = TcpStream::connect(address).await.unwrap();
    once.write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    timeout(DEADLINE, once.read_to_end(&mut answer)).await.expect("the connection is closed").unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 "), "{answer:?}");
    server.shutdown().await;
}

#[tokio::test]
async fn pings_do_not_keep_a_connection_open() {
    let (server, address) = start(ONE_PLACE).await;
    let pinging = Client::builder()
        .no_proxy()
        .http2_prior_knowledge()
        .http2_keep_alive_interval(Duration::from_millis(20))
        .http2_keep_alive_while_idle(true)
        .build()
        .unwrap();
    let answer = pinging.post(format!("http://{address}/")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    expect_served(address).await;
    server.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_request_under_way_is_waited_for_however_long_it_takes() {
    let (begin, count) = watch::channel(0);
    let patience = Duration::from_secs(60);
    let mut idle = std::pin::pin!(idle(count, patience));
    for _ in 0..3 {
        let request = UnderWay::begin(&begin);
        assert!(timeout(100 * patience, &mut idle).await.is_err());
        drop(request);
        assert!(timeout(patience / 2, &mut idle).await.is_err(), "the patience begins anew");
    }
    timeout(patience, &mut idle).await.expect("nothing is under way");
}
