//! The certificate chain that a server sends, checked before anything is installed (RFC 8555 §7.4.2, §9.1).

use std::collections::BTreeSet;
use std::net::IpAddr;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::{self, PemObject, SectionKind};
use time::{Duration, OffsetDateTime};
use x509_parser::error::X509Error;
use x509_parser::oid_registry::OID_PKCS1_MD5WITHRSAENC;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use super::csr::TLS_FEATURE;
use super::identifier::{DnsName, Identifier};
use super::pem::encode_pem;
use super::text::printable;

/// A clock that differs this much from the CA's is still no reason to refuse a certificate.
const CLOCK_TOLERANCE: Duration = Duration::hours(24);

/// No chain is longer; a longer one is an attempt to keep us busy.
const LONGEST_CHAIN: usize = 10;

/// A leaf certificate with the issuers that the server sent along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    certificates: Vec<CertificateDer<'static>>,
    facts: Facts,
}

/// What the leaf certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The names and addresses it is for.
    pub identifiers: BTreeSet<Identifier>,
    /// The issuer's common name, or its whole name.
    pub issuer: String,
    /// The serial number in lower-case hexadecimal, without separators.
    pub serial: String,
    /// The beginning of its life.
    pub not_before: OffsetDateTime,
    /// The end of its life.
    pub not_after: OffsetDateTime,
    /// The SubjectPublicKeyInfo in DER.
    pub public_key: Vec<u8>,
    /// Whether TLS servers must staple an OCSP answer to it (RFC 7633).
    pub must_staple: bool,
}

/// Why a chain is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ChainError {
    /// No PEM, cut-off PEM, or no certificate in it.
    #[error("the certificate chain is not PEM with certificates")]
    Pem,
    /// Something else than certificates, a private key above all.
    #[error("the certificate chain holds something else than certificates")]
    Foreign,
    /// More certificates than any chain has.
    #[error("the certificate chain has more than 10 certificates")]
    Long,
    /// A certificate that can't be decoded.
    #[error("certificate {0} of the chain can't be decoded")]
    Certificate(usize),
    /// The leaf holds another key than the one that was requested.
    #[error("the certificate is for another key than the one in the request")]
    Key,
    /// The leaf is for other names than the order.
    #[error("the certificate is for other names ({got}) than the ones ordered ({wanted})")]
    Names {
        /// The names in the certificate.
        got: String,
        /// The names in the order.
        wanted: String,
    },
    /// A certificate that the next one in the chain did not sign.
    #[error("certificate {0} of the chain is not signed by the one that follows it")]
    Signature(usize),
    /// An issuer that may not certify anybody (RFC 5280 §4.2.1.9).
    #[error("certificate {0} of the chain is not a CA's")]
    NoCa(usize),
    /// Signed with a digest for which forgeries are known.
    #[error("certificate {0} of the chain is signed with MD5, which can be forged")]
    Broken(usize),
    /// The dates make no sense.
    #[error("the certificate is valid from {from} to {to}, which this machine's clock ({now}) is not within")]
    Dates {
        /// The beginning.
        from: OffsetDateTime,
        /// The end.
        to: OffsetDateTime,
        /// The clock.
        now: OffsetDateTime,
    },
}

impl Chain {
    /// Reads a chain as it must come from a server: PEM, leaf first, with nothing but certificates in it (RFC 8555
    /// §9.1).
    ///
    /// # Errors
    /// [`ChainError::Pem`], [`Foreign`](ChainError::Foreign), [`Long`](ChainError::Long) or
    /// [`Certificate`](ChainError::Certificate).
    pub fn parse(pem: &str) -> Result<Self, ChainError> {
        let mut outside = true;
        for line in pem.lines() {
            // RFC 7468 calls explanatory text lax; what nobody reads could hide anything.
            if outside && !line.trim().is_empty() && line.trim_end() != "-----BEGIN CERTIFICATE-----" {
                return Err(if pem.contains("-----BEGIN CERT") {
                    ChainError::Foreign
                } else {
                    ChainError::Pem
                });
            }
            outside = line.starts_with("-----END") || outside && line.trim().is_empty();
        }
        let mut certificates = Vec::new();
        for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(pem.as_bytes()) {
            match section.map_err(pem_error)? {
                (SectionKind::Certificate, der) => certificates.push(CertificateDer::from(der)),
                _ => return Err(ChainError::Foreign),
            }
            if certificates.len() > LONGEST_CHAIN {
                return Err(ChainError::Long);
            }
        }
        Self::of(certificates)
    }

    /// Reads the certificates in a file that a user names: DER, or PEM with whatever else is in it.
    ///
    /// # Errors
    /// [`ChainError::Pem`] or [`Certificate`](ChainError::Certificate).
    pub fn read(file: &[u8]) -> Result<Self, ChainError> {
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(file).filter_map(Result::ok).collect();
        if certificates.is_empty() && certificate(&file.into()).is_some() {
            return Self::of(vec![CertificateDer::from(file.to_vec())]);
        }
        Self::of(certificates)
    }

    fn of(certificates: Vec<CertificateDer<'static>>) -> Result<Self, ChainError> {
        let leaf = certificates.first().ok_or(ChainError::Pem)?;
        let facts = Facts::of(leaf).ok_or(ChainError::Certificate(1))?;
        Ok(Self { certificates, facts })
    }

    /// Checks that this chain is the answer to our request: our key, the order's names, each certificate signed by
    /// the next one, dates that hold at `now` (a day of clock difference is tolerated).
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn verify(
        &self,
        public_key: &[u8],
        identifiers: &[Identifier],
        now: OffsetDateTime,
    ) -> Result<(), ChainError> {
        let facts = &self.facts;
        if facts.public_key != public_key {
            return Err(ChainError::Key);
        }
        let wanted: BTreeSet<Identifier> = identifiers.iter().cloned().collect();
        if facts.identifiers != wanted {
            return Err(ChainError::Names { got: list(&facts.identifiers), wanted: list(&wanted) });
        }
        let (from, to) = (facts.not_before, facts.not_after);
        if from > to || now < from - CLOCK_TOLERANCE || now > to {
            return Err(ChainError::Dates { from, to, now });
        }
        self.verify_signatures()
    }

    fn verify_signatures(&self) -> Result<(), ChainError> {
        let parsed: Vec<X509Certificate<'_>> = (self.certificates.iter().enumerate())
            .map(|(index, der)| certificate(der).ok_or(ChainError::Certificate(index + 1)))
            .collect::<Result<_, _>>()?;
        // Nobody relies on the signature of a root, which is its own.
        let forgeable = |one: &X509Certificate<'_>| {
            one.signature_algorithm.algorithm == OID_PKCS1_MD5WITHRSAENC && one.issuer() != one.subject()
        };
        if let Some(index) = parsed.iter().position(forgeable) {
            return Err(ChainError::Broken(index + 1));
        }
        for (index, pair) in parsed.windows(2).enumerate() {
            let [signed, signer] = pair else { continue };
            if signer.basic_constraints().ok().flatten().is_none_or(|constraints| !constraints.value.ca) {
                return Err(ChainError::NoCa(index + 2));
            }
            match signed.verify_signature(Some(signer.public_key())) {
                Ok(()) if signed.issuer() == signer.subject() => {}
                // An algorithm that we can't check is no sign of fraud; whoever connects will check it.
                Err(X509Error::SignatureUnsupportedAlgorithm) if signed.issuer() == signer.subject() => {}
                _ => return Err(ChainError::Signature(index + 1)),
            }
        }
        Ok(())
    }

    /// What the leaf says.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The leaf in DER.
    #[must_use]
    pub fn leaf(&self) -> &CertificateDer<'static> {
        // `parse` makes no chain without a leaf.
        &self.certificates[0]
    }

    /// All certificates in DER, leaf first.
    #[must_use]
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.certificates
    }

    /// The common name of each certificate's issuer, as far as it has one.
    #[must_use]
    pub fn issuer_names(&self) -> Vec<String> {
        let common_name =
            |der| Some(certificate(der)?.issuer().iter_common_name().next()?.as_str().ok()?.to_owned());
        self.certificates.iter().filter_map(common_name).collect()
    }

    /// The leaf alone in PEM.
    #[must_use]
    pub fn leaf_pem(&self) -> String {
        encode(&self.certificates[..1])
    }

    /// The issuers in PEM, without the leaf.
    #[must_use]
    pub fn issuers_pem(&self) -> String {
        encode(&self.certificates[1..])
    }

    /// Leaf and issuers in PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        encode(&self.certificates)
    }
}

impl Facts {
    /// Reads the leaf; `None` when it can't be decoded or has no usable names.
    fn of(leaf: &CertificateDer<'_>) -> Option<Self> {
        let leaf = certificate(leaf)?;
        let names = leaf.subject_alternative_name().ok()?.map(|extension| &extension.value.general_names);
        let identifiers = names.into_iter().flatten().map(identifier).collect::<Option<_>>()?;
        let issuer = leaf.issuer().iter_common_name().next().and_then(|name| name.as_str().ok());
        let issuer = issuer.map_or_else(|| leaf.issuer().to_string(), ToOwned::to_owned);
        Some(Self {
            identifiers,
            issuer: printable(&issuer).into_owned(),
            serial: leaf.raw_serial().iter().map(|byte| format!("{byte:02x}")).collect(),
            not_before: leaf.validity().not_before.to_datetime(),
            not_after: leaf.validity().not_after.to_datetime(),
            public_key: leaf.public_key().raw.to_vec(),
            must_staple: leaf
                .extensions()
                .iter()
                .any(|one| one.oid.iter().is_some_and(|oid| oid.eq(TLS_FEATURE.iter().copied()))),
        })
    }
}

/// A name that is none of ours makes the whole certificate unusable: it was not ordered.
pub(super) fn identifier(name: &GeneralName<'_>) -> Option<Identifier> {
    match name {
        GeneralName::DNSName(name) => DnsName::parse(name).ok().map(Identifier::Dns),
        GeneralName::IPAddress(bytes) => {
            let address = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            address.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from)).ok().map(Identifier::Ip)
        }
        _ => None,
    }
}

fn certificate<'a>(der: &'a CertificateDer<'_>) -> Option<X509Certificate<'a>> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Some(certificate),
        _ => None,
    }
}

fn encode(certificates: &[CertificateDer<'_>]) -> String {
    certificates.iter().map(|der| encode_pem("CERTIFICATE", der)).collect()
}

fn list(identifiers: &BTreeSet<Identifier>) -> String {
    identifiers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn pem_error(_: pem::Error) -> ChainError {
    ChainError::Pem
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

    use super::super::csr::public_key;
    use super::*;

    struct Ca(CertifiedIssuer<'static, KeyPair>);

    impl Ca {
        fn new(name: &str) -> Self {
            let mut params = CertificateParams::default();
            params.distinguished_name.push(DnType::CommonName, name);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
        }

        fn leaf(&self, key: &KeyPair, names: &[&str]) -> String {
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            let mut params = CertificateParams::new(names).unwrap();
            params.not_before = OffsetDateTime::now_utc() - Duration::minutes(5);
            params.not_after = OffsetDateTime::now_utc() + Duration::days(90);
            params.signed_by(key, &self.0).unwrap().pem()
        }
    }

    fn names(names: &[&str]) -> Vec<Identifier> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    fn verify(pem: &str, key: &KeyPair, wanted: &[&str]) -> Result<(), ChainError> {
        Chain::parse(pem)?.verify(&public_key(key), &names(wanted), OffsetDateTime::now_utc())
    }

    #[test]
    fn a_good_chain_passes_and_is_written_as_it_came() {
        let (ca, key) = (Ca::new("Class 3"), KeyPair::generate().unwrap());
        let pem = ca.leaf(&key, &["b.test", "a.test", "127.0.0.1"]) + &ca.0.pem();
        verify(&pem, &key, &["a.test", "127.0.0.1", "b.test"]).unwrap();
        let chain = Chain::parse(&pem).unwrap();
        assert_eq!(chain.facts().issuer, "Class 3");
        assert_eq!(Chain::parse(&chain.pem()).unwrap(), chain);
        assert_eq!(chain.leaf_pem() + &chain.issuers_pem(), chain.pem());
    }

    #[test]
    fn c34_a_private_key_in_the_chain_is_refused() {
        let (ca, key) = (Ca::new("Class 3"), KeyPair::generate().unwrap());
        let pem = ca.leaf(&key, &["a.test"]) + &key.serialize_pem();
        assert_eq!(verify(&pem, &key, &["a.test"]), Err(ChainError::Foreign));
        let odd = ca.leaf(&key, &["a.test"]) + "-----BEGIN ANYTHING-----\nAAAA\n-----END ANYTHING-----\n";
        assert_eq!(verify(&odd, &key, &["a.test"]), Err(ChainError::Foreign));
        assert_eq!(verify("<html>", &key, &["a.test"]), Err(ChainError::Pem));
    }

    #[test]
    fn c35_another_key_or_other_names_are_refused() {
        let (ca, key, other) =
            (Ca::new("Class 3"), KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let pem = ca.leaf(&key, &["a.test"]);
        assert_eq!(verify(&pem, &other, &["a.test"]), Err(ChainError::Key));
        assert!(matches!(verify(&pem, &key, &["b.test"]), Err(ChainError::Names { .. })));
        assert!(matches!(verify(&pem, &key, &["a.test", "b.test"]), Err(ChainError::Names { .. })));
    }

    #[test]
    fn a_chain_that_does_not_sign_is_refused() {
        let (ca, impostor) = (Ca::new("Class 3"), Ca::new("Class 3"));
        let key = KeyPair::generate().unwrap();
        let pem = ca.leaf(&key, &["a.test"]) + &impostor.0.pem();
        assert_eq!(verify(&pem, &key, &["a.test"]), Err(ChainError::Signature(1)));
    }

    #[test]
    fn words_beside_the_certificates_are_refused_from_a_server_and_not_from_a_user() {
        let (ca, key) = (Ca::new("Class 3"), KeyPair::generate().unwrap());
        let (leaf, issuer) = (ca.leaf(&key, &["a.test"]), ca.0.pem());
        let chain = Chain::parse(&format!("\r\n{leaf}\n{issuer}\n\n").replace('\n', "\r\n")).unwrap();
        for junk in [format!("subject=a\n{leaf}"), format!("{leaf}x\n{issuer}"), format!("{leaf}<html>")] {
            assert_eq!(Chain::parse(&junk), Err(ChainError::Foreign), "{junk}");
        }
        let file = format!("subject=a\n{leaf}issuer=b\n{}{issuer}", key.serialize_pem());
        assert_eq!(Chain::read(file.as_bytes()).unwrap(), chain);
        assert_eq!(Chain::read(chain.leaf()).unwrap().leaf(), chain.leaf());
        assert_eq!(Chain::read(b"x"), Err(ChainError::Pem));
    }

    #[test]
    fn an_issuer_that_is_no_ca_is_refused() {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "nobody");
        let nobody = Ca(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap());
        let pem = nobody.leaf(&key, &["a.test"]) + &nobody.0.pem();
        assert_eq!(verify(&pem, &key, &["a.test"]), Err(ChainError::NoCa(2)));
    }

    /// Every kind of CA key, each certifying the next: signatures are verified link by link.
    #[test]
    fn chains_of_all_kinds_of_keys_verify() {
        let key = KeyPair::generate().unwrap();
        for algorithm in [
            &rcgen::PKCS_ECDSA_P256_SHA256,
            &rcgen::PKCS_ECDSA_P384_SHA384,
            &rcgen::PKCS_ED25519,
            &rcgen::PKCS_RSA_SHA256,
            &rcgen::PKCS_RSA_SHA512,
        ] {
            let mut params = CertificateParams::default();
            params.distinguished_name.push(DnType::CommonName, "CA");
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            let signer = KeyPair::generate_for(algorithm).unwrap();
            let (ca, impostor) = (signer.serialize_pem(), KeyPair::generate_for(algorithm).unwrap());
            let ca = KeyPair::from_pem_and_sign_algo(&ca, algorithm).unwrap();
            let ca = Ca(CertifiedIssuer::self_signed(params.clone(), ca).unwrap());
            let impostor = Ca(CertifiedIssuer::self_signed(params, impostor).unwrap());
            let leaf = ca.leaf(&key, &["a.test"]);
            verify(&(leaf.clone() + &ca.0.pem()), &key, &["a.test"]).unwrap();
            let forged = verify(&(leaf + &impostor.0.pem()), &key, &["a.test"]);
            assert_eq!(forged, Err(ChainError::Signature(1)), "{algorithm:?}");
        }
    }

    #[test]
    fn dates_must_hold_now() {
        let (ca, key) = (Ca::new("Class 3"), KeyPair::generate().unwrap());
        let chain = Chain::parse(&ca.leaf(&key, &["a.test"])).unwrap();
        let at = |days| {
            let now = OffsetDateTime::now_utc() + Duration::days(days);
            chain.verify(&public_key(&key), &names(&["a.test"]), now)
        };
        assert_eq!(at(30), Ok(()));
        assert!(matches!(at(91), Err(ChainError::Dates { .. })));
        assert!(matches!(at(-2), Err(ChainError::Dates { .. })));
    }

    proptest! {
        #[test]
        fn hostile_text_never_panics(text in "(-----BEGIN CERTIFICATE-----\n)?[A-Za-z0-9+/=\n]{0,200}(-----END CERTIFICATE-----\n)?") {
            let _ = Chain::parse(&text);
        }
    }
}
