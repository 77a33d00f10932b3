//! Renewal information (RFC 9773).

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{App, respond::retry_after};
use crate::{
    model::{Certificate, CertificateId, Model, Problem},
    protocol::{CertId, timestamp},
    services::Services,
};

/// `GET`, by whoever has seen the certificate.
pub(super) async fn get(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = CertId::parse(&id)?;
    let services = &app.services;
    let window =
        services.store.with(|model| certificate(services, model, &id).map(Certificate::suggested_window))?;
    let document = json!({
        "suggestedWindow": {"start": timestamp(window.start), "end": timestamp(window.end)},
    });
    let pause = retry_after(services.settings.renewal_info_retry_after);
    Ok(([(header::RETRY_AFTER, pause)], Json(document)).into_response())
}

/// The name of the certificate that a certID means.
pub(super) fn resolve(services: &Services, model: &Model, id: &CertId) -> Result<CertificateId, Problem> {
    certificate(services, model, id).map(|certificate| certificate.id.clone())
}

fn certificate<'a>(services: &Services, model: &'a Model, id: &CertId) -> Result<&'a Certificate, Problem> {
    let ours = services.authority.key_identifier() == id.key_identifier;
    let certificate = if ours { model.certificate_by_serial(&id.serial) } else { None };
    certificate.ok_or_else(|| Problem::not_found("certificate"))
}
