//! The pure heart: what exists and how it changes. No tokio, files, clock or randomness.
//!
//! Each resource's file holds its type and the transitions of [`Model`] that concern it.

use std::collections::BTreeMap;

pub mod account;
pub mod authorization;
pub mod certificate;
pub mod challenge;
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
pub mod renewal;
pub mod revocation;
pub mod rights;
pub mod settings;

pub use account::{Account, AccountStatus};
pub use authorization::{Authorization, AuthorizationStatus};
pub use certificate::Certificate;
pub use challenge::{Challenge, ChallengeKind, ChallengeState};
pub use eab_key::EabKey;
pub use id::{AccountId, AuthorizationId, CertificateId, OrderId, OwnerId};
pub use identifier::Identifier;
pub use issuer_names::IssuerNames;
pub use mail_challenge::{ChallengeMail, MailChallenge, MailReply, ReplyRefused, TokenJoining};
pub use mail_settings::{MailSettings, ReplySignature};
pub use order::{Order, OrderStatus};
pub use owner::{Owner, OwnerKind};
pub use problem::{Problem, ProblemType};
pub use profile::Profile;
pub use public_key::PublicKey;
pub use rights::Rights;
pub use settings::Settings;

/// Everything that exists.
#[derive(Clone, Debug, Default)]
pub struct Model {
    owners: BTreeMap<OwnerId, Owner>,
    profiles: BTreeMap<String, Profile>,
    eab_keys: BTreeMap<String, EabKey>,
    accounts: BTreeMap<AccountId, Account>,
    /// The account of each key thumbprint; a key has one account, for ever.
    account_keys: BTreeMap<String, AccountId>,
    orders: BTreeMap<OrderId, Order>,
    authorizations: BTreeMap<AuthorizationId, Authorization>,
    /// The latest authorization that proved an identifier for an account; perhaps no longer valid.
    proofs: BTreeMap<(AccountId, Identifier), AuthorizationId>,
    /// The latest authorization that proved a domain with all names below it.
    subdomain_proofs: BTreeMap<(AccountId, String), AuthorizationId>,
    certificates: BTreeMap<CertificateId, Certificate>,
    /// The certificate of each serial number.
    serials: BTreeMap<Vec<u8>, CertificateId>,
}

#[cfg(test)]
mod tests;
