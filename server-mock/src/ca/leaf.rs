//! End-entity certificates.

use rcgen::{
    CertificateParams, CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyUsagePurpose, SanType, SerialNumber, string::Ia5String,
};
use time::OffsetDateTime;

use super::{
    Authority, CaError,
    authority::{Chain, distribution_point, paths},
    der::authority_info_access,
    key::key_identifier,
    subject_key::{KeyFamily, SubjectKey},
};
use crate::model::{Identifier, certificate::KeyUse};

/// The longest common name, in characters (ub-common-name, RFC 5280 appendix A.1).
const COMMON_NAME_MAX: usize = 64;

/// id-on-SmtpUTF8Mailbox: an address whose local part is no IA5String (RFC 9598 §3).
const SMTP_UTF8_MAILBOX: [u64; 9] = [1, 3, 6, 1, 5, 5, 7, 8, 9];

/// The TLS feature extension (RFC 7633 §6).
const TLS_FEATURE: [u64; 9] = [1, 3, 6, 1, 5, 5, 7, 1, 24];
/// SEQUENCE { INTEGER 5 }: the TLS extension status_request (RFC 6066 §8).
const STATUS_REQUEST: [u8; 5] = [0x30, 3, 2, 1, 5];

/// What to certify. Nothing else of the client's CSR gets into the certificate.
#[derive(Clone, Copy, Debug)]
pub struct LeafRequest<'a> {
    /// The subject's public key, a DER SubjectPublicKeyInfo.
    pub spki_der: &'a [u8],
    /// The order's identifiers: of hosts, or of mailboxes.
    pub identifiers: &'a [Identifier],
    /// The name of the person in a client certificate; server certificates take the first DNS name.
    pub person: Option<&'a str>,
    /// What the key of a client certificate is for; keys of servers have one use.
    pub key_use: KeyUse,
    /// Whether a server must staple an OCSP response (RFC 7633).
    pub must_staple: bool,
    /// A fresh, random, positive number, big-endian.
    pub serial: [u8; 16],
    /// The first valid moment, cut to the second.
    pub not_before: OffsetDateTime,
    /// The last valid moment, cut to the second.
    pub not_after: OffsetDateTime,
}

impl Authority {
    /// Issues a certificate from the intermediate, DER.
    ///
    /// # Errors
    /// [`CaError::Key`] for keys other than RSA, P-256, P-384, P-521, Ed25519 and ML-DSA; [`CaError::Name`] for
    /// names that are no IA5Strings; [`CaError::SignsOnly`]
    /// for keys that can't do what is asked; [`CaError::Sign`] when signing fails.
    pub fn issue(&self, request: &LeafRequest<'_>) -> Result<Vec<u8>, CaError> {
        let key = SubjectKey::parse(request.spki_der)?;
        let is_mail = |identifier: &Identifier| matches!(identifier, Identifier::Email(_));
        let mail = request.identifiers.iter().any(is_mail);
        let mut params = CertificateParams::default();
        params.serial_number = Some(SerialNumber::from_slice(&request.serial));
        params.not_before = request.not_before;
        params.not_after = request.not_after;
        params.distinguished_name = subject(request);
        params.subject_alt_names =
            request.identifiers.iter().map(alternative_name).collect::<Result<_, _>>()?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_identifier_method = key_identifier(&key);
        params.key_usages = match mail {
            true => client_usages(key.family(), request.key_use)?,
            false => server_usages(key.family()),
        };
        params.extended_key_usages = match mail {
            true => vec![ExtendedKeyUsagePurpose::EmailProtection, ExtendedKeyUsagePurpose::ClientAuth],
            false => vec![ExtendedKeyUsagePurpose::ServerAuth],
        };
        params.use_authority_key_identifier_extension = true;
        params.crl_distribution_points = distribution_point(&self.base_url, paths::INTERMEDIATE_CRL);
        let ocsp = format!("{}{}", self.base_url, paths::OCSP);
        params.custom_extensions = vec![authority_info_access(Some(&ocsp), &self.issuer_url(Chain::Default))];
        if request.must_staple {
            let status_request = STATUS_REQUEST.to_vec();
            params.custom_extensions.push(CustomExtension::from_oid_content(&TLS_FEATURE, status_request));
        }
        Ok(params.signed_by(&key, &self.intermediate)?.der().to_vec())
    }
}

/// The person's name, or the first DNS name; empty where there is none that fits, which makes the SAN critical.
fn subject(request: &LeafRequest<'_>) -> DistinguishedName {
    let first_host = || {
        request.identifiers.iter().find_map(|identifier| match identifier {
            Identifier::Dns(name) => Some(name.as_str()),
            _ => None,
        })
    };
    let mut subject = DistinguishedName::new();
    let name = request.person.or_else(first_host);
    if let Some(name) = name.filter(|name| name.chars().count() <= COMMON_NAME_MAX) {
        subject.push(DnType::CommonName, name);
    }
    subject
}

fn alternative_name(identifier: &Identifier) -> Result<SanType, CaError> {
    let ia5 = |name: &str| {
        Ia5String::try_from(name).map_err(|source| CaError::Name { name: name.to_owned(), source })
    };
    Ok(match identifier {
        Identifier::Dns(name) => SanType::DnsName(ia5(name)?),
        Identifier::Ip(address) => SanType::IpAddress(*address),
        Identifier::Email(address) if address.is_ascii() => SanType::Rfc822Name(ia5(address)?),
        Identifier::Email(address) => {
            SanType::OtherName((SMTP_UTF8_MAILBOX.to_vec(), address.as_str().into()))
        }
    })
}

/// RSA keys also encipher keys, for TLS 1.2 without forward secrecy; the others only sign.
fn server_usages(key: KeyFamily) -> Vec<KeyUsagePurpose> {
    match key {
        KeyFamily::Rsa => vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment],
        KeyFamily::Ec | KeyFamily::SignOnly => vec![KeyUsagePurpose::DigitalSignature],
    }
}

/// What CAcert writes into every client certificate, whatever the key: all three, or those that the client asked for.
/// Keys that can do nothing but sign, which CAcert does not take today, get what they can do (RFC 8410 §5,
/// RFC 9881 §5).
fn client_usages(key: KeyFamily, key_use: KeyUse) -> Result<Vec<KeyUsagePurpose>, CaError> {
    let mut usages = Vec::new();
    if key_use != KeyUse::Encryption {
        usages.push(KeyUsagePurpose::DigitalSignature);
    }
    match (key, key_use) {
        (KeyFamily::SignOnly, KeyUse::Encryption) => return Err(CaError::SignsOnly),
        (KeyFamily::SignOnly, _) | (_, KeyUse::Signing) => {}
        _ => usages.extend([KeyUsagePurpose::KeyEncipherment, KeyUsagePurpose::KeyAgreement]),
    }
    Ok(usages)
}
