//! The only place that sends hooks' requests: lego's `httpreq`.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use tokio::sync::OnceCell;

use super::call::Post;
use super::error::HookError;
use crate::core::secret::Secret;
use crate::core::text::printable;

/// How long a service may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// So much of an answer is looked at, in bytes.
const MOST_ANSWER: usize = 4 * 1024;

/// Who asks (RFC 7617).
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// The user's name, where the URL has none.
    pub user: Option<String>,
    /// The password, which no URL has.
    pub password: Option<Secret>,
}

/// The way to services.
#[derive(Default)]
pub(super) struct Service {
    client: OnceCell<reqwest::Client>,
}

impl Service {
    /// Posts a document; any 2xx is success.
    pub(super) async fn post(&self, post: &Post, credentials: &Credentials) -> Result<(), HookError> {
        let failed = |source: reqwest::Error| HookError::Request {
            hook: printable(&post.url).into_owned(),
            purpose: post.purpose.clone(),
            source: source.without_url().into(),
        };
        let build = || async { reqwest::Client::builder().timeout(TIMEOUT).build() };
        let client = self.client.get_or_try_init(build).await.map_err(failed)?;
        let (url, user) = without_user(&post.url);
        let mut request = client.post(url).header(CONTENT_TYPE, "application/json").body(post.body.clone());
        if let Some(user) = user.or_else(|| credentials.user.clone()) {
            let password = credentials.password.as_ref();
            request =
                request.basic_auth(user, password.map(|secret| String::from_utf8_lossy(secret.expose())));
        }
        let answer = request.send().await.map_err(failed)?;
        let status = answer.status();
        tracing::info!("hook {} answered with {status}", printable(&post.url));
        if status.is_success() {
            return Ok(());
        }
        Err(HookError::Answered {
            hook: printable(&post.url).into_owned(),
            purpose: post.purpose.clone(),
            status: status.as_u16(),
            answer: first_line(answer).await,
        })
    }
}

/// A URL without its user, and who that is. What is left in a URL, reqwest sends as well, in a header of its own.
fn without_user(text: &str) -> (String, Option<String>) {
    // What is no URL is refused when it is to be asked.
    let Ok(mut url) = reqwest::Url::parse(text) else { return (text.to_owned(), None) };
    let user = (!url.username().is_empty()).then(|| percent_decoded(url.username()));
    // It has a host, so that both can be taken away.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    (url.into(), user)
}

/// Text without its percent-encoding (RFC 3986 §2.1).
fn percent_decoded(text: &str) -> String {
    let mut rest = text.as_bytes();
    let mut decoded = Vec::new();
    while let Some((&first, after)) = rest.split_first() {
        let digits =
            after.get(..2).filter(|digits| first == b'%' && digits.iter().all(u8::is_ascii_hexdigit));
        let byte = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(byte.unwrap_or(first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

async fn first_line(mut answer: reqwest::Response) -> String {
    let mut text = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        text.extend_from_slice(&chunk);
        if text.len() > MOST_ANSWER {
            text.truncate(MOST_ANSWER);
            break;
        }
    }
    let text = String::from_utf8_lossy(&text);
    printable(text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_is_taken_out_of_the_url() {
        let taken = |url| without_user(url);
        assert_eq!(
            taken("https://me%40a.test@dns.test/x?y"),
            ("https://dns.test/x?y".into(), Some("me@a.test".into()))
        );
        assert_eq!(taken("https://dns.test/x"), ("https://dns.test/x".into(), None));
        assert_eq!(taken("not a URL"), ("not a URL".into(), None));
        assert_eq!(percent_decoded("%c3%A9%2"), "\u{e9}%2");
        assert_eq!(percent_decoded("%+1%"), "%+1%");
    }
}
