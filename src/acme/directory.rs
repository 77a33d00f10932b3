//! A server's directory (RFC 8555 §7.1.1).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::core::text::printable;

/// The server's resources. URLs are used verbatim.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Directory {
    /// Where nonces come from.
    pub new_nonce: String,
    /// Where accounts are made.
    pub new_account: String,
    /// Where orders are made.
    pub new_order: String,
    /// Where certificates are revoked; RFC 8555 demands it, some servers lack it.
    pub revoke_cert: Option<String>,
    /// Where account keys are changed.
    pub key_change: Option<String>,
    /// What the server says of itself.
    #[serde(default)]
    pub meta: Meta,
}

/// What a server says of itself.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Meta {
    /// The URL of its terms of service.
    pub terms_of_service: Option<String>,
    /// Whether accounts need an External Account Binding.
    #[serde(default)]
    pub external_account_required: bool,
    /// The profiles that orders can choose from, with what is said of each (draft-ietf-acme-profiles §3).
    #[serde(default)]
    profiles: Value,
    /// The names that the CA goes by in the DNS.
    #[serde(default)]
    pub caa_identities: Vec<String>,
}

impl Meta {
    /// The profiles that orders can choose from, with what is said of each, made printable.
    #[must_use]
    pub fn profiles(&self) -> BTreeMap<String, String> {
        let shown = |text: &str| printable(text).into_owned();
        let profiles = self.profiles.as_object().into_iter().flatten();
        profiles.map(|(name, text)| (shown(name), shown(text.as_str().unwrap_or_default()))).collect()
    }
}
