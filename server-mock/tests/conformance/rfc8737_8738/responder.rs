//! A TLS server that shows the certificate a test wants, and remembers how it was greeted.

use std::sync::{Arc, Mutex};

use ::aws_lc_rs::digest::{SHA256, digest};
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use rustls::{
    ServerConfig, SupportedProtocolVersion,
    crypto::aws_lc_rs,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What a client said.
#[derive(Clone, Debug)]
pub(super) struct Hello {
    pub(super) server_name: Option<String>,
    pub(super) protocols: Vec<String>,
}

#[derive(Debug, Default)]
struct Shown {
    certificate: Mutex<Option<Arc<CertifiedKey>>>,
    hellos: Mutex<Vec<Hello>>,
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let protocols = hello.alpn().into_iter().flatten();
        self.hellos.lock().unwrap().push(Hello {
            server_name: hello.server_name().map(str::to_owned),
            protocols: protocols.map(|name| String::from_utf8(name.to_vec()).unwrap()).collect(),
        });
        self.certificate.lock().unwrap().clone()
    }
}

pub(super) struct Responder {
    pub(super) port: u16,
    shown: Arc<Shown>,
}

impl Responder {
    pub(super) async fn start(alpn: &[&str], versions: &[&'static SupportedProtocolVersion]) -> Self {
        let shown = Arc::new(Shown::default());
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(shown.clone());
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                // Whether the handshake succeeds is for the client to say.
                let _ = acceptor.accept(stream).await;
            }
        });
        Self { port, shown }
    }

    /// Shows this certificate from now on.
    pub(super) fn show(&self, certificate: CertifiedKey) {
        *self.shown.certificate.lock().unwrap() = Some(Arc::new(certificate));
    }

    pub(super) fn hellos(&self) -> Vec<Hello> {
        self.shown.hellos.lock().unwrap().clone()
    }
}

/// The certificate that answers a challenge.
pub(super) fn answer(name: &str, key_authorization: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name = DistinguishedName::new();
    let digest = digest(&SHA256, key_authorization.as_bytes());
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest.as_ref())];
    params
}

/// The certificate, signed by its own key.
pub(super) fn sign(params: &CertificateParams) -> CertifiedKey {
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let key = aws_lc_rs::sign::any_supported_type(&private).unwrap();
    CertifiedKey::new(vec![certificate.der().clone()], key)
}
