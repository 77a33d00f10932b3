//! HTTP under everything: one connection pool, the nonces, the limits.
//!
//! Each Replay-Nonce is taken off the answers into one pool, so that no nonce is fetched while one is at hand and none
//! is used twice.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, LINK, LOCATION, RETRY_AFTER, USER_AGENT};
use http::{HeaderValue, Method, StatusCode, Version};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::core::link;
use crate::core::problem::Problem;
use crate::core::text::printable;

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

/// Whatever a server says, nobody waits longer for a single next try.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(24 * 3600);

const REPLAY_NONCE: &str = "replay-nonce";

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

/// A successful answer.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    /// The targets of its links of this relation, absolute; those that are no https URLs are left out.
    pub(super) fn links(&self, asked: &str, relation: &str) -> Vec<String> {
        let headers = self.headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
        let base = reqwest::Url::parse(asked).ok();
        let absolute = |target: &str| match is_https(target) {
            true => Some(target.to_owned()),
            false => base.as_ref()?.join(target).ok().map(String::from),
        };
        let targets = link::targets(headers, relation);
        targets.into_iter().filter_map(absolute).filter(|url| is_https(url)).collect()
    }

    /// Where what was made is found.
    pub(super) fn location(&self) -> Option<String> {
        self.headers.get(LOCATION)?.to_str().ok().map(ToOwned::to_owned)
    }
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
        nonce_in(&answer.headers)
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
        let permits =
            if self.0.shares_connection.load(Ordering::Relaxed) { 1 } else { AT_ONCE / CONNECTIONS };
        // Nobody closes the semaphore.
        let _room = self.0.room.acquire_many(permits).await.ok();
        let started = Instant::now();
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
        let millis = started.elapsed().as_millis();
        tracing::debug!(%method, url, status = status.as_u16(), bytes = body.len(), millis, "request");
        let retry_after = retry_after_in(&headers, SystemTime::now());
        self.remember(&method, url, &headers, retry_after);
        if status.is_success() {
            return Ok(Answer { status, headers, body: body.freeze() });
        }
        let problem = problem_in(status, &headers, &body);
        tracing::debug!(url, %problem, "refused");
        Err(AcmeError::Refused(Box::new(Refusal {
            method: method.to_string(),
            url: url.to_owned(),
            status: status.as_u16(),
            problem,
            retry_after,
        })))
    }

    /// Keeps what an answer's headers bring for later.
    fn remember(&self, method: &Method, url: &str, headers: &HeaderMap, retry_after: Option<Duration>) {
        if method == Method::POST
            && let Some(nonce) = nonce_in(headers)
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

/// Whether it is an https URL, and nothing that a terminal would take for a command: every URL that a server names
/// is asked sooner or later, and told in errors.
fn is_https(url: &str) -> bool {
    let clean = url.bytes().all(|byte| byte.is_ascii_graphic());
    clean && reqwest::Url::parse(url).is_ok_and(|url| url.scheme() == "https" && url.has_host())
}

/// A relative Location is relative to what was asked (RFC 9110 §10.2.2). One that can't be resolved is dropped.
fn resolve_location(asked: &reqwest::Url, headers: &mut HeaderMap) {
    let Some(location) = headers.remove(LOCATION) else { return };
    let Ok(text) = location.to_str() else { return };
    let resolved = match is_https(text) {
        true => Some(location),
        false => asked.join(text).ok().and_then(|url| HeaderValue::from_str(url.as_str()).ok()),
    };
    if let Some(resolved) = resolved {
        headers.insert(LOCATION, resolved);
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

/// A nonce of base64url characters; any other is ignored (RFC 8555 §6.5.1).
fn nonce_in(headers: &HeaderMap) -> Option<String> {
    let nonce = headers.get(REPLAY_NONCE)?.to_str().ok()?;
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (!nonce.is_empty() && nonce.len() <= 1024 && nonce.bytes().all(valid)).then(|| nonce.to_owned())
}

/// Retry-After in either form (RFC 9110 §10.2.3): at most a day, nothing when it is garbage or past.
fn retry_after_in(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let delay = match value.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => httpdate::parse_http_date(value).ok()?.duration_since(now).ok()?,
    };
    Some(delay.min(LONGEST_RETRY_AFTER))
}

/// The problem in an error answer. Proxies answer with HTML; then the status must do.
fn problem_in(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Problem {
    let json = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
        let media_type = value.split(';').next().unwrap_or_default().trim();
        media_type.eq_ignore_ascii_case("application/problem+json")
            || media_type.eq_ignore_ascii_case("application/json")
    });
    let document = json.then(|| serde_json::from_slice(body).ok()).flatten();
    document.unwrap_or_else(|| {
        Problem::without_document(status.as_u16(), status.canonical_reason().unwrap_or("unknown status"))
    })
}

/// Nothing panics while one of these locks is held; should it, the data is whole all the same.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(http::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn c3_invalid_nonces_are_ignored() {
        assert_eq!(nonce_in(&headers("replay-nonce", "Ab-_9")).as_deref(), Some("Ab-_9"));
        for bad in ["", "a=", "a b", "a/b"] {
            assert_eq!(nonce_in(&headers("replay-nonce", bad)), None, "{bad:?}");
        }
    }

    #[test]
    fn c10_c11_c12_retry_after_is_read_in_both_forms_and_bounded() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let read = |value: &str| retry_after_in(&headers("retry-after", value), now);
        let date = httpdate::fmt_http_date(now + Duration::from_secs(90));
        assert_eq!(read("17"), Some(Duration::from_secs(17)));
        assert_eq!(read(&date), Some(Duration::from_secs(90)));
        assert_eq!(read("99999999999"), Some(LONGEST_RETRY_AFTER));
        assert_eq!(read("soon"), None);
        assert_eq!(read("-5"), None);
        assert_eq!(read(&httpdate::fmt_http_date(now - Duration::from_secs(9))), None);
    }

    #[test]
    fn c14_an_html_error_becomes_a_problem() {
        let problem =
            problem_in(StatusCode::SERVICE_UNAVAILABLE, &headers("content-type", "text/html"), b"<html>");
        assert_eq!(problem, Problem::without_document(503, "Service Unavailable"));
    }

    #[test]
    fn c37_plain_http_is_refused() {
        assert!(is_https("https://ca.test/directory"));
        for bad in [
            "http://ca.test/directory",
            "ca.test",
            "",
            "ftp://ca.test",
            "https://ca.test/\u{1b}]0;x\u{7}",
            "/x",
        ] {
            assert!(!is_https(bad), "{bad:?}");
        }
        assert!(matches!(
            Transport::new("http://ca.test/", &TlsTrust::system()),
            Err(AcmeError::Insecure(_))
        ));
    }

    #[test]
    fn c31_links_of_several_headers_are_absolute() {
        let mut headers = headers("link", "<https://ca.test/b>;rel=\"alternate\", <c>;rel=alternate");
        headers.append(LINK, HeaderValue::from_static("</d>;rel=\"alternate\""));
        headers.append(LINK, HeaderValue::from_static("<http://ca.test/e>;rel=\"alternate\""));
        let answer = Answer { status: StatusCode::OK, headers, body: Bytes::new() };
        assert_eq!(
            answer.links("https://ca.test/cert/a", "alternate"),
            ["https://ca.test/b", "https://ca.test/cert/c", "https://ca.test/d"]
        );
    }

    #[test]
    fn c32_a_relative_location_is_resolved() {
        let asked = reqwest::Url::parse("https://ca.test/acme/new-order").unwrap();
        let resolved = |text: &str| {
            let mut headers = headers("location", text);
            resolve_location(&asked, &mut headers);
            headers.get(LOCATION).map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(resolved("https://other.test/o/1").as_deref(), Some("https://other.test/o/1"));
        assert_eq!(resolved("/o/1").as_deref(), Some("https://ca.test/o/1"));
        assert_eq!(resolved("o/1").as_deref(), Some("https://ca.test/acme/o/1"));
        assert_eq!(resolved("https://"), None);
    }
}
