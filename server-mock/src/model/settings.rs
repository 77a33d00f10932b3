//! What the operator of the server decides.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::{IssuerNames, Profile, RateLimit, duration, profile};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Whether an authorization for what CAcert has verified already is valid from the start, so that its challenges
/// need no answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PrevalidAuthorizations {
    /// Never: clients prove every name.
    #[default]
    Off,
    /// For verified domains, all names below them, and verified addresses.
    On,
    /// For verified domains themselves and verified addresses.
    Exact,
}

/// The server's policy in numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where the CAcert Community Agreement can be read.
    pub terms_of_service: String,
    /// The website in the directory's `meta`.
    pub website: String,
    /// How long an order may take until it is finalized.
    #[serde(with = "duration::positive")]
    pub order_lifetime: Duration,
    /// How long an authorization may stay pending, and how long a valid one counts.
    #[serde(with = "duration::positive")]
    pub authorization_lifetime: Duration,
    /// Whether a valid authorization of the same account serves new orders too.
    pub reuse_authorizations: bool,
    /// Whether what the owner has verified with CAcert needs no challenge.
    pub prevalid_authorizations: PrevalidAuthorizations,
    /// The lifetime of certificates; without it CAcert's own, which depends on the owner's assurance.
    #[serde(with = "duration::positive_option")]
    pub certificate_lifetime: Option<Duration>,
    /// How long the signing machine takes; while it does, orders are `processing`.
    #[serde(with = "duration")]
    pub signing_delay: Duration,
    /// What `Retry-After` says while an order is being signed.
    #[serde(with = "duration")]
    pub retry_after: Duration,
    /// What `Retry-After` says with renewal information (RFC 9773 §4.3).
    #[serde(with = "duration::positive")]
    pub renewal_info_retry_after: Duration,
    /// How many identifiers an order may have.
    pub max_identifiers: usize,
    /// Domains, mail addresses and IP addresses that nobody gets certificates for.
    pub blocked_names: Vec<String>,
    /// How often a failed validation is tried again before the challenge is invalid.
    pub validation_retries: usize,
    /// The pause before each further try.
    #[serde(with = "duration")]
    pub validation_retry_pause: Duration,
    /// How long a nonce is good.
    #[serde(with = "duration::positive")]
    pub nonce_lifetime: Duration,
    /// How long orders, authorizations and certificates can be read after their end.
    #[serde(with = "duration")]
    pub keep_ended: Duration,
    /// How often is looked for what can go.
    #[serde(with = "duration::positive")]
    pub sweep_interval: Duration,
    /// The domain names that CAA and dns-persist-01 records know the CA by; without one CAA is not looked at, and
    /// dns-persist-01 not offered.
    pub caa_identities: IssuerNames,
    /// Whether one authorization may stand for a domain and all names below it (RFC 9444).
    pub subdomain_authorizations: bool,
    /// What clients can choose from, by name (draft-ietf-acme-profiles).
    pub profiles: BTreeMap<String, Profile>,
    /// Rate limits.
    pub limits: Limits,
    /// How much is kept at most.
    pub capacity: Capacity,
}

/// Rate limits (RFC 8555 §6.6); what has none may happen as often as anybody likes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// New accounts of an owner.
    pub new_accounts: Option<RateLimit>,
    /// New orders of an account, and its authorizations ahead of orders.
    pub new_orders: Option<RateLimit>,
    /// Failed validations of an identifier by an account; with more, there are no new orders for it.
    pub failed_validations: Option<RateLimit>,
}

/// How much the server holds in memory. When it is full, it refuses with `rateLimited`; of nonces it forgets the
/// oldest instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Capacity {
    /// Owners.
    pub owners: usize,
    /// EAB keys.
    pub eab_keys: usize,
    /// Nonces that were given out and not used.
    pub nonces: usize,
    /// Accounts, deactivated ones too.
    pub accounts: usize,
    /// Identifiers of orders.
    pub identifiers: usize,
    /// Authorizations.
    pub authorizations: usize,
    /// Identifiers of certificates, also of those that are being signed.
    pub certificates: usize,
}

impl Default for Capacity {
    fn default() -> Self {
        Self {
            owners: 100_000,
            eab_keys: 100_000,
            nonces: 1 << 15,
            accounts: 100_000,
            identifiers: 500_000,
            authorizations: 1_000_000,
            certificates: 1_000_000,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            terms_of_service: "https://www.cacert.org/policy/CAcertCommunityAgreement.html".to_owned(),
            website: "https://www.cacert.org/".to_owned(),
            order_lifetime: DAY,
            authorization_lifetime: 30 * DAY,
            reuse_authorizations: true,
            prevalid_authorizations: PrevalidAuthorizations::Off,
            certificate_lifetime: None,
            signing_delay: Duration::ZERO,
            retry_after: Duration::from_secs(1),
            renewal_info_retry_after: Duration::from_secs(6 * 3600),
            max_identifiers: 1000,
            blocked_names: Vec::new(),
            validation_retries: 0,
            validation_retry_pause: Duration::from_secs(5),
            nonce_lifetime: Duration::from_secs(3600),
            keep_ended: 7 * DAY,
            sweep_interval: Duration::from_secs(60),
            caa_identities: IssuerNames::default(),
            subdomain_authorizations: true,
            profiles: profile::defaults(),
            limits: Limits::default(),
            capacity: Capacity::default(),
        }
    }
}
