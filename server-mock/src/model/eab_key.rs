//! EAB keys: what the web UI's menu "ACME clients" hands out (RFC 8555 §7.3.4).

use std::fmt;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{
    Identifier, Model, OwnerId, Problem, ProblemType, Right, Rights, Settings, base64_bytes, sweep::full,
    table::Document,
};

/// A MAC key with its identifier, its owner and what it allows.
#[derive(Clone)]
pub struct EabKey {
    /// The key identifier.
    pub kid: String,
    /// Whose it is.
    pub owner: OwnerId,
    /// What its clients may do.
    pub rights: Rights,
    /// When it was made.
    pub created: OffsetDateTime,
    /// When the owner revoked it.
    pub revoked: Option<OffsetDateTime>,
    /// How many accounts were made with it, deactivated ones too.
    pub accounts: u32,
    /// How many certificates its accounts got or are about to get.
    pub certificates: u32,
    mac_key: Vec<u8>,
}

/// A key as it is kept, with its secret: nothing else writes that into a document.
#[derive(Serialize, Deserialize)]
struct Record {
    kid: String,
    owner: OwnerId,
    rights: Rights,
    created: OffsetDateTime,
    revoked: Option<OffsetDateTime>,
    accounts: u32,
    certificates: u32,
    #[serde(with = "base64_bytes")]
    mac_key: Vec<u8>,
}

impl Document for EabKey {
    fn write(&self) -> serde_json::Result<String> {
        let Self { kid, owner, rights, created, revoked, accounts, certificates, mac_key } = self.clone();
        serde_json::to_string(&Record {
            kid,
            owner,
            rights,
            created,
            revoked,
            accounts,
            certificates,
            mac_key,
        })
    }

    fn read(document: &str) -> serde_json::Result<Self> {
        let Record { kid, owner, rights, created, revoked, accounts, certificates, mac_key } =
            serde_json::from_str(document)?;
        Ok(Self { kid, owner, rights, created, revoked, accounts, certificates, mac_key })
    }
}

impl fmt::Debug for EabKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kid, owner, rights, created, revoked, accounts, certificates, mac_key: _ } = self;
        formatter
            .debug_struct("EabKey")
            .field("kid", kid)
            .field("owner", owner)
            .field("rights", rights)
            .field("created", created)
            .field("revoked", revoked)
            .field("accounts", accounts)
            .field("certificates", certificates)
            .finish_non_exhaustive()
    }
}

impl EabKey {
    /// A new key.
    #[must_use]
    pub fn new(
        kid: String,
        owner: OwnerId,
        rights: Rights,
        mac_key: Vec<u8>,
        created: OffsetDateTime,
    ) -> Self {
        Self { kid, owner, rights, created, revoked: None, accounts: 0, certificates: 0, mac_key }
    }

    /// The secret.
    #[must_use]
    pub fn mac_key(&self) -> &[u8] {
        &self.mac_key
    }

    /// Whether its owner still lets it act.
    ///
    /// # Errors
    /// `unauthorized` when it was revoked.
    pub fn check_standing(&self) -> Result<(), Problem> {
        if self.revoked.is_some() {
            return Err(Problem::unauthorized(format!(
                "key identifier {} was revoked in the CAcert web UI",
                self.kid
            )));
        }
        Ok(())
    }

    /// Whether another account may be made with it.
    pub(super) fn check_new_account(&self, now: OffsetDateTime) -> Result<(), Problem> {
        self.check_standing()?;
        self.check_not_after(now)?;
        match self.rights.max_accounts {
            Some(limit) if self.accounts >= limit => Err(Problem::unauthorized(format!(
                "max_accounts: key identifier {} has made {} of {limit} accounts; create another one in the \
                 CAcert web UI under \"ACME clients\" (rights: max_accounts)",
                self.kid, self.accounts
            ))
            .lacking(Right::MaxAccounts)),
            _ => Ok(()),
        }
    }

    pub(super) fn check_not_after(&self, now: OffsetDateTime) -> Result<(), Problem> {
        match self.rights.not_after {
            Some(end) if now >= end => Err(Problem::unauthorized(format!(
                "not_after: the rights of key identifier {} ended at {end} (rights: not_after)",
                self.kid
            ))
            .lacking(Right::NotAfter)),
            _ => Ok(()),
        }
    }

    pub(super) fn check_max_certificates(&self) -> Result<(), Problem> {
        match self.rights.max_certificates {
            Some(limit) if self.certificates >= limit => Err(Problem::unauthorized(format!(
                "max_certificates: key identifier {} may order {limit} certificates and has done so \
                 (rights: max_certificates)",
                self.kid
            ))
            .lacking(Right::MaxCertificates)),
            _ => Ok(()),
        }
    }

    fn check_kinds(&self, identifiers: &[Identifier]) -> Result<(), Problem> {
        for identifier in identifiers {
            if !self.rights.allow_kind_of(identifier) {
                let (lacking, right, what) = match identifier {
                    Identifier::Dns(_) | Identifier::Ip(_) => {
                        (Right::Server, "server", "server certificates")
                    }
                    Identifier::Email(_) => (Right::Client, "client", "client certificates"),
                };
                return Err(Problem::unauthorized(format!(
                    "{right}: key identifier {} may not order {what} (rights: {right})",
                    self.kid
                ))
                .lacking(lacking));
            }
        }
        Ok(())
    }
}

impl Model {
    /// Adds an EAB key.
    ///
    /// # Errors
    /// When its owner does not exist; `rateLimited` with status 507 when there are as many as may be.
    pub fn add_eab_key(&mut self, key: EabKey, settings: &Settings) -> Result<(), Problem> {
        self.owner(&key.owner)?;
        if self.eab_keys.len() >= settings.capacity.eab_keys {
            return Err(full("key identifiers").with_status(507));
        }
        self.eab_keys.insert(key.kid.clone(), key);
        Ok(())
    }

    /// An EAB key.
    #[must_use]
    pub fn eab_key(&self, kid: &str) -> Option<&EabKey> {
        self.eab_keys.get(kid)
    }

    /// Every EAB key.
    pub fn eab_keys(&self) -> impl Iterator<Item = &EabKey> {
        self.eab_keys.values()
    }

    /// Gives an EAB key other rights; they count from the next request on, for orders under way too.
    ///
    /// # Errors
    /// `malformed` with status 404.
    pub fn set_rights(&mut self, kid: &str, rights: Rights) -> Result<(), Problem> {
        let key = self.eab_keys.get_mut(kid).ok_or_else(|| Problem::not_found("key identifier"))?;
        key.rights = rights;
        Ok(())
    }

    /// Revokes an EAB key: its accounts can do nothing from now on. Doing so again changes nothing.
    ///
    /// # Errors
    /// `malformed` with status 404.
    pub fn revoke_eab_key(&mut self, kid: &str, now: OffsetDateTime) -> Result<(), Problem> {
        let key = self.eab_keys.get_mut(kid).ok_or_else(|| Problem::not_found("key identifier"))?;
        key.revoked.get_or_insert(now);
        Ok(())
    }

    /// Checks that a key's rights allow a certificate for these identifiers.
    ///
    /// # Errors
    /// `unauthorized`, or `rejectedIdentifier` with a subproblem for each identifier outside the rights.
    pub(super) fn check_rights(
        &self,
        kid: &str,
        identifiers: &[Identifier],
        now: OffsetDateTime,
    ) -> Result<(), Problem> {
        let key =
            self.eab_key(kid).ok_or_else(|| Problem::unauthorized("the account's key identifier is gone"))?;
        key.check_standing()?;
        key.check_not_after(now)?;
        key.check_max_certificates()?;
        key.check_kinds(identifiers)?;
        let owner = self.owner(&key.owner)?;
        let rejected =
            |right: Right, why: String| Problem::new(ProblemType::RejectedIdentifier, why).lacking(right);
        let mut refused = Vec::new();
        for identifier in identifiers {
            let name = identifier.value();
            let problem = if !key.rights.cover(identifier) {
                rejected(Right::Names, format!("names: this key may not order {name} (rights: names)"))
            } else if !owner.holds(identifier) {
                rejected(
                    Right::Owner,
                    format!("owner: {name} is not verified in the CAcert account of {}", owner.name),
                )
            } else {
                continue;
            };
            refused.push(problem.about(identifier.clone()));
        }
        Problem::of_parts(refused)?;
        if key.rights.renew_only && !self.has_certificate_for(&key.owner, identifiers, now) {
            return Err(rejected(
                Right::RenewOnly,
                "renew_only: this key may only renew a certificate, and none has these names (rights: renew_only)"
                    .to_owned(),
            ));
        }
        Ok(())
    }
}
