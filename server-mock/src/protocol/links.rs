//! The URLs of resources: made in one place, taken apart in the same.

use crate::model::{AccountId, AuthorizationId, CertificateId, ChallengeKind, OrderId};

/// Makes absolute URLs under one origin.
#[derive(Clone, Debug)]
pub struct Links {
    base: String,
}

impl Links {
    /// Links under `base`, such as `https://127.0.0.1:14000`.
    #[must_use]
    pub fn new(base: &str) -> Self {
        Self { base: base.trim_end_matches('/').to_owned() }
    }

    /// The URL of a path, with its query if there is one.
    #[must_use]
    pub fn absolute(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> String {
        self.absolute("/directory")
    }

    /// An account.
    #[must_use]
    pub fn account(&self, id: &AccountId) -> String {
        self.absolute(&format!("/acme/account/{id}"))
    }

    /// The account that has this URL, be it one that exists or not.
    #[must_use]
    pub fn account_id(&self, url: &str) -> Option<AccountId> {
        let id = url.strip_prefix(&self.base)?.strip_prefix("/acme/account/")?;
        (!id.is_empty() && !id.contains(['/', '?', '#'])).then(|| AccountId::from(id))
    }

    /// An account's list of orders.
    #[must_use]
    pub fn orders(&self, account: &AccountId) -> String {
        format!("{}/orders", self.account(account))
    }

    /// An order.
    #[must_use]
    pub fn order(&self, id: &OrderId) -> String {
        self.absolute(&format!("/acme/order/{id}"))
    }

    /// Where an order is finalized.
    #[must_use]
    pub fn finalize(&self, id: &OrderId) -> String {
        format!("{}/finalize", self.order(id))
    }

    /// An authorization.
    #[must_use]
    pub fn authorization(&self, id: &AuthorizationId) -> String {
        self.absolute(&format!("/acme/authorization/{id}"))
    }

    /// A challenge: an authorization has at most one of a kind.
    #[must_use]
    pub fn challenge(&self, authorization: &AuthorizationId, kind: ChallengeKind) -> String {
        format!("{}/{kind}", self.authorization(authorization))
    }

    /// A certificate.
    #[must_use]
    pub fn certificate(&self, id: &CertificateId) -> String {
        self.absolute(&format!("/acme/certificate/{id}"))
    }

    /// A certificate with its other chain.
    #[must_use]
    pub fn alternate_certificate(&self, id: &CertificateId) -> String {
        format!("{}/alternate", self.certificate(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_url_of_another_origin_or_form_is_nobodys() {
        let links = Links::new("https://ca.test:14000");
        let id = AccountId::from("a1");
        assert_eq!(links.account_id(&links.account(&id)), Some(id));
        for url in [
            "https://other.test:14000/acme/account/a1",
            "https://ca.test:14000/acme/account/",
            "https://ca.test:14000/acme/account/a1/orders",
            "https://ca.test:14000/acme/account/a1?x",
            "a1",
        ] {
            assert_eq!(links.account_id(url), None, "{url}");
        }
    }
}
