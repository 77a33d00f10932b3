//! tls-alpn-01 by our own TLS server, which speaks nothing else (RFC 8737, RFC 8738 §6).

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use rcgen::{CertificateParams, CustomExtension, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::{default_provider, sign::any_supported_type};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::listener::Listener;
use super::{ChallengeError, Proof, Solver};

/// What client and server agree to speak (RFC 8737 §6.2).
const PROTOCOL: &[u8] = b"acme-tls/1";

/// The port that servers ask on.
const PORT: u16 = 443;

/// Answers while at least one proof is presented.
pub(super) struct TlsAlpn {
    certificates: Arc<Certificates>,
    listener: Listener,
}

/// The certificates that prove, by the server name under which they are asked for.
#[derive(Default)]
struct Certificates(Mutex<HashMap<String, Arc<CertifiedKey>>>);

impl TlsAlpn {
    /// On this address, or on port 443 of all addresses.
    pub(super) fn new(address: Option<SocketAddr>) -> Self {
        Self { certificates: Arc::default(), listener: Listener::new(address, PORT) }
    }

    fn acceptor(&self) -> Result<TlsAcceptor, rustls::Error> {
        let mut config = ServerConfig::builder_with_provider(default_provider().into())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(self.certificates.clone());
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

#[async_trait]
impl Solver for TlsAlpn {
    fn challenge_types(&self) -> &'static [&'static str] {
        &["tls-alpn-01"]
    }

    async fn present(&self, proof: &Proof) -> Result<(), ChallengeError> {
        let certificate = certify(proof).map_err(|source| ChallengeError::Certificate { source })?;
        self.certificates.lock().insert(server_name(&proof.name), Arc::new(certificate));
        let acceptor =
            self.acceptor().map_err(|error| ChallengeError::Certificate { source: error.into() })?;
        self.listener.open(move |stream| serve(stream, acceptor.clone())).await
    }

    async fn clean_up(&self, proof: &Proof) -> Result<(), ChallengeError> {
        self.certificates.lock().remove(&server_name(&proof.name));
        self.listener.close_when(|| self.certificates.lock().is_empty()).await;
        Ok(())
    }

    /// There is one certificate for a name at a time.
    async fn place(&self, proof: &Proof) -> Option<String> {
        Some(format!("tls-alpn {}", server_name(&proof.name)))
    }

    fn advice(&self, name: &str) -> String {
        let address = self.listener.address();
        if address.port() == PORT {
            format!("port 443 of {name} must lead to this machine from outside: check DNS and firewall")
        } else {
            format!(
                "the server asks {name} on port 443: something must pass that on to {address}, with TLS as it came"
            )
        }
    }
}

impl Certificates {
    /// Nothing panics while this lock is held; should it, the map is whole all the same.
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<CertifiedKey>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let asked = hello.alpn().is_some_and(|mut protocols| protocols.any(|protocol| protocol == PROTOCOL));
        let name = hello.server_name()?.to_ascii_lowercase();
        let certificate = self.lock().get(&name).cloned().filter(|_| asked);
        tracing::debug!(%name, found = certificate.is_some(), "tls-alpn-01 request");
        certificate
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificates")
    }
}

/// The handshake is the whole conversation.
async fn serve(stream: TcpStream, acceptor: TlsAcceptor) {
    if let Err(error) = acceptor.accept(stream).await {
        tracing::debug!(%error, "tls-alpn-01 connection broke");
    }
}

/// A certificate for the name alone, with the digest of the key authorization in the critical acmeIdentifier extension.
fn certify(proof: &Proof) -> Result<CertifiedKey, Box<dyn std::error::Error + Send + Sync>> {
    let mut params = CertificateParams::new([proof.name.clone()])?;
    let digest = digest(&SHA256, proof.key_authorization.as_bytes());
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest.as_ref())];
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    Ok(CertifiedKey::new(vec![certificate.der().clone()], any_supported_type(&key)?))
}

/// The name in the handshake: that of an IP address is its name in reverse DNS (RFC 8738 §6).
fn server_name(name: &str) -> String {
    match name.parse() {
        Ok(IpAddr::V4(address)) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        Ok(IpAddr::V6(address)) => {
            let nibbles = address.octets().into_iter().rev().flat_map(|byte| [byte & 15, byte >> 4]);
            nibbles.map(|nibble| format!("{nibble:x}.")).collect::<String>() + "ip6.arpa"
        }
        Err(_) => name.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use x509_parser::prelude::{FromDer as _, X509Certificate};

    use super::*;

    #[test]
    fn addresses_are_asked_for_by_their_reverse_names() {
        assert_eq!(server_name("192.0.2.7"), "7.2.0.192.in-addr.arpa");
        let name = server_name("2001:db8::1");
        assert!(name.starts_with("1.0.0.0.") && name.ends_with(".8.b.d.0.1.0.0.2.ip6.arpa"), "{name}");
        assert_eq!(name.len(), 72);
        assert_eq!(server_name("WWW.a.test"), "www.a.test");
    }

    #[test]
    fn the_certificate_has_the_digest_in_a_critical_extension() {
        let certified = certify(&Proof::of_token("one")).unwrap();
        let (_, certificate) = X509Certificate::from_der(&certified.cert[0]).unwrap();
        let extension =
            certificate.extensions().iter().find(|one| one.oid.to_id_string() == "1.3.6.1.5.5.7.1.31");
        let extension = extension.unwrap();
        assert!(extension.critical);
        let digest = digest(&SHA256, b"one.thumb");
        assert_eq!(extension.value, [&[4, 32], digest.as_ref()].concat());
    }
}
