//! Accounts: made with an External Account Binding, and shown (RFC 8555 §7.3).

use http::header::LOCATION;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::core::contact::Contact;
use crate::core::eab::MacKey;

use super::AcmeError;
use super::signed::{self, AccountKey, Signer};
use super::transport::Transport;

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
    /// Key identifier and MAC key.
    pub binding: Option<(&'a str, &'a MacKey)>,
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
        let url = &transport.directory().await?.new_account;
        let contacts: Vec<String> = self.contacts.iter().map(Contact::url).collect();
        let mut payload = json!({"termsOfServiceAgreed": self.terms_of_service_agreed});
        if !contacts.is_empty() {
            payload["contact"] = contacts.into();
        }
        if let Some((kid, mac_key)) = self.binding {
            payload["externalAccountBinding"] = key.binding(kid, mac_key, url);
        }
        let answer = signed::post(transport, Signer::Bare(key), url, Some(&payload)).await?;
        let location = answer.headers.get(LOCATION).and_then(|value| value.to_str().ok());
        let url =
            location.ok_or_else(|| AcmeError::Protocol("the new account came without its URL".into()))?;
        Ok(Registered { url: url.to_owned(), created: answer.status == http::StatusCode::CREATED })
    }
}

/// The URL of the account with this key, if the server knows one (RFC 8555 §7.3.1).
///
/// # Errors
/// When the server refuses for another reason or can't be reached.
pub async fn find_account(transport: &Transport, key: &AccountKey) -> Result<Option<String>, AcmeError> {
    let url = &transport.directory().await?.new_account;
    let payload = json!({"onlyReturnExisting": true});
    match signed::post(transport, Signer::Bare(key), url, Some(&payload)).await {
        Ok(answer) => {
            let location = answer.headers.get(LOCATION).and_then(|value| value.to_str().ok());
            Ok(location.map(ToOwned::to_owned))
        }
        Err(error) if error.is("accountDoesNotExist") => Ok(None),
        Err(error) => Err(error),
    }
}
