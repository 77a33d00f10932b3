//! What a person is told when something fails: what, why, and what to do about it.

mod rights;

use crate::acme::{AcmeError, KeyError};
use crate::challenge::{ChallengeError, InvalidMethod, UpdateFileError};
use crate::config::ConfigError;
use crate::core::eab::InvalidCredentials;
use crate::core::problem::Problem;
use crate::dns::{KeyFault, NotVisible, UpdateError};
use crate::hooks::HookError;
use crate::keys::KeyFailure;
use crate::store::StoreError;

/// What kind of failure it is; decides the exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Our own mistake.
    Internal,
    /// The command line, or an answer that only the user can give.
    Usage,
    /// Configuration or local files.
    Local,
    /// The server refused: rights, policy, terms, rate limit.
    Refused,
    /// A challenge failed.
    Challenge,
    /// The server can't be reached, or broke the protocol.
    Server,
    /// Another run holds the lock too long.
    Locked,
    /// A signal ended the run; the number is the signal's.
    Interrupted(u8),
}

impl Kind {
    /// The exit status, as interface and manual promise it.
    #[must_use]
    pub fn exit_status(self) -> u8 {
        match self {
            Self::Internal => 1,
            Self::Usage => 2,
            Self::Local => 3,
            Self::Refused => 4,
            Self::Challenge => 5,
            Self::Server => 6,
            Self::Locked => 8,
            Self::Interrupted(signal) => 128 + signal,
        }
    }

    /// Its name in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Usage => "usage",
            Self::Local => "local",
            Self::Refused => "refused",
            Self::Challenge => "challenge",
            Self::Server => "server",
            Self::Locked => "locked",
            Self::Interrupted(_) => "interrupted",
        }
    }
}

/// A failure, ready to be shown.
#[derive(Clone, Debug)]
pub struct Error {
    /// What kind it is.
    pub kind: Kind,
    /// What failed.
    pub message: String,
    /// Why, the nearest cause first.
    pub causes: Vec<String>,
    /// What to do.
    pub hints: Vec<String>,
    /// What the server said, for machines. Boxed, for it is large and rare.
    pub problem: Option<Box<Problem>>,
}

impl Error {
    /// A failure without a cause so far.
    #[must_use]
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), causes: Vec::new(), hints: Vec::new(), problem: None }
    }

    /// A failure of this kind, told by an error and its sources.
    fn from_chain(kind: Kind, error: &dyn std::error::Error) -> Self {
        let mut causes = Vec::new();
        let mut source = error.source();
        while let Some(cause) = source {
            let cause_text = cause.to_string();
            // Some libraries repeat their source's text in their own.
            if causes.last().is_none_or(|last: &String| !last.contains(&cause_text)) {
                causes.push(cause_text);
            }
            source = cause.source();
        }
        Self { causes, ..Self::new(kind, error.to_string()) }
    }

    /// The same failure with one more cause.
    #[must_use]
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// The same failure with one more hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The same failure under a headline that says what was going on; the old message becomes the first cause.
    #[must_use]
    pub fn context(mut self, message: impl Into<String>) -> Self {
        self.causes.insert(0, std::mem::replace(&mut self.message, message.into()));
        self
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let kind = if matches!(error, StoreError::Locked { .. }) { Kind::Locked } else { Kind::Local };
        let told = Self::from_chain(kind, &error);
        match &error {
            StoreError::Io { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied => told
                .hint("run as the user who owns the state directory, or choose another one with --state-dir"),
            StoreError::Damaged { .. } => told.hint("restore the file from a backup, or move it away"),
            StoreError::NoCertificate(_) => told.hint("`cacert-acme list` shows the certificates there are"),
            StoreError::Locked { .. } => told.hint("look for a run that hangs: `pgrep -a cacert-acme`"),
            _ => told,
        }
    }
}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        let told = Self::from_chain(Kind::Local, &error);
        match error {
            ConfigError::UnknownKey { nearest: Some(nearest), .. } => {
                told.hint(format!("did you mean `{nearest}`?"))
            }
            ConfigError::UnknownKey { .. } => {
                told.hint("a setting is a flag's name without the two hyphens, see `cacert-acme help issue`")
            }
            _ => told,
        }
    }
}

impl From<InvalidCredentials> for Error {
    fn from(error: InvalidCredentials) -> Self {
        Self::from_chain(Kind::Usage, &error)
            .hint("copy key identifier and MAC key again from «ACME clients» in the CAcert web UI")
    }
}

impl From<InvalidMethod> for Error {
    fn from(error: InvalidMethod) -> Self {
        Self::from_chain(Kind::Usage, &error)
    }
}

impl From<KeyError> for Error {
    fn from(error: KeyError) -> Self {
        let told = Self::from_chain(Kind::Local, &error);
        match error {
            KeyError::Pem => told.hint(
                "`openssl pkcs8 -topk8 -nodes -in OLD.pem -out NEW.pem` takes a passphrase off, and knows other forms",
            ),
            KeyError::Unusable => told,
        }
    }
}

impl From<KeyFailure> for Error {
    fn from(error: KeyFailure) -> Self {
        Self::from_chain(Kind::Internal, &error)
    }
}

impl From<ChallengeError> for Error {
    fn from(error: ChallengeError) -> Self {
        let kind = match error {
            ChallengeError::UpdateFile(_) => Kind::Local,
            _ => Kind::Challenge,
        };
        let mut told = Self::from_chain(kind, &error);
        if let ChallengeError::NotVisible(seen) | ChallengeError::NotStanding { source: seen, .. } = &error
            && let NotVisible::Missing { servers, .. } = seen
        {
            told.causes.extend(servers.iter().map(|(server, seen)| format!("{server}: {seen}")));
        }
        match error {
            ChallengeError::UpdateFile(error) => match error {
                UpdateFileError::Open { path, .. } => told.hint(format!("chmod 600 {}", path.display())),
                UpdateFileError::Form { .. } => told.hint(
                    "tsig-keygen writes such a file; in TOML it has key, algorithm and secret or secret-file, and may have server and zone",
                ),
                UpdateFileError::Read { .. } => told,
            },
            ChallengeError::Update { source, .. } => told.hint(update_hint(&source)),
            ChallengeError::Lookup(_) | ChallengeError::NotVisible(NotVisible::Lookup(_)) => told.hint(
                "--dns-resolver ADDR names a resolver that knows; --dns-alias RECORD says outright where the record stands",
            ),
            ChallengeError::NotStanding { record, .. } => told.hint(format!("publish it once: {record}")),
            ChallengeError::NotVisible(_) => told.hint(
                "--dns-timeout waits longer; --dns-wait-for resolvers asks only them, where the zone's servers can't be asked from here",
            ),
            ChallengeError::File { .. } => {
                told.hint("--webroot must be an existing folder that this user may write to")
            }
            ChallengeError::Hook(error) => tell_hook(told, &error),
            ChallengeError::Certificate { .. }
            | ChallengeError::RecordName { .. }
            | ChallengeError::Terminal { .. } => told,
            ChallengeError::NobodyThere { .. } => told.hint(
                "run it at a terminal and without --json, or prove the name in a way that a timer can go: see `cacert-acme help issue`",
            ),
            ChallengeError::Listen { source, .. } if source.kind() == std::io::ErrorKind::AddrInUse => told.hint(
                "another program listens there: use --webroot with your web server's folder, or another ADDR:PORT behind it",
            ),
            ChallengeError::Listen { .. } => {
                told.hint("ports below 1024 need root; --standalone=ADDR:PORT and --tls-alpn=ADDR:PORT take others")
            }
        }
    }
}

impl From<HookError> for Error {
    fn from(error: HookError) -> Self {
        let kind = if matches!(error, HookError::PasswordInUrl { .. }) { Kind::Usage } else { Kind::Local };
        tell_hook(Self::from_chain(kind, &error), &error)
    }
}

/// A hook's failure with what the hook said of it.
fn tell_hook(mut told: Error, error: &HookError) -> Error {
    told.causes.extend(error.last_lines().iter().cloned());
    match error {
        HookError::Start { .. } => told.hint("a script needs its interpreter in the first line, as in #!/bin/sh"),
        HookError::Failed { .. } => told.hint(
            "--hook-dialect says which client the hook was written for; -v shows all that it says",
        ),
        HookError::TimedOut { .. } => told.hint("the hook must end when the proof is in place"),
        HookError::PasswordInUrl { hook } => told.hint(format!(
            "use {hook}, with the password in the variable HTTPREQ_PASSWORD or in the file that HTTPREQ_PASSWORD_FILE names"
        )),
        HookError::Answered { status: 401 | 403, .. } => {
            told.hint("HTTPREQ_USERNAME and HTTPREQ_PASSWORD (or HTTPREQ_PASSWORD_FILE) are who we are there")
        }
        HookError::Missing { .. }
        | HookError::Declined { .. }
        | HookError::Request { .. }
        | HookError::Answered { .. }
        | HookError::File { .. } => told,
    }
}

fn update_hint(error: &UpdateError) -> &'static str {
    match error {
        UpdateError::Key { fault: KeyFault::Unknown, .. } => {
            "name and algorithm of the key must be those that the DNS server has for it"
        }
        UpdateError::Key { fault: KeyFault::Secret, .. } | UpdateError::Unsigned { .. } => {
            "copy the secret again from the DNS server's configuration"
        }
        UpdateError::Key { fault: KeyFault::Clock, .. } => "check this machine's clock",
        UpdateError::Refused { .. } => {
            "the zone must let the key change TXT records of this name (BIND: update-policy, Knot: acl)"
        }
        UpdateError::Lookup(_) | UpdateError::NoServer { .. } | UpdateError::NoAnswer { .. } => {
            "in a TOML file for --dns-rfc2136, `server` and `zone` say outright where updates go"
        }
        UpdateError::OtherZone { .. } => {
            "`zone` in the file for --dns-rfc2136 is another one than the record's"
        }
        UpdateError::Unsignable(_) => "check name and secret of the key",
    }
}

impl From<AcmeError> for Error {
    fn from(error: AcmeError) -> Self {
        let kind = match &error {
            AcmeError::Refused(refusal) if refusal.status >= 500 => Kind::Server,
            AcmeError::Refused(_) | AcmeError::OrderFailed(_) => Kind::Refused,
            AcmeError::Key(_) | AcmeError::Setup(_) => Kind::Local,
            AcmeError::Insecure(_) => Kind::Usage,
            _ => Kind::Server,
        };
        let mut told = Self::from_chain(kind, &error);
        if let AcmeError::Unreachable { .. } | AcmeError::Untrusted { .. } = error {
            // Between «connection refused» and us are only layers that say that something failed.
            told.causes.drain(..told.causes.len().saturating_sub(1));
        }
        if let Some(problem) = error.problem() {
            told.causes.extend(problem.lines());
            told.problem = Some(Box::new(problem.clone()));
        }
        told.hints.extend(acme_hints(&error));
        told
    }
}

const WEB_UI: &str = "in the CAcert web UI, under «ACME clients» (organisations: «Org ACME clients»)";

/// What to do about it, by the type of the error. Rights are CAcert's: they are changed in its web UI.
fn acme_hints(error: &AcmeError) -> Vec<String> {
    let mut hints = Vec::new();
    if let Some(instance) = error.problem().and_then(|problem| problem.instance.as_deref()) {
        hints.push(format!("the server wants you to visit {instance}"));
    }
    match error {
        AcmeError::Refused(refusal) => {
            hints.extend(problem_hints(&refusal.problem, refusal.status));
            if let Some(delay) = refusal.retry_after {
                hints.push(format!("the server asks to wait {} s before the next try", delay.as_secs()));
            }
        }
        AcmeError::OrderFailed(Some(problem)) => hints.extend(problem_hints(problem, 403)),
        AcmeError::Untrusted { .. } => hints.push(
            "if the server's certificate comes from a CA that this system does not know (CAcert's own, for instance), name its root with --ca-bundle FILE"
                .into(),
        ),
        AcmeError::Unreachable { .. } => hints.push("check --server, network and proxy; the next run tries again".into()),
        AcmeError::StillPending { .. } => {
            hints.push("the order is kept: run the same command again later, and it goes on from there".into());
        }
        AcmeError::NoDirectory { found, .. } => {
            hints.push(format!("there is {found}: --server must be the URL of the directory, as the CAcert web UI shows it"));
        }
        AcmeError::Setup(_) => hints.push(
            "if this system has no root certificates, install its package ca-certificates, or name the server's root with --ca-bundle FILE".into(),
        ),
        AcmeError::Insecure(_) => hints.push("ACME is spoken over https only (RFC 8555 §6.1)".into()),
        _ => {}
    }
    hints
}

/// By the rights that are missing, if the server says so; else by the type of the problem.
fn problem_hints(problem: &Problem, status: u16) -> Vec<String> {
    let rights = rights::right_hints(problem);
    if !rights.is_empty() {
        return rights;
    }
    // RFC 8555 §7.3.6: nothing else is answered so.
    if status == 401 && problem.is("unauthorized") {
        let hint = "the account is deactivated or revoked, for good: register a new one with a new key identifier (`cacert-acme register --account NAME`)";
        return vec![hint.into()];
    }
    problem.name().and_then(refusal_hint).into_iter().collect()
}

fn refusal_hint(name: &str) -> Option<String> {
    Some(match name {
        "externalAccountRequired" => format!(
            "this server needs External Account Binding: create a key identifier and MAC key {WEB_UI}, then use --eab-kid and --eab-key-file"
        ),
        "unauthorized" => format!(
            "check {WEB_UI} that the key identifier exists, is not revoked, is not used by another client already, and has the right that this needs; if the MAC key was copied wrongly, create a new pair there"
        ),
        "rejectedIdentifier" => {
            format!("the rights of this client's key do not cover the name: add it {WEB_UI}, or leave it out")
        }
        "accountDoesNotExist" => {
            "the server does not know this account (any more): register again, with a new key identifier"
                .into()
        }
        "rateLimited" => "too many requests in a short time: wait before the next try".into(),
        "userActionRequired" => "agree to the terms of service first (--agree-tos)".into(),
        "caa" => "the domain's CAA records in DNS forbid this CA: add one that allows it".into(),
        "badPublicKey" => "another --account-key-type (or --key-type, for a certificate's key) may do".into(),
        "badSignatureAlgorithm" => {
            "another --account-key-type may do, or another --eab-alg for the binding".into()
        }
        "badCSR" => "another --key-type may do, or another request (--csr)".into(),
        "alreadyRevoked" => "nothing is left to do".into(),
        _ => return None,
    })
}

/// A secret can't slip in here: no error of ours holds one. See `core::secret`.
impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}
