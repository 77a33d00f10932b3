//! Accounts: made with an External Account Binding, and shown (RFC 8555 §7.3).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::core::contact::Contact;
use crate::core::eab::{MacAlgorithm, MacKey};

use super::answer::Answer;
use super::jws::{Signer, binding};
use super::retry::Repeatable;
use super::transport::Transport;
use super::{AccountKey, AcmeError, signed};

/// An account as a server tells it (RFC 8555 §7.1.2).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// `valid`, `deactivated` or `revoked`.
    pub status: String,
    /// The contact URLs.
    #[serde(default)]
    pub contact: Vec<String>,
    /// Whether the terms were agreed to, where the server tells it.
    pub terms_of_service_agreed: Option<bool>,
    /// Where the account's orders are listed.
    pub orders: Option<String>,
    /// The binding as it was sent at registration.
    pub external_account_binding: Option<Value>,
}

impl Account {
    /// The key identifier that the account is bound to, read from the binding that the server repeats.
    #[must_use]
    pub fn eab_kid(&self) -> Option<String> {
        use base64::Engine as _;
        let protected = self.external_account_binding.as_ref()?.get("protected")?.as_str()?;
        let header = base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(protected).ok()?;
        let header: Value = serde_json::from_slice(&header).ok()?;
        Some(crate::core::text::printable(header.get("kid")?.as_str()?).into_owned())
    }
}

/// What a registration asks for.
#[derive(Clone, Debug)]
pub struct NewAccount<'a> {
    /// Where the CA can reach the owner.
    pub contacts: &'a [Contact],
    /// Whether the owner agreed to the terms of service.
    pub terms_of_service_agreed: bool,
    /// What binds it to its owner.
    pub binding: Option<Binding<'a>>,
}

/// What an External Account Binding is made of.
#[derive(Clone, Copy, Debug)]
pub struct Binding<'a> {
    /// The key identifier.
    pub kid: &'a str,
    /// The MAC key.
    pub key: &'a MacKey,
    /// The algorithm; without one that of the key's length, or what the server asks for instead.
    pub algorithm: Option<MacAlgorithm>,
}

/// A registration's outcome.
#[derive(Clone, Debug)]
pub struct Registered {
    /// The account's URL.
    pub url: String,
    /// Whether the server made it now (201) or had it already (200).
    pub created: bool,
}

impl NewAccount<'_> {
    /// Registers this key. The key must be on disk already: once the answer is under way, it is an account's.
    ///
    /// # Errors
    /// When the server refuses or can't be reached.
    pub async fn register(&self, transport: &Transport, key: &AccountKey) -> Result<Registered, AcmeError> {
        let answer = match self.binding {
            None => self.ask(transport, key, None).await?,
            Some(Binding { algorithm: Some(algorithm), .. }) => {
                self.ask(transport, key, Some(algorithm)).await?
            }
            Some(Binding { key: mac_key, .. }) => {
                self.ask_with_any(transport, key, mac_key.algorithm()).await?
            }
        };
        let url = answer.location();
        let url = url.ok_or_else(|| AcmeError::Protocol("the new account came without its URL".into()))?;
        Ok(Registered { url, created: answer.status == http::StatusCode::CREATED })
    }

    /// Begins with this algorithm, and takes another one when the server asks for it.
    async fn ask_with_any(
        &self,
        transport: &Transport,
        key: &AccountKey,
        first: MacAlgorithm,
    ) -> Result<Answer, AcmeError> {
        let mut refused = vec![first];
        let mut answer = self.ask(transport, key, Some(first)).await;
        while let Err(AcmeError::Refused(refusal)) = &answer
            && refusal.problem.is("badSignatureAlgorithm")
            && let Some(next) = MacAlgorithm::after(&refused, &refusal.problem.algorithms)
        {
            refused.push(next);
            answer = self.ask(transport, key, Some(next)).await;
        }
        answer
    }

    async fn ask(
        &self,
        transport: &Transport,
        key: &AccountKey,
        algorithm: Option<MacAlgorithm>,
    ) -> Result<Answer, AcmeError> {
        let url = &transport.directory().await?.new_account;
        let contacts: Vec<String> = self.contacts.iter().map(Contact::url).collect();
        let mut payload = json!({"termsOfServiceAgreed": self.terms_of_service_agreed});
        if !contacts.is_empty() {
            payload["contact"] = contacts.into();
        }
        if let Some((bound, algorithm)) = self.binding.zip(algorithm) {
            payload["externalAccountBinding"] = binding(key, bound.kid, bound.key, algorithm, url)?;
        }
        signed::post(transport, Signer::Bare(key), url, Some(&payload), Repeatable::Always).await
    }
}

/// The URL of the account with this key, if the server knows one (RFC 8555 §7.3.1).
///
/// # Errors
/// When the server refuses for another reason or can't be reached.
pub async fn find_account(transport: &Transport, key: &AccountKey) -> Result<Option<String>, AcmeError> {
    let url = &transport.directory().await?.new_account;
    let payload = json!({"onlyReturnExisting": true});
    match signed::post(transport, Signer::Bare(key), url, Some(&payload), Repeatable::Always).await {
        Ok(answer) => match answer.location() {
            Some(url) => Ok(Some(url)),
            None => Err(AcmeError::Protocol("the account came without its URL".into())),
        },
        Err(error) if error.is("accountDoesNotExist") => Ok(None),
        Err(error) => Err(error),
    }
}
