//! The ACME endpoint's own certificate. It has nothing to do with the certificates that the server issues.

use std::{net::IpAddr, sync::Arc};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
    SanType,
};
use rustls::{ServerConfig, crypto::aws_lc_rs};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use time::macros::datetime;

use crate::{
    ca::{CaCertificate, CaCertificateRecord, CaError},
    host::Host,
};

/// Why the endpoint has no certificate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointTlsError {
    /// The certificate could not be made.
    #[error("could not make the endpoint's certificate")]
    Certificate(#[from] rcgen::Error),
    /// The CA that was kept is damaged.
    #[error("could not use the endpoint's kept CA")]
    Kept(#[from] CaError),
    /// TLS does not take it.
    #[error("could not set TLS up")]
    Tls(#[from] rustls::Error),
}

/// How the endpoint shows who it is.
pub(crate) struct EndpointTls {
    /// The CA that clients must be told to trust.
    pub(crate) ca: CaCertificate,
    pub(crate) config: Arc<ServerConfig>,
}

impl EndpointTls {
    /// A certificate for `localhost`, both loopback addresses, `address` and `host`, by the CA that was kept or a new one.
    pub(crate) fn generate(
        address: IpAddr,
        host: Option<&Host>,
        kept: Option<&CaCertificateRecord>,
    ) -> Result<Self, EndpointTlsError> {
        let ca = match kept {
            Some(record) => CaCertificate::restore(record)?,
            None => CaCertificate::self_signed(ca_params(), KeyPair::generate()?)?,
        };
        let key = KeyPair::generate()?;
        let certificate = params(address, host)?.signed_by(&key, &ca)?;

        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { ca, config: Arc::new(config) })
    }
}

fn ca_params() -> CertificateParams {
    let mut params = dated("server-mock endpoint CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

fn params(address: IpAddr, host: Option<&Host>) -> Result<CertificateParams, rcgen::Error> {
    let mut params = dated("server-mock endpoint");
    params.subject_alt_names = vec![
        SanType::DnsName("localhost".try_into()?),
        SanType::IpAddress([127, 0, 0, 1].into()),
        SanType::IpAddress(std::net::Ipv6Addr::LOCALHOST.into()),
    ];
    if !address.is_loopback() && !address.is_unspecified() {
        params.subject_alt_names.push(SanType::IpAddress(address));
    }
    params.subject_alt_names.extend(host.map(Host::subject_alternative_name).transpose()?);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// Valid at any time that a test may set a client's clock to.
fn dated(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.not_before = datetime!(2000-01-01 00:00 UTC);
    params.not_after = datetime!(2099-12-31 00:00 UTC);
    params.distinguished_name.push(DnType::CommonName, common_name);
    params
}
