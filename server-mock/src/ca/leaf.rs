//! End-entity certificates.

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose,
    PKCS_RSA_SHA256, PublicKeyData, SanType, SerialNumber, SubjectPublicKeyInfo, string::Ia5String,
};
use time::OffsetDateTime;

use super::{
    Authority, CaError,
    authority::{distribution_point, paths},
    der::authority_info_access,
};
use crate::model::Identifier;

/// The longest common name, in characters (ub-common-name, RFC 5280 appendix A.1).
const COMMON_NAME_MAX: usize = 64;

/// What to certify. Nothing else of the client's CSR gets into the certificate.
#[derive(Clone, Copy, Debug)]
pub struct LeafRequest<'a> {
    /// The subject's public key, a DER SubjectPublicKeyInfo.
    pub spki_der: &'a [u8],
    /// The order's identifiers.
    pub identifiers: &'a [Identifier],
    /// A fresh, random, positive number, big-endian.
    pub serial: [u8; 16],
    /// The first valid moment, cut to the second.
    pub not_before: OffsetDateTime,
    /// The last valid moment, cut to the second.
    pub not_after: OffsetDateTime,
}

/// A new certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// The certificate itself, DER.
    pub der: Vec<u8>,
    /// It and the intermediate, strict PEM (RFC 7468), leaf first (RFC 8555 §9.1).
    pub chain_pem: String,
}

impl Authority {
    /// Issues a certificate from the intermediate.
    ///
    /// # Errors
    /// [`CaError::Key`] for keys other than RSA, P-256, P-384, P-521 and Ed25519; [`CaError::Name`] for
    /// names that are no IA5Strings; [`CaError::Sign`] when signing fails.
    pub fn issue(&self, request: &LeafRequest<'_>) -> Result<Issued, CaError> {
        let key = SubjectPublicKeyInfo::from_der(request.spki_der).map_err(CaError::Key)?;
        let mut params = CertificateParams::default();
        params.serial_number = Some(SerialNumber::from_slice(&request.serial));
        params.not_before = request.not_before;
        params.not_after = request.not_after;
        params.distinguished_name = subject(request.identifiers);
        params.subject_alt_names =
            request.identifiers.iter().map(alternative_name).collect::<Result<_, _>>()?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = key_usages(&key);
        params.extended_key_usages = extended_key_usages(request.identifiers);
        params.use_authority_key_identifier_extension = true;
        params.crl_distribution_points = distribution_point(&self.base_url, paths::INTERMEDIATE_CRL);
        params.custom_extensions =
            vec![authority_info_access(&format!("{}{}", self.base_url, paths::INTERMEDIATE))];

        let certificate = params.signed_by(&key, &self.intermediate)?;
        Ok(Issued {
            der: certificate.der().to_vec(),
            chain_pem: certificate.pem() + &self.intermediate.pem(),
        })
    }
}

/// The first DNS name as common name; empty where there is none that fits, which makes the SAN critical.
fn subject(identifiers: &[Identifier]) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    let first = identifiers.iter().find_map(|identifier| match identifier {
        Identifier::Dns(name) => Some(name),
        _ => None,
    });
    if let Some(name) = first.filter(|name| name.len() <= COMMON_NAME_MAX) {
        subject.push(DnType::CommonName, name.as_str());
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
        Identifier::Email(address) => SanType::Rfc822Name(ia5(address)?),
    })
}

/// RSA keys also encipher keys, for TLS 1.2 without forward secrecy; the others only sign.
fn key_usages(key: &SubjectPublicKeyInfo) -> Vec<KeyUsagePurpose> {
    let mut usages = vec![KeyUsagePurpose::DigitalSignature];
    // Every RSA algorithm has the same SubjectPublicKeyInfo, of which rcgen takes the first.
    if key.algorithm() == &PKCS_RSA_SHA256 {
        usages.push(KeyUsagePurpose::KeyEncipherment);
    }
    usages
}

/// What the names are for: servers have names and addresses of hosts, mail has mailboxes.
fn extended_key_usages(identifiers: &[Identifier]) -> Vec<ExtendedKeyUsagePurpose> {
    let is_mail = |identifier: &Identifier| matches!(identifier, Identifier::Email(_));
    let mut usages = Vec::new();
    if !identifiers.iter().all(is_mail) {
        usages.push(ExtendedKeyUsagePurpose::ServerAuth);
    }
    if identifiers.iter().any(is_mail) {
        usages.push(ExtendedKeyUsagePurpose::EmailProtection);
    }
    usages
}
