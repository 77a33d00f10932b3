//! What the URLs in certificates lead to: the issuers (RFC 5280 §4.2.2.1) and the CRLs (§4.2.1.13).

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderName, header},
};
use tokio::task::spawn_blocking;

use super::{Admin, json::ApiError};
use crate::{
    ca::{CaError, RevokedEntry},
    model::{Certificate, Problem, ProblemType},
};

type File = ([(HeaderName, &'static str); 1], Bytes);

pub(super) async fn root(State(admin): State<Admin>) -> File {
    certificate(admin.services.authority.root_der())
}

pub(super) async fn intermediate(State(admin): State<Admin>) -> File {
    certificate(admin.services.authority.intermediate_der())
}

pub(super) async fn alternate_root(State(admin): State<Admin>) -> Result<File, ApiError> {
    admin.services.authority.alternate_root_der().map(certificate).ok_or_else(no_alternate)
}

pub(super) async fn alternate_intermediate(State(admin): State<Admin>) -> Result<File, ApiError> {
    admin.services.authority.alternate_intermediate_der().map(certificate).ok_or_else(no_alternate)
}

pub(super) async fn alternate_root_crl(State(admin): State<Admin>) -> Result<File, ApiError> {
    let services = &admin.services;
    crl(services.authority.alternate_root_crl(services.clock.now()).ok_or_else(no_alternate)?)
}

fn no_alternate() -> ApiError {
    Problem::not_found("root: this server was started without `alternate_root`").into()
}

pub(super) async fn root_crl(State(admin): State<Admin>) -> Result<File, ApiError> {
    crl(admin.services.authority.root_crl(admin.services.clock.now()))
}

/// Made when something was revoked, or the latest is old: it is never stale, and tests need not wait.
pub(super) async fn intermediate_crl(State(admin): State<Admin>) -> Result<File, ApiError> {
    let services = Arc::clone(&admin.services);
    let now = services.clock.now();
    let revocations = services.store.with(|model| model.revocations());
    if let Some(latest) = services.crl.get(revocations, now) {
        return Ok(crl_file(latest));
    }
    // The list may be long: neither the model nor other requests wait until it is signed.
    let signed = spawn_blocking(move || {
        let (revocations, revoked) = services.store.with(|model| {
            let revoked: Vec<_> = model.revoked_certificates().filter_map(revoked_entry).collect();
            (model.revocations(), revoked)
        });
        let der = Bytes::from(services.authority.crl(&revoked, now)?);
        services.crl.put(revocations, now, der.clone());
        Ok(der)
    });
    match signed.await {
        Ok(signed) => crl(signed),
        Err(panic) => Err(Problem::new(ProblemType::ServerInternal, panic.to_string()).into()),
    }
}

fn revoked_entry(certificate: &Certificate) -> Option<RevokedEntry> {
    let revocation = certificate.revoked?;
    let reason = revocation.stated_reason();
    Some(RevokedEntry { serial: certificate.serial.clone(), revoked_at: revocation.at, reason })
}

fn certificate(der: &[u8]) -> File {
    ([(header::CONTENT_TYPE, "application/pkix-cert")], Bytes::copy_from_slice(der))
}

fn crl_file(der: Bytes) -> File {
    ([(header::CONTENT_TYPE, "application/pkix-crl")], der)
}

fn crl(crl: Result<impl Into<Bytes>, CaError>) -> Result<File, ApiError> {
    match crl {
        Ok(der) => Ok(crl_file(der.into())),
        Err(error) => Err(Problem::new(ProblemType::ServerInternal, error.to_string()).into()),
    }
}
