//! What is over for long enough goes, so that memory stays bounded.

use std::{collections::BTreeSet, time::Duration};

use time::OffsetDateTime;

use super::{
    AccountId, Authorization, AuthorizationId, Certificate, CertificateId, Model, Order, OrderId, Problem,
    ProblemType, Settings, moment::before,
};

/// Fewer orders and authorizations than these are not worth looking at on the way.
const SWEEP_FROM: usize = 1024;
/// When to try again if the server is full.
const FULL_RETRY_AFTER: Duration = Duration::from_secs(60);

impl Model {
    /// Takes out the orders, authorizations and certificates that ended longer ago than the settings keep them, and
    /// what counts no more for the limits. An order that is being signed stays, and so does an authorization that an
    /// order refers to.
    pub fn sweep(&mut self, now: OffsetDateTime, settings: &Settings) {
        let before = before(now, settings.keep_ended);
        self.sweep_orders(before);
        self.sweep_authorizations(before);
        self.sweep_certificates(before);
        self.rates.sweep(now);
        self.sweep_at = SWEEP_FROM.max(2 * self.growing());
    }

    fn sweep_orders(&mut self, before: OffsetDateTime) {
        let ended = |order: &&Order| order.expires <= before && !order.is_signed();
        let ended: BTreeSet<OrderId> =
            self.orders.values().filter(ended).map(|order| order.id.clone()).collect();
        let removed: Vec<Order> = ended.iter().filter_map(|id| self.orders.remove(id)).collect();
        self.ordered -= removed.iter().map(|order| order.identifiers.len()).sum::<usize>();
        let accounts: BTreeSet<AccountId> = removed.into_iter().map(|order| order.account).collect();
        for account in accounts {
            if let Some(account) = self.accounts.get_mut_unkept(&account) {
                account.orders.retain(|id| !ended.contains(id));
            }
        }
    }

    fn sweep_authorizations(&mut self, before: OffsetDateTime) {
        let needed: BTreeSet<&AuthorizationId> =
            self.orders.values().flat_map(|order| &order.authorizations).collect();
        let ended = |authorization: &&Authorization| {
            authorization.expires <= before && !needed.contains(&authorization.id)
        };
        let ended: Vec<AuthorizationId> = self
            .authorizations
            .values()
            .filter(ended)
            .map(|authorization| authorization.id.clone())
            .collect();
        for id in &ended {
            self.authorizations.remove(id);
        }
        if !ended.is_empty() {
            let authorizations = &self.authorizations;
            self.proofs.retain(|_, id| authorizations.contains_key(id));
            self.subdomain_proofs.retain(|_, id| authorizations.contains_key(id));
            self.mail_tokens.retain(|_, id| authorizations.contains_key(id));
        }
    }

    fn sweep_certificates(&mut self, before: OffsetDateTime) {
        let ended = |certificate: &&Certificate| certificate.not_after <= before;
        let ended: Vec<CertificateId> =
            self.certificates.values().filter(ended).map(|certificate| certificate.id.clone()).collect();
        for certificate in ended.iter().filter_map(|id| self.certificates.remove(id)).collect::<Vec<_>>() {
            self.certificate_index.remove(&certificate);
        }
    }

    /// Makes room for so many more identifiers of an order when there is much, and refuses them when there is too much.
    ///
    /// # Errors
    /// `rateLimited`.
    pub(super) fn check_room(
        &mut self,
        identifiers: usize,
        now: OffsetDateTime,
        settings: &Settings,
    ) -> Result<(), Problem> {
        if self.growing() >= self.sweep_at.max(SWEEP_FROM) {
            self.sweep(now, settings);
        }
        let capacity = &settings.capacity;
        if self.ordered + identifiers > capacity.identifiers {
            return Err(full("orders"));
        }
        if self.authorizations.len() + identifiers.max(1) > capacity.authorizations {
            return Err(full("authorizations"));
        }
        self.check_certificates(identifiers, settings)
    }

    /// Refuses a certificate with so many identifiers when there is too much; those that are being signed count.
    ///
    /// # Errors
    /// `rateLimited`.
    pub(super) fn check_certificates(&self, identifiers: usize, settings: &Settings) -> Result<(), Problem> {
        let certified = self.certificate_index.identifiers() + self.signing;
        if certified + identifiers > settings.capacity.certificates {
            return Err(full("certificates"));
        }
        Ok(())
    }

    fn growing(&self) -> usize {
        self.orders.len() + self.authorizations.len()
    }
}

/// The refusal when nothing more of a kind can be kept.
pub(super) fn full(what: &str) -> Problem {
    let detail = format!("the server holds as many {what} as it may");
    let mut problem = Problem::new(ProblemType::RateLimited, detail);
    problem.retry_after = Some(FULL_RETRY_AFTER);
    problem
}
