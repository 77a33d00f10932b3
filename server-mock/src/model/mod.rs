//! The pure heart: what exists and how it changes. No tokio, files, clock or randomness.
//!
//! Each resource's file holds its type and the transitions of [`Model`] that concern it.

use std::collections::{BTreeMap, VecDeque};

pub mod account;
pub mod authorization;
mod base64_bytes;
pub mod blocked_names;
pub mod certificate;
mod certificate_index;
pub mod challenge;
pub mod challenge_mail;
pub mod changes;
pub mod domain_name;
pub mod duration;
pub mod eab_key;
pub mod email_address;
pub mod finalize;
pub mod id;
pub mod identifier;
pub mod issuer_names;
pub mod mail_challenge;
pub mod mail_settings;
pub mod moment;
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
mod validity;

pub use account::{Account, AccountStatus};
pub use authorization::{Authorization, AuthorizationStatus};
pub use certificate::Certificate;
pub use challenge::{Challenge, ChallengeKind, ChallengeState};
pub use challenge_mail::ChallengeMail;
pub use domain_name::DomainName;
pub use eab_key::EabKey;
pub use email_address::EmailAddress;
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
pub use rights::{Right, Rights};
pub use settings::{Capacity, Limits, Settings};
pub use terms::Terms;

use time::OffsetDateTime;

use certificate_index::CertificateIndex;
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
    /// The account of each key that is an account's now, by its thumbprint; closed accounts keep theirs.
    account_keys: BTreeMap<String, AccountId>,
    orders: Table<OrderId, Order>,
    /// How many identifiers the orders have together.
    ordered: usize,
    /// How many identifiers the certificates that are being signed have together.
    signing: usize,
    authorizations: Table<AuthorizationId, Authorization>,
    /// The latest authorization that proved an identifier for an account; perhaps no longer valid.
    proofs: BTreeMap<(AccountId, Identifier), AuthorizationId>,
    /// The latest authorization that proved a domain with all names below it.
    subdomain_proofs: BTreeMap<(AccountId, String), AuthorizationId>,
    /// The authorization of each token that went by mail.
    mail_tokens: BTreeMap<String, AuthorizationId>,
    /// The authorizations whose challenge mails are to be sent, each once.
    due_mails: VecDeque<AuthorizationId>,
    certificates: Table<CertificateId, Certificate>,
    /// The end of the CA that issues; the server says it anew at each start.
    issuer_end: Option<OffsetDateTime>,
    certificate_index: CertificateIndex,
    /// At most one row: the terms, once they were changed.
    terms: Table<String, Terms>,
    /// What happened lately, for the limits.
    rates: Rates,
    /// How many orders and authorizations make it worth to look for those that can go.
    sweep_at: usize,
}

#[cfg(test)]
mod tests;
