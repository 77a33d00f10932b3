//! A CA's certificate with its key: made once, and kept for as long as what it signed has to count.

use std::{fmt, ops::Deref};

use base64::{Engine, engine::general_purpose::STANDARD};
use rcgen::{CertificateParams, Issuer, KeyPair};
use rustls_pki_types::CertificateDer;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{CaError, pem};

/// A certificate and what can be signed with its key.
pub(crate) struct CaCertificate {
    der: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

/// Both in a form that can be kept; base64 of DER.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaCertificateRecord {
    certificate: String,
    private_key: String,
}

impl fmt::Debug for CaCertificateRecord {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CaCertificateRecord")
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

impl CaCertificate {
    /// A root.
    pub(crate) fn self_signed(params: CertificateParams, key: KeyPair) -> Result<Self, rcgen::Error> {
        let der = params.self_signed(&key)?.der().clone();
        Ok(Self { der, issuer: Issuer::new(params, key) })
    }

    /// One below another.
    pub(crate) fn signed_by(
        params: CertificateParams,
        key: KeyPair,
        issuer: &Issuer<'_, KeyPair>,
    ) -> Result<Self, rcgen::Error> {
        let der = params.signed_by(&key, issuer)?.der().clone();
        Ok(Self { der, issuer: Issuer::new(params, key) })
    }

    /// One that was kept.
    ///
    /// # Errors
    /// [`CaError::Record`] when it is damaged.
    pub(crate) fn restore(record: &CaCertificateRecord) -> Result<Self, CaError> {
        let decode = |text: &str| STANDARD.decode(text).map_err(|_| CaError::Record(None));
        let damaged = |source| CaError::Record(Some(source));
        let der = CertificateDer::from(decode(&record.certificate)?);
        let key = KeyPair::try_from(decode(&record.private_key)?).map_err(damaged)?;
        let issuer = Issuer::from_ca_cert_der(&der, key).map_err(damaged)?;
        Ok(Self { der, issuer })
    }

    /// What is to be kept. It holds the private key.
    pub(crate) fn record(&self) -> CaCertificateRecord {
        CaCertificateRecord {
            certificate: STANDARD.encode(&self.der),
            private_key: STANDARD.encode(self.issuer.key().serialized_der()),
        }
    }

    pub(crate) fn der(&self) -> &[u8] {
        &self.der
    }

    /// The end of its validity.
    ///
    /// # Errors
    /// [`CaError::Record`] when it can't be read.
    pub(crate) fn not_after(&self) -> Result<OffsetDateTime, CaError> {
        let (_, certificate) = X509Certificate::from_der(&self.der).map_err(|_| CaError::Record(None))?;
        Ok(certificate.validity().not_after.to_datetime())
    }

    pub(crate) fn pem(&self) -> String {
        pem::certificate(&self.der)
    }
}

impl Deref for CaCertificate {
    type Target = Issuer<'static, KeyPair>;

    fn deref(&self) -> &Self::Target {
        &self.issuer
    }
}
