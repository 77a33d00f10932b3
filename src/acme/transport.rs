//! HTTP under everything: one connection pool, the nonces, the limits.
//!
//! Each Replay-Nonce is taken off the answers into one pool, so that no nonce is fetched while one is at hand and none
//! is used twice.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use http::{Method, Version};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::core::text::printable;

use super::answer::{Answer, is_https, resolve_location};
use super::retry::{Repeatable, persist};
use super::{AcmeError, Directory, Refusal};

const USER_AGENT_VALUE: &str = concat!("cacert-acme/", env!("CARGO_PKG_VERSION"));

/// No answer of an ACME server is larger: a chain of ten certificates has some 20 kB.
const LARGEST_BODY: usize = 1 << 20;

/// A nonce for each name of the largest order; more are of no use.
const MOST_NONCES: usize = 1000;

/// So many requests at once share a connection of HTTP/2 without any server being cross.
const AT_ONCE: u32 = 128;

/// With HTTP/1.1 each request of these needs a connection of its own.
const CONNECTIONS: u32 = 8;

/// Whose certificates the server's TLS certificate may come from.
#[derive(Clone, Debug)]
pub struct TlsTrust(Option<Vec<reqwest::Certificate>>);

impl TlsTrust {
    /// The system's roots.
    #[must_use]
    pub fn system() -> Self {
        Self(None)
    }

    /// Only the roots in this PEM text; `None` when there is no usable certificate in it.
    #[must_use]
    pub fn bundle(pem: &[u8]) -> Option<Self> {
        let roots = reqwest::Certificate::from_pem_bundle(pem).ok()?;
        (!roots.is_empty()).then_some(Self(Some(roots)))
    }
}

/// The way to one server; clones share everything.
#[derive(Clone)]
pub struct Transport(Arc<Inner>);

struct Inner {
    http: reqwest::Client,
    directory_url: String,
    directory: tokio::sync::OnceCell<Directory>,
    nonces: Mutex<Vec<String>>,
    /// What requests share; one takes more of it while the server speaks no HTTP/2.
    room: Semaphore,
    shares_connection: AtomicBool,
    retry_after: Mutex<HashMap<String, Instant>>,
}

impl Transport {
    /// A transport to the server with this directory.
    ///
    /// # Errors
    /// When the URL is not HTTPS, or the roots can't be used.
    pub fn new(directory_url: &str, trust: &TlsTrust) -> Result<Self, AcmeError> {
        if !is_https(directory_url) {
            return Err(AcmeError::Insecure(printable(directory_url).into_owned()));
        }
        let builder = reqwest::Client::builder()
            .https_only(true)
            .redirect(reqwest::redirect::Policy::limited(3))
            .connect_timeout(Duration::from_secs(15))
            .timeout(Duration::from_secs(60));
        let builder = match &trust.0 {
            None => builder,
            Some(roots) => builder.tls_certs_only(roots.iter().cloned()),
        };
        Ok(Self(Arc::new(Inner {
            http: builder.build().map_err(AcmeError::Setup)?,
            directory_url: directory_url.to_owned(),
            directory: tokio::sync::OnceCell::new(),
            nonces: Mutex::default(),
            room: Semaphore::new(AT_ONCE as usize),
            shares_connection: AtomicBool::new(false),
            retry_after: Mutex::default(),
        })))
    }

    /// The URL of the server's directory.
    #[must_use]
    pub fn directory_url(&self) -> &str {
        &self.0.directory_url
    }

    /// The server's directory, fetched once in a run.
    ///
    /// # Errors
    /// When it can't be fetched or is no directory.
    pub async fn directory(&self) -> Result<&Directory, AcmeError> {
        let fetch = || async {
            let url = self.directory_url();
            let get = async || {
                let answer = self.send(Method::GET, url, None).await?;
                if answer.body.is_empty() { Err(AcmeError::Empty(url.to_owned())) } else { Ok(answer) }
            };
            let answer = persist(Repeatable::Always, get).await.map_err(|error| match error {
                AcmeError::Refused(refusal) if refusal.status < 500 && refusal.status != 429 => {
                    AcmeError::NoDirectory {
                        url: url.to_owned(),
                        found: format!("status {}", refusal.status),
                    }
                }
                other => other,
            })?;
            let found = || AcmeError::NoDirectory { url: url.to_owned(), found: "something else".into() };
            serde_json::from_slice(&answer.body).map_err(|_| found())
        };
        self.0.directory.get_or_try_init(fetch).await
    }

    /// A nonce nobody has used yet: from the pool, else from the server.
    pub(super) async fn nonce(&self) -> Result<String, AcmeError> {
        if let Some(nonce) = lock(&self.0.nonces).pop() {
            return Ok(nonce);
        }
        let url = self.directory().await?.new_nonce.clone();
        let answer = self.send(Method::HEAD, &url, None).await?;
        answer
            .nonce()
            .ok_or_else(|| AcmeError::Protocol(format!("{url} answered without a usable Replay-Nonce")))
    }

    /// Sends a signed body.
    pub(super) async fn post(&self, url: &str, body: Vec<u8>) -> Result<Answer, AcmeError> {
        self.send(Method::POST, url, Some(body.into())).await
    }

    /// How long the last answer of this URL asked us to wait, counted from now; forgotten once asked.
    pub(super) fn take_retry_after(&self, url: &str) -> Option<Duration> {
        let at = lock(&self.0.retry_after).remove(url)?;
        Some(at.saturating_duration_since(Instant::now()))
    }

    /// Sends a request; any answer but 2xx is an error.
    async fn send(&self, method: Method, url: &str, body: Option<Bytes>) -> Result<Answer, AcmeError> {
        if !is_https(url) {
            let url = printable(url);
            return Err(AcmeError::Protocol(format!("it sent {url:?}, which is not an https URL")));
        }
        let started = Instant::now();
        let answer = self.exchange(&method, url, body).await?;
        let (status, millis) = (answer.status.as_u16(), started.elapsed().as_millis());
        tracing::debug!(%method, url, status, bytes = answer.body.len(), millis, "request");
        let retry_after = answer.retry_after(SystemTime::now());
        self.remember(&method, url, &answer, retry_after);
        if answer.status.is_success() {
            return Ok(answer);
        }
        let problem = answer.problem();
        tracing::debug!(url, %problem, "refused");
        let (method, url) = (method.to_string(), url.to_owned());
        Err(AcmeError::Refused(Box::new(Refusal { method, url, status, problem, retry_after })))
    }

    /// One request and its answer, whatever that says.
    async fn exchange(&self, method: &Method, url: &str, body: Option<Bytes>) -> Result<Answer, AcmeError> {
        let shares = self.0.shares_connection.load(Ordering::Relaxed);
        // Nobody closes the semaphore.
        let _room = self.0.room.acquire_many(if shares { 1 } else { AT_ONCE / CONNECTIONS }).await.ok();
        let mut request = self.0.http.request(method.clone(), url).header(USER_AGENT, USER_AGENT_VALUE);
        if let Some(body) = body {
            request = request
                .header(CONTENT_TYPE, "application/jose+json")
                .header(ACCEPT, "application/pem-certificate-chain, application/json;q=0.9, */*;q=0.5")
                .body(body);
        }
        let mut response = request.send().await.map_err(|error| unreachable(url, error))?;
        self.0.shares_connection.store(response.version() == Version::HTTP_2, Ordering::Relaxed);
        let (status, mut headers) = (response.status(), response.headers().clone());
        resolve_location(response.url(), &mut headers);
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(url, error))? {
            if body.len() + chunk.len() > LARGEST_BODY {
                return Err(AcmeError::Protocol(format!("{url} answered with more than 1 MiB")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, headers, body: body.freeze() })
    }

    /// Keeps what an answer's headers bring for later.
    fn remember(&self, method: &Method, url: &str, answer: &Answer, retry_after: Option<Duration>) {
        if method == Method::POST
            && let Some(nonce) = answer.nonce()
        {
            let mut nonces = lock(&self.0.nonces);
            if nonces.len() < MOST_NONCES {
                nonces.push(nonce);
            }
        }
        if let Some(delay) = retry_after {
            lock(&self.0.retry_after).insert(url.to_owned(), Instant::now() + delay);
        }
    }
}

fn unreachable(url: &str, source: reqwest::Error) -> AcmeError {
    let url = url.to_owned();
    let source = source.without_url();
    match rustls_error(&source) {
        Some(rustls::Error::InvalidCertificate(_)) => AcmeError::Untrusted { url, source },
        _ => AcmeError::Unreachable { url, source },
    }
}

/// The TLS library's own error beneath an error. It travels in `io::Error`s, one within the other, whose `source`
/// passes over what they hold.
fn rustls_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(found) = error.downcast_ref() {
        return Some(found);
    }
    let held = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    held.and_then(|held| rustls_error(held)).or_else(|| rustls_error(error.source()?))
}

/// Nothing panics while one of these locks is held; should it, the data is whole all the same.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c37_a_server_without_tls_is_refused() {
        assert!(matches!(
            Transport::new("http://ca.test/", &TlsTrust::system()),
            Err(AcmeError::Insecure(_))
        ));
    }
}
