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
        let mut request =
            client.post(&post.url).header(CONTENT_TYPE, "application/json").body(post.body.clone());
        if let Some(user) = user_of(&post.url).or_else(|| credentials.user.clone()) {
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

/// The user's name in a URL.
fn user_of(url: &str) -> Option<String> {
    let url = reqwest::Url::parse(url).ok()?;
    (!url.username().is_empty()).then(|| url.username().to_owned())
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
