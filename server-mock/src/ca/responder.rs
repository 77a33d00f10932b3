//! The OCSP responder's own certificate, and the issuer that it speaks for (RFC 6960 §4.2.2.2).

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use rcgen::{
    CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SigningKey,
};
use time::OffsetDateTime;
use x509_parser::{extensions::ParsedExtension, prelude::FromDer, prelude::X509Certificate};

use super::{
    CaCertificate, CaError, CaKey,
    authority::{INTERMEDIATE_LIFETIME, distinguished_name, random_serial},
    key::key_identifier,
};
use crate::random::Random;

/// id-pkix-ocsp-nocheck: nobody needs to ask for this certificate's own status (RFC 6960 §4.2.2.2.1).
const OCSP_NO_CHECK: [u64; 10] = [1, 3, 6, 1, 5, 5, 7, 48, 1, 5];
const NULL: [u8; 2] = [0x05, 0x00];

/// AlgorithmIdentifier of ecdsa-with-SHA256 (RFC 5758 §3.2).
const ECDSA_WITH_SHA256: &[u8] = &[0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
/// AlgorithmIdentifier of sha256WithRSAEncryption (RFC 4055 §5).
const SHA256_WITH_RSA: &[u8] =
    &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00];

/// Whom the answers are about: what the hashes of a CertID are made of (RFC 6960 §4.1.1).
pub(super) struct IssuerIdentity {
    /// The DER Name.
    pub(super) name: Vec<u8>,
    /// The bits of the public key.
    pub(super) key: Vec<u8>,
    /// The subjectKeyIdentifier.
    pub(super) key_identifier: Vec<u8>,
}

/// Signs statuses with a key of its own, so that the intermediate's signs certificates and CRLs alone.
pub(super) struct Responder {
    pub(super) issuer: IssuerIdentity,
    /// The responder's certificate, DER.
    pub(super) certificate: Vec<u8>,
    /// The SHA-1 of its public key, by which answers name it.
    pub(super) key_hash: Vec<u8>,
    /// The AlgorithmIdentifier of its signatures.
    pub(super) algorithm: &'static [u8],
    key: KeyPair,
}

impl Responder {
    pub(super) fn generate(
        kind: CaKey,
        issuer: &CaCertificate,
        not_before: OffsetDateTime,
        random: &dyn Random,
    ) -> Result<Self, CaError> {
        let key = kind.generate(random)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = distinguished_name("OCSP Responder (server-mock)");
        params.serial_number = Some(random_serial(random));
        params.not_before = not_before;
        // Its word counts for nothing once the issuer's does not.
        params.not_after = issuer.not_after()?.min(not_before + INTERMEDIATE_LIFETIME);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_identifier_method = key_identifier(&key);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::OcspSigning];
        params.use_authority_key_identifier_extension = true;
        params.custom_extensions = vec![CustomExtension::from_oid_content(&OCSP_NO_CHECK, NULL.to_vec())];
        let certificate = params.signed_by(&key, issuer)?.der().to_vec();
        let algorithm = match kind {
            CaKey::Ec256 => ECDSA_WITH_SHA256,
            CaKey::Rsa2048 | CaKey::Rsa4096 => SHA256_WITH_RSA,
        };
        let key_hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, key.public_key_raw()).as_ref().to_vec();
        Ok(Self { issuer: identity(issuer.der())?, certificate, key_hash, algorithm, key })
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CaError> {
        Ok(self.key.sign(message)?)
    }
}

fn identity(der: &[u8]) -> Result<IssuerIdentity, CaError> {
    let unreadable = |_| CaError::Sign(rcgen::Error::CouldNotParseCertificate);
    let (_, certificate) = X509Certificate::from_der(der).map_err(unreadable)?;
    let key_identifier =
        certificate.extensions().iter().find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0.to_vec()),
            _ => None,
        });
    Ok(IssuerIdentity {
        name: certificate.subject().as_raw().to_vec(),
        key: certificate.public_key().subject_public_key.data.to_vec(),
        // rcgen gives one to every CA.
        key_identifier: key_identifier.unwrap_or_default(),
    })
}
