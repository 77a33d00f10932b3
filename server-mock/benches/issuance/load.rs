//! Clients that issue at once, for a time or up to a number.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use rcgen::KeyPair;
use tokio::task::JoinSet;

use crate::{
    acme::{Account, Session},
    failure::Failure,
    order::issue,
    server::Proof,
};

/// How long the first certificates of all clients may take.
const WARM_UP: Duration = Duration::from_secs(60);

/// Clients with open connections, all of one account.
pub(crate) struct Clients {
    clients: Vec<Client>,
}

struct Client {
    session: Session,
    number: usize,
    issued: usize,
    proof: Proof,
    key: Arc<KeyPair>,
}

/// What a run of all clients came to.
pub(crate) struct Outcome {
    pub(crate) elapsed: Duration,
    /// One for each certificate, in the order in which they were finished.
    pub(crate) latencies: Vec<Duration>,
    /// The length of a certificate, in bytes.
    pub(crate) length: usize,
    /// What ended it early.
    pub(crate) failure: Option<Failure>,
}

/// When clients begin no more orders.
#[derive(Clone)]
struct Stop {
    end: Instant,
    left: Arc<AtomicUsize>,
    failed: Arc<AtomicBool>,
}

impl Stop {
    fn after(certificates: usize, time: Duration) -> Self {
        let (left, failed) = (Arc::new(certificates.into()), Arc::default());
        Self { end: Instant::now() + time, left, failed }
    }

    /// Takes the permission for one more certificate.
    fn next(&self) -> bool {
        let one_less = |left: usize| left.checked_sub(1);
        !self.failed.load(Ordering::Relaxed)
            && Instant::now() < self.end
            && self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok()
    }
}

/// A certificate: when it was finished, how long it took, how long it is.
type Issued = (Instant, Duration, usize);

impl Clients {
    /// Connects `count` clients.
    pub(crate) async fn connect(account: &Arc<Account>, proof: Proof, count: usize) -> Result<Self, Failure> {
        let key = Arc::new(KeyPair::generate().expect("P-256 is there"));
        let mut clients = Vec::new();
        for number in 0..count {
            let session = Session::open(account.clone()).await?;
            clients.push(Client { session, number, issued: 0, proof, key: key.clone() });
        }
        Ok(Self { clients })
    }

    /// Lets every client issue, until the time is over or `certificates` are issued by all together.
    pub(crate) async fn run(&mut self, certificates: usize, time: Duration) -> Outcome {
        let stop = Stop::after(certificates, time);
        self.run_each(|| stop.clone()).await
    }

    /// One certificate from each, unmeasured: connections and, where they are reused, authorizations are then there.
    pub(crate) async fn warm_up(&mut self) -> Result<(), Failure> {
        let outcome = self.run_each(|| Stop::after(1, WARM_UP)).await;
        outcome.failure.map_or(Ok(()), Err)
    }

    async fn run_each(&mut self, stop: impl Fn() -> Stop) -> Outcome {
        let begin = Instant::now();
        let mut running = JoinSet::new();
        for client in self.clients.drain(..) {
            running.spawn(client.run(stop()));
        }
        let (mut all, mut failure) = (Vec::new(), None);
        for (client, issued, failed) in running.join_all().await {
            self.clients.push(client);
            all.extend(issued);
            failure = failure.or(failed);
        }
        all.sort();
        let elapsed = all.last().map_or(Duration::ZERO, |(end, ..)| *end - begin);
        let length = all.last().map_or(0, |(.., length)| *length);
        let latencies = all.into_iter().map(|(_, latency, _)| latency).collect();
        Outcome { elapsed, latencies, length, failure }
    }
}

impl Client {
    async fn run(mut self, stop: Stop) -> (Self, Vec<Issued>, Option<Failure>) {
        let mut issued = Vec::new();
        while stop.next() {
            let name = self.name();
            let begin = Instant::now();
            match issue(&mut self.session, &name, &self.key).await {
                Ok(length) => issued.push((Instant::now(), begin.elapsed(), length)),
                Err(failure) => {
                    stop.failed.store(true, Ordering::Relaxed);
                    return (self, issued, Some(failure));
                }
            }
            self.issued += 1;
        }
        (self, issued, None)
    }

    /// The same name every time where its authorization is to be reused, else a new one.
    fn name(&self) -> String {
        match self.proof {
            Proof::PreValid => format!("c{}.example.test", self.number),
            Proof::Unchecked | Proof::Http01 => format!("c{}-{}.example.test", self.number, self.issued),
        }
    }
}

/// The value below which this part of the sorted values lies.
pub(crate) fn percentile(sorted: &[Duration], part: f64) -> Duration {
    let index = (sorted.len() as f64 * part) as usize;
    sorted.get(index.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
}
