//! Certificate signing requests (RFC 2986): made with a key of ours, or brought by the user (RFC 8555 §7.4).

use std::collections::BTreeSet;

use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair, PublicKeyData as _, SanType};
use rustls_pki_types::CertificateSigningRequestDer;
use rustls_pki_types::pem::PemObject as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::error::X509Error;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::FromDer as _;

use super::identifier::Identifier;
use super::pem::encode_pem;

/// The TLS feature extension (RFC 7633 §4.2.1), …
pub(super) const TLS_FEATURE: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 1, 24];

/// … and what it says for must-staple: a sequence with the number of `status_request`.
const STATUS_REQUEST: &[u8] = &[0x30, 3, 2, 1, 5];

/// Why no CSR could be made.
#[derive(Debug, thiserror::Error)]
#[error("the certificate request could not be made")]
pub struct CsrError(#[from] rcgen::Error);

/// A CSR for exactly these names, in DER. The subject is empty: CAs take the names from the extension, and a
/// common name can't hold more than 64 characters. With `must_staple` it asks for the TLS feature extension (RFC 7633).
///
/// # Errors
/// [`CsrError`] when the key can't sign or a name can't be encoded.
pub fn request(key: &KeyPair, identifiers: &[Identifier], must_staple: bool) -> Result<Vec<u8>, CsrError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.subject_alt_names = identifiers.iter().map(alternative_name).collect::<Result<_, _>>()?;
    if must_staple {
        params
            .custom_extensions
            .push(CustomExtension::from_oid_content(TLS_FEATURE, STATUS_REQUEST.to_vec()));
    }
    Ok(params.serialize_request(key)?.der().to_vec())
}

/// The public half of a certificate key as SubjectPublicKeyInfo in DER.
#[must_use]
pub fn public_key(key: &KeyPair) -> Vec<u8> {
    key.subject_public_key_info()
}

fn alternative_name(identifier: &Identifier) -> Result<SanType, rcgen::Error> {
    Ok(match identifier {
        Identifier::Dns(name) => SanType::DnsName(name.as_str().try_into()?),
        Identifier::Ip(address) => SanType::IpAddress(*address),
    })
}

/// A CSR that somebody else made, with a key that we don't know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningRequest {
    der: Vec<u8>,
    identifiers: Vec<Identifier>,
    public_key: Vec<u8>,
}

/// Why a CSR can't be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidRequest {
    /// Neither PEM nor DER of a CSR.
    #[error("there is no certificate request (PKCS#10) in it")]
    Form,
    /// Its own signature is wrong.
    #[error("its signature does not fit its key")]
    Signature,
    /// A name that no server certificate is for.
    #[error("it is for {0}, which is neither a DNS name nor an IP address")]
    Name(String),
    /// No name at all.
    #[error("it names nothing to certify")]
    NoName,
}

impl SigningRequest {
    /// Reads a CSR in PEM or DER.
    ///
    /// # Errors
    /// [`InvalidRequest`] says what is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidRequest> {
        let der = match std::str::from_utf8(bytes) {
            Ok(pem) if pem.contains("-----BEGIN") => {
                // Old programs have another word for it (RFC 7468 §7).
                let pem = pem.replace("NEW CERTIFICATE REQUEST", "CERTIFICATE REQUEST");
                let der = CertificateSigningRequestDer::from_pem_slice(pem.as_bytes());
                der.map_err(|_| InvalidRequest::Form)?.to_vec()
            }
            _ => bytes.to_vec(),
        };
        let (rest, csr) = X509CertificationRequest::from_der(&der).map_err(|_| InvalidRequest::Form)?;
        if !rest.is_empty() {
            return Err(InvalidRequest::Form);
        }
        match csr.verify_signature() {
            // The server judges what we can't.
            Ok(()) | Err(X509Error::SignatureUnsupportedAlgorithm) => {}
            Err(_) => return Err(InvalidRequest::Signature),
        }
        let identifiers = identifiers(&csr)?;
        let public_key = csr.certification_request_info.subject_pki.raw.to_vec();
        Ok(Self { identifiers, public_key, der })
    }

    /// As it goes to the server.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The names it is for, sorted.
    #[must_use]
    pub fn identifiers(&self) -> &[Identifier] {
        &self.identifiers
    }

    /// Its key as SubjectPublicKeyInfo in DER.
    #[must_use]
    pub fn public_key(&self) -> &[u8] {
        &self.public_key
    }
}

/// The alternative names, and the common name if it is one too (RFC 8555 §7.4).
fn identifiers(csr: &X509CertificationRequest<'_>) -> Result<Vec<Identifier>, InvalidRequest> {
    let mut identifiers = BTreeSet::new();
    for extension in csr.requested_extensions().into_iter().flatten() {
        if let ParsedExtension::SubjectAlternativeName(names) = extension {
            for name in &names.general_names {
                let identifier = super::chain::identifier(name);
                identifiers.insert(identifier.ok_or_else(|| InvalidRequest::Name(name.to_string()))?);
            }
        }
    }
    let subject = &csr.certification_request_info.subject;
    let common_names = subject.iter_common_name().filter_map(|name| name.as_str().ok()?.parse().ok());
    // «localhost» and «My Server» are no names for a certificate.
    identifiers.extend(common_names.filter(|name: &Identifier| name.to_string().contains(['.', ':'])));
    if identifiers.is_empty() { Err(InvalidRequest::NoName) } else { Ok(identifiers.into_iter().collect()) }
}

/// In PEM.
impl Serialize for SigningRequest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&encode_pem("CERTIFICATE REQUEST", &self.der))
    }
}

impl<'de> Deserialize<'de> for SigningRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(String::deserialize(deserializer)?.as_bytes()).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::DnType;

    use super::*;

    fn names(names: &[&str]) -> Vec<Identifier> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    #[test]
    fn the_names_are_in_the_extension_and_the_subject_is_empty() {
        let names = names(&["*.example.test", "example.test", "::1"]);
        let key = KeyPair::generate().unwrap();
        for must_staple in [false, true] {
            let der = request(&key, &names, must_staple).unwrap();
            let (_, csr) = X509CertificationRequest::from_der(&der).unwrap();
            csr.verify_signature().unwrap();
            assert_eq!(csr.certification_request_info.subject.iter().count(), 0);
            assert_eq!(csr.certification_request_info.subject_pki.raw, public_key(&key));
            let extensions: Vec<_> = csr.requested_extensions().unwrap().collect();
            let ParsedExtension::SubjectAlternativeName(names) = extensions[0] else {
                panic!("{extensions:?}")
            };
            assert_eq!((names.general_names.len(), extensions.len()), (3, if must_staple { 2 } else { 1 }));
            let staples = der.windows(STATUS_REQUEST.len()).any(|window| window == STATUS_REQUEST);
            assert_eq!(staples, must_staple);
        }
    }

    #[test]
    fn a_request_that_is_brought_tells_names_and_key() {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["b.test".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "A.test");
        let csr = params.serialize_request(&key).unwrap();
        let pem = csr.pem().unwrap();
        for form in [
            pem.clone().into_bytes(),
            pem.replace("CERTIFICATE", "NEW CERTIFICATE").into_bytes(),
            csr.der().to_vec(),
        ] {
            let read = SigningRequest::parse(&form).unwrap();
            assert_eq!(read.identifiers(), names(&["a.test", "b.test", "127.0.0.1"]));
            assert_eq!(read.public_key(), public_key(&key));
            assert_eq!(read.der(), &csr.der()[..]);
        }
    }

    #[test]
    fn requests_that_are_no_use_are_refused() {
        let key = KeyPair::generate().unwrap();
        let der = |names: &[&str], common_name: &str| {
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            let mut params = CertificateParams::new(names).unwrap();
            params.distinguished_name = DistinguishedName::new();
            params.distinguished_name.push(DnType::CommonName, common_name);
            params.serialize_request(&key).unwrap().der().to_vec()
        };
        let mut forged = der(&["a.test"], "a.test");
        let at = forged.windows(6).position(|window| window == b"a.test").unwrap();
        forged[at] = b'b';
        assert_eq!(SigningRequest::parse(&forged), Err(InvalidRequest::Signature));
        assert_eq!(SigningRequest::parse(b"hello"), Err(InvalidRequest::Form));
        assert_eq!(SigningRequest::parse(&der(&[], "My Server")), Err(InvalidRequest::NoName));
        let mail = SigningRequest::parse(&der(&["a@b.test"], "x"));
        assert!(matches!(mail, Err(InvalidRequest::Name(_))), "{mail:?}");
    }

    proptest! {
        #[test]
        fn what_is_kept_is_read_again(hosts in proptest::collection::btree_set("[a-z]{1,9}\\.test", 1..9)) {
            let wanted: Vec<Identifier> = hosts.iter().map(|host| host.parse().unwrap()).collect();
            let der = request(&KeyPair::generate().unwrap(), &wanted, false).unwrap();
            let read = SigningRequest::parse(&der).unwrap();
            prop_assert_eq!(read.identifiers(), &wanted[..]);
            let text = serde_json::to_string(&read).unwrap();
            prop_assert_eq!(serde_json::from_str::<SigningRequest>(&text).unwrap(), read);
        }

        #[test]
        fn hostile_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = SigningRequest::parse(&bytes);
        }
    }
}
