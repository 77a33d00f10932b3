//! What can be scripted.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::{Map, Value};

use super::{
    Endpoint,
    certificate::{ChainForm, LeafForm},
    document::Listing,
    header::{LinkForm, LocationForm, RetryAfter},
    order::Born,
    refusal::ErrorPage,
};
use crate::model::duration;

/// Something that goes wrong, and when.
///
/// Of the requests that `endpoint` and `account` select, it strikes those from number `from` on, `count` of them, each
/// with `probability`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What goes wrong.
    pub fault: Kind,
    /// Where; everywhere when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Endpoint>,
    /// In requests signed by this account, given by its id or URL; in anybody's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The first request that it can strike, counted from 1.
    #[serde(default = "first")]
    pub from: u64,
    /// How many requests it can strike; all that come when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// How likely each of them is struck; certainly when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<Probability>,
}

fn first() -> u64 {
    1
}

impl Fault {
    /// A fault that strikes every request.
    #[must_use]
    pub fn always(fault: Kind) -> Self {
        Self { fault, endpoint: None, account: None, from: first(), count: None, probability: None }
    }

    /// A fault that strikes every request to an endpoint.
    #[must_use]
    pub fn at(endpoint: Endpoint, fault: Kind) -> Self {
        Self { endpoint: Some(endpoint), ..Self::always(fault) }
    }

    /// The same fault, for so many requests.
    #[must_use]
    pub fn times(self, count: u64) -> Self {
        Self { count: Some(count), ..self }
    }

    /// The same fault, from the request with this number on.
    #[must_use]
    pub fn from_request(self, from: u64) -> Self {
        Self { from, ..self }
    }

    /// The same fault, by chance.
    #[must_use]
    pub fn likely(self, probability: Probability) -> Self {
        Self { probability: Some(probability), ..self }
    }
}

/// A number from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Probability(f64);

/// It is never NaN.
impl Eq for Probability {}

impl Probability {
    /// `None` when it is not within 0 and 1.
    #[must_use]
    pub fn new(probability: f64) -> Option<Self> {
        (0.0..=1.0).contains(&probability).then_some(Self(probability))
    }

    /// Whether it happens, when chance drew this number of the range 0 to 1.
    #[must_use]
    pub(super) fn holds(self, drawn: f64) -> bool {
        drawn < self.0
    }
}

impl<'de> Deserialize<'de> for Probability {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = f64::deserialize(deserializer)?;
        Self::new(number)
            .ok_or_else(|| D::Error::custom(format!("a probability is from 0 to 1, not {number}")))
    }
}

/// What goes wrong. Written as a name, or as an object with the name and what belongs to it: `"bad_nonce"`,
/// `{"delay": "2s"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The work and its answer come this much later.
    #[serde(with = "duration")]
    Delay(Duration),
    /// The connection is dropped, and nothing was done.
    DropBefore,
    /// The work is done, and the connection dropped without an answer.
    DropAfter,
    /// `badNonce`, with a fresh nonce; nothing was done.
    BadNonce,
    /// 429 `rateLimited` with this `Retry-After`; nothing was done.
    RateLimited(RetryAfter),
    /// This problem document, with the status that it names; nothing was done. A `type` without a colon gets the
    /// prefix of ACME's types.
    Problem(Map<String, Value>),
    /// A proxy's page in HTML, without nonce and links.
    ErrorPage(ErrorPage),
    /// A redirect with this status, to the very same URL; nothing was done.
    Redirect(u16),
    /// No Replay-Nonce.
    NoNonce,
    /// This text as Replay-Nonce, where one belongs.
    InvalidNonce(String),
    /// This `Retry-After`.
    RetryAfter(RetryAfter),
    /// `Location` in another form, where there is one.
    Location(LocationForm),
    /// `Link` headers in another form.
    Links(LinkForm),
    /// This status instead of another one of success.
    Status(u16),
    /// An empty body.
    EmptyBody,
    /// The first so many bytes of the body, as if they were all of it.
    CutBody(usize),
    /// The first so many bytes of the body, then the connection breaks.
    BrokenBody(usize),
    /// The body, made so many bytes long with spaces.
    HugeBody(usize),
    /// This body instead.
    Body(String),
    /// In every document and each object in it a member that nobody knows, and an unknown challenge in authorizations.
    ExtraMembers,
    /// Arrays and members in another order each time.
    Shuffle,
    /// The document after this merge patch (RFC 7396).
    Merge(Map<String, Value>),
    /// `http://` URLs instead of `https://` ones.
    PlainHttp,
    /// Escape sequences for terminals in every text that is meant for people.
    EscapeSequences,
    /// An order's list of authorizations, changed.
    Authorizations(Listing),
    /// An order that needs no challenge, or no finalization either (newOrder).
    Born(Born),
    /// A certificate chain in another form.
    Chain(ChainForm),
    /// Another leaf than the one that was issued, signed by the same issuer.
    Leaf(LeafForm),
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json, to_value};

    use super::*;

    #[test]
    fn names_and_objects_are_read_and_written() {
        for fault in [
            json!({"fault": "bad_nonce", "from": 1}),
            json!({"fault": {"delay": "2s"}, "endpoint": "newOrder", "from": 3, "count": 1}),
            json!({"fault": {"rate_limited": {"seconds": 2}}, "from": 1, "probability": 0.5}),
            json!({"fault": {"merge": {"status": "processing", "certificate": null}}, "account": "a1", "from": 1}),
            json!({"fault": {"error_page": {"status": 503, "after_work": true}}, "from": 1}),
        ] {
            let read: Fault = from_value(fault.clone()).unwrap();
            assert_eq!(to_value(&read).unwrap(), fault);
        }
        assert_eq!(
            from_value::<Fault>(json!({"fault": "drop_after"})).unwrap(),
            Fault::always(Kind::DropAfter),
        );
    }

    #[test]
    fn what_is_misspelt_is_named_in_the_error() {
        for (fault, named) in [
            (json!({"fault": "bad_nonse"}), "bad_nonse"),
            (json!({"fault": "bad_nonce", "cuont": 1}), "cuont"),
            (json!({"fault": "bad_nonce", "endpoint": "neworder"}), "neworder"),
            (json!({"fault": {"error_page": {"status": 503, "work": true}}}), "work"),
            (json!({"fault": {"delay": 2}}), "2"),
            (json!({"fault": "bad_nonce", "probability": 2.0}), "from 0 to 1"),
            (json!({"endpoint": "newOrder"}), "fault"),
        ] {
            let error = from_value::<Fault>(fault).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}
