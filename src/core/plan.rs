//! From what the server said of an order to the next step (RFC 8555 §7.1.6).
//!
//! A run that crashed resumes by asking the server for the order and stepping on from here.

use serde::Deserialize;

/// The states of an order, in the order of RFC 8555 §7.1.6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OrderStatus {
    /// Authorizations are missing.
    Pending,
    /// Everything is authorized; the CSR is awaited.
    Ready,
    /// The CA is issuing.
    Processing,
    /// The certificate is there.
    Valid,
    /// It failed, or ran out of time.
    Invalid,
    /// Unknown to us: what a later RFC may add can only be waited for.
    #[serde(other)]
    Other,
}

/// What to do next about an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Answer the challenges of its pending authorizations.
    Authorize,
    /// Send the CSR.
    Finalize,
    /// Ask again later.
    Wait,
    /// Fetch the certificate.
    Download,
    /// Nothing helps this order any more.
    GiveUp,
}

/// The next step for an order in this state.
///
/// `authorized`: this run has seen all its authorizations valid; then a pending order only needs time.
/// `finalized`: this run has sent the CSR; then an order that still says `ready` only needs time.
#[must_use]
pub fn next_step(status: OrderStatus, authorized: bool, finalized: bool) -> Step {
    match status {
        OrderStatus::Pending if authorized => Step::Wait,
        OrderStatus::Pending => Step::Authorize,
        OrderStatus::Ready if finalized => Step::Wait,
        OrderStatus::Ready => Step::Finalize,
        OrderStatus::Processing | OrderStatus::Other => Step::Wait,
        OrderStatus::Valid => Step::Download,
        OrderStatus::Invalid => Step::GiveUp,
    }
}

/// The states of an authorization or challenge. What a later RFC may add is [`Other`](Self::Other).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthorizationStatus {
    /// Waiting for the client.
    Pending,
    /// Being validated (challenges only).
    Processing,
    /// Proven.
    Valid,
    /// Failed.
    Invalid,
    /// Given up by the client.
    Deactivated,
    /// Past its end.
    Expired,
    /// Withdrawn by the server.
    Revoked,
    /// Unknown to us.
    #[serde(other)]
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c18_c19_orders_born_ready_or_valid_are_taken_as_they_are() {
        assert_eq!(next_step(OrderStatus::Ready, false, false), Step::Finalize);
        assert_eq!(next_step(OrderStatus::Valid, false, false), Step::Download);
    }

    #[test]
    fn c26_a_stale_state_is_asked_again() {
        assert_eq!(next_step(OrderStatus::Pending, true, false), Step::Wait);
        assert_eq!(next_step(OrderStatus::Ready, true, true), Step::Wait);
        assert_eq!(next_step(OrderStatus::Processing, false, true), Step::Wait);
    }

    #[test]
    fn an_invalid_order_is_given_up_whatever_was_done() {
        for (authorized, finalized) in [(false, false), (true, false), (true, true)] {
            assert_eq!(next_step(OrderStatus::Invalid, authorized, finalized), Step::GiveUp);
        }
    }

    #[test]
    fn c9_unknown_statuses_are_tolerated() {
        let status: AuthorizationStatus = serde_json::from_str("\"sleeping\"").unwrap();
        assert_eq!(status, AuthorizationStatus::Other);
        let status: OrderStatus = serde_json::from_str("\"sleeping\"").unwrap();
        assert_eq!(next_step(status, false, false), Step::Wait);
    }
}
