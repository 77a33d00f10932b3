//! An account at work: what orders, authorizations and revocations are signed with.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::core::contact::Contact;
use crate::core::revocation_reason::RevocationReason;
use crate::core::text::printable;

use super::answer::Answer;
use super::jws::{Signer, key_change};
use super::retry::Repeatable;
use super::transport::Transport;
use super::{Account, AccountKey, AcmeError, Authorization, Directory, find_account, signed};

/// A longer list of orders is cut; who reads on?
const MOST_PAGES: usize = 100;

/// An account that the server knows, its key, and the way to the server.
pub struct Session {
    transport: Transport,
    key: AccountKey,
    account_url: String,
}

impl Session {
    /// The account at work; asks the server nothing yet.
    #[must_use]
    pub fn new(transport: Transport, account_url: String, key: AccountKey) -> Self {
        Self { transport, key, account_url }
    }

    /// The server's directory.
    ///
    /// # Errors
    /// When it can't be fetched or is no directory.
    pub async fn directory(&self) -> Result<&Directory, AcmeError> {
        self.transport.directory().await
    }

    /// The account's URL.
    #[must_use]
    pub fn account_url(&self) -> &str {
        &self.account_url
    }

    /// The account key's thumbprint, the second half of every key authorization.
    #[must_use]
    pub fn thumbprint(&self) -> &str {
        self.key.thumbprint()
    }

    /// The account as the server has it (RFC 8555 §7.3.3).
    ///
    /// # Errors
    /// When the server refuses or can't be reached.
    pub async fn account(&self) -> Result<Account, AcmeError> {
        self.fetch(&self.account_url).await
    }

    /// The URLs of the account's orders, of all pages of the list (RFC 8555 §7.1.2.1).
    ///
    /// # Errors
    /// When the server refuses, can't be reached, or its pages go round in a circle.
    pub async fn orders(&self, list_url: &str) -> Result<Vec<String>, AcmeError> {
        #[derive(Deserialize)]
        struct Page {
            orders: Vec<String>,
        }
        let mut orders = Vec::new();
        let mut seen = Vec::new();
        let mut next = Some(list_url.to_owned());
        while let Some(url) = next.take().filter(|_| seen.len() < MOST_PAGES) {
            if seen.contains(&url) {
                return Err(AcmeError::Protocol("the list of orders has no end".into()));
            }
            let answer = self.post(&url, None).await?;
            let page: Page = understood(&url, &answer)?;
            orders.extend(page.orders);
            next = answer.links(&url, "next").into_iter().next();
            seen.push(url);
        }
        Ok(orders)
    }

    /// Tells the server other contacts (RFC 8555 §7.3.2).
    ///
    /// # Errors
    /// When the server refuses or can't be reached.
    pub async fn update_contacts(&self, contacts: &[Contact]) -> Result<(), AcmeError> {
        let contacts: Vec<String> = contacts.iter().map(Contact::url).collect();
        self.post(&self.account_url, Some(&json!({ "contact": contacts }))).await.map(drop)
    }

    /// Gives the account up for good (RFC 8555 §7.3.6). One that is gone already is none to complain about.
    ///
    /// # Errors
    /// When the server refuses, can't be reached, or answers that the account still is what it was.
    pub async fn deactivate(&self) -> Result<(), AcmeError> {
        let answer = match self.post(&self.account_url, Some(&json!({"status": "deactivated"}))).await {
            // So all requests of such an account are answered, also the second one after a lost answer. Some servers
            // answer other refusals so too.
            Err(AcmeError::Refused(refusal))
                if refusal.status == 401 && refusal.problem.is("unauthorized") =>
            {
                return match find_account(&self.transport, &self.key).await {
                    Ok(Some(_)) => Err(AcmeError::Refused(refusal)),
                    Ok(None) => Ok(()),
                    Err(AcmeError::Refused(again)) if again.status == 401 => Ok(()),
                    Err(error) => Err(error),
                };
            }
            answer => answer?,
        };
        match serde_json::from_slice::<Account>(&answer.body) {
            Ok(account) if account.status == "deactivated" => Ok(()),
            _ => Err(AcmeError::Protocol(
                "the server did not deactivate the account, though it said so".into(),
            )),
        }
    }

    /// Replaces the account key at the server (RFC 8555 §7.3.5). The new key must be on disk already.
    ///
    /// # Errors
    /// When the server refuses or can't be reached; in the latter case it may have taken the key all the same.
    pub async fn change_key(&self, new: &AccountKey) -> Result<(), AcmeError> {
        let url = self.transport.directory().await?.key_change.clone();
        let url = url.ok_or_else(|| self.unsupported("keyChange"))?;
        let inner = key_change(&self.account_url, &self.key, new, &url)?;
        self.post_once(&url, Some(&inner)).await.map(drop)
    }

    fn unsupported(&self, resource: &'static str) -> AcmeError {
        AcmeError::Unsupported { server: self.transport.directory_url().to_owned(), resource }
    }

    /// An authorization (RFC 8555 §7.5).
    ///
    /// # Errors
    /// When the server refuses or can't be reached.
    pub async fn authorization(&self, url: &str) -> Result<Authorization, AcmeError> {
        self.fetch(url).await
    }

    /// Gives an authorization up, with the order that waits for it (RFC 8555 §7.5.2).
    ///
    /// # Errors
    /// When the server refuses or can't be reached.
    pub async fn deactivate_authorization(&self, url: &str) -> Result<(), AcmeError> {
        self.post(url, Some(&json!({"status": "deactivated"}))).await.map(drop)
    }

    /// The names that the CA says it goes by in the DNS (RFC 8555 §7.1.1).
    ///
    /// # Errors
    /// When the directory can't be fetched.
    pub async fn caa_identities(&self) -> Result<Vec<String>, AcmeError> {
        Ok(self.transport.directory().await?.meta.caa_identities.clone())
    }

    /// Tells the server that a challenge can be validated now (RFC 8555 §7.5.1).
    ///
    /// # Errors
    /// When the server refuses or can't be reached; in the latter case it may look all the same.
    pub async fn answer_challenge(&self, url: &str) -> Result<(), AcmeError> {
        self.post_once(url, Some(&json!({}))).await.map(drop)
    }

    /// Revokes a certificate as this account (RFC 8555 §7.6).
    ///
    /// # Errors
    /// When the server refuses or can't be reached.
    pub async fn revoke(&self, der: &[u8], reason: Option<RevocationReason>) -> Result<(), AcmeError> {
        let (url, payload) = revocation(&self.transport, der, reason).await?;
        self.post(&url, Some(&payload)).await.map(drop)
    }

    /// How long the server asked us to wait before asking for this URL again.
    pub(crate) fn take_retry_after(&self, url: &str) -> Option<std::time::Duration> {
        self.transport.take_retry_after(url)
    }

    async fn fetch<T: for<'a> Deserialize<'a>>(&self, url: &str) -> Result<T, AcmeError> {
        let answer = self.post(url, None).await?;
        understood(url, &answer)
    }

    /// A request that may be sent again when its answer is lost.
    pub(super) async fn post(&self, url: &str, payload: Option<&Value>) -> Result<Answer, AcmeError> {
        let signer = Signer::Account(&self.key, &self.account_url);
        signed::post(&self.transport, signer, url, payload, Repeatable::Always).await
    }

    /// A request of which the server must not hear twice: when its answer is lost, the caller finds out what became
    /// of it.
    pub(super) async fn post_once(&self, url: &str, payload: Option<&Value>) -> Result<Answer, AcmeError> {
        let signer = Signer::Account(&self.key, &self.account_url);
        signed::post(&self.transport, signer, url, payload, Repeatable::Unheard).await
    }
}

/// An answer's document.
pub(super) fn understood<T: for<'a> Deserialize<'a>>(url: &str, answer: &Answer) -> Result<T, AcmeError> {
    serde_json::from_slice(&answer.body).map_err(|error| {
        // It repeats what it did not expect.
        let error = printable(&error.to_string()).into_owned();
        AcmeError::Protocol(format!("the answer of {url} can't be understood: {error}"))
    })
}

/// Revokes a certificate with its own key, no account needed (RFC 8555 §7.6).
///
/// # Errors
/// When the server refuses or can't be reached.
pub async fn revoke_with_certificate_key(
    transport: &Transport,
    key: &AccountKey,
    der: &[u8],
    reason: Option<RevocationReason>,
) -> Result<(), AcmeError> {
    let (url, payload) = revocation(transport, der, reason).await?;
    signed::post(transport, Signer::Bare(key), &url, Some(&payload), Repeatable::Always).await.map(drop)
}

async fn revocation(
    transport: &Transport,
    der: &[u8],
    reason: Option<RevocationReason>,
) -> Result<(String, Value), AcmeError> {
    use base64::Engine as _;
    let url = transport.directory().await?.revoke_cert.clone().ok_or_else(|| AcmeError::Unsupported {
        server: transport.directory_url().to_owned(),
        resource: "revokeCert",
    })?;
    let mut payload = json!({"certificate": base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(der)});
    if let Some(reason) = reason {
        payload["reason"] = reason.code().into();
    }
    Ok((url, payload))
}
