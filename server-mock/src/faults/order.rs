//! Orders that need less than usual.

use axum::{http::header, response::Response};
use rcgen::{KeyPair, PublicKeyData};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Endpoint, Kind,
    certificate::{random_serial, subject_key},
    layer::{Scene, read, with_body},
};
use crate::{
    ca::LeafRequest,
    model::{
        AccountId, AuthorizationStatus, CertificateId, Model, OrderId, OrderStatus, Settings,
        certificate::KeyUse, finalize::Signed,
    },
    protocol::jwk,
};

/// What an order is when it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Born {
    /// To be finalized: all names count as proven.
    Ready,
    /// Issued: with the key of the account's last certificate for the same names, else with a key that nobody has.
    Valid,
}

/// Moves an order on that was just made, and tells of it as it is then, if that is the fault.
pub(super) async fn bear(kind: &Kind, scene: &Scene<'_>, response: Response) -> Response {
    let Kind::Born(born) = kind else { return response };
    let id = response.headers().get(header::LOCATION).and_then(|url| url.to_str().ok()?.rsplit('/').next());
    let (Some(id), Some(account)) = (id.map(OrderId::from), &scene.account) else { return response };
    if scene.endpoint != Endpoint::NewOrder || !response.status().is_success() {
        return response;
    }
    let (server, now) = (scene.server, scene.server.now());
    server.store().with(|model| prove(model, &id, account, now, server.settings()));
    let certificate = if *born == Born::Valid { issue(scene, &id, account) } else { None };
    // Should that fail, the server's next answer says so.
    let _ = server.store().written().await;
    let status = server.store().with(|model| {
        let order = model.order(&id, account).ok()?;
        Some(model.order_status(order, now).0)
    });
    let (parts, body) = read(response).await;
    // Another fault may have made something else of it before.
    let document = serde_json::from_slice::<Value>(&body).ok().filter(Value::is_object);
    let Some(mut document) = document else { return with_body(parts, body) };
    document["status"] = json!(status.unwrap_or(OrderStatus::Pending));
    let origin =
        document["finalize"].as_str().and_then(|url| url.split_once("/acme/")).map(|(origin, _)| origin);
    if let (Some(certificate), Some(origin)) = (certificate, origin) {
        document["certificate"] = format!("{origin}/acme/certificate/{certificate}").into();
    }
    with_body(parts, document.to_string())
}

/// Settles the first challenge of every open authorization, as if somebody had looked.
fn prove(
    model: &mut Model,
    id: &OrderId,
    account: &AccountId,
    now: time::OffsetDateTime,
    settings: &Settings,
) {
    let Ok(authorizations) = model.order(id, account).map(|order| order.authorizations.clone()) else {
        return;
    };
    for id in authorizations {
        let Ok(authorization) = model.authorization(&id, account) else { continue };
        let pending = authorization.status(now) == AuthorizationStatus::Pending;
        let Some(kind) = authorization.challenges.first().map(|challenge| challenge.kind).filter(|_| pending)
        else {
            continue;
        };
        if model.begin_validation(&id, account, kind, now).is_ok() {
            model.conclude_validation(&id, kind, Ok(()), now, settings);
        }
    }
}

/// Issues what the order is for, without a CSR; `None` where the owner's rights forbid it.
fn issue(scene: &Scene<'_>, id: &OrderId, account: &AccountId) -> Option<CertificateId> {
    let (server, now) = (scene.server, scene.server.now());
    let random = server.faults().random();
    let earlier = server.store().with(|model| {
        let identifiers = &model.order(id, account).ok()?.identifiers;
        let same =
            model.certificates().filter(|one| one.account == *account && one.identifiers == *identifiers);
        same.max_by_key(|certificate| certificate.not_before)
            .and_then(|certificate| subject_key(&certificate.der))
    });
    let spki_der = match earlier {
        Some(key) => key,
        None => KeyPair::generate().ok()?.subject_public_key_info(),
    };
    let key = jwk::from_spki(&spki_der).ok()?;
    let claim = server.store().with(|model| {
        let names = model.order(id, account)?.identifiers.clone();
        model.begin_finalize(id, account, &names, &key, now, server.settings())
    });
    let claim = claim.ok()?;
    let serial = random_serial(random);
    let der = server.authority().issue(&LeafRequest {
        spki_der: &spki_der,
        identifiers: &claim.identifiers,
        person: claim.person.as_deref(),
        key_use: KeyUse::default(),
        must_staple: false,
        serial,
        not_before: claim.not_before,
        not_after: claim.not_after,
    });
    let certificate = CertificateId::from(random.token(16));
    let signed = Signed { id: certificate.clone(), serial: serial.to_vec(), key, der: der.ok()? };
    server.store().with(|model| model.complete_finalize(claim, signed, now));
    Some(certificate)
}
