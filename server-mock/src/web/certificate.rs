//! Certificates (RFC 8555 §7.4.2).

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};

use super::{App, extract::ByAccount};
use crate::model::{CertificateId, Problem};

/// The certificate with its issuers in PEM, by POST-as-GET.
pub(super) async fn read(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    request: ByAccount,
) -> Result<Response, Problem> {
    let id = CertificateId::from(id);
    let chain = app.services.store.with(|model| {
        let certificate = model.certificate(&id, &request.account)?;
        request.body.expect_empty()?;
        Ok::<_, Problem>(certificate.chain_pem.clone())
    })?;
    Ok(([(header::CONTENT_TYPE, "application/pem-certificate-chain")], chain).into_response())
}
