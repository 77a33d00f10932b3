//! The pure heart: what exists and how it changes. No tokio, files, clock or randomness.
//!
//! Each resource's file holds its type and the transitions of [`Model`] that concern it.

use std::collections::{BTreeMap, VecDeque};

pub mod account;
pub mod authorization;
mod base64_bytes;
pub mod blocked_names;
pub mod certificate;
pub mod challenge;
pub mod challenge_mail;
pub mod changes;
pub mod duration;
pub mod eab_key;
pub mod finalize;
pub mod id;
pub mod identifier;
pub mod issuer_names;
pub mod mail_challenge;
pub mod mail_settings;
pub mod order;
pub mod owner;
pub mod pre_authorization;
pub mod problem;
pub mod profile;
pub mod public_key;
pub mod rate_limit;
pub mod renewal;
pub mod revocation;
pub mod rights;
pub mod settings;
mod sweep;
mod table;
pub mod terms;

pub use account::{Account, AccountStatus};
pub use authorization::{Authorization, AuthorizationStatus};
pub use certificate::Certificate;
pub use challenge::{Challenge, ChallengeKind, ChallengeState};
pub use challenge_mail::ChallengeMail;
pub use eab_key::EabKey;
pub use id::{AccountId, AuthorizationId, CertificateId, OrderId, OwnerId};
pub use identifier::Identifier;
pub use issuer_names::IssuerNames;
pub use mail_challenge::{MailChallenge, MailReply, ReplyRefused, TokenJoining};
pub use mail_settings::{DkimSelector, MailSettings, ReplySignature, TokenLength};
pub use order::{Order, OrderStatus};
pub use owner::{Owner, OwnerKind};
pub use problem::{Problem, ProblemType};
pub use profile::Profile;
pub use public_key::PublicKey;
pub use rate_limit::RateLimit;
pub use rights::Rights;
pub use settings::{Capacity, Limits, Settings};
pub use terms::Terms;

use rate_limit::Rates;
use table::Table;

/// Everything that exists.
#[derive(Clone, Debug, Default)]
pub struct Model {
    owners: Table<OwnerId, Owner>,
    /// What is offered now; the configuration says it anew at each start.
    profiles: BTreeMap<String, Profile>,
    eab_keys: Table<String, EabKey>,
    accounts: Table<AccountId, Account>,
    /// The account of each key thumbprint; a key has one account, for ever.
    account_keys: BTreeMap<String, AccountId>,
    orders: Table<OrderId, Order>,
    authorizations: Table<AuthorizationId, Authorization>,
    /// The latest authorization that proved an identifier for an account; perhaps no longer valid.
    proofs: BTreeMap<(AccountId, Identifier), AuthorizationId>,
    /// The latest authorization that proved a domain with all names below it.
    subdomain_proofs: BTreeMap<(AccountId, String), AuthorizationId>,
    /// The authorizations whose challenge mails are to be sent, each once.
    due_mails: VecDeque<AuthorizationId>,
    certificates: Table<CertificateId, Certificate>,
    /// The certificate of each serial number.
    serials: BTreeMap<Vec<u8>, CertificateId>,
    /// At most one row: the terms, once they were changed.
    terms: Table<String, Terms>,
    /// What happened lately, for the limits.
    rates: Rates,
    /// How many orders and authorizations make it worth to look for those that can go.
    sweep_at: usize,
}

#[cfg(test)]
mod tests;
