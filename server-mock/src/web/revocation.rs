//! Revocations (RFC 8555 §7.6).

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use serde_json::Value;
use x509_parser::{certificate::X509Certificate, prelude::FromDer};

use super::{App, extract::ByEither};
use crate::{
    model::{Problem, revocation::Revoker},
    protocol::base64url,
};

/// revokeCert.
pub(super) async fn post(State(app): State<Arc<App>>, request: ByEither) -> Result<StatusCode, Problem> {
    let (revoker, body) = match request {
        ByEither::Account(request) => {
            (Revoker::Account { account: request.account, key: request.key }, request.body)
        }
        ByEither::Key(request) => (Revoker::Key(request.key), request.body),
    };
    let payload = body.object()?;
    let certificate = payload.get("certificate").and_then(Value::as_str);
    let certificate =
        certificate.ok_or_else(|| Problem::malformed("`certificate` is missing or no string"))?;
    let der = base64url::decode("certificate", certificate)?;
    let reason = match payload.get("reason") {
        None => None,
        Some(reason) => {
            Some(reason.as_u64().ok_or_else(|| Problem::malformed("`reason` is no natural number"))?)
        }
    };
    let serial = serial(&der)?;
    let now = app.services.clock.now();
    app.services.store.with(|model| {
        let known = model.certificate_by_serial(&serial).filter(|certificate| certificate.der == der);
        let id = known.ok_or_else(|| Problem::not_found("certificate"))?.id.clone();
        model.revoke_certificate(&id, &revoker, reason, now)
    })?;
    Ok(StatusCode::OK)
}

fn serial(der: &[u8]) -> Result<Vec<u8>, Problem> {
    let (_, certificate) = X509Certificate::from_der(der)
        .map_err(|error| Problem::malformed(format!("the certificate can't be decoded: {error}")))?;
    Ok(certificate.serial.to_bytes_be())
}
