//! Many clients at once, on the same accounts and names: every order ends, and nothing waits for ever.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use server_mock::model::{OrderStatus, Rights};

use crate::common::{Client, Key, Mock, csr, http_01};

const CLIENTS: usize = 256;
const ACCOUNTS: usize = 8;
const NAMES: usize = 16;
/// How long the clients begin new orders, unless the environment says otherwise.
const SECONDS: u64 = 8;
/// No order takes this long, however slow the machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the clients share.
struct Crowd<'a> {
    client: Client<'a>,
    csrs: &'a [Vec<u8>],
    finished: &'a AtomicUsize,
}

fn name(number: usize) -> String {
    format!("n{}.example.test", number % NAMES)
}

impl Crowd<'_> {
    /// One order, whose end is `valid` or `invalid`, whatever the others do to its authorizations meanwhile.
    async fn order(&self, number: usize) -> String {
        let name = name(number);
        let order = self.client.order(&[&name]).await;
        let mut document = order.expect(201);
        let url = document["authorizations"][0].as_str().unwrap().to_owned();
        // Some find that they do not want it after all, or can't prove it: that ends what others have begun too.
        match number % 23 {
            0 => drop(self.client.post(&url, json!({"status": "deactivated"})).await),
            1 => self.fail(&url).await,
            _ => self.prove(&url).await,
        }
        let start = Instant::now();
        loop {
            match document["status"].as_str().unwrap() {
                "ready" => {
                    let answer = self.client.finalize(&document, &self.csrs[number % NAMES]).await;
                    assert!([200, 403].contains(&answer.status), "{answer:?}");
                }
                "valid" => {
                    let chain = self.client.read(document["certificate"].as_str().unwrap()).await;
                    assert_eq!(chain.status, 200);
                    return "valid".to_owned();
                }
                "invalid" => return "invalid".to_owned(),
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
            assert!(start.elapsed() < PATIENCE, "still {document}");
            document = self.client.read(&order.location()).await.expect(200);
        }
    }

    async fn prove(&self, url: &str) {
        let document = self.client.read(url).await.expect(200);
        if document["status"] == "pending" {
            let challenge = http_01(&document);
            self.client.answer(&challenge);
            self.client.post(challenge["url"].as_str().unwrap(), json!({})).await.expect(200);
        }
    }

    async fn fail(&self, url: &str) {
        let document: Value = self.client.read(url).await.expect(200);
        let challenge = http_01(&document);
        self.client.post(challenge["url"].as_str().unwrap(), json!({})).await.expect(200);
    }

    async fn run(&self, first: usize, end: Instant) -> Vec<String> {
        let mut ends = Vec::new();
        let mut number = first;
        while Instant::now() < end {
            ends.push(self.order(number).await);
            self.finished.fetch_add(1, Ordering::Relaxed);
            number += CLIENTS + 1;
        }
        ends
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_clients_at_once_end_all_their_orders() {
    let seconds = std::env::var("SERVER_MOCK_CROWD_SECONDS").ok().map(|seconds| seconds.parse().unwrap());
    let mut mock = Mock::start_with(|config| {
        config.policy.signing_delay = Duration::from_millis(5);
        config.policy.sweep_interval = Duration::from_millis(100);
    })
    .await;
    // HTTP/2 would send them all over one connection, and few at once.
    mock.http = mock.http_client(|builder| builder.http1_only());
    let credentials = mock.eab_key(Rights { max_accounts: None, ..Rights::default() });
    let mut accounts = Vec::new();
    for _ in 0..ACCOUNTS {
        let mut client = Client::new(&mock, Key::es256());
        client.register(&credentials).await.expect(201);
        accounts.push(client);
    }
    let key = rcgen::KeyPair::generate().unwrap();
    let csrs: Vec<Vec<u8>> = (0..NAMES).map(|number| csr(&[&name(number)], &key)).collect();
    let finished = AtomicUsize::new(0);
    let crowds: Vec<_> =
        accounts.into_iter().map(|client| Crowd { client, csrs: &csrs, finished: &finished }).collect();

    let end = Instant::now() + Duration::from_secs(seconds.unwrap_or(SECONDS));
    let runs = (0..CLIENTS).map(|number| crowds[number % ACCOUNTS].run(number, end));
    let ends =
        tokio::time::timeout(end - Instant::now() + 2 * PATIENCE, futures_util::future::join_all(runs));
    let ends =
        ends.await.unwrap_or_else(|_| panic!("stuck after {} orders", finished.load(Ordering::Relaxed)));
    let mut counts = BTreeMap::<String, usize>::new();
    for end in ends.into_iter().flatten() {
        *counts.entry(end).or_default() += 1;
    }
    println_counts(&counts);
    assert!(counts["valid"] > 0 && counts["invalid"] > 0, "{counts:?}");
    mock.handle.services().store.with(|model| {
        let now = time::OffsetDateTime::now_utc();
        let orders = model.accounts().flat_map(|account| {
            account.orders.iter().map(|id| model.order_status(model.order(id, &account.id).unwrap(), now).0)
        });
        let mut all = 0;
        for status in orders {
            assert!(matches!(status, OrderStatus::Valid | OrderStatus::Invalid), "{status:?}");
            all += 1;
        }
        assert_eq!(all, counts.values().sum::<usize>());
        assert_eq!(model.certificates().count(), counts["valid"]);
    });
}

#[allow(clippy::print_stdout, reason = "the figures of a test that was asked for them")]
fn println_counts(counts: &BTreeMap<String, usize>) {
    println!("{counts:?}");
}
