//! What CAcert's web UI does, as a JSON API and as methods: owners, EAB keys, revocations. Also serves the
//! CA's certificates and CRLs, plain HTTP as their URLs in certificates want it.

mod api;
mod ca_files;
mod dns;
mod faults;
mod json;
mod ocsp;
mod profiles;

use std::{fmt, sync::Arc};

use axum::{
    Router, middleware,
    routing::{get, post, put},
};

use crate::{
    ca::paths,
    model::{AccountId, EabKey, Owner, OwnerId, Problem, Profile, Rights, Terms},
    protocol::base64url,
    random::Random,
    services::Services,
    va::mail::{MailRefused, OutgoingMail},
};

/// The length of MAC keys in bytes: RFC 7518 §3.2 asks for the hash's own length, and HS512 is allowed.
const MAC_KEY_LENGTH: usize = 64;

/// The API on the admin port.
pub fn admin_router(services: Arc<Services>) -> Router {
    Router::new()
        .route("/api/owners", get(api::list_owners).post(api::create_owner))
        .route("/api/eab-keys", get(api::list_eab_keys).post(api::create_eab_key))
        .route("/api/owners/{id}", put(api::update_owner))
        .route("/api/eab-keys/{kid}/revoke", post(api::revoke_eab_key))
        .route("/api/eab-keys/{kid}/rights", put(api::set_rights))
        .route("/api/acme-accounts", get(api::list_accounts))
        .route("/api/acme-accounts/{id}/revoke", post(api::revoke_account))
        .route("/api/acme-accounts/{id}/revoke-certificates", post(api::revoke_certificates))
        .route("/api/acme-accounts/{id}/agree-to-terms", post(api::agree_to_terms))
        .route("/api/terms", get(api::terms).put(api::change_terms))
        .route("/api/dns-records", get(dns::list).post(dns::add).delete(dns::remove))
        .route("/api/dns-failures", post(dns::fail))
        .route("/api/dns-default", put(dns::set_default))
        .route("/api/faults", get(faults::list).post(faults::add).delete(faults::clear))
        .route("/api/certificates", get(api::list_certificates))
        .route("/api/profiles", get(profiles::list))
        .route("/api/profiles/{name}", put(profiles::put).delete(profiles::remove))
        .route("/api/mail", get(api::list_mail).post(api::receive_mail))
        .route(paths::ROOT, get(ca_files::root))
        .route(paths::INTERMEDIATE, get(ca_files::intermediate))
        .route(paths::ROOT_CRL, get(ca_files::root_crl))
        .route(paths::INTERMEDIATE_CRL, get(ca_files::intermediate_crl))
        .route(paths::ALTERNATE_ROOT, get(ca_files::alternate_root))
        .route(paths::ALTERNATE_INTERMEDIATE, get(ca_files::alternate_intermediate))
        .route(paths::ALTERNATE_ROOT_CRL, get(ca_files::alternate_root_crl))
        .route(paths::OCSP, post(ocsp::post))
        .route(&format!("{}/{{*request}}", paths::OCSP), get(ocsp::get))
        .fallback(json::not_found)
        .method_not_allowed_fallback(json::method_not_allowed)
        .layer(middleware::from_fn_with_state(Arc::clone(&services), json::finish))
        .with_state(Admin::new(services))
}

/// The web UI's actions as methods.
#[derive(Clone)]
pub struct Admin {
    services: Arc<Services>,
}

/// What the owner copies from the web UI into the client.
#[derive(Clone, PartialEq, Eq)]
pub struct EabCredentials {
    /// The key identifier.
    pub kid: String,
    /// The MAC key in base64url without padding.
    pub hmac_key: String,
}

impl fmt::Debug for EabCredentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("EabCredentials").field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl Admin {
    pub(crate) fn new(services: Arc<Services>) -> Self {
        Self { services }
    }

    /// Adds an owner.
    ///
    /// # Errors
    /// When the name is empty, there are too many points, or no room.
    pub fn create_owner(&self, owner: Owner) -> Result<OwnerId, Problem> {
        let id = OwnerId::from(self.services.random.token(16));
        self.services.store.with(|model| model.add_owner(id.clone(), owner, &self.services.settings))?;
        Ok(id)
    }

    /// Makes a key identifier and a MAC key.
    ///
    /// # Errors
    /// When there is no such owner, or no room.
    pub fn create_eab_key(&self, owner: &OwnerId, rights: Rights) -> Result<EabCredentials, Problem> {
        let services = &self.services;
        let kid = paste_safe(&*services.random, 16);
        let hmac_key = paste_safe(&*services.random, MAC_KEY_LENGTH);
        let mac_key = base64url::decode("hmac_key", &hmac_key)?;
        let now = services.clock.now();
        let key = EabKey::new(kid.clone(), owner.clone(), rights, mac_key, now);
        services.store.with(|model| model.add_eab_key(key, &services.settings))?;
        Ok(EabCredentials { kid, hmac_key })
    }

    /// Gives a key identifier other rights, which count at once.
    ///
    /// # Errors
    /// When there is no such key identifier.
    pub fn set_rights(&self, kid: &str, rights: Rights) -> Result<(), Problem> {
        self.services.store.with(|model| model.set_rights(kid, rights))
    }

    /// Changes what is known of an owner.
    ///
    /// # Errors
    /// When there is no such owner, or what it is to be could not be one.
    pub fn update_owner(&self, id: &OwnerId, owner: Owner) -> Result<(), Problem> {
        self.services.store.with(|model| model.update_owner(id, owner))
    }

    /// Offers a certificate profile, or changes it.
    ///
    /// # Errors
    /// When it has no name, is for nothing, or there is no room.
    pub fn put_profile(&self, name: &str, profile: Profile) -> Result<(), Problem> {
        self.services.store.with(|model| model.put_profile(name.to_owned(), profile))
    }

    /// Withdraws a certificate profile.
    ///
    /// # Errors
    /// When there is no such profile.
    pub fn remove_profile(&self, name: &str) -> Result<(), Problem> {
        self.services.store.with(|model| model.remove_profile(name))
    }

    /// Revokes a key identifier: its accounts can do nothing from now on.
    ///
    /// # Errors
    /// When there is no such key identifier.
    pub fn revoke_eab_key(&self, kid: &str) -> Result<(), Problem> {
        let now = self.services.clock.now();
        self.services.store.with(|model| model.revoke_eab_key(kid, now))
    }

    /// Changes the terms of service: every account has to agree anew before it gets another certificate.
    pub fn change_terms(&self, url: &str) -> Terms {
        self.services.store.with(|model| model.change_terms(url.to_owned()))
    }

    /// Agrees to the terms of service in the name of an account's user.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn agree_to_terms(&self, id: &AccountId) -> Result<(), Problem> {
        self.services.store.with(|model| model.agree_to_terms(id))
    }

    /// Revokes an account: it can do nothing from now on. Its certificates stay.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn revoke_account(&self, id: &AccountId) -> Result<(), Problem> {
        self.services.store.with(|model| model.revoke_account(id)).map_err(|problem| problem.with_status(404))
    }

    /// Revokes all unexpired certificates of an account and returns how many that were.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn revoke_certificates_of(&self, id: &AccountId) -> Result<usize, Problem> {
        let now = self.services.clock.now();
        self.services.store.with(|model| model.revoke_certificates_of(id, now))
    }
}

impl Admin {
    /// The challenge mails of late, oldest first.
    #[must_use]
    pub fn outgoing_mail(&self) -> Vec<OutgoingMail> {
        self.services.mail.outgoing()
    }

    /// Takes a mail, header and body, as if it had come by SMTP. A reply with a wrong digest is taken too: it settles
    /// its challenge.
    ///
    /// # Errors
    /// When it changes nothing: no reply, not authentic, or about no open challenge; or when the state file can't be
    /// written: who hands a mail over may forget it then no sooner than we have kept it.
    pub async fn receive_mail(&self, mail: &[u8]) -> Result<(), MailRefused> {
        let services = &self.services;
        let reply = services.mail.read(mail).await?;
        let joining = services.mail.settings().token_joining;
        let now = services.clock.now();
        services.store.with(|model| model.take_reply(&reply, joining, now, &services.settings))?;
        services.store.written().await.map_err(|failure| MailRefused::NotKept(failure.to_string()))
    }
}

/// Random text in base64url. People paste it into command lines, where a hyphen in front makes it an option.
fn paste_safe(random: &dyn Random, bytes: usize) -> String {
    loop {
        let token = random.token(bytes);
        if !token.starts_with('-') {
            return token;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;

    #[test]
    fn nothing_to_paste_begins_with_a_hyphen() {
        let random = SeededRandom::new(1);
        let tokens: Vec<String> = (0..1000).map(|_| paste_safe(&random, 16)).collect();
        assert!(tokens.iter().all(|token| !token.starts_with('-') && token.len() == 22));
        assert!(tokens.iter().any(|token| token.contains('-')), "only the first character is special");
    }

    #[test]
    fn the_mac_key_is_not_in_debug_output() {
        let credentials = EabCredentials { kid: "kid-1".into(), hmac_key: "secret".into() };
        let debug = format!("{credentials:?}");
        assert!(debug.contains("kid-1") && !debug.contains("secret"), "{debug}");
    }
}
