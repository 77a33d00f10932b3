//! The OCSP responder over HTTP (RFC 6960 appendix A).

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{HeaderName, header},
};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::Admin;
use crate::{
    ca::{CertificateStatus, ResponseStatus, ocsp_error},
    model::Model,
};

type Answer = ([(HeaderName, &'static str); 2], Vec<u8>);

/// The request as the body, whatever it calls itself.
pub(super) async fn post(State(admin): State<Admin>, body: Bytes) -> Answer {
    answer(&admin, &body)
}

/// The request in base64 as the rest of the path.
pub(super) async fn get(State(admin): State<Admin>, Path(request): Path<String>) -> Answer {
    match STANDARD.decode(request) {
        Ok(request) => answer(&admin, &request),
        Err(_) => with_headers(ocsp_error(ResponseStatus::MalformedRequest)),
    }
}

/// Errors are told inside the answer, as RFC 6960 §4.2.1 has it. Every answer is made anew, for the moment.
fn answer(admin: &Admin, request: &[u8]) -> Answer {
    let services = &admin.services;
    let status = |serial: &[u8]| services.store.with(|model| status(model, serial));
    let answer = services.authority.ocsp(request, services.clock.now(), status);
    with_headers(answer.unwrap_or_else(|error| {
        tracing::error!(%error, "could not sign an OCSP response");
        ocsp_error(ResponseStatus::InternalError)
    }))
}

fn status(model: &Model, serial: &[u8]) -> CertificateStatus {
    match model.certificate_by_serial(serial).map(|certificate| certificate.revoked) {
        None => CertificateStatus::Unknown,
        Some(None) => CertificateStatus::Good,
        Some(Some(revocation)) => {
            CertificateStatus::Revoked { at: revocation.at, reason: revocation.stated_reason() }
        }
    }
}

/// Caches between us and the client must not hide a revocation, although clients may keep the answer for its time.
fn with_headers(der: Vec<u8>) -> Answer {
    let content_type = (header::CONTENT_TYPE, "application/ocsp-response");
    ([content_type, (header::CACHE_CONTROL, "no-store")], der)
}
