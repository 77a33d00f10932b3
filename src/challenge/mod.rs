//! Ways to prove control of a name: one file a method, one contract for all.
//!
//! To add a method: a file that implements [`Solver`], a variant in [`Method`] and a line in [`Solvers::of`]. One that
//! publishes DNS records implements `dns::Publisher` instead, and lets `Dns` do the rest.

mod dns;
mod dns_hook;
mod handed_over;
mod http_hook;
mod listener;
mod manual;
mod method;
mod persist;
mod rfc2136;
mod standalone;
mod tls_alpn;
mod webroot;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures_util::future::join_all;

use crate::core::dns_record::{InvalidRecordName, RecordName};
use crate::core::dns_settings::DnsSettings;
use crate::core::key_authorization::Token;
use crate::core::persist_record::Demand;
use crate::dns::{DnsClient, LookupError, NotVisible, UpdateError};
use crate::hooks::{ChallengeKind, HookError, Hooks};

pub use crate::hooks::Verdict;
pub use method::{InvalidMethod, Method};
pub use rfc2136::{UpdateFileError, read_update_file};

use dns::Dns;
use dns_hook::DnsHook;
use http_hook::HttpHook;
use manual::{ManualDns, ManualHttp};
use persist::Persist;
use rfc2136::Rfc2136;
use standalone::Standalone;
use tls_alpn::TlsAlpn;
use webroot::Webroot;

/// What must be shown to the server for one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The name, as the authorization has it.
    pub name: String,
    /// The challenge's type, one of the solver's.
    pub challenge_type: &'static str,
    /// The account's URL, which some challenges are bound to.
    pub account_url: String,
    /// The challenge's token; none for dns-persist-01.
    pub token: Token,
    /// Token and account thumbprint (RFC 8555 §8.1); empty for dns-persist-01.
    pub key_authorization: String,
    /// What a record that stands for good must grant; for dns-persist-01 alone.
    pub standing: Option<Demand>,
}

/// Where a solver tells what it waits for.
pub type Tell<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// Somebody at a terminal, for the ways that need hands.
pub trait Person: Send + Sync {
    /// Whether anybody can answer.
    fn is_there(&self) -> bool;

    /// Shows a text.
    fn tell(&self, text: &str);

    /// Shows a text and waits for a line, as long as that takes: not for a thread that has other work.
    ///
    /// # Errors
    /// When the terminal can't be read.
    fn ask(&self, text: &str) -> io::Result<String>;
}

/// A way to prove control. Presenting, waiting and cleaning up are apart, so that everything slow starts together.
#[async_trait]
pub trait Solver: Send + Sync {
    /// The challenge types that it answers, as in RFC 8555 §9.7.8, the best first.
    fn challenge_types(&self) -> &'static [&'static str];

    /// Puts the proof in place. Presenting the same proof twice is fine.
    async fn present(&self, proof: &Proof) -> Result<(), ChallengeError>;

    /// Waits until the server can see it. Most ways show it at once.
    async fn wait_until_visible(&self, _proof: &Proof, _tell: Tell<'_>) -> Result<(), ChallengeError> {
        Ok(())
    }

    /// Takes the proof away again; nothing there is fine.
    async fn clean_up(&self, proof: &Proof) -> Result<(), ChallengeError>;

    /// Presents the proofs of an order and waits until the server can see them: all at once, unless the way has an
    /// order of its own. When one fails, the others come to their end first.
    async fn show(&self, proofs: &[Proof], tell: Tell<'_>) -> Result<(), ChallengeError> {
        let shown = proofs.iter().map(|proof| async move {
            self.present(proof).await?;
            self.wait_until_visible(proof, tell).await
        });
        join_all(shown).await.into_iter().collect()
    }

    /// Hears what the server made of a proof, before that is cleaned up.
    async fn judged(&self, _proof: &Proof, _verdict: &Verdict) {}

    /// Cleans up the proofs of an order. Failures are logged; one that is returned ends the run.
    async fn take_down(&self, proofs: &[Proof]) -> Result<(), ChallengeError> {
        for failure in join_all(proofs.iter().map(|proof| self.clean_up(proof))).await {
            if let Err(error) = failure {
                tracing::warn!("{}", with_causes(&error));
            }
        }
        Ok(())
    }

    /// Where the proof stands, if no other may stand there meanwhile: those of one place are shown one after another.
    async fn place(&self, _proof: &Proof) -> Option<String> {
        None
    }

    /// What is held from a proof's presenting to its verdict, where there may be one at a time only.
    fn turn(&self) -> Option<&tokio::sync::Mutex<()>> {
        None
    }

    /// Hears that the run ends, and what went wrong in it.
    async fn end(&self, _error: Option<&str>) {}

    /// What the user should look at when the server did not accept the proof.
    fn advice(&self, name: &str) -> String;
}

/// Why a proof could not be put in place or taken away.
#[derive(Debug, thiserror::Error)]
pub enum ChallengeError {
    /// A hook.
    #[error(transparent)]
    Hook(#[from] HookError),
    /// A file or folder in the webroot.
    #[error("could not {action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// The certificate that is to prove could not be made.
    #[error("could not make the certificate for tls-alpn-01")]
    Certificate {
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The address is taken or not ours.
    #[error("could not listen on {address} for the server's validation")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// No record can stand where the server looks for it.
    #[error("{name} can't be proven by DNS")]
    RecordName {
        /// The name.
        name: String,
        /// Why not.
        #[source]
        source: InvalidRecordName,
    },
    /// Where a record is to stand is not known.
    #[error("it is not known where the record is to stand")]
    Lookup(#[from] LookupError),
    /// How zones are updated is not known.
    #[error(transparent)]
    UpdateFile(#[from] UpdateFileError),
    /// A zone was not updated.
    #[error("the record {name} could not be updated")]
    Update {
        /// The record's name.
        name: RecordName,
        /// Why not. Boxed, for it is large and rare.
        #[source]
        source: Box<UpdateError>,
    },
    /// A record does not show.
    #[error(transparent)]
    NotVisible(#[from] NotVisible),
    /// A record that stands for good does not, or does not grant what is demanded.
    #[error("no record on all servers lets this account prove {name}")]
    NotStanding {
        /// The name.
        name: String,
        /// The record that would do, as zone files have it.
        record: String,
        /// Who does not show it.
        #[source]
        source: NotVisible,
    },
    /// It is to be done by hand, and nobody is there.
    #[error("{name} is to be proven by hand, and there is no terminal to ask at")]
    NobodyThere {
        /// The name.
        name: String,
    },
    /// The terminal broke.
    #[error("the answer could not be read")]
    Terminal {
        /// The system's answer.
        #[source]
        source: io::Error,
    },
}

impl ChallengeError {
    /// Whether it is certain that nothing was put in place.
    fn leaves_nothing(&self) -> bool {
        match self {
            Self::Update { source, .. } => {
                !matches!(**source, UpdateError::NoAnswer { .. } | UpdateError::Unsigned { .. })
            }
            Self::Lookup(_) | Self::UpdateFile(_) | Self::RecordName { .. } | Self::NobodyThere { .. } => {
                true
            }
            _ => false,
        }
    }
}

/// A failure with all that led to it, in a line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |told, cause| format!("{told}: {cause}"))
}

/// The solvers of a run. Certificates that use the same method in the same way share one, and with it the port it
/// listens on.
pub struct Solvers {
    person: Arc<dyn Person>,
    hooks: Hooks,
    made: Mutex<HashMap<(Method, DnsSettings), Arc<dyn Solver>>>,
    places: Mutex<HashMap<String, Place>>,
}

/// Held while a proof stands where no other may stand.
pub type Place = Arc<tokio::sync::Mutex<()>>;

impl ChallengeError {
    /// Whether a hook declined this type of challenge, so that another may be tried.
    #[must_use]
    pub fn is_declined(&self) -> bool {
        matches!(self, Self::Hook(error) if error.is_declined())
    }
}

impl Solvers {
    /// None so far. `person` is asked where hands are needed.
    #[must_use]
    pub fn new(person: Arc<dyn Person>, hooks: Hooks) -> Self {
        Self { person, hooks, made: Mutex::default(), places: Mutex::default() }
    }

    /// A place that proofs stand at one after another, whichever certificates of the run they are for.
    pub fn place(&self, name: &str) -> Place {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.entry(name.to_owned()).or_default().clone()
    }

    /// The solver for a method; the settings matter to those that work by DNS.
    pub fn of(&self, method: &Method, settings: &DnsSettings) -> Arc<dyn Solver> {
        let settings = if method.is_by_dns() { settings.clone() } else { DnsSettings::default() };
        let make = |(method, settings): &(Method, DnsSettings)| -> Arc<dyn Solver> {
            let client = || Arc::new(DnsClient::new(settings));
            match method {
                Method::Webroot(folder) => Arc::new(Webroot::new(folder.clone())),
                Method::Standalone(address) => Arc::new(Standalone::new(*address)),
                Method::TlsAlpn(address) => Arc::new(TlsAlpn::new(*address)),
                Method::ManualDns => Arc::new(Dns::new(ManualDns::new(&self.person), client())),
                Method::DnsRfc2136(file) => {
                    let client = client();
                    Arc::new(Dns::new(Rfc2136::new(file.clone(), client.clone()), client))
                }
                Method::DnsPersist => Arc::new(Persist::new(client())),
                Method::ManualHttp => Arc::new(ManualHttp::new(&self.person)),
                Method::Hook { kind, dialect, command } => {
                    let hook = self.hooks.of(*dialect, command);
                    match kind {
                        ChallengeKind::Dns01 => Arc::new(DnsHook::new(hook, client())),
                        ChallengeKind::Http01 | ChallengeKind::TlsAlpn01 => {
                            Arc::new(HttpHook::new(hook, *kind))
                        }
                    }
                }
            }
        };
        let key = (method.clone(), settings);
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.get(&key).cloned().unwrap_or_else(|| {
            let solver = make(&key);
            made.insert(key, solver.clone());
            solver
        })
    }
}

#[cfg(test)]
impl Proof {
    /// The proof of a.test that this token makes.
    fn of_token(token: &str) -> Self {
        let token = Token::parse(token).expect("a test's token");
        Self {
            name: "a.test".into(),
            challenge_type: "http-01",
            account_url: "https://ca.test/account/1".into(),
            key_authorization: token.key_authorization("thumb"),
            token,
            standing: None,
        }
    }
}
