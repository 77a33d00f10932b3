//! Orders (RFC 8555 §7.1.3).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{
    Account, AccountId, AuthorizationId, AuthorizationStatus, CertificateId, ChallengeKind, Identifier,
    Model, OrderId, Problem, ProblemType, Settings, authorization::Scope, blocked_names::check_blocked,
    moment::after, rate_limit::Occasion, validity::check_start,
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
    /// They cover every identifier, each perhaps several of them (RFC 9444).
    pub authorizations: Vec<AuthorizationId>,
    /// The start that the client asked for.
    pub not_before: Option<OffsetDateTime>,
    /// The end that the client asked for.
    pub not_after: Option<OffsetDateTime>,
    /// The profile that was chosen, by the client or for it (draft-ietf-acme-profiles).
    pub profile: Option<String>,
    /// The certificate that its own is to replace (RFC 9773 §5).
    pub replaces: Option<Replaces>,
    /// Until when it can be finalized.
    pub expires: OffsetDateTime,
    pub(super) state: OrderState,
}

impl Order {
    /// Whether the signing machine has it.
    pub(super) fn is_signed(&self) -> bool {
        matches!(self.state, OrderState::Processing { .. })
    }

    /// Its certificate, once issued.
    #[must_use]
    pub fn certificate(&self) -> Option<&CertificateId> {
        match &self.state {
            OrderState::Valid(certificate) => Some(certificate),
            _ => None,
        }
    }
}

/// The certificate that an order is to replace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaces {
    /// The certificate.
    pub certificate: CertificateId,
    /// How the client named it, to be given back as it came.
    pub cert_id: String,
}

/// What a newOrder request asks for.
#[derive(Clone, Debug)]
pub struct NewOrder {
    /// What the certificate is for; an identifier that occurs twice counts once.
    pub identifiers: Vec<Identifier>,
    /// For some of them a domain above, which the client could prove instead (RFC 9444 §4.2).
    pub ancestors: BTreeMap<Identifier, String>,
    /// The wanted start.
    pub not_before: Option<OffsetDateTime>,
    /// The wanted end.
    pub not_after: Option<OffsetDateTime>,
    /// The wanted profile.
    pub profile: Option<String>,
    /// The certificate to replace.
    pub replaces: Option<Replaces>,
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
        let NewOrder { mut identifiers, ancestors, not_before, not_after, profile, replaces } = new;
        identifiers.sort();
        identifiers.dedup();
        check_count(&identifiers, settings)?;
        check_one_kind(&identifiers)?;
        self.check_room(identifiers.len(), now, settings)?;
        let kid = self.acting_account(account)?.kid.clone();
        self.check_rights(&kid, &identifiers, now)?;
        check_blocked(&identifiers, settings)?;
        let profile = profile.or_else(|| self.default_profile(&identifiers));
        let acting = self.acting_account(account)?;
        let lifetime = self.lifetime(acting, &identifiers, profile.as_deref(), settings)?;
        check_start(not_before, now)?;
        self.validity(acting, not_before, not_after, now, lifetime)?;
        if let Some(replaces) = &replaces {
            self.check_replaces(&replaces.certificate, account, &identifiers, now)?;
        }
        self.check_terms(account, settings)?;
        let scope = |identifier| self.scope(account, identifier, ancestors.get(identifier), settings);
        let scopes = identifiers.iter().map(scope).collect::<Result<Vec<_>, _>>()?;
        self.check_failures(account, &scopes, now, settings)?;
        self.rates.count(settings.limits.new_orders, Occasion::NewOrder(account.clone()), now, settings)?;
        let authorizations = self.authorize(account, &identifiers, scopes, now, settings, tokens);
        Ok(self.add_order(Order {
            id: tokens().into(),
            account: account.clone(),
            identifiers,
            authorizations,
            not_before,
            not_after,
            profile,
            replaces,
            expires: after(now, settings.order_lifetime),
            state: OrderState::Open,
        }))
    }

    fn add_order(&mut self, order: Order) -> &Order {
        if let Some(account) = self.accounts.get_mut_unkept(&order.account) {
            account.orders.push(order.id.clone());
        }
        if let Some(replaces) = &order.replaces {
            self.mark_replaced(&replaces.certificate, &order.id);
        }
        self.ordered += order.identifiers.len();
        self.orders.insert(order.id.clone(), order)
    }

    /// Finds valid authorizations of the account that cover the identifiers of an order, and makes pending ones of
    /// their scopes for the rest.
    fn authorize(
        &mut self,
        account: &AccountId,
        identifiers: &[Identifier],
        scopes: Vec<Scope>,
        now: OffsetDateTime,
        settings: &Settings,
        tokens: &mut dyn FnMut() -> String,
    ) -> Vec<AuthorizationId> {
        let mut authorizations = Vec::with_capacity(identifiers.len());
        let mut begun = BTreeMap::new();
        for (identifier, scope) in identifiers.iter().zip(scopes) {
            let valid = self.valid_authorization(account, identifier, now);
            let id = match valid.filter(|_| settings.reuse_authorizations) {
                Some(valid) => valid.id.clone(),
                None => begun
                    .entry(scope)
                    .or_insert_with_key(|scope| {
                        self.begin_authorization(account, scope.clone(), now, settings, tokens)
                    })
                    .clone(),
            };
            authorizations.push(id);
        }
        let mut seen = BTreeSet::new();
        authorizations.retain(|id| seen.insert(id.clone()));
        authorizations
    }

    /// What is to be proved for an identifier: the domain above it that the client offers, if its owner holds that
    /// and the rights of its key reach as far; wildcard names always need a proof of their own.
    fn scope(
        &self,
        account: &AccountId,
        identifier: &Identifier,
        ancestor: Option<&String>,
        settings: &Settings,
    ) -> Result<Scope, Problem> {
        let Some(ancestor) = ancestor else { return Ok(Scope::of(identifier)) };
        let willing = identifier.wildcard_base().is_none()
            && !self.born_valid(account, identifier, settings)
            && self.may_prove_domain(account, ancestor, settings)?;
        Ok(if willing { Scope::domain(ancestor) } else { Scope::of(identifier) })
    }

    /// Whether one authorization of the account may stand for a domain and all names below it (RFC 9444).
    pub(super) fn may_prove_domain(
        &self,
        account: &AccountId,
        domain: &str,
        settings: &Settings,
    ) -> Result<bool, Problem> {
        let (account, key) = self.acting(account)?;
        Ok(settings.subdomain_authorizations
            && key.rights.cover_domain(domain)
            && self.owner(&account.owner)?.holds(&Identifier::Dns(domain.to_owned())))
    }

    /// What CAA must allow for an order that is ready: its identifiers, and how control of each was shown.
    ///
    /// # Errors
    /// As [`order`](Self::order).
    pub fn issuances(
        &self,
        id: &OrderId,
        account: &AccountId,
        now: OffsetDateTime,
    ) -> Result<Vec<(Identifier, Option<ChallengeKind>)>, Problem> {
        let order = self.order(id, account)?;
        if self.order_status(order, now).0 != OrderStatus::Ready {
            return Ok(Vec::new());
        }
        let authorizations: Vec<_> =
            order.authorizations.iter().filter_map(|id| self.authorizations.get(id)).collect();
        let issuance = |identifier: &Identifier| {
            let proof = authorizations.iter().find(|authorization| authorization.covers(identifier));
            (identifier.clone(), proof.and_then(|proof| proof.method()))
        };
        Ok(order.identifiers.iter().map(issuance).collect())
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
        for id in &order.authorizations {
            let Some(authorization) = self.authorizations.get(id) else {
                let problem = Problem::unauthorized("an authorization of the order is gone");
                return (OrderStatus::Invalid, Some(problem));
            };
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

    /// The orders of an account that are not invalid, from `first` on, at most `count`, and the one that the next
    /// page begins with (RFC 8555 §7.1.2.1). When `first` has gone by now, so have those before it, which are older:
    /// the page begins with the oldest.
    #[must_use]
    pub fn orders_page<'a>(
        &'a self,
        account: &'a Account,
        first: Option<&OrderId>,
        count: usize,
        now: OffsetDateTime,
    ) -> (Vec<&'a Order>, Option<&'a OrderId>) {
        let position = |first| account.orders.iter().position(|id| id == first);
        let from = first.and_then(position).unwrap_or(0);
        let mut orders = account.orders[from..].iter().filter_map(|id| {
            let order = self.orders.get(id)?;
            (self.order_status(order, now).0 != OrderStatus::Invalid).then_some(order)
        });
        let page = orders.by_ref().take(count).collect();
        (page, orders.next().map(|order| &order.id))
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

/// A certificate is for hosts or for mailboxes: CAcert has one kind for each.
fn check_one_kind(identifiers: &[Identifier]) -> Result<(), Problem> {
    let mailboxes =
        identifiers.iter().filter(|identifier| matches!(identifier, Identifier::Email(_))).count();
    if mailboxes == 0 || mailboxes == identifiers.len() {
        return Ok(());
    }
    Err(Problem::malformed("an order is for e-mail addresses alone, or for DNS names and IP addresses"))
}
