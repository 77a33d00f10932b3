//! Root and intermediate.

use rcgen::{
    BasicConstraints, CertificateParams, CrlDistributionPoint, DistinguishedName, DnType, IsCa,
    KeyUsagePurpose, SerialNumber,
};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::{CaCertificate, CaCertificateRecord, CaError, CaKey, der::authority_info_access};
use crate::random::Random;

/// Where the authority's certificates and CRLs are served, under its base URL; all of them DER.
pub mod paths {
    /// The root's certificate.
    pub const ROOT: &str = "/ca/root.der";
    /// The intermediate's certificate.
    pub const INTERMEDIATE: &str = "/ca/intermediate.der";
    /// The root's CRL.
    pub const ROOT_CRL: &str = "/ca/root.crl";
    /// The intermediate's CRL.
    pub const INTERMEDIATE_CRL: &str = "/ca/intermediate.crl";
}

/// How long the root is valid. CAcert's own has 30 years; nobody mocks that long.
const ROOT_LIFETIME: Duration = Duration::days(20 * 365);
/// How long the intermediate is valid.
const INTERMEDIATE_LIFETIME: Duration = Duration::days(10 * 365);
/// Both begin a little earlier than made, for clients whose clock is behind.
const BACKDATE: Duration = Duration::hours(1);

/// What can be chosen about the authority.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaSettings {
    /// The kind of key of root and intermediate.
    pub key: CaKey,
    /// Where [`paths`] are served, such as `http://127.0.0.1:15000`, without a slash at the end.
    pub base_url: String,
}

/// A root and an intermediate with their keys; issues from the intermediate.
pub struct Authority {
    pub(super) root: CaCertificate,
    pub(super) intermediate: CaCertificate,
    pub(super) base_url: String,
}

/// An authority in a form that can be kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorityRecord {
    root: CaCertificateRecord,
    intermediate: CaCertificateRecord,
}

impl Authority {
    /// Makes both keys and certificates.
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

        let mut params =
            ca_params("CA Cert Signing Authority (server-mock)", BasicConstraints::Unconstrained, random);
        params.not_before = not_before;
        params.not_after = not_before + ROOT_LIFETIME;
        let root = CaCertificate::self_signed(params, settings.key.generate(random)?)?;

        let mut params =
            ca_params("CAcert Class 3 Root (server-mock)", BasicConstraints::Constrained(0), random);
        params.not_before = not_before;
        params.not_after = not_before + INTERMEDIATE_LIFETIME;
        params.use_authority_key_identifier_extension = true;
        params.crl_distribution_points = distribution_point(&base_url, paths::ROOT_CRL);
        params.custom_extensions = vec![authority_info_access(&format!("{base_url}{}", paths::ROOT))];
        let intermediate = CaCertificate::signed_by(params, settings.key.generate(random)?, &root)?;

        Ok(Self { root, intermediate, base_url })
    }

    /// The authority that was kept; what it issued before still counts.
    ///
    /// # Errors
    /// [`CaError::Record`] when the record is damaged.
    pub fn restore(record: &AuthorityRecord, settings: &CaSettings) -> Result<Self, CaError> {
        let root = CaCertificate::restore(&record.root)?;
        let intermediate = CaCertificate::restore(&record.intermediate)?;
        Ok(Self { root, intermediate, base_url: settings.base_url.clone() })
    }

    /// What is to be kept. It holds the private keys.
    #[must_use]
    pub fn record(&self) -> AuthorityRecord {
        AuthorityRecord { root: self.root.record(), intermediate: self.intermediate.record() }
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
}

/// The certificate fields that say where to find the issuer's CRL (RFC 5280 §4.2.1.13).
pub(super) fn distribution_point(base_url: &str, path: &str) -> Vec<CrlDistributionPoint> {
    vec![CrlDistributionPoint { uris: vec![format!("{base_url}{path}")] }]
}

/// A positive serial number of 128 random bits (RFC 5280 §4.1.2.2).
fn random_serial(random: &dyn Random) -> SerialNumber {
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    SerialNumber::from_slice(&bytes)
}

fn ca_params(common_name: &str, constraints: BasicConstraints, random: &dyn Random) -> CertificateParams {
    let mut distinguished_name = DistinguishedName::new();
    distinguished_name.push(DnType::OrganizationName, "server-mock");
    distinguished_name.push(DnType::CommonName, common_name);
    let mut params = CertificateParams::default();
    params.distinguished_name = distinguished_name;
    params.serial_number = Some(random_serial(random));
    params.is_ca = IsCa::Ca(constraints);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}
