//! Answers whose headers are missing, odd, or in another form.

use std::time::Duration;

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Kind, layer::Scene};
use crate::model::duration;

const REPLAY_NONCE: HeaderName = HeaderName::from_static("replay-nonce");

/// What `Retry-After` says (RFC 9110 §10.2.3), or something that it must not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryAfter {
    /// So many seconds.
    Seconds(u64),
    /// A date, this long from now.
    #[serde(with = "duration")]
    Date(Duration),
    /// A date, this long ago.
    #[serde(with = "duration")]
    PastDate(Duration),
    /// Any text.
    Text(String),
}

/// Forms of `Location`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LocationForm {
    /// None at all.
    Missing,
    /// A path without scheme and host.
    Relative,
}

/// Forms of `Link`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkForm {
    /// Some more headers, with relations that nobody knows.
    Several,
    /// All links in one header, joined by commas, with parameters that nobody knows.
    Joined,
}

/// Changes an answer's headers, if that is the fault.
pub(super) fn change(kind: &Kind, scene: &Scene<'_>, response: &mut Response) {
    let success = response.status().is_success();
    let headers = response.headers_mut();
    match kind {
        Kind::NoNonce => drop(headers.remove(REPLAY_NONCE)),
        Kind::InvalidNonce(nonce) if headers.contains_key(REPLAY_NONCE) => set(headers, REPLAY_NONCE, nonce),
        Kind::RetryAfter(pause) => set_retry_after(headers, pause, scene.server.now()),
        Kind::Location(form) => relocate(*form, headers),
        Kind::Links(form) => relink(*form, headers),
        Kind::Status(status) if success => {
            *response.status_mut() = StatusCode::from_u16(*status).unwrap_or(StatusCode::OK);
        }
        _ => {}
    }
}

/// Sets `Retry-After`.
pub(super) fn set_retry_after(headers: &mut HeaderMap, pause: &RetryAfter, now: OffsetDateTime) {
    let date = |at: OffsetDateTime| httpdate::fmt_http_date(at.into());
    let value = match pause {
        RetryAfter::Seconds(seconds) => seconds.to_string(),
        RetryAfter::Date(ahead) => date(now + *ahead),
        RetryAfter::PastDate(ago) => date(now - *ago),
        RetryAfter::Text(text) => text.clone(),
    };
    set(headers, header::RETRY_AFTER, &value);
}

/// What can't be in a header is left out.
fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    match HeaderValue::from_str(value) {
        Ok(value) => drop(headers.insert(name, value)),
        Err(_) => drop(headers.remove(name)),
    }
}

fn relocate(form: LocationForm, headers: &mut HeaderMap) {
    let Some(location) = headers.remove(header::LOCATION) else { return };
    let path =
        location.to_str().ok().and_then(|url| url::Url::parse(url).ok()).map(|url| url.path().to_owned());
    if let (LocationForm::Relative, Some(path)) = (form, path) {
        set(headers, header::LOCATION, &path);
    }
}

fn relink(form: LinkForm, headers: &mut HeaderMap) {
    let texts = headers.get_all(header::LINK).iter().filter_map(|link| link.to_str().ok());
    let mut links: Vec<String> = texts.map(str::to_owned).collect();
    links.insert(0, "</odd,link>; rel=\"x-odd\"; title=\"a, b; c\"".to_owned());
    links.push("</more>;rel=\"x-more help\"".to_owned());
    headers.remove(header::LINK);
    let headers_to_be = match form {
        LinkForm::Several => links,
        LinkForm::Joined => vec![links.join(" , ")],
    };
    for link in headers_to_be {
        if let Ok(link) = HeaderValue::from_str(&link) {
            headers.append(header::LINK, link);
        }
    }
}
