//! From a ready order to a certificate, in two transitions: the claim before signing, the result after it.

use time::OffsetDateTime;

use super::{
    AccountId, Certificate, CertificateId, Identifier, Model, Order, OrderId, OrderStatus, Problem,
    ProblemType, PublicKey, Settings,
    certificate::{Replacement, Revocation},
    order::OrderState,
};

/// What the signing machine is to sign; exactly one exists for an order.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The order.
    pub order: OrderId,
    /// The names.
    pub identifiers: Vec<Identifier>,
    /// The start of the validity.
    pub not_before: OffsetDateTime,
    /// The end of the validity.
    pub not_after: OffsetDateTime,
    /// The subject's common name, in client certificates.
    pub person: Option<String>,
}

/// What came out of the signing machine.
#[derive(Clone, Debug)]
pub struct Signed {
    /// The name it shall have.
    pub id: CertificateId,
    /// The serial number, big-endian.
    pub serial: Vec<u8>,
    /// The certified key.
    pub key: PublicKey,
    /// The certificate.
    pub der: Vec<u8>,
}

impl Model {
    /// Claims a ready order for signing; it is `processing` from now on. A refusal leaves it ready.
    ///
    /// `names` are those of the CSR, sorted, each once.
    ///
    /// # Errors
    /// `orderNotReady`, `badCSR` when the names or the key do not fit, and what the rights refuse by now.
    pub fn begin_finalize(
        &mut self,
        id: &OrderId,
        account: &AccountId,
        names: &[Identifier],
        key: &PublicKey,
        now: OffsetDateTime,
        settings: &Settings,
    ) -> Result<Claim, Problem> {
        let order = self.ready_order(id, account, now)?;
        check_names(order, names)?;
        if self.is_account_key(key) {
            let detail = "the certificate's key must not be the key of an account";
            return Err(Problem::new(ProblemType::BadCsr, detail));
        }
        self.check_terms(account, settings)?;
        self.check_certificates(order.identifiers.len(), settings)?;
        let acting = self.acting_account(account)?;
        self.check_rights(&acting.kid, &order.identifiers, now)?;
        let lifetime = self.lifetime(acting, &order.identifiers, order.profile.as_deref(), settings)?;
        let (not_before, not_after) =
            self.validity(acting, order.not_before, order.not_after, now, lifetime)?;
        let person = self.owner(&acting.owner)?.certificate_name(&order.identifiers);
        let claim = Claim {
            order: id.clone(),
            identifiers: order.identifiers.clone(),
            not_before,
            not_after,
            person: person.map(str::to_owned),
        };
        self.count_certificate(account, 1);
        self.signing += claim.identifiers.len();
        self.set_order_state(id, OrderState::Processing { revoke: false });
        Ok(claim)
    }

    fn ready_order(&self, id: &OrderId, account: &AccountId, now: OffsetDateTime) -> Result<&Order, Problem> {
        let order = self.order(id, account)?;
        match self.order_status(order, now).0 {
            OrderStatus::Ready => Ok(order),
            status => {
                let detail = format!("the order is {status:?}, not ready").to_lowercase();
                Err(Problem::new(ProblemType::OrderNotReady, detail))
            }
        }
    }

    /// Records the certificate of a claimed order. If its account may not act any more, the certificate is nobody's:
    /// it was never handed out, and is forgotten.
    pub fn complete_finalize(&mut self, claim: Claim, signed: Signed, now: OffsetDateTime) {
        let Some(order) = self.orders.get(&claim.order) else { return };
        let OrderState::Processing { revoke } = order.state else { return };
        let (account, owner) = match self.acting_account(&order.account) {
            Ok(account) => (account.id.clone(), account.owner.clone()),
            Err(problem) => return self.abandon_finalize(&claim, problem),
        };
        if let Some(replaces) = order.replaces.clone()
            && let Some(predecessor) = self.certificates.get_mut(&replaces.certificate)
        {
            predecessor.replacement = Some(Replacement::Done);
        }
        self.signing -= claim.identifiers.len();
        self.set_order_state(&claim.order, OrderState::Valid(signed.id.clone()));
        self.add_certificate(Certificate {
            id: signed.id,
            account,
            owner,
            identifiers: claim.identifiers,
            serial: signed.serial,
            key: signed.key,
            not_before: claim.not_before,
            not_after: claim.not_after,
            der: signed.der,
            revoked: revoke.then_some(Revocation { at: now, reason: None }),
            replacement: None,
        });
    }

    /// Gives up what an earlier run of the server was signing when it ended: nobody is left to complete it.
    pub fn abandon_signing(&mut self) {
        let signing = self.orders.values().filter(|order| order.is_signed());
        let orders: Vec<_> = signing.map(|order| order.id.clone()).collect();
        for order in orders {
            let problem = Problem::new(ProblemType::ServerInternal, "the server ended while it was signing");
            self.give_up(&order, problem);
        }
    }

    /// Gives a claimed order up because signing failed.
    pub fn abandon_finalize(&mut self, claim: &Claim, problem: Problem) {
        self.give_up(&claim.order, problem);
    }

    fn give_up(&mut self, id: &OrderId, problem: Problem) {
        let Some(order) = self.orders.get(id).filter(|order| order.is_signed()) else { return };
        let account = order.account.clone();
        self.signing -= order.identifiers.len();
        self.count_certificate(&account, -1);
        self.set_order_state(id, OrderState::Invalid(problem));
    }

    fn count_certificate(&mut self, account: &AccountId, change: i32) {
        let Some(account) = self.accounts.get(account) else { return };
        if let Some(key) = self.eab_keys.get_mut(&account.kid) {
            key.certificates = key.certificates.saturating_add_signed(change);
        }
    }

    fn set_order_state(&mut self, id: &OrderId, state: OrderState) {
        if let Some(order) = self.orders.get_mut(id) {
            order.state = state;
        }
    }
}

fn check_names(order: &Order, names: &[Identifier]) -> Result<(), Problem> {
    let values = |identifiers: Vec<&Identifier>| {
        identifiers.into_iter().map(Identifier::value).collect::<Vec<_>>().join(", ")
    };
    let missing: Vec<_> = order.identifiers.iter().filter(|name| !names.contains(name)).collect();
    let extra: Vec<_> = names.iter().filter(|name| !order.identifiers.contains(name)).collect();
    let detail = match (missing.is_empty(), extra.is_empty()) {
        (true, true) => return Ok(()),
        (false, true) => format!("the CSR lacks {}", values(missing)),
        (true, false) => format!("the CSR names {}, which the order does not", values(extra)),
        (false, false) => format!("the CSR lacks {} and names {} instead", values(missing), values(extra)),
    };
    Err(Problem::new(ProblemType::BadCsr, detail))
}
