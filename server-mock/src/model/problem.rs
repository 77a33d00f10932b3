//! Problem documents (RFC 7807) with the error types that RFC 8555 §6.7 and its successors register.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Identifier, Right, domain_name::NoDomainName, email_address::NoEmailAddress};

macro_rules! problem_types {
    ($($(#[$doc:meta])* $variant:ident => $name:literal, $status:literal;)*) => {
        /// A registered error type, in the order of RFC 8555 §6.7, then the later RFCs'.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum ProblemType { $($(#[$doc])* $variant,)* }

        impl ProblemType {
            /// Every type, once.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name after `urn:ietf:params:acme:error:`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The HTTP status sent with it unless a place says otherwise.
            #[must_use]
            pub fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }
        }
    };
}

problem_types! {
    /// The account does not exist.
    AccountDoesNotExist => "accountDoesNotExist", 400;
    /// The certificate is revoked already.
    AlreadyRevoked => "alreadyRevoked", 400;
    /// The certificate was replaced already (RFC 9773).
    AlreadyReplaced => "alreadyReplaced", 409;
    /// The CSR is unacceptable.
    BadCsr => "badCSR", 400;
    /// The nonce is unknown, spent or missing.
    BadNonce => "badNonce", 400;
    /// The JWS was signed by a public key that the server does not support.
    BadPublicKey => "badPublicKey", 400;
    /// The revocation reason is not allowed.
    BadRevocationReason => "badRevocationReason", 400;
    /// The JWS algorithm is not supported.
    BadSignatureAlgorithm => "badSignatureAlgorithm", 400;
    /// CAA records forbid the issuance.
    Caa => "caa", 403;
    /// Several errors, told in the subproblems.
    Compound => "compound", 400;
    /// The server could not connect to the validation target.
    Connection => "connection", 400;
    /// A DNS query failed during validation.
    Dns => "dns", 400;
    /// The request lacks an external account binding.
    ExternalAccountRequired => "externalAccountRequired", 403;
    /// The response did not match the challenge.
    IncorrectResponse => "incorrectResponse", 403;
    /// A contact URL is invalid.
    InvalidContact => "invalidContact", 400;
    /// The profile is unknown or does not fit.
    InvalidProfile => "invalidProfile", 400;
    /// The request was malformed.
    Malformed => "malformed", 400;
    /// The order can't be finalized now.
    OrderNotReady => "orderNotReady", 403;
    /// Too many requests.
    RateLimited => "rateLimited", 429;
    /// The server will not issue for the identifier.
    RejectedIdentifier => "rejectedIdentifier", 403;
    /// An internal error.
    ServerInternal => "serverInternal", 500;
    /// A TLS error during validation.
    Tls => "tls", 400;
    /// The client lacks authorization.
    Unauthorized => "unauthorized", 403;
    /// A contact URL has an unsupported scheme.
    UnsupportedContact => "unsupportedContact", 400;
    /// An identifier has an unsupported type.
    UnsupportedIdentifier => "unsupportedIdentifier", 400;
    /// The user must visit `instance` first.
    UserActionRequired => "userActionRequired", 403;
}

/// A refusal: what the web layer turns into `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The registered type.
    pub kind: ProblemType,
    /// The HTTP status; the type's own unless changed.
    pub status: u16,
    /// For people: what was wrong and what would be right.
    pub detail: String,
    /// Which identifier it concerns; only within [`subproblems`](Self::subproblems) (RFC 8555 §6.7.1).
    pub identifier: Option<Identifier>,
    /// Which right it lacks, sent as the member `right`: an extension of ours (RFC 7807 §3.2).
    #[serde(default)]
    pub right: Option<Right>,
    /// One for each part that failed (RFC 8555 §6.7.1).
    pub subproblems: Vec<Problem>,
    /// The algorithms that would do, with `badSignatureAlgorithm` (RFC 8555 §6.2); never kept.
    #[serde(skip)]
    pub algorithms: &'static [&'static str],
    /// When to try again, sent as `Retry-After`.
    pub retry_after: Option<Duration>,
    /// Where the user must go, with `userActionRequired` (RFC 8555 §7.3.3).
    pub instance: Option<String>,
    /// Where the matter is explained, sent as a `help` link (RFC 8555 §6.6).
    pub help: Option<String>,
}

impl From<NoDomainName> for Problem {
    fn from(refused: NoDomainName) -> Self {
        Self::malformed(refused.to_string())
    }
}

impl From<NoEmailAddress> for Problem {
    fn from(refused: NoEmailAddress) -> Self {
        Self::malformed(refused.to_string())
    }
}

impl Problem {
    /// A problem of this type with its usual status.
    #[must_use]
    pub fn new(kind: ProblemType, detail: impl Into<String>) -> Self {
        Self {
            kind,
            status: kind.status(),
            detail: detail.into(),
            identifier: None,
            right: None,
            subproblems: Vec::new(),
            algorithms: &[],
            retry_after: None,
            instance: None,
            help: None,
        }
    }

    /// Nothing, or what all the parts have in common: the first one's words, and their type if it is the same
    /// (RFC 8555 §6.7.1).
    ///
    /// # Errors
    /// When there is a part.
    pub fn of_parts(parts: Vec<Problem>) -> Result<(), Problem> {
        let Some(first) = parts.first() else { return Ok(()) };
        let same = parts.iter().all(|part| part.kind == first.kind);
        let kind = if same { first.kind } else { ProblemType::Compound };
        let (detail, right) = (first.detail.clone(), first.right);
        Err(Self { right, ..Self::new(kind, detail) }.with_subproblems(parts))
    }

    /// A `malformed` problem.
    #[must_use]
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(ProblemType::Malformed, detail)
    }

    /// An `unauthorized` problem with status 403.
    #[must_use]
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(ProblemType::Unauthorized, detail)
    }

    /// A `malformed` problem with status 404.
    #[must_use]
    pub fn not_found(what: impl std::fmt::Display) -> Self {
        Self::malformed(format!("there is no such {what}")).with_status(404)
    }

    /// The same problem, its detail preceded by where it is.
    #[must_use]
    pub fn within(mut self, place: &str) -> Self {
        self.detail = format!("{place}: {}", self.detail);
        self
    }

    /// The same problem with another HTTP status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The same problem, for want of this right.
    #[must_use]
    pub fn lacking(mut self, right: Right) -> Self {
        self.right = Some(right);
        self
    }

    /// The same problem, about one identifier (for use as a subproblem).
    #[must_use]
    pub fn about(mut self, identifier: Identifier) -> Self {
        self.identifier = Some(identifier);
        self
    }

    /// The same problem with its parts told one by one.
    #[must_use]
    pub fn with_subproblems(mut self, subproblems: Vec<Problem>) -> Self {
        self.subproblems = subproblems;
        self
    }
}
