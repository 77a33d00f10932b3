//! Roots and the intermediate.

use rcgen::{
    BasicConstraints, CertificateParams, CrlDistributionPoint, DistinguishedName, DnType, IsCa, KeyPair,
    KeyUsagePurpose, SerialNumber,
};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::{
    CaCertificate, CaCertificateRecord, CaError, CaKey, der::authority_info_access, key::key_identifier, pem,
    responder::Responder,
};
use crate::random::Random;

/// Where the authority's certificates, CRLs and statuses are served, under its base URL; all of them DER.
pub mod paths {
    /// The root's certificate.
    pub const ROOT: &str = "/ca/root.der";
    /// The intermediate's certificate.
    pub const INTERMEDIATE: &str = "/ca/intermediate.der";
    /// The root's CRL.
    pub const ROOT_CRL: &str = "/ca/root.crl";
    /// The intermediate's CRL.
    pub const INTERMEDIATE_CRL: &str = "/ca/intermediate.crl";
    /// The other root's certificate.
    pub const ALTERNATE_ROOT: &str = "/ca/alternate-root.der";
    /// The intermediate's certificate by the other root.
    pub const ALTERNATE_INTERMEDIATE: &str = "/ca/alternate-intermediate.der";
    /// The other root's CRL.
    pub const ALTERNATE_ROOT_CRL: &str = "/ca/alternate-root.crl";
    /// The OCSP responder for what the intermediate issued.
    pub const OCSP: &str = "/ocsp";
}

/// How long a root is valid. CAcert's own has 30 years; nobody mocks that long.
const ROOT_LIFETIME: Duration = Duration::days(20 * 365);
/// How long the intermediate and its OCSP responder are valid.
pub(super) const INTERMEDIATE_LIFETIME: Duration = Duration::days(10 * 365);
/// All begin a little earlier than made, for clients whose clock is behind.
pub(super) const BACKDATE: Duration = Duration::hours(1);

/// What can be chosen about the authority.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaSettings {
    /// The kind of key of roots, intermediate and OCSP responder.
    pub key: CaKey,
    /// Where [`paths`] are served, such as `http://127.0.0.1:15000`, without a slash at the end.
    pub base_url: String,
    /// Whether another root certifies the intermediate too, so that there are two chains to choose from.
    pub alternate_root: bool,
}

/// A root and an intermediate with their keys; issues from the intermediate.
pub struct Authority {
    pub(super) root: CaCertificate,
    pub(super) intermediate: CaCertificate,
    pub(super) alternate: Option<Alternate>,
    pub(super) responder: Responder,
    not_after: OffsetDateTime,
    pub(super) base_url: String,
}

/// An authority in a form that can be kept. What only lives as long as an answer is made anew at each start: the
/// certificate of the OCSP responder, and the intermediate's by the other root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorityRecord {
    root: CaCertificateRecord,
    intermediate: CaCertificateRecord,
    alternate_root: Option<CaCertificateRecord>,
}

/// Another way up from the intermediate's key.
pub(super) struct Alternate {
    pub(super) root: CaCertificate,
    /// The intermediate's name and key again, certified by the other root; DER.
    pub(super) intermediate: Vec<u8>,
}

/// The chains that a certificate can be had with (RFC 8555 §7.4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chain {
    /// Up to the root.
    Default,
    /// Up to the other root.
    Alternate,
}

impl Authority {
    /// Makes all keys and certificates.
    ///
    /// # Errors
    /// [`CaError::Sign`] when the cryptographic library refuses.
    pub fn generate(
        settings: &CaSettings,
        now: OffsetDateTime,
        random: &dyn Random,
    ) -> Result<Self, CaError> {
        let base_url = settings.base_url.clone();
        let not_before = now - BACKDATE;
        let root = root("CA Cert Signing Authority (server-mock)", settings.key, not_before, random)?;
        let intermediate_key = settings.key.generate(random)?;
        let issued_by = [paths::ROOT, paths::ROOT_CRL];
        let params = intermediate(&base_url, issued_by, &intermediate_key, not_before, random);
        let intermediate = CaCertificate::signed_by(params, intermediate_key, &root)?;
        Self::complete(root, intermediate, None, settings, not_before, random)
    }

    fn complete(
        root: CaCertificate,
        intermediate: CaCertificate,
        alternate_root: Option<CaCertificate>,
        settings: &CaSettings,
        not_before: OffsetDateTime,
        random: &dyn Random,
    ) -> Result<Self, CaError> {
        let alternate = match settings.alternate_root {
            true => Some(Alternate::generate(alternate_root, settings, &intermediate, not_before, random)?),
            false => None,
        };
        let responder = Responder::generate(settings.key, &intermediate, not_before, random)?;
        let not_after = intermediate.not_after()?;
        Ok(Self { root, intermediate, alternate, responder, not_after, base_url: settings.base_url.clone() })
    }

    /// The authority that was kept; what it issued before still counts.
    ///
    /// # Errors
    /// [`CaError::Record`] when the record is damaged.
    pub fn restore(
        record: &AuthorityRecord,
        settings: &CaSettings,
        now: OffsetDateTime,
        random: &dyn Random,
    ) -> Result<Self, CaError> {
        let root = CaCertificate::restore(&record.root)?;
        let intermediate = CaCertificate::restore(&record.intermediate)?;
        let alternate_root = record.alternate_root.as_ref().map(CaCertificate::restore).transpose()?;
        Self::complete(root, intermediate, alternate_root, settings, now - BACKDATE, random)
    }

    /// The end of the intermediate, which nothing that it issues may outlive.
    #[must_use]
    pub fn not_after(&self) -> OffsetDateTime {
        self.not_after
    }

    /// What is to be kept. It holds the private keys.
    #[must_use]
    pub fn record(&self) -> AuthorityRecord {
        AuthorityRecord {
            root: self.root.record(),
            intermediate: self.intermediate.record(),
            alternate_root: self.alternate.as_ref().map(|alternate| alternate.root.record()),
        }
    }

    /// The root's certificate.
    #[must_use]
    pub fn root_pem(&self) -> String {
        self.root.pem()
    }

    /// The root's certificate, DER.
    #[must_use]
    pub fn root_der(&self) -> &[u8] {
        self.root.der()
    }

    /// The intermediate's certificate.
    #[must_use]
    pub fn intermediate_pem(&self) -> String {
        self.intermediate.pem()
    }

    /// The intermediate's certificate, DER.
    #[must_use]
    pub fn intermediate_der(&self) -> &[u8] {
        self.intermediate.der()
    }

    /// The URL of the intermediate's certificate in a chain.
    #[must_use]
    pub fn issuer_url(&self, chain: Chain) -> String {
        let path = match chain {
            Chain::Default => paths::INTERMEDIATE,
            Chain::Alternate => paths::ALTERNATE_INTERMEDIATE,
        };
        format!("{}{path}", self.base_url)
    }

    /// The other root's certificate, DER, if there is one.
    #[must_use]
    pub fn alternate_root_der(&self) -> Option<&[u8]> {
        self.alternate.as_ref().map(|alternate| alternate.root.der())
    }

    /// The intermediate's certificate by the other root, DER, if there is one.
    #[must_use]
    pub fn alternate_intermediate_der(&self) -> Option<&[u8]> {
        self.alternate.as_ref().map(|alternate| &alternate.intermediate[..])
    }

    /// The key identifier of the intermediate, which its certificates name in authorityKeyIdentifier.
    #[must_use]
    pub fn key_identifier(&self) -> &[u8] {
        &self.responder.issuer.key_identifier
    }

    /// A leaf and the rest of a chain without its root, strict PEM (RFC 7468), leaf first (RFC 8555 §9.1);
    /// `None` when there is no such chain.
    #[must_use]
    pub fn chain_pem(&self, leaf_der: &[u8], chain: Chain) -> Option<String> {
        let issuer = match chain {
            Chain::Default => self.intermediate.pem(),
            Chain::Alternate => pem::certificate(&self.alternate.as_ref()?.intermediate),
        };
        Some(pem::certificate(leaf_der) + &issuer)
    }
}

impl Alternate {
    fn generate(
        kept: Option<CaCertificate>,
        settings: &CaSettings,
        issuer: &CaCertificate,
        not_before: OffsetDateTime,
        random: &dyn Random,
    ) -> Result<Self, CaError> {
        let root = match kept {
            Some(root) => root,
            None => root("CA Cert Alternate Authority (server-mock)", settings.key, not_before, random)?,
        };
        let issued_by = [paths::ALTERNATE_ROOT, paths::ALTERNATE_ROOT_CRL];
        let mut params = intermediate(&settings.base_url, issued_by, issuer.key(), not_before, random);
        // As long as the intermediate of the default chain, whose leaves it certifies, and no longer than its root.
        params.not_after = issuer.not_after()?.min(root.not_after()?);
        let intermediate = params.signed_by(issuer.key(), &root)?.der().to_vec();
        Ok(Self { root, intermediate })
    }
}

fn root(
    name: &str,
    kind: CaKey,
    not_before: OffsetDateTime,
    random: &dyn Random,
) -> Result<CaCertificate, CaError> {
    let key = kind.generate(random)?;
    let mut params = ca_params(name, BasicConstraints::Unconstrained, &key, random);
    params.not_before = not_before;
    params.not_after = not_before + ROOT_LIFETIME;
    Ok(CaCertificate::self_signed(params, key)?)
}

fn intermediate(
    base_url: &str,
    [issuer, crl]: [&str; 2],
    key: &KeyPair,
    not_before: OffsetDateTime,
    random: &dyn Random,
) -> CertificateParams {
    let name = "CAcert Class 3 Root (server-mock)";
    let mut params = ca_params(name, BasicConstraints::Constrained(0), key, random);
    params.not_before = not_before;
    params.not_after = not_before + INTERMEDIATE_LIFETIME;
    params.use_authority_key_identifier_extension = true;
    params.crl_distribution_points = distribution_point(base_url, crl);
    params.custom_extensions = vec![authority_info_access(None, &format!("{base_url}{issuer}"))];
    params
}

/// The certificate fields that say where to find the issuer's CRL (RFC 5280 §4.2.1.13).
pub(super) fn distribution_point(base_url: &str, path: &str) -> Vec<CrlDistributionPoint> {
    vec![CrlDistributionPoint { uris: vec![format!("{base_url}{path}")] }]
}

/// A positive serial number of 128 random bits (RFC 5280 §4.1.2.2).
pub(super) fn random_serial(random: &dyn Random) -> SerialNumber {
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    SerialNumber::from_slice(&bytes)
}

/// The names of the authority's own certificates.
pub(super) fn distinguished_name(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "server-mock");
    name.push(DnType::CommonName, common_name);
    name
}

fn ca_params(
    common_name: &str,
    constraints: BasicConstraints,
    key: &KeyPair,
    random: &dyn Random,
) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = distinguished_name(common_name);
    params.serial_number = Some(random_serial(random));
    params.is_ca = IsCa::Ca(constraints);
    params.key_identifier_method = key_identifier(key);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}
