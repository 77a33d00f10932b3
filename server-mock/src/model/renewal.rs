//! When to renew a certificate, and by which order it is replaced (RFC 9773).

use time::{Duration, OffsetDateTime};

use super::{
    AccountId, Certificate, CertificateId, Identifier, Model, OrderId, OrderStatus, Problem, ProblemType,
    certificate::Replacement,
};

/// The time in which a certificate had better be renewed (RFC 9773 §4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SuggestedWindow {
    /// Its start.
    pub start: OffsetDateTime,
    /// Its end, after the start.
    pub end: OffsetDateTime,
}

impl Certificate {
    /// When to renew it: once two thirds of its lifetime are over, within a fiftieth of it. A revoked certificate is
    /// overdue: its window ended before it was revoked.
    #[must_use]
    pub fn suggested_window(&self) -> SuggestedWindow {
        if let Some(revocation) = self.revoked {
            let end = revocation.at - Duration::SECOND;
            return SuggestedWindow { start: end - Duration::HOUR, end };
        }
        let lifetime: Duration = self.not_after - self.not_before;
        let start = self.not_before + lifetime * 2_i32 / 3_i32;
        // Even where a certificate lives for seconds, documents in whole seconds must show a start before the end.
        SuggestedWindow { start, end: start + (lifetime / 50_i32).max(Duration::SECOND) }
    }
}

impl Model {
    /// Whether an order of this account for these identifiers may replace the certificate (RFC 9773 §5).
    pub(super) fn check_replaces(
        &self,
        id: &CertificateId,
        account: &AccountId,
        identifiers: &[Identifier],
        now: OffsetDateTime,
    ) -> Result<(), Problem> {
        let certificate = self.certificate(id, account).map_err(|problem| problem.within("replaces"))?;
        if !certificate.identifiers.iter().any(|identifier| identifiers.contains(identifier)) {
            return Err(Problem::malformed("replaces: the certificate shares no identifier with the order"));
        }
        if self.is_replaced(certificate, now) {
            let detail = "replaces: the certificate was replaced already, or an order is about to";
            return Err(Problem::new(ProblemType::AlreadyReplaced, detail));
        }
        Ok(())
    }

    fn is_replaced(&self, certificate: &Certificate, now: OffsetDateTime) -> bool {
        match &certificate.replacement {
            None => false,
            Some(Replacement::Done) => true,
            Some(Replacement::Ordered(order)) => self
                .orders
                .get(order)
                .is_some_and(|order| self.order_status(order, now).0 != OrderStatus::Invalid),
        }
    }

    pub(super) fn mark_replaced(&mut self, id: &CertificateId, order: &OrderId) {
        if let Some(certificate) = self.certificates.get_mut(id) {
            certificate.replacement = Some(Replacement::Ordered(order.clone()));
        }
    }
}
