//! What a server answers: its headers read with care, its URLs made absolute.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, LINK, LOCATION, RETRY_AFTER};
use http::{HeaderValue, StatusCode};

use crate::core::link;
use crate::core::problem::Problem;

/// Whatever a server says, nobody waits longer for a single next try.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(24 * 3600);

const REPLAY_NONCE: &str = "replay-nonce";

/// An answer, read whole.
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

    /// A nonce of base64url characters; any other is ignored (RFC 8555 §6.5.1).
    pub(super) fn nonce(&self) -> Option<String> {
        let nonce = self.headers.get(REPLAY_NONCE)?.to_str().ok()?;
        let valid = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (!nonce.is_empty() && nonce.len() <= 1024 && nonce.bytes().all(valid)).then(|| nonce.to_owned())
    }

    /// Retry-After in either form (RFC 9110 §10.2.3): at most a day, nothing when it is garbage or past.
    pub(super) fn retry_after(&self, now: SystemTime) -> Option<Duration> {
        let value = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        let delay = match value.parse::<u64>() {
            Ok(seconds) => Duration::from_secs(seconds),
            Err(_) => httpdate::parse_http_date(value).ok()?.duration_since(now).ok()?,
        };
        Some(delay.min(LONGEST_RETRY_AFTER))
    }

    /// The problem in an error answer. Proxies answer with HTML; then the status must do.
    pub(super) fn problem(&self) -> Problem {
        let json =
            self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
                let media_type = value.split(';').next().unwrap_or_default().trim();
                media_type.eq_ignore_ascii_case("application/problem+json")
                    || media_type.eq_ignore_ascii_case("application/json")
            });
        let document = json.then(|| serde_json::from_slice(&self.body).ok()).flatten();
        document.unwrap_or_else(|| {
            let title = self.status.canonical_reason().unwrap_or("unknown status");
            Problem::without_document(self.status.as_u16(), title)
        })
    }
}

/// Whether it is an https URL, and nothing that a terminal would take for a command: every URL that a server names
/// is asked sooner or later, and told in errors.
pub(super) fn is_https(url: &str) -> bool {
    let clean = url.bytes().all(|byte| byte.is_ascii_graphic());
    clean && reqwest::Url::parse(url).is_ok_and(|url| url.scheme() == "https" && url.has_host())
}

/// A relative Location is relative to what was asked (RFC 9110 §10.2.2). One that can't be resolved is dropped.
pub(super) fn resolve_location(asked: &reqwest::Url, headers: &mut HeaderMap) {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(http::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())])
    }

    fn answer(name: &'static str, value: &str) -> Answer {
        Answer { status: StatusCode::OK, headers: headers(name, value), body: Bytes::new() }
    }

    #[test]
    fn c3_invalid_nonces_are_ignored() {
        assert_eq!(answer("replay-nonce", "Ab-_9").nonce().as_deref(), Some("Ab-_9"));
        for bad in ["", "a=", "a b", "a/b"] {
            assert_eq!(answer("replay-nonce", bad).nonce(), None, "{bad:?}");
        }
    }

    #[test]
    fn c10_c11_c12_retry_after_is_read_in_both_forms_and_bounded() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let read = |value: &str| answer("retry-after", value).retry_after(now);
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
        let answer = Answer {
            status: StatusCode::SERVICE_UNAVAILABLE,
            body: Bytes::from_static(b"<html>"),
            ..answer("content-type", "text/html")
        };
        assert_eq!(answer.problem(), Problem::without_document(503, "Service Unavailable"));
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
