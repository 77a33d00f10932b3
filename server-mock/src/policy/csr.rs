//! Reading CSRs (RFC 2986) as RFC 8555 §7.4 lets them in: the key counts, the names are compared with the order's.

use rustls_pki_types::SignatureVerificationAlgorithm;
use x509_parser::{
    asn1_rs::{self, Any, TaggedExplicit, Utf8String},
    certification_request::{X509CertificationRequest, X509CertificationRequestInfo},
    cri_attributes::ParsedCriAttribute,
    extensions::{ExtendedKeyUsage, GeneralName, ParsedExtension, X509Extension},
    oid_registry::{OID_PKCS9_EXTENSION_REQUEST, Oid, asn1_rs::oid},
    prelude::FromDer,
};

use super::identifiers::{parse_dns, parse_email, parse_ip};
use crate::{
    model::{Identifier, Problem, ProblemType, PublicKey, certificate::KeyUse},
    protocol::jwk,
};

/// The TLS feature extension, known as must-staple (RFC 7633).
const OID_TLS_FEATURE: Oid<'static> = oid!(1.3.6.1.5.5.7.1.24);
/// Its one value that is granted: SEQUENCE { INTEGER 5 }, for status_request (RFC 6066 §8).
const STATUS_REQUEST: [u8; 5] = [0x30, 3, 2, 1, 5];

/// id-on-SmtpUTF8Mailbox (RFC 9598 §3).
const OID_SMTP_UTF8_MAILBOX: Oid<'static> = oid!(1.3.6.1.5.5.7.8.9);

/// The DER identifier of a SEQUENCE.
const SEQUENCE: u8 = 0x30;
/// The DER identifier of a BIT STRING.
const BIT_STRING: u8 = 0x03;

/// A CSR whose signature is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Csr {
    /// The names of subject and subjectAltName, sorted, each once.
    pub names: Vec<Identifier>,
    /// The key to certify.
    pub key: PublicKey,
    /// The same as DER SubjectPublicKeyInfo.
    pub spki_der: Vec<u8>,
    /// What its keyUsage asks for (RFC 8823 §3).
    pub key_use: KeyUse,
    /// Whether it asks for the TLS feature status_request, known as must-staple (RFC 7633).
    pub must_staple: bool,
}

impl Csr {
    /// Parses a DER CSR and verifies its signature.
    ///
    /// # Errors
    /// `malformed` when it can't be decoded; `badCSR` for a wrong signature, a weak or unsupported key,
    /// extensions that are not wanted, and names that are none.
    pub fn parse(der: &[u8]) -> Result<Self, Problem> {
        let (rest, csr) = X509CertificationRequest::from_der(der)
            .map_err(|error| Problem::malformed(format!("the CSR can't be decoded: {error}")))?;
        if !rest.is_empty() {
            return Err(Problem::malformed("bytes follow the CSR"));
        }
        let info = &csr.certification_request_info;
        let key = jwk::from_spki(info.subject_pki.raw).map_err(|refused| bad(refused.to_string()))?;
        verify_signature(der, &csr)?;
        let mut names = Vec::new();
        for name in info.subject.iter_common_name() {
            let name = name.as_str().map_err(|_| bad("the common name is no text"))?;
            names.push(parse_common_name(name)?);
        }
        let extensions = requested_extensions(info)?;
        for extension in extensions {
            collect_names(extension, &mut names)?;
        }
        let key_use = key_use(extensions);
        if key_use == KeyUse::Encryption && matches!(key, PublicKey::Ed25519(_) | PublicKey::MlDsa { .. }) {
            return Err(bad("the CSR asks for encryption, and its key can only sign"));
        }
        names.sort();
        names.dedup();
        let must_staple = extensions.iter().any(|extension| extension.oid == OID_TLS_FEATURE);
        if must_staple && names.iter().any(|name| matches!(name, Identifier::Email(_))) {
            return Err(bad("the TLS feature extension is for servers"));
        }
        Ok(Self { names, key, spki_der: info.subject_pki.raw.to_vec(), key_use, must_staple })
    }
}

fn bad(detail: impl Into<String>) -> Problem {
    Problem::new(ProblemType::BadCsr, detail)
}

fn requested_extensions<'a>(
    info: &'a X509CertificationRequestInfo<'a>,
) -> Result<&'a [X509Extension<'a>], Problem> {
    let mut requests =
        info.iter_attributes().filter(|attribute| attribute.oid == OID_PKCS9_EXTENSION_REQUEST);
    let first = requests.next();
    if requests.next().is_some() {
        return Err(bad("extensions are requested twice"));
    }
    match first.map(|attribute| attribute.parsed_attribute()) {
        None => Ok(&[]),
        Some(ParsedCriAttribute::ExtensionRequest(request)) => Ok(&request.extensions),
        Some(_) => Err(Problem::malformed("the requested extensions can't be decoded")),
    }
}

/// The uses that a requested keyUsage names; one for both, or none, is for both.
fn key_use(extensions: &[X509Extension<'_>]) -> KeyUse {
    let usage = extensions.iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::KeyUsage(usage) => Some(usage),
        _ => None,
    });
    let signs = usage.is_some_and(|usage| usage.digital_signature() || usage.non_repudiation());
    let encrypts = usage.is_some_and(|usage| usage.key_encipherment() || usage.key_agreement());
    match (signs, encrypts) {
        (true, false) => KeyUse::Signing,
        (false, true) => KeyUse::Encryption,
        _ => KeyUse::Both,
    }
}

/// Takes the names of an extension, and refuses what the CA would not put into a certificate.
fn collect_names(extension: &X509Extension<'_>, names: &mut Vec<Identifier>) -> Result<(), Problem> {
    match extension.parsed_extension() {
        ParsedExtension::SubjectAlternativeName(alternative) => {
            for name in &alternative.general_names {
                names.push(parse_general_name(name)?);
            }
            Ok(())
        }
        ParsedExtension::BasicConstraints(constraints) if !constraints.ca => Ok(()),
        ParsedExtension::KeyUsage(usage) if !usage.key_cert_sign() && !usage.crl_sign() => Ok(()),
        ParsedExtension::ExtendedKeyUsage(usage) if is_granted(usage) => Ok(()),
        ParsedExtension::SubjectKeyIdentifier(_) => Ok(()),
        _ if extension.oid == OID_TLS_FEATURE && extension.value == STATUS_REQUEST => Ok(()),
        _ => Err(bad(format!("the extension {} is not granted here", extension.oid))),
    }
}

/// Whether all purposes are those of servers and clients; which of them a certificate gets depends on its names.
fn is_granted(usage: &ExtendedKeyUsage<'_>) -> bool {
    let others = usage.any || usage.code_signing || usage.time_stamping || usage.ocsp_signing;
    !others && usage.other.is_empty()
}

fn parse_general_name(name: &GeneralName<'_>) -> Result<Identifier, Problem> {
    let parsed = match name {
        GeneralName::DNSName(name) => parse_dns(name),
        GeneralName::RFC822Name(address) => parse_email(address),
        GeneralName::IPAddress(bytes) => {
            if let Ok(v4) = <[u8; 4]>::try_from(*bytes) {
                Ok(Identifier::Ip(v4.into()))
            } else if let Ok(v6) = <[u8; 16]>::try_from(*bytes) {
                Ok(Identifier::Ip(v6.into()))
            } else {
                Err(bad("an iPAddress has 4 or 16 bytes"))
            }
        }
        GeneralName::OtherName(oid, value) if *oid == OID_SMTP_UTF8_MAILBOX => parse_smtp_utf8_mailbox(value),
        _ => Err(bad("the only alternative names are DNS names, IP and e-mail addresses")),
    };
    parsed.map_err(|problem| bad(problem.detail))
}

/// An address beyond ASCII, `[0] EXPLICIT UTF8String`; all others are rfc822Names (RFC 9598 §3).
fn parse_smtp_utf8_mailbox(value: &[u8]) -> Result<Identifier, Problem> {
    let (rest, text) = TaggedExplicit::<Utf8String<'_>, asn1_rs::Error, 0>::from_der(value)
        .map_err(|_| bad("an SmtpUTF8Mailbox is no UTF8String"))?;
    match parse_email(text.as_ref().as_ref())? {
        Identifier::Email(address) if address.is_ascii() => {
            Err(bad(format!("{address} is ASCII, and so no SmtpUTF8Mailbox but an rfc822Name")))
        }
        address if rest.is_empty() => Ok(address),
        _ => Err(bad("bytes follow an SmtpUTF8Mailbox")),
    }
}

fn parse_common_name(name: &str) -> Result<Identifier, Problem> {
    let parsed = parse_ip(name).or_else(|_| parse_dns(name)).or_else(|_| parse_email(name));
    parsed.map_err(|_| bad(format!("the common name {name:?} is no name that can be ordered")))
}

/// Verifies the CSR's own signature with the algorithms of TLS certificates.
fn verify_signature(der: &[u8], csr: &X509CertificationRequest<'_>) -> Result<(), Problem> {
    let info = &csr.certification_request_info;
    let undecodable = || Problem::malformed("the CSR's algorithms can't be decoded");
    let (_, outer) = Any::from_der(der).map_err(|_| undecodable())?;
    let after_info = outer.data.get(info.raw.len()..).ok_or_else(undecodable)?;
    let (signature, signature_algorithm) = Any::from_der(after_info).map_err(|_| undecodable())?;
    // The parser is lenient where the signature does not reach: tags of another class, bits that are not used.
    let tags = [der, after_info, signature].map(|part| part.first().copied());
    if tags != [Some(SEQUENCE), Some(SEQUENCE), Some(BIT_STRING)] || csr.signature_value.unused_bits != 0 {
        return Err(undecodable());
    }
    let (_, spki) = Any::from_der(info.subject_pki.raw).map_err(|_| undecodable())?;
    let (_, key_algorithm) = Any::from_der(spki.data).map_err(|_| undecodable())?;
    let fits = |algorithm: &&&dyn SignatureVerificationAlgorithm| {
        algorithm.public_key_alg_id().as_ref() == key_algorithm.data
            && algorithm.signature_alg_id().as_ref() == signature_algorithm.data
    };
    let algorithm = webpki::ALL_VERIFICATION_ALGS
        .iter()
        .find(fits)
        .ok_or_else(|| bad("the CSR's signature algorithm does not fit its key, or is not supported"))?;
    algorithm
        .verify_signature(&info.subject_pki.subject_public_key.data, info.raw, &csr.signature_value.data)
        .map_err(|_| bad("the CSR's signature does not verify"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{BasicConstraints, CertificateParams, CustomExtension, DnType, IsCa, KeyPair, SanType};

    use super::*;

    fn params(names: &[&str]) -> CertificateParams {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params
    }

    fn der(params: &CertificateParams, key: &KeyPair) -> Vec<u8> {
        params.serialize_request(key).unwrap().der().to_vec()
    }

    #[test]
    fn keys_and_names_are_read() {
        for algorithm in [
            &rcgen::PKCS_ECDSA_P256_SHA256,
            &rcgen::PKCS_ECDSA_P384_SHA384,
            &rcgen::PKCS_ECDSA_P521_SHA512,
            &rcgen::PKCS_ED25519,
            &rcgen::PKCS_RSA_SHA256,
            &rcgen::PKCS_ML_DSA_44,
            &rcgen::PKCS_ML_DSA_65,
            &rcgen::PKCS_ML_DSA_87,
        ] {
            let key = KeyPair::generate_for(algorithm).unwrap();
            let csr =
                Csr::parse(&der(&params(&["B.example.test", "192.0.2.1", "b.example.test"]), &key)).unwrap();
            let expected = [Identifier::Dns("b.example.test".into()), Identifier::Ip([192, 0, 2, 1].into())];
            assert_eq!(csr.names, expected);
            assert_eq!(csr.spki_der, rcgen::PublicKeyData::subject_public_key_info(&key));
        }
    }

    #[test]
    fn a_name_only_in_the_common_name_counts() {
        let mut params = params(&[]);
        params.distinguished_name.push(DnType::CommonName, "cn.example.test");
        let csr = Csr::parse(&der(&params, &KeyPair::generate().unwrap())).unwrap();
        assert_eq!(csr.names, [Identifier::Dns("cn.example.test".into())]);
    }

    #[test]
    fn a_changed_byte_breaks_the_signature() {
        let mut der = der(&params(&["a.example.test"]), &KeyPair::generate().unwrap());
        let position = der.windows(4).position(|window| window == b"exam").unwrap();
        der[position] = b'x';
        assert_eq!(Csr::parse(&der).unwrap_err().kind, ProblemType::BadCsr);
    }

    #[test]
    fn extensions_that_only_a_ca_grants_are_refused() {
        let key = KeyPair::generate().unwrap();
        let mut unknown = params(&["a.example.test"]);
        unknown
            .custom_extensions
            .push(CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999], vec![5, 0]));
        let mut uri = params(&[]);
        uri.subject_alt_names.push(SanType::URI("https://x.test".try_into().unwrap()));
        let mut authority = params(&["a.example.test"]);
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        for params in [unknown, uri, authority] {
            assert_eq!(Csr::parse(&der(&params, &key)).unwrap_err().kind, ProblemType::BadCsr);
        }
    }

    #[test]
    fn garbage_is_malformed() {
        assert_eq!(Csr::parse(b"no CSR").unwrap_err().kind, ProblemType::Malformed);
    }

    #[test]
    fn no_single_bit_can_change() {
        let der = der(&params(&["a.test"]), &KeyPair::generate().unwrap());
        for position in 0..der.len() {
            for bit in 0..8 {
                let mut changed = der.clone();
                changed[position] ^= 1 << bit;
                assert!(Csr::parse(&changed).is_err(), "bit {bit} of byte {position}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_change_of_a_byte_is_no_panic(position in 0usize..200, value: u8) {
            use std::sync::OnceLock;
            static CSR: OnceLock<Vec<u8>> = OnceLock::new();
            let mut der = CSR.get_or_init(|| der(&params(&["a.test"]), &KeyPair::generate().unwrap())).clone();
            let position = position % der.len();
            let changed = der[position] != value;
            der[position] = value;
            prop_assert_eq!(Csr::parse(&der).is_err(), changed);
        }
    }
}
