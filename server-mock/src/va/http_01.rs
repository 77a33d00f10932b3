//! http-01: a file on the web server (RFC 8555 §8.3; for addresses RFC 8738 §4).

use std::{net::IpAddr, time::Duration};

use http::StatusCode;
use url::Url;

use super::{
    Attempt,
    dns::Resolver,
    fetch::{Answer, Fetcher, URL_MAX},
    shown,
};
use crate::model::{Identifier, Problem, ProblemType};

/// The whole validation, redirects included.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How many redirects are followed.
const REDIRECTS_MAX: usize = 10;

/// Validates http-01 challenges.
pub(super) struct Http01 {
    fetcher: Fetcher,
    /// For all of one validation.
    pub(super) timeout: Duration,
}

impl Http01 {
    pub(super) fn new(resolver: Resolver, http_port: u16, tls_port: u16) -> Result<Self, rustls::Error> {
        Ok(Self { fetcher: Fetcher::new(resolver, http_port, tls_port)?, timeout: TIMEOUT })
    }

    /// # Errors
    /// `dns`, `connection`, `tls` or `incorrectResponse`.
    pub(super) async fn validate(&self, attempt: &Attempt) -> Result<(), Problem> {
        let url = challenge_url(&attempt.identifier, &attempt.token)?;
        let answer = tokio::time::timeout(self.timeout, self.follow(url.clone())).await.map_err(|_| {
            let detail = format!("{url} was not completely answered within {:?}", self.timeout);
            Problem::new(ProblemType::Connection, detail)
        })??;
        verdict(&answer, &attempt.key_authorization)
    }

    /// The first answer that is no redirect.
    async fn follow(&self, start: Url) -> Result<Answer, Problem> {
        let mut url = start.clone();
        for _ in 0..=REDIRECTS_MAX {
            let answer = self.fetcher.get(&url).await?;
            let Some(location) = answer.redirect() else { return Ok(answer) };
            url = redirect_target(&url, location)?;
        }
        let detail = format!("{start} redirects more than {REDIRECTS_MAX} times");
        Err(Problem::new(ProblemType::Connection, detail))
    }
}

/// Where the key authorization must be (RFC 8555 §8.3).
fn challenge_url(identifier: &Identifier, token: &str) -> Result<Url, Problem> {
    let host = match identifier {
        Identifier::Dns(name) => name.clone(),
        Identifier::Ip(IpAddr::V4(address)) => address.to_string(),
        Identifier::Ip(IpAddr::V6(address)) => format!("[{address}]"),
        Identifier::Email(_) => {
            let detail = "http-01 can't show control of a mail address";
            return Err(Problem::new(ProblemType::UnsupportedIdentifier, detail));
        }
    };
    Url::parse(&format!("http://{host}/.well-known/acme-challenge/{token}")).map_err(|error| {
        Problem::new(ProblemType::Malformed, format!("{} is no host name: {error}", shown(host.as_bytes())))
    })
}

/// Where a redirect leads, if validators go there (RFC 8555 §8.3, §10.2): other schemes and ports could be used to
/// probe the CA's network.
fn redirect_target(from: &Url, location: &[u8]) -> Result<Url, Problem> {
    let refused = |reason: &str| {
        let (from, location) = (shown(from.as_str().as_bytes()), shown(location));
        Problem::new(ProblemType::Connection, format!("{from} redirects to \"{location}\", {reason}"))
    };
    let location_text = std::str::from_utf8(location).map_err(|_| refused("which is no URL"))?;
    let target = from.join(location_text).map_err(|_| refused("which is no URL"))?;
    if target.as_str().len() > URL_MAX {
        return Err(refused("which is too long"));
    }
    if !matches!(target.scheme(), "http" | "https") {
        return Err(refused("but only http and https are followed"));
    }
    if !matches!(target.port_or_known_default(), Some(80 | 443)) {
        return Err(refused("but only the ports 80 and 443 are followed"));
    }
    Ok(target)
}

fn verdict(answer: &Answer, key_authorization: &str) -> Result<(), Problem> {
    let Answer { url, address, status, body, complete, .. } = answer;
    let begins = shown(body);
    let detail = if *status != StatusCode::OK {
        format!("{url} at {address} answered {status} instead of 200: \"{begins}\"")
    } else if !complete {
        format!("{url} at {address} answered with more than a key authorization: \"{begins}\"")
    } else if body.trim_ascii_end() != key_authorization.as_bytes() {
        let expected = shown(key_authorization.as_bytes());
        format!("{url} at {address} answered \"{begins}\" instead of the key authorization \"{expected}\"")
    } else {
        return Ok(());
    };
    Err(Problem::new(ProblemType::IncorrectResponse, detail))
}
