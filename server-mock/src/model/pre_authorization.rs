//! Authorizations ahead of any order (RFC 8555 §7.4.1, RFC 9444 §4.1).

use time::OffsetDateTime;

use super::{
    AccountId, AuthorizationId, Identifier, Model, Problem, Settings, authorization::Scope,
    blocked_names::check_blocked, rate_limit::Occasion,
};

/// What a newAuthz request asks for.
#[derive(Clone, Debug)]
pub struct NewAuthorization {
    /// What is to be proved.
    pub identifier: Identifier,
    /// Whether the names below it are meant too.
    pub subdomains: bool,
}

impl Model {
    /// Makes a pending authorization, or finds the valid one that the account has: then `false`.
    ///
    /// # Errors
    /// `malformed` for a wildcard name, what the rights of the account's EAB key refuse, and `rateLimited`: it counts as
    /// an order does.
    pub fn pre_authorize(
        &mut self,
        account: &AccountId,
        new: &NewAuthorization,
        now: OffsetDateTime,
        settings: &Settings,
        tokens: &mut dyn FnMut() -> String,
    ) -> Result<(AuthorizationId, bool), Problem> {
        if new.identifier.wildcard_base().is_some() {
            return Err(Problem::malformed("wildcard names can't be authorized ahead of an order"));
        }
        let kid = self.acting_account(account)?.kid.clone();
        let identifiers = std::slice::from_ref(&new.identifier);
        self.check_room(0, now, settings)?;
        self.check_rights(&kid, identifiers, now)?;
        check_blocked(identifiers, settings)?;
        self.check_terms(account, settings)?;
        let scope = match &new.identifier {
            Identifier::Dns(name) if new.subdomains && self.may_prove_domain(account, name, settings)? => {
                Scope::domain(name)
            }
            identifier => Scope::of(identifier),
        };
        self.check_failures(account, std::slice::from_ref(&scope), now, settings)?;
        let valid = self.valid_authorization(account, &new.identifier, now).filter(|valid| {
            settings.reuse_authorizations
                && valid.identifier == scope.identifier
                && (valid.subdomains || !scope.subdomains)
        });
        if let Some(valid) = valid {
            return Ok((valid.id.clone(), false));
        }
        // Or there would be no limit for who makes them ahead of orders.
        self.rates.count(settings.limits.new_orders, Occasion::NewOrder(account.clone()), now, settings)?;
        Ok((self.begin_authorization(account, scope, now, settings, tokens), true))
    }
}
