//! Which part of the server a request is for.

use axum::http::Method;
use serde::{Deserialize, Serialize};

/// The resources of RFC 8555 §7.1 and RFC 9773, named as the directory and the RFCs' documents name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Endpoint {
    /// The directory.
    Directory,
    /// New nonces.
    NewNonce,
    /// New accounts, and finding an account by its key.
    NewAccount,
    /// An account: reading, updates, deactivation.
    Account,
    /// An account's list of orders.
    Orders,
    /// Key changes.
    KeyChange,
    /// New orders.
    NewOrder,
    /// Authorizations ahead of orders.
    NewAuthz,
    /// An order.
    Order,
    /// The request for a certificate.
    Finalize,
    /// An authorization.
    Authorization,
    /// A challenge.
    Challenge,
    /// A certificate, with either chain.
    Certificate,
    /// Revocations.
    RevokeCert,
    /// Renewal information.
    RenewalInfo,
}

impl Endpoint {
    /// What a request with this method and path is for; `None` for what is none of ACME's.
    #[must_use]
    pub fn of(method: &Method, path: &str) -> Option<Self> {
        if method == Method::OPTIONS {
            return None;
        }
        if matches!(path, "/directory" | "/dir") {
            return Some(Self::Directory);
        }
        let segments: Vec<&str> = path.strip_prefix("/acme/")?.split('/').collect();
        Some(match segments.as_slice() {
            ["new-nonce"] => Self::NewNonce,
            ["new-account"] => Self::NewAccount,
            ["account", _] => Self::Account,
            ["account", _, "orders"] => Self::Orders,
            ["key-change"] => Self::KeyChange,
            ["new-order"] => Self::NewOrder,
            ["new-authz"] => Self::NewAuthz,
            ["order", _] => Self::Order,
            ["order", _, "finalize"] => Self::Finalize,
            ["authorization", _] => Self::Authorization,
            ["authorization", _, _] => Self::Challenge,
            ["certificate", _] | ["certificate", _, "alternate"] => Self::Certificate,
            ["revoke-cert"] => Self::RevokeCert,
            ["renewal-info", _] => Self::RenewalInfo,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_endpoints() {
        let of = |path| Endpoint::of(&Method::POST, path);
        assert_eq!(of("/dir"), Some(Endpoint::Directory));
        assert_eq!(of("/acme/account/x"), Some(Endpoint::Account));
        assert_eq!(of("/acme/account/x/orders"), Some(Endpoint::Orders));
        assert_eq!(of("/acme/order/x/finalize"), Some(Endpoint::Finalize));
        assert_eq!(of("/acme/authorization/x/http-01"), Some(Endpoint::Challenge));
        assert_eq!(of("/acme/certificate/x/alternate"), Some(Endpoint::Certificate));
        assert_eq!(of("/acme/order"), None);
        assert_eq!(of("/"), None);
        assert_eq!(Endpoint::of(&Method::OPTIONS, "/dir"), None);
    }

    #[test]
    fn names_are_the_directorys() {
        for (endpoint, name) in [(Endpoint::NewNonce, "newNonce"), (Endpoint::RevokeCert, "revokeCert")] {
            assert_eq!(serde_json::to_value(endpoint).unwrap(), name);
        }
    }
}
