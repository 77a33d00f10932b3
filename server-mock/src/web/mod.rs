//! The ACME endpoints: one file a resource, what all of them share in `extract` and `respond`.

mod accept;
mod account;
mod authorization;
mod certificate;
mod challenge;
mod challenge_mail;
mod directory;
mod extract;
mod finalize;
mod key_change;
mod nonce;
mod order;
mod panic;
mod problem;
mod renewal_info;
mod respond;
mod revocation;

use std::sync::Arc;

use axum::{
    Router, middleware,
    routing::{get, post},
};

use crate::{model::Problem, protocol::Links, services::Services};
use nonce::NoncePool;

/// What the handlers work with.
struct App {
    services: Arc<Services>,
    links: Links,
    nonces: NoncePool,
}

/// The ACME server under `base_url`, such as `https://127.0.0.1:14000`.
pub(crate) fn acme_router(services: Arc<Services>, base_url: &str) -> Router {
    let settings = &services.settings;
    let nonces = NoncePool::new(settings.capacity.nonces, settings.nonce_lifetime);
    let app = Arc::new(App { services, links: Links::new(base_url), nonces });
    challenge::resume(&app);
    Router::new()
        .route("/directory", get(directory::get).post(directory::post))
        .route("/dir", get(directory::get).post(directory::post))
        .route("/acme/new-nonce", get(nonce::get).post(nonce::post))
        .route("/acme/new-account", post(account::create))
        .route("/acme/account/{id}", post(account::update))
        .route("/acme/account/{id}/orders", post(account::orders))
        .route("/acme/key-change", post(key_change::post))
        .route("/acme/new-order", post(order::create))
        .route("/acme/new-authz", post(authorization::create))
        .route("/acme/order/{id}", post(order::read))
        .route("/acme/order/{id}/finalize", post(finalize::post))
        .route("/acme/authorization/{id}", post(authorization::post))
        .route("/acme/authorization/{id}/{kind}", post(challenge::post))
        .route("/acme/certificate/{id}", post(certificate::read))
        .route("/acme/certificate/{id}/alternate", post(certificate::read_alternate))
        .route("/acme/renewal-info/{id}", get(renewal_info::get))
        .route("/acme/revoke-cert", post(revocation::post))
        .fallback(|| async { Problem::not_found("resource") })
        .method_not_allowed_fallback(|| async {
            Problem::malformed("the resource does not answer this method").with_status(405)
        })
        .layer(middleware::from_fn(panic::catch))
        .layer(middleware::from_fn_with_state(app.clone(), respond::finish))
        .with_state(app)
}
