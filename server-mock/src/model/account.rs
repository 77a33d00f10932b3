//! ACME accounts (RFC 8555 §7.1.2), each bound to an EAB key and so to an owner.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use super::{
    AccountId, EabKey, Model, OrderId, OwnerId, Problem, ProblemType, PublicKey, Settings, order::OrderState,
    rate_limit::Occasion, sweep::full,
};

/// The states of RFC 8555 §7.1.6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountStatus {
    /// It may act.
    Valid,
    /// The client gave it up.
    Deactivated,
    /// The owner took its authorisation away.
    Revoked,
}

/// A client instance's account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Account {
    /// Its name.
    pub id: AccountId,
    /// The key that signs its requests.
    pub key: PublicKey,
    /// Its state; [`Model::acting_account`] also looks at the EAB key.
    pub status: AccountStatus,
    /// How its user can be reached: `mailto:` URLs.
    pub contact: Vec<String>,
    /// Whose it is.
    pub owner: OwnerId,
    /// The EAB key that it is bound to.
    pub kid: String,
    /// The binding, as the client sent it.
    pub external_account_binding: Value,
    /// When it was made.
    pub created: OffsetDateTime,
    /// The version of the terms that its user agreed to.
    pub agreed_terms: u64,
    /// Its orders, the oldest first. They know whose they are, so they are not kept twice.
    #[serde(skip)]
    pub orders: Vec<OrderId>,
}

/// What a newAccount request asks for, its binding verified.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// The name it shall have.
    pub id: AccountId,
    /// The key that signed the request.
    pub key: PublicKey,
    /// How its user can be reached.
    pub contact: Vec<String>,
    /// The EAB key of the binding.
    pub kid: String,
    /// The binding, as the client sent it.
    pub external_account_binding: Value,
}

impl Model {
    /// The account with this key, if it may act; `None` when there is no account.
    ///
    /// # Errors
    /// As [`acting_account`](Self::acting_account).
    pub fn account_with_key(&self, key: &PublicKey) -> Result<Option<&Account>, Problem> {
        match self.account_keys.get(&key.thumbprint()) {
            Some(id) => self.acting_account(id).map(Some),
            None => Ok(None),
        }
    }

    /// Whether any account, even a deactivated one, has this key.
    #[must_use]
    pub fn is_account_key(&self, key: &PublicKey) -> bool {
        self.account_keys.contains_key(&key.thumbprint())
    }

    /// The key of an account, whatever its standing; to verify a signature with before anything is told.
    #[must_use]
    pub fn account_key(&self, id: &AccountId) -> Option<PublicKey> {
        self.accounts.get(id).map(|account| account.key.clone())
    }

    /// The account, if it may act.
    ///
    /// # Errors
    /// `accountDoesNotExist`; `unauthorized` with 401 when it was deactivated (RFC 8555 §7.3.6), with 403 when
    /// its owner revoked it or its EAB key.
    pub fn acting_account(&self, id: &AccountId) -> Result<&Account, Problem> {
        self.acting(id).map(|(account, _)| account)
    }

    /// The account, if it may act and this is its key: between the signature of a request and its effect the key may
    /// have been changed.
    ///
    /// # Errors
    /// As [`acting_account`](Self::acting_account), and `malformed`, as for any signature by a wrong key.
    pub fn acting_account_with_key(&self, id: &AccountId, key: &PublicKey) -> Result<&Account, Problem> {
        let account = self.acting_account(id)?;
        if account.key != *key {
            let detail = "the signature does not verify: the account's key was changed meanwhile";
            return Err(Problem::malformed(detail));
        }
        Ok(account)
    }

    /// The account, if it may act, and the EAB key that lets it.
    pub(super) fn acting(&self, id: &AccountId) -> Result<(&Account, &EabKey), Problem> {
        let account = self.accounts.get(id).ok_or_else(no_such_account)?;
        match account.status {
            AccountStatus::Valid => {}
            AccountStatus::Deactivated => {
                return Err(Problem::unauthorized("this account was deactivated").with_status(401));
            }
            AccountStatus::Revoked => {
                return Err(Problem::unauthorized("this ACME account was revoked in the CAcert web UI"));
            }
        }
        let key = self.eab_key(&account.kid).ok_or_else(|| unknown_kid(&account.kid))?;
        key.check_standing()?;
        Ok((account, key))
    }

    /// Every account.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values()
    }

    /// Makes an account. The caller has verified the binding; rights are checked here.
    ///
    /// # Errors
    /// `unauthorized` when the EAB key is unknown, revoked, or has made all accounts that it may; `rateLimited`
    /// when its owner made too many lately.
    pub fn create_account(
        &mut self,
        new: NewAccount,
        now: OffsetDateTime,
        settings: &Settings,
    ) -> Result<&Account, Problem> {
        let NewAccount { id, key, contact, kid, external_account_binding } = new;
        let eab_key = self.eab_key(&kid).ok_or_else(|| unknown_kid(&kid))?;
        eab_key.check_new_account(now)?;
        let owner = eab_key.owner.clone();
        if self.accounts.len() >= settings.capacity.accounts {
            return Err(full("accounts"));
        }
        let limit = settings.limits.new_accounts;
        self.rates.count(limit, Occasion::NewAccount(owner.clone()), now, settings)?;
        if let Some(eab_key) = self.eab_keys.get_mut(&kid) {
            eab_key.accounts += 1;
        }
        self.account_keys.insert(key.thumbprint(), id.clone());
        let account = Account {
            id: id.clone(),
            key,
            status: AccountStatus::Valid,
            contact,
            owner,
            kid,
            external_account_binding,
            created: now,
            agreed_terms: self.terms_version(),
            orders: Vec::new(),
        };
        Ok(self.accounts.insert(id, account))
    }

    /// Replaces the contacts (RFC 8555 §7.3.2).
    ///
    /// # Errors
    /// As [`acting_account`](Self::acting_account).
    pub fn update_contact(&mut self, id: &AccountId, contact: Vec<String>) -> Result<(), Problem> {
        self.acting_account(id)?;
        self.accounts.get_mut(id).ok_or_else(no_such_account)?.contact = contact;
        Ok(())
    }

    /// Deactivates an account and cancels its open orders; its certificates stay (RFC 8555 §7.3.6).
    ///
    /// # Errors
    /// As [`acting_account`](Self::acting_account).
    pub fn deactivate_account(&mut self, id: &AccountId) -> Result<(), Problem> {
        self.acting_account(id)?;
        self.close_account(id, AccountStatus::Deactivated, "the account was deactivated")
    }

    /// Revokes an account on its owner's behalf: it can do nothing from now on.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn revoke_account(&mut self, id: &AccountId) -> Result<(), Problem> {
        self.close_account(id, AccountStatus::Revoked, "the account was revoked in the CAcert web UI")
    }

    fn close_account(&mut self, id: &AccountId, status: AccountStatus, why: &str) -> Result<(), Problem> {
        let account = self.accounts.get_mut(id).ok_or_else(no_such_account)?;
        account.status = status;
        for id in &account.orders {
            if self.orders.get(id).is_some_and(|order| matches!(order.state, OrderState::Open))
                && let Some(order) = self.orders.get_mut(id)
            {
                order.state = OrderState::Invalid(Problem::unauthorized(why));
            }
        }
        Ok(())
    }

    /// Gives an account a new key in place of its old one (RFC 8555 §7.3.5).
    ///
    /// # Errors
    /// The account that has the new key already, or a problem: of two changes of one old key the second is refused.
    pub fn change_key(
        &mut self,
        id: &AccountId,
        old_key: &PublicKey,
        new_key: PublicKey,
    ) -> Result<(), KeyChangeRefused> {
        self.acting_account_with_key(id, old_key)?;
        if let Some(holder) = self.account_keys.get(&new_key.thumbprint()) {
            return Err(KeyChangeRefused::InUse(holder.clone()));
        }
        let account = self.accounts.get_mut(id).ok_or_else(no_such_account)?;
        self.account_keys.remove(&account.key.thumbprint());
        self.account_keys.insert(new_key.thumbprint(), id.clone());
        account.key = new_key;
        Ok(())
    }
}

/// Why a key change did not happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyChangeRefused {
    /// This account has the key already: 409 with its URL (RFC 8555 §7.3.5).
    InUse(AccountId),
    /// Anything else.
    Problem(Problem),
}

impl From<Problem> for KeyChangeRefused {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

fn no_such_account() -> Problem {
    Problem::new(ProblemType::AccountDoesNotExist, "there is no such account")
}

/// The refusal of a key identifier that was never handed out.
#[must_use]
pub fn unknown_kid(kid: &str) -> Problem {
    Problem::unauthorized(format!(
        "key identifier {kid} does not exist: copy it again from the CAcert web UI, menu \"ACME clients\""
    ))
}
