//! Orders (RFC 8555 §7.1.3).

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{
    Account, AccountId, AuthorizationId, AuthorizationStatus, CertificateId, Identifier, Model, OrderId,
    Problem, ProblemType, Settings, authorization::challenges_for, blocked_names::check_blocked,
    rate_limit::Occasion,
};

/// The states of RFC 8555 §7.1.6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OrderStatus {
    /// Authorizations are missing.
    Pending,
    /// To be finalized.
    Ready,
    /// The signing machine has it.
    Processing,
    /// Issued.
    Valid,
    /// Failed.
    Invalid,
}

/// What is remembered; whether an open order is pending, ready or invalid follows from its authorizations.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum OrderState {
    /// Not finalized yet.
    Open,
    /// With the signing machine.
    Processing {
        /// The account's certificates were all revoked meanwhile, so this one is to be born revoked.
        revoke: bool,
    },
    /// Issued.
    Valid(CertificateId),
    /// Failed or cancelled.
    Invalid(Problem),
}

/// An order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    /// Its name.
    pub id: OrderId,
    /// Whose it is.
    pub account: AccountId,
    /// What the certificate is for, each once.
    pub identifiers: Vec<Identifier>,
    /// One for each identifier.
    pub authorizations: Vec<AuthorizationId>,
    /// The start that the client asked for.
    pub not_before: Option<OffsetDateTime>,
    /// The end that the client asked for.
    pub not_after: Option<OffsetDateTime>,
    /// Until when it can be finalized.
    pub expires: OffsetDateTime,
    pub(super) state: OrderState,
}

impl Order {
    /// Its certificate, once issued.
    #[must_use]
    pub fn certificate(&self) -> Option<&CertificateId> {
        match &self.state {
            OrderState::Valid(certificate) => Some(certificate),
            _ => None,
        }
    }
}

/// What a newOrder request asks for.
#[derive(Clone, Debug)]
pub struct NewOrder {
    /// What the certificate is for; an identifier that occurs twice counts once.
    pub identifiers: Vec<Identifier>,
    /// The wanted start.
    pub not_before: Option<OffsetDateTime>,
    /// The wanted end.
    pub not_after: Option<OffsetDateTime>,
}

impl Model {
    /// Makes an order with its authorizations (RFC 8555 §7.4). `tokens` gives unpredictable names.
    ///
    /// # Errors
    /// What the rights of the account's EAB key refuse, `malformed` for dates that can't be kept,
    /// `userActionRequired` when the terms changed, and `rateLimited`.
    pub fn create_order(
        &mut self,
        account: &AccountId,
        new: NewOrder,
        now: OffsetDateTime,
        settings: &Settings,
        tokens: &mut dyn FnMut() -> String,
    ) -> Result<&Order, Problem> {
        let NewOrder { mut identifiers, not_before, not_after } = new;
        identifiers.sort();
        identifiers.dedup();
        check_count(&identifiers, settings)?;
        self.check_room(now, settings)?;
        let kid = self.acting_account(account)?.kid.clone();
        self.check_rights(&kid, &identifiers, now)?;
        self.validity(self.acting_account(account)?, not_before, not_after, now, settings)?;
        check_blocked(&identifiers, settings)?;
        check_provable(&identifiers)?;
        self.check_terms(account, settings)?;
        self.check_failures(account, &identifiers, now, settings)?;
        self.rates.count(settings.limits.new_orders, Occasion::NewOrder(account.clone()), now, settings)?;
        let authorizations = identifiers
            .iter()
            .map(|identifier| self.authorize(account, identifier, now, settings, tokens))
            .collect();
        let expires = now + settings.order_lifetime;
        let id = OrderId::from(tokens());
        let (account, state) = (account.clone(), OrderState::Open);
        if let Some(account) = self.accounts.get_mut(&account) {
            account.orders.push(id.clone());
        }
        let order = Order {
            id: id.clone(),
            account,
            identifiers,
            authorizations,
            not_before,
            not_after,
            expires,
            state,
        };
        Ok(self.orders.insert(id, order))
    }

    /// An order of this account.
    ///
    /// # Errors
    /// `malformed` with 404, or `unauthorized` when it is another account's.
    pub fn order(&self, id: &OrderId, account: &AccountId) -> Result<&Order, Problem> {
        let order = self.orders.get(id).ok_or_else(|| Problem::not_found("order"))?;
        if order.account != *account {
            return Err(Problem::unauthorized("this order belongs to another account"));
        }
        Ok(order)
    }

    /// How an order stands at this moment, and why when it is invalid.
    #[must_use]
    pub fn order_status(&self, order: &Order, now: OffsetDateTime) -> (OrderStatus, Option<Problem>) {
        match &order.state {
            OrderState::Processing { .. } => return (OrderStatus::Processing, None),
            OrderState::Valid(_) => return (OrderStatus::Valid, None),
            OrderState::Invalid(problem) => return (OrderStatus::Invalid, Some(problem.clone())),
            OrderState::Open if now >= order.expires => {
                return (OrderStatus::Invalid, Some(Problem::malformed("the order expired")));
            }
            OrderState::Open => {}
        }
        let mut all_valid = true;
        for authorization in order.authorizations.iter().filter_map(|id| self.authorizations.get(id)) {
            match authorization.status(now) {
                AuthorizationStatus::Valid => {}
                AuthorizationStatus::Pending => all_valid = false,
                status => {
                    let name = authorization.identifier.value();
                    let usual =
                        || Problem::unauthorized(format!("the authorization of {name} is {status:?}"));
                    let error = authorization.error().cloned().unwrap_or_else(usual);
                    return (OrderStatus::Invalid, Some(error));
                }
            }
        }
        (if all_valid { OrderStatus::Ready } else { OrderStatus::Pending }, None)
    }

    /// The orders of an account that are not invalid, from the `first` on, at most `count`, and where the
    /// next page begins (RFC 8555 §7.1.2.1).
    #[must_use]
    pub fn orders_page(
        &self,
        account: &Account,
        first: usize,
        count: usize,
        now: OffsetDateTime,
    ) -> (Vec<&Order>, Option<usize>) {
        let mut orders = account.orders.iter().enumerate().skip(first).filter_map(|(index, id)| {
            let order = self.orders.get(id)?;
            (self.order_status(order, now).0 != OrderStatus::Invalid).then_some((index, order))
        });
        let page = orders.by_ref().take(count).map(|(_, order)| order).collect();
        (page, orders.next().map(|(index, _)| index))
    }

    /// The validity of the certificate: exactly what was asked for, or refused (RFC 8555 §7.4).
    pub(super) fn validity(
        &self,
        account: &Account,
        not_before: Option<OffsetDateTime>,
        not_after: Option<OffsetDateTime>,
        now: OffsetDateTime,
        settings: &Settings,
    ) -> Result<(OffsetDateTime, OffsetDateTime), Problem> {
        let owner = self.owner(&account.owner)?;
        let lifetime = settings.certificate_lifetime.unwrap_or_else(|| owner.certificate_lifetime());
        let rights_end = self.eab_key(&account.kid).and_then(|key| key.rights.not_after);
        let start = not_before.unwrap_or_else(|| whole_second(now));
        let latest = rights_end.map_or(start + lifetime, |end| whole_second(end).min(start + lifetime));
        let end = not_after.unwrap_or(latest);
        if whole_second(start) != start || whole_second(end) != end {
            return Err(Problem::malformed("notBefore and notAfter are whole seconds in a certificate"));
        }
        if start >= end {
            return Err(Problem::malformed("notAfter must lie after notBefore"));
        }
        if end <= now || end > latest {
            return Err(Problem::malformed(format!(
                "notAfter must lie in the future and not after {latest}"
            )));
        }
        Ok((start, end))
    }
}

fn check_count(identifiers: &[Identifier], settings: &Settings) -> Result<(), Problem> {
    if identifiers.is_empty() {
        return Err(Problem::malformed("an order has at least one identifier"));
    }
    if identifiers.len() > settings.max_identifiers {
        let detail = format!("an order has at most {} identifiers", settings.max_identifiers);
        return Err(Problem::new(ProblemType::RejectedIdentifier, detail));
    }
    Ok(())
}

/// Refuses names that no challenge could prove, before anything is made for the others.
fn check_provable(identifiers: &[Identifier]) -> Result<(), Problem> {
    let unprovable = identifiers.iter().filter(|identifier| challenges_for(identifier).next().is_none());
    let refused: Vec<Problem> = unprovable
        .map(|identifier| {
            let detail = format!("there is no challenge type that could prove {}", identifier.value());
            Problem::new(ProblemType::RejectedIdentifier, detail).about(identifier.clone())
        })
        .collect();
    match refused.first() {
        None => Ok(()),
        Some(first) => {
            let detail = first.detail.clone();
            Err(Problem::new(ProblemType::RejectedIdentifier, detail).with_subproblems(refused))
        }
    }
}

/// Certificates know no fractions of a second.
fn whole_second(time: OffsetDateTime) -> OffsetDateTime {
    time.truncate_to_second()
}
