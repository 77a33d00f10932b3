//! Hooks: programs of the user that put proofs in place, called the way that other ACME clients call theirs.
//!
//! A dialect is a file that says, without doing anything, what is called with which arguments and environment, in which
//! order, and what the end of the program means. `runner` alone starts programs, `httpreq` alone sends requests, and
//! [`Hook`] goes through a dialect's calls. To add a dialect: a file that implements `Rules`, and a line in `DIALECTS`.

mod acme_sh;
mod call;
mod certbot;
mod challenge;
mod dehydrated;
mod dialect;
mod error;
mod hook;
mod httpreq;
mod journal;
mod lego;
mod locate;
mod runner;
mod uacme;

pub use call::{Exit, Ran};
pub use challenge::{ChallengeKind, HookChallenge, Verdict};
pub use dialect::{Dialect, UnknownDialect};
pub use error::HookError;
pub use hook::{Hook, Hooks};
pub use httpreq::Credentials;
pub use locate::{Folders, locate};

use dialect::Rules;

/// Every dialect; the first is the default.
const DIALECTS: &[&dyn Rules] = &[
    &lego::Lego,
    &lego::LegoRaw,
    &certbot::Certbot,
    &dehydrated::Dehydrated { chain: false },
    &dehydrated::Dehydrated { chain: true },
    &acme_sh::AcmeSh,
    &uacme::Uacme,
];
