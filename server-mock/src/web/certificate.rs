//! Certificates (RFC 8555 §7.4.2).

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};

use super::{App, accept, extract::ByAccount, respond::append_link};
use crate::{
    ca::Chain,
    model::{CertificateId, Problem},
};

const PEM: &str = "application/pem-certificate-chain";
const DER: &str = "application/pkix-cert";

/// The certificate with its issuers in PEM, or alone in DER, by POST-as-GET.
pub(super) async fn read(
    app: State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    request: ByAccount,
) -> Result<Response, Problem> {
    answer(&app, id.into(), Chain::Default, &headers, &request)
}

/// The same certificate with the issuers up to the other root.
pub(super) async fn read_alternate(
    app: State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    request: ByAccount,
) -> Result<Response, Problem> {
    answer(&app, id.into(), Chain::Alternate, &headers, &request)
}

fn answer(
    app: &App,
    id: CertificateId,
    chain: Chain,
    headers: &HeaderMap,
    request: &ByAccount,
) -> Result<Response, Problem> {
    let services = &app.services;
    let der = request.transition(app, |model| {
        let certificate = model.certificate(&id, &request.account)?;
        request.body.expect_empty()?;
        Ok::<_, Problem>(certificate.der.clone())
    })?;
    let pem = services.authority.chain_pem(&der, chain).ok_or_else(|| Problem::not_found("chain"))?;
    // RFC 8555 §7.4.2: PEM unless the client prefers the other; what we don't have is answered with PEM too.
    let mut response = if accept::prefers(headers, DER, PEM) {
        let mut response = ([(header::CONTENT_TYPE, DER)], der).into_response();
        append_link(response.headers_mut(), &services.authority.issuer_url(chain), "up");
        response
    } else {
        ([(header::CONTENT_TYPE, PEM)], pem).into_response()
    };
    if services.authority.alternate_root_der().is_some() {
        let other = match chain {
            Chain::Default => app.links.alternate_certificate(&id),
            Chain::Alternate => app.links.certificate(&id),
        };
        append_link(response.headers_mut(), &other, "alternate");
    }
    Ok(response)
}
