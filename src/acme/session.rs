//! An account at work: what orders, authorizations and revocations are signed with.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::core::contact::Contact;
use crate::core::revocation_reason::RevocationReason;

use super::signed::{self, AccountKey, Signer, retry_bad_nonce};
use super::transport::{Answer, Transport};
use super::{Account, AcmeError, Authorization};

/// An account that the server knows, its key, and the way to the server.
pub struct Session {
    transport: Transport,
    key: AccountKey,
    account_url: String,
    pub(super) inner: instant_acme::Account,
}

impl Session {
    /// Opens the account; asks the server for its directory and nothing else.
    ///
    /// # Errors
    /// When the directory can't be fetched or the key can't be used.
    pub async fn open(transport: Transport, account_url: String, key: AccountKey) -> Result<Self, AcmeError> {
        let builder = instant_acme::Account::builder_with_http(Box::new(transport.clone()));
        let directory_url = transport.directory_url().to_owned();
        let inner = builder.from_parts(account_url.clone(), key.pkcs8(), directory_url).await?;
        Ok(Self { transport, key, account_url, inner })
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

    /// Tells the server other contacts (RFC 8555 §7.3.2).
    ///
    /// # Errors
    /// When the server refuses or can't be reached.
    pub async fn update_contacts(&self, contacts: &[Contact]) -> Result<(), AcmeError> {
        let contacts: Vec<String> = contacts.iter().map(Contact::url).collect();
        self.post(&self.account_url, Some(&json!({ "contact": contacts }))).await.map(drop)
    }

    /// Gives the account up for good (RFC 8555 §7.3.6).
    ///
    /// # Errors
    /// When the server refuses, can't be reached, or answers that the account still is what it was.
    pub async fn deactivate(&self) -> Result<(), AcmeError> {
        let answer = self.post(&self.account_url, Some(&json!({"status": "deactivated"}))).await?;
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
        let inner = new.key_change(&self.account_url, &self.key, &url)?;
        self.post(&url, Some(&inner)).await.map(drop)
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
    /// When the server refuses or can't be reached.
    pub async fn answer_challenge(&self, url: &str) -> Result<(), AcmeError> {
        self.post(url, Some(&json!({}))).await.map(drop)
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
        serde_json::from_slice(&answer.body)
            .map_err(|error| AcmeError::Protocol(format!("the answer of {url} can't be understood: {error}")))
    }

    async fn post(&self, url: &str, payload: Option<&Value>) -> Result<Answer, AcmeError> {
        signed::post(&self.transport, Signer::Account(&self.key, &self.account_url), url, payload).await
    }

    /// Runs a request of instant-acme's, again while the server wants another nonce.
    pub(super) async fn relay<T>(
        &self,
        mut request: impl AsyncFnMut() -> Result<T, instant_acme::Error>,
    ) -> Result<T, AcmeError> {
        retry_bad_nonce(async || request().await.map_err(AcmeError::from)).await
    }
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
    signed::post(transport, Signer::Bare(key), &url, Some(&payload)).await.map(drop)
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
