//! Certificate keys as PEM, and the signing requests made with them (RFC 8555 §7.4).

use rcgen::{CertificateParams, DistinguishedName, KeyPair, PublicKeyData as _, SanType};

use super::identifier::Identifier;

/// Why no CSR could be made.
#[derive(Debug, thiserror::Error)]
#[error("the certificate request could not be made")]
pub struct CsrError(#[from] rcgen::Error);

/// A CSR for exactly these names, in DER. The subject is empty: CAs take the names from the extension, and a
/// common name can't hold more than 64 characters.
///
/// # Errors
/// [`CsrError`] when the key can't sign or a name can't be encoded.
pub fn request(key: &KeyPair, identifiers: &[Identifier]) -> Result<Vec<u8>, CsrError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.subject_alt_names = identifiers.iter().map(alternative_name).collect::<Result<_, _>>()?;
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

#[cfg(test)]
mod tests {
    use x509_parser::prelude::*;

    use super::*;

    #[test]
    fn the_names_are_in_the_extension_and_the_subject_is_empty() {
        let names: Vec<Identifier> =
            ["*.example.test", "example.test", "::1"].iter().map(|name| name.parse().unwrap()).collect();
        let key = KeyPair::generate().unwrap();
        let der = request(&key, &names).unwrap();
        let (_, csr) = X509CertificationRequest::from_der(&der).unwrap();
        csr.verify_signature().unwrap();
        assert_eq!(csr.certification_request_info.subject.iter().count(), 0);
        assert_eq!(csr.certification_request_info.subject_pki.raw, public_key(&key));
        let extensions: Vec<_> = csr.requested_extensions().unwrap().collect();
        let [ParsedExtension::SubjectAlternativeName(names)] = extensions[..] else {
            panic!("{extensions:?}")
        };
        assert_eq!(names.general_names.len(), 3);
    }
}
