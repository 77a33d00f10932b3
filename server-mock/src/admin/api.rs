//! The handlers under `/api`.

use axum::{
    Json,
    body::Bytes,
    extract::{Path, RawQuery, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Admin,
    json::{ApiError, parse},
};
use crate::{
    ca::Chain,
    model::{Account, AccountId, Certificate, CertificateId, EabKey, Owner, OwnerId, Rights},
    protocol::timestamp,
    services::Services,
};

/// How many certificates a page of their list has.
const PAGE: usize = 1000;

type Created = (StatusCode, Json<Value>);

pub(super) async fn create_owner(State(admin): State<Admin>, body: Bytes) -> Result<Created, ApiError> {
    let owner: Owner = parse(&body)?;
    let mut document = json!(owner);
    document["id"] = json!(admin.create_owner(owner)?);
    Ok((StatusCode::CREATED, Json(document)))
}

pub(super) async fn update_owner(
    State(admin): State<Admin>,
    Path(id): Path<OwnerId>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let owner: Owner = parse(&body)?;
    let mut document = json!(owner);
    admin.update_owner(&id, owner)?;
    document["id"] = json!(id);
    Ok(Json(document))
}

pub(super) async fn list_owners(State(admin): State<Admin>) -> Json<Value> {
    let with_id = |(id, owner): (&OwnerId, &Owner)| {
        let mut document = json!(owner);
        document["id"] = json!(id);
        document
    };
    Json(admin.services.store.with(|model| model.owners().map(with_id).collect()))
}

/// What `POST /api/eab-keys` takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewEabKey {
    owner: OwnerId,
    #[serde(default)]
    rights: Rights,
}

pub(super) async fn create_eab_key(State(admin): State<Admin>, body: Bytes) -> Result<Created, ApiError> {
    let NewEabKey { owner, rights } = parse(&body)?;
    let mut document = json!({"owner": owner, "rights": rights});
    let credentials = admin.create_eab_key(&owner, rights)?;
    document["kid"] = credentials.kid.into();
    document["hmac_key"] = credentials.hmac_key.into();
    Ok((StatusCode::CREATED, Json(document)))
}

/// Rights replace the earlier ones whole.
pub(super) async fn set_rights(
    State(admin): State<Admin>,
    Path(kid): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let rights: Rights = parse(&body)?;
    let document = json!({"kid": kid, "rights": rights});
    admin.set_rights(&kid, rights)?;
    Ok(Json(document))
}

/// The MAC keys are shown once, when they are made.
pub(super) async fn list_eab_keys(State(admin): State<Admin>) -> Json<Value> {
    let document = |key: &EabKey| {
        json!({
            "kid": key.kid, "owner": key.owner, "rights": key.rights,
            "created": timestamp(key.created), "revoked": key.revoked.map(timestamp),
            "accounts": key.accounts, "certificates": key.certificates,
        })
    };
    Json(admin.services.store.with(|model| model.eab_keys().map(document).collect()))
}

pub(super) async fn revoke_eab_key(
    State(admin): State<Admin>,
    Path(kid): Path<String>,
) -> Result<Json<Value>, ApiError> {
    admin.revoke_eab_key(&kid)?;
    Ok(Json(json!({"kid": kid, "status": "revoked"})))
}

pub(super) async fn list_accounts(State(admin): State<Admin>) -> Json<Value> {
    let document = |account: &Account| {
        json!({
            "id": account.id, "owner": account.owner, "kid": account.kid, "status": account.status,
            "contact": account.contact, "thumbprint": account.key.thumbprint(),
            "created": timestamp(account.created), "orders": account.orders.len(),
        })
    };
    Json(admin.services.store.with(|model| model.accounts().map(document).collect()))
}

pub(super) async fn revoke_account(
    State(admin): State<Admin>,
    Path(id): Path<AccountId>,
) -> Result<Json<Value>, ApiError> {
    admin.revoke_account(&id)?;
    Ok(Json(json!({"id": id, "status": "revoked"})))
}

pub(super) async fn revoke_certificates(
    State(admin): State<Admin>,
    Path(id): Path<AccountId>,
) -> Result<Json<Value>, ApiError> {
    let revoked = admin.revoke_certificates_of(&id)?;
    Ok(Json(json!({"id": id, "revoked": revoked})))
}

/// A page of the certificates, with a link to the next one. The page begins after the certificate that the query
/// names.
pub(super) async fn list_certificates(
    State(admin): State<Admin>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let wrong = || ApiError::bad_request("the query is `after=` and the name of a certificate, or nothing");
    let after = query.map(|query| query.strip_prefix("after=").map(CertificateId::from).ok_or_else(wrong));
    let after = after.transpose()?;
    let services = &admin.services;
    let mut page: Vec<Certificate> =
        services.store.with(|model| model.certificates_after(after.as_ref(), PAGE + 1).cloned().collect());
    let more = page.len() > PAGE;
    page.truncate(PAGE);
    let next = page.last().filter(|_| more).map(|last| last.id.clone());
    let page: Vec<Value> = page.iter().map(|certificate| document(services, certificate)).collect();
    let mut response = Json(page).into_response();
    if let Some(next) = next
        && let Ok(link) = HeaderValue::from_str(&format!("</api/certificates?after={next}>;rel=\"next\""))
    {
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}

fn document(services: &Services, certificate: &Certificate) -> Value {
    let serial: String = certificate.serial.iter().map(|byte| format!("{byte:02x}")).collect();
    json!({
        "serial": serial, "account": certificate.account, "owner": certificate.owner,
        "identifiers": certificate.identifiers,
        "not_before": timestamp(certificate.not_before), "not_after": timestamp(certificate.not_after),
        "revoked": certificate.revoked.map(|revocation| timestamp(revocation.at)),
        "reason": certificate.revoked.and_then(|revocation| revocation.reason),
        "pem": services.authority.chain_pem(&certificate.der, Chain::Default),
    })
}

/// What `PUT /api/terms` takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewTerms {
    url: url::Url,
}

pub(super) async fn terms(State(admin): State<Admin>) -> Json<Value> {
    let services = &admin.services;
    Json(json!(services.store.with(|model| model.terms(&services.settings))))
}

pub(super) async fn change_terms(State(admin): State<Admin>, body: Bytes) -> Result<Json<Value>, ApiError> {
    let NewTerms { url } = parse(&body)?;
    if !["http", "https"].contains(&url.scheme()) {
        return Err(ApiError::bad_request("`url` is no URL of the web"));
    }
    Ok(Json(json!(admin.change_terms(url.as_str()))))
}

pub(super) async fn agree_to_terms(
    State(admin): State<Admin>,
    Path(id): Path<AccountId>,
) -> Result<Json<Value>, ApiError> {
    admin.agree_to_terms(&id)?;
    Ok(Json(json!({"id": id, "status": "agreed"})))
}

/// The challenge mails, whole.
pub(super) async fn list_mail(State(admin): State<Admin>) -> Json<Value> {
    Json(json!(admin.outgoing_mail()))
}

/// The body is a mail, as it would come by SMTP.
pub(super) async fn receive_mail(State(admin): State<Admin>, body: Bytes) -> Result<Json<Value>, ApiError> {
    admin.receive_mail(&body).await?;
    Ok(Json(json!({"status": "taken"})))
}
