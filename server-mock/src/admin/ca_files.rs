//! What the URLs in certificates lead to: the issuers (RFC 5280 §4.2.2.1) and the CRLs (§4.2.1.13).

use axum::{
    extract::State,
    http::{HeaderName, header},
};

use super::{Admin, json::ApiError};
use crate::{
    ca::{CaError, RevokedEntry},
    model::{Certificate, Problem, ProblemType},
};

type File = ([(HeaderName, &'static str); 1], Vec<u8>);

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

/// Made anew for every request: it is never stale, and tests need not wait.
pub(super) async fn intermediate_crl(State(admin): State<Admin>) -> Result<File, ApiError> {
    let services = &admin.services;
    let revoked: Vec<RevokedEntry> =
        services.store.with(|model| model.certificates().filter_map(revoked_entry).collect());
    crl(services.authority.crl(&revoked, services.clock.now()))
}

fn revoked_entry(certificate: &Certificate) -> Option<RevokedEntry> {
    let revocation = certificate.revoked?;
    let reason = revocation.stated_reason();
    Some(RevokedEntry { serial: certificate.serial.clone(), revoked_at: revocation.at, reason })
}

fn certificate(der: &[u8]) -> File {
    ([(header::CONTENT_TYPE, "application/pkix-cert")], der.to_vec())
}

fn crl(crl: Result<Vec<u8>, CaError>) -> Result<File, ApiError> {
    match crl {
        Ok(der) => Ok(([(header::CONTENT_TYPE, "application/pkix-crl")], der)),
        Err(error) => Err(Problem::new(ProblemType::ServerInternal, error.to_string()).into()),
    }
}
