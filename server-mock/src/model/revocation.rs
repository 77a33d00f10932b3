//! Revoking certificates: by a client (RFC 8555 §7.6) or, all of an account, by its owner.

use time::OffsetDateTime;

use super::{
    AccountId, Certificate, CertificateId, Model, Order, Problem, ProblemType, PublicKey, Right,
    certificate::Revocation, order::OrderState,
};

/// The reasons of RFC 5280 §5.3.1 that a subscriber can give: the others are the CA's own, or reversible.
const REASONS: &[u8] = &[0, 1, 3, 4, 5, 9];

/// Who asks for a revocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revoker {
    /// An account.
    Account {
        /// Which one.
        account: AccountId,
        /// The key that it signed with.
        key: PublicKey,
    },
    /// Whoever has the certificate's own key.
    Key(PublicKey),
}

impl Model {
    /// Revokes a certificate.
    ///
    /// # Errors
    /// `unauthorized`, `alreadyRevoked`, `badRevocationReason`.
    pub fn revoke_certificate(
        &mut self,
        id: &CertificateId,
        revoker: &Revoker,
        reason: Option<u64>,
        now: OffsetDateTime,
    ) -> Result<(), Problem> {
        let certificate = self.certificates.get(id).ok_or_else(|| Problem::not_found("certificate"))?;
        self.check_revoker(certificate, revoker, now)?;
        let reason = reason.map(parse_reason).transpose()?;
        if certificate.revoked.is_some() {
            return Err(Problem::new(ProblemType::AlreadyRevoked, "the certificate is revoked already"));
        }
        self.revoke(id, Revocation { at: now, reason });
        Ok(())
    }

    fn revoke(&mut self, id: &CertificateId, revocation: Revocation) {
        if let Some(certificate) = self.certificates.get_mut(id) {
            certificate.revoked = Some(revocation);
            self.certificate_index.revoke(id);
        }
    }

    /// Revokes every unexpired certificate of an account, those being signed at this moment included.
    /// Returns how many certificates that were.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn revoke_certificates_of(&mut self, id: &AccountId, now: OffsetDateTime) -> Result<usize, Problem> {
        let account = self.accounts.get(id).ok_or_else(|| Problem::not_found("account"))?;
        for id in &account.orders {
            if self.orders.get(id).is_some_and(Order::is_signed)
                && let Some(order) = self.orders.get_mut(id)
            {
                order.state = OrderState::Processing { revoke: true };
            }
        }
        let stands = |certificate: &Certificate| certificate.revoked.is_none() && certificate.not_after > now;
        let own = self.certificate_index.of_account(id);
        let standing: Vec<CertificateId> =
            own.filter(|id| self.certificates.get(*id).is_some_and(stands)).cloned().collect();
        for id in &standing {
            self.revoke(id, Revocation { at: now, reason: None });
        }
        Ok(standing.len())
    }

    fn check_revoker(
        &self,
        certificate: &Certificate,
        revoker: &Revoker,
        now: OffsetDateTime,
    ) -> Result<(), Problem> {
        match revoker {
            Revoker::Key(key) if *key == certificate.key => Ok(()),
            Revoker::Key(_) => {
                Err(Problem::unauthorized("the request was not signed by the certificate's key"))
            }
            Revoker::Account { account: id, key } => {
                self.acting_account_with_key(id, key)?;
                let (account, key) = self.acting(id)?;
                if !key.rights.revoke {
                    return Err(Problem::unauthorized(format!(
                        "revoke: key identifier {} may not revoke certificates (rights: revoke)",
                        account.kid
                    ))
                    .lacking(Right::Revoke));
                }
                let holds = |name| self.valid_authorization(id, name, now).is_some();
                if certificate.account == *id || certificate.identifiers.iter().all(holds) {
                    return Ok(());
                }
                Err(Problem::unauthorized(
                    "this account neither ordered the certificate nor has valid authorizations for all its names",
                ))
            }
        }
    }
}

fn parse_reason(reason: u64) -> Result<u8, Problem> {
    u8::try_from(reason).ok().filter(|code| REASONS.contains(code)).ok_or_else(|| {
        let detail = format!("reason {reason} can't be given; these can: {REASONS:?}");
        Problem::new(ProblemType::BadRevocationReason, detail)
    })
}
