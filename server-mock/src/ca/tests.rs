//! What is written into certificates and CRLs, read back by an independent parser.

use rcgen::{
    KeyPair, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256, PublicKeyData, SignatureAlgorithm,
};
use time::{Duration, OffsetDateTime, macros::datetime};
use x509_parser::{
    extensions::{DistributionPointName, GeneralName, ParsedExtension},
    pem::Pem,
    prelude::{FromDer, X509Certificate},
    revocation_list::CertificateRevocationList,
};

use super::*;
use crate::{
    model::{Identifier, certificate::KeyUse},
    random::{Random, SeededRandom},
};

const NOW: OffsetDateTime = datetime!(2030-06-01 12:00:00.75 UTC);

fn authority() -> Authority {
    let settings = CaSettings { base_url: "http://127.0.0.1:15000".into(), ..CaSettings::default() };
    Authority::generate(&settings, NOW, &SeededRandom::new(1)).unwrap()
}

fn dns(name: &str) -> Identifier {
    Identifier::Dns(name.into())
}

fn issue(authority: &Authority, identifiers: &[Identifier]) -> Vec<u8> {
    issue_for(authority, identifiers, &rcgen::PKCS_ECDSA_P256_SHA256, [0x81; 16])
}

fn issue_for(
    authority: &Authority,
    identifiers: &[Identifier],
    algorithm: &'static SignatureAlgorithm,
    serial: [u8; 16],
) -> Vec<u8> {
    let spki_der = KeyPair::generate_for(algorithm).unwrap().subject_public_key_info();
    let (not_before, not_after) = (NOW, NOW + Duration::days(90));
    let mail = identifiers.iter().any(|identifier| matches!(identifier, Identifier::Email(_)));
    let person = mail.then_some("Alice Example");
    let request = LeafRequest {
        spki_der: &spki_der,
        identifiers,
        person,
        must_staple: false,
        key_use: KeyUse::Both,
        serial,
        not_before,
        not_after,
    };
    authority.issue(&request).unwrap()
}

fn parse(der: &[u8]) -> X509Certificate<'_> {
    let (rest, certificate) = X509Certificate::from_der(der).unwrap();
    assert!(rest.is_empty());
    certificate
}

/// The URIs in the named extension, found as the GeneralName they are.
fn uris(
    certificate: &X509Certificate<'_>,
    find: impl Fn(&ParsedExtension<'_>) -> Vec<String>,
) -> Vec<String> {
    certificate.extensions().iter().flat_map(|extension| find(extension.parsed_extension())).collect()
}

fn crl_uris(certificate: &X509Certificate<'_>) -> Vec<String> {
    uris(certificate, |extension| match extension {
        ParsedExtension::CRLDistributionPoints(points) => points
            .iter()
            .filter_map(|point| match &point.distribution_point {
                Some(DistributionPointName::FullName(names)) => Some(names),
                _ => None,
            })
            .flatten()
            .map(|name| name.to_string())
            .collect(),
        _ => vec![],
    })
}

fn issuer_uris(certificate: &X509Certificate<'_>) -> Vec<String> {
    uris(certificate, |extension| match extension {
        ParsedExtension::AuthorityInfoAccess(access) => access
            .accessdescs
            .iter()
            .filter(|description| description.access_method.to_id_string() == "1.3.6.1.5.5.7.48.2")
            .map(|description| description.access_location.to_string())
            .collect(),
        _ => vec![],
    })
}

fn key_ids(certificate: &X509Certificate<'_>) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
    let mut ids = (None, None);
    for extension in certificate.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(id) => ids.0 = Some(id.0.to_vec()),
            ParsedExtension::AuthorityKeyIdentifier(id) => {
                ids.1 = id.key_identifier.as_ref().map(|id| id.0.to_vec());
            }
            _ => {}
        }
    }
    ids
}

#[test]
fn root_is_self_signed_and_points_nowhere() {
    let authority = authority();
    let root = parse(authority.root_der());
    assert_eq!(root.subject().to_string(), "O=server-mock, CN=CA Cert Signing Authority (server-mock)");
    assert_eq!(root.issuer(), root.subject());
    root.verify_signature(None).unwrap();
    assert!(root.is_ca());
    assert_eq!((crl_uris(&root), issuer_uris(&root)), (vec![], vec![]));
    assert!(root.validity().not_before.to_datetime() < NOW);
}

#[test]
fn intermediate_may_sign_leaves_only() {
    let authority = authority();
    let (root, intermediate) = (parse(authority.root_der()), parse(authority.intermediate_der()));
    intermediate.verify_signature(Some(root.public_key())).unwrap();
    let constraints = intermediate.basic_constraints().unwrap().unwrap();
    assert!(constraints.critical);
    assert_eq!((constraints.value.ca, constraints.value.path_len_constraint), (true, Some(0)));
    let usage = intermediate.key_usage().unwrap().unwrap();
    assert!(usage.critical && usage.value.key_cert_sign() && usage.value.crl_sign());
    assert!(!usage.value.digital_signature());
    assert_eq!(key_ids(&intermediate).1, key_ids(&root).0);
    assert_eq!(crl_uris(&intermediate), ["URI(http://127.0.0.1:15000/ca/root.crl)"]);
    assert_eq!(issuer_uris(&intermediate), ["URI(http://127.0.0.1:15000/ca/root.der)"]);
}

#[test]
fn leaf_has_the_fields_of_a_server_certificate() {
    let authority = authority();
    let intermediate = parse(authority.intermediate_der());
    let der = issue(&authority, &[dns("www.example.test"), Identifier::Ip("::1".parse().unwrap())]);
    let leaf = parse(&der);
    leaf.verify_signature(Some(intermediate.public_key())).unwrap();
    assert_eq!(leaf.subject().to_string(), "CN=www.example.test");
    let san = leaf.subject_alternative_name().unwrap().unwrap();
    assert!(!san.critical);
    assert_eq!(
        san.value.general_names,
        [
            GeneralName::DNSName("www.example.test"),
            GeneralName::IPAddress(&"::1".parse::<std::net::Ipv6Addr>().unwrap().octets())
        ]
    );
    let constraints = leaf.basic_constraints().unwrap().unwrap();
    assert!(constraints.critical && !constraints.value.ca);
    let extended = leaf.extended_key_usage().unwrap().unwrap().value;
    assert!(extended.server_auth && !extended.client_auth && !extended.email_protection && !extended.any);
    assert_eq!(key_ids(&leaf).1, key_ids(&intermediate).0);
    assert!(key_ids(&leaf).0.is_some());
    assert_eq!(crl_uris(&leaf), ["URI(http://127.0.0.1:15000/ca/intermediate.crl)"]);
    assert_eq!(issuer_uris(&leaf), ["URI(http://127.0.0.1:15000/ca/intermediate.der)"]);
}

#[test]
fn validity_is_to_the_second_and_the_serial_positive() {
    let authority = authority();
    for serial in [[0xff; 16], [0x01; 16], [0x00, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]] {
        let der = issue_for(&authority, &[dns("a.test")], &PKCS_ED25519, serial);
        let leaf = parse(&der);
        let begin = datetime!(2030-06-01 12:00:00 UTC);
        assert_eq!(leaf.validity().not_before.to_datetime(), begin);
        assert_eq!(leaf.validity().not_after.to_datetime(), begin + Duration::days(90));
        let raw = leaf.raw_serial();
        assert!(raw[0] < 0x80, "the INTEGER is positive");
        assert!(raw.len() < 2 || raw[0] != 0 || raw[1] >= 0x80, "and minimal");
        assert_eq!(u128::from_be_bytes(serial).to_string(), leaf.serial.to_string());
    }
}

#[test]
fn without_a_fitting_name_the_subject_is_empty_and_the_san_critical() {
    let authority = authority();
    let long = format!("{}.{}.test", "a".repeat(40), "b".repeat(40));
    for names in [vec![Identifier::Ip("192.0.2.1".parse().unwrap())], vec![dns(&long)]] {
        let der = issue(&authority, &names);
        let leaf = parse(&der);
        assert_eq!(leaf.subject().iter_attributes().count(), 0);
        assert!(leaf.subject_alternative_name().unwrap().unwrap().critical);
    }
    let exact = format!("{}.test", "a".repeat(59));
    assert_eq!(parse(&issue(&authority, &[dns(&exact)])).subject().to_string(), format!("CN={exact}"));
}

#[test]
fn client_key_usage_is_cacerts_where_the_key_can() {
    let authority = authority();
    let alice = [Identifier::Email("alice@example.test".into())];
    for (algorithm, more) in
        [(&PKCS_RSA_SHA256, true), (&PKCS_ECDSA_P384_SHA384, true), (&PKCS_ED25519, false)]
    {
        let der = issue_for(&authority, &alice, algorithm, [7; 16]);
        let leaf = parse(&der);
        let usage = leaf.key_usage().unwrap().unwrap().value;
        assert!(usage.digital_signature());
        assert_eq!((usage.key_encipherment(), usage.key_agreement()), (more, more));
    }
}

#[test]
fn ml_dsa_keys_are_certified_as_they_are() {
    let authority = authority();
    for algorithm in [&rcgen::PKCS_ML_DSA_44, &rcgen::PKCS_ML_DSA_65, &rcgen::PKCS_ML_DSA_87] {
        let spki_der = KeyPair::generate_for(algorithm).unwrap().subject_public_key_info();
        let names = [dns("a.test")];
        let request = |spki_der| LeafRequest {
            spki_der,
            identifiers: &names,
            person: None,
            must_staple: false,
            key_use: KeyUse::Both,
            serial: [1; 16],
            not_before: NOW,
            not_after: NOW,
        };
        let der = authority.issue(&request(&spki_der)).unwrap();
        let leaf = parse(&der);
        assert_eq!(leaf.public_key().raw, spki_der);
        let usage = leaf.key_usage().unwrap().unwrap().value;
        assert!(usage.digital_signature() && !usage.key_encipherment());
        assert!(matches!(authority.issue(&request(&spki_der[..spki_der.len() - 1])), Err(CaError::Key(_))));
    }
}

#[test]
fn key_usage_follows_the_key() {
    let authority = authority();
    for (algorithm, enciphers) in
        [(&PKCS_RSA_SHA256, true), (&PKCS_ECDSA_P384_SHA384, false), (&PKCS_ED25519, false)]
    {
        let der = issue_for(&authority, &[dns("a.test")], algorithm, [7; 16]);
        let leaf = parse(&der);
        let usage = leaf.key_usage().unwrap().unwrap();
        assert!(usage.critical && usage.value.digital_signature());
        assert_eq!(usage.value.key_encipherment(), enciphers);
    }
}

#[test]
fn client_certificates_are_for_mail_and_login() {
    let authority = authority();
    let der = issue(&authority, &[Identifier::Email("alice@example.test".into())]);
    let leaf = parse(&der);
    let extended = leaf.extended_key_usage().unwrap().unwrap().value;
    assert!(extended.email_protection && extended.client_auth && !extended.server_auth);
    assert_eq!(leaf.subject().to_string(), "CN=Alice Example");
    let san = leaf.subject_alternative_name().unwrap().unwrap();
    assert_eq!(san.value.general_names, [GeneralName::RFC822Name("alice@example.test")]);
}

#[test]
fn what_can_not_be_certified_is_refused_with_a_reason() {
    let authority = authority();
    let spki_der = KeyPair::generate().unwrap().subject_public_key_info();
    let request = |spki_der, identifiers| LeafRequest {
        spki_der,
        identifiers,
        person: None,
        must_staple: false,
        key_use: KeyUse::Both,
        serial: [1; 16],
        not_before: NOW,
        not_after: NOW,
    };
    assert!(matches!(authority.issue(&request(b"no key", &[])), Err(CaError::Key(_))));
    let names = [dns("bücher.test")];
    assert!(matches!(authority.issue(&request(&spki_der, &names)), Err(CaError::Name { .. })));
}

#[test]
fn chain_pem_is_leaf_then_intermediate_and_nothing_else() {
    let authority = authority();
    let spki_der = KeyPair::generate().unwrap().subject_public_key_info();
    let identifiers = [dns("a.test")];
    let request = LeafRequest {
        spki_der: &spki_der,
        identifiers: &identifiers,
        person: None,
        must_staple: false,
        key_use: KeyUse::Both,
        serial: [1; 16],
        not_before: NOW,
        not_after: NOW,
    };
    let der = authority.issue(&request).unwrap();
    let chain_pem = authority.chain_pem(&der, Chain::Default).unwrap();
    let blocks: Vec<_> = Pem::iter_from_buffer(chain_pem.as_bytes()).map(Result::unwrap).collect();
    assert_eq!(blocks.len(), 2);
    assert_eq!(blocks[0].contents, der);
    assert_eq!(blocks[1].contents, authority.intermediate_der());
    for line in chain_pem.lines() {
        assert!(line.len() <= 64 && !line.is_empty(), "{line:?}");
    }
    assert_eq!(authority.chain_pem(&der, Chain::Alternate), None);
}

#[test]
fn the_other_root_certifies_the_same_intermediate() {
    let settings = CaSettings { alternate_root: true, ..CaSettings::default() };
    let authority = Authority::generate(&settings, NOW, &SeededRandom::new(1)).unwrap();
    let root = parse(authority.alternate_root_der().unwrap());
    let (one, other) =
        (parse(authority.intermediate_der()), parse(authority.alternate_intermediate_der().unwrap()));
    other.verify_signature(Some(root.public_key())).unwrap();
    assert_ne!(root.subject(), parse(authority.root_der()).subject());
    assert_eq!((one.subject(), one.public_key()), (other.subject(), other.public_key()));
    assert_eq!(key_ids(&one).0, key_ids(&other).0);
    assert_eq!(key_ids(&other).1, key_ids(&root).0);
    assert_eq!(crl_uris(&other), ["URI(/ca/alternate-root.crl)"]);
}

#[test]
fn the_responder_may_sign_statuses_only() {
    let authority = authority();
    let responder = parse(authority.responder_der());
    responder.verify_signature(Some(parse(authority.intermediate_der()).public_key())).unwrap();
    let extended = responder.extended_key_usage().unwrap().unwrap().value;
    assert!(extended.ocsp_signing && !extended.server_auth && !extended.any);
    let no_check =
        |oid: &str| responder.extensions().iter().any(|extension| extension.oid.to_id_string() == oid);
    assert!(no_check("1.3.6.1.5.5.7.48.1.5"));
    assert_eq!((crl_uris(&responder), issuer_uris(&responder)), (vec![], vec![]));
}

#[test]
fn what_is_no_ocsp_request_is_answered_so() {
    let authority = authority();
    for request in
        [&b""[..], b"\x30\x00", b"\x30\x02\x30\x00", b"no request", &[0x30, 0x04, 0x30, 0x02, 0x30, 0x00]]
    {
        let answer = authority.ocsp(request, NOW, |_| CertificateStatus::Good).unwrap();
        assert_eq!(answer, [0x30, 0x03, 0x0a, 0x01, 0x01], "{request:?}");
    }
}

#[test]
fn crl_lists_what_is_revoked() {
    let authority = authority();
    let entry = |serial: u8, reason| RevokedEntry { serial: vec![serial; 16], revoked_at: NOW, reason };
    let revoked = [entry(0x90, Some(1)), entry(0x10, None), entry(0x20, Some(0))];
    let der = authority.crl(&revoked, NOW).unwrap();
    let (_, crl) = CertificateRevocationList::from_der(&der).unwrap();
    crl.verify_signature(parse(authority.intermediate_der()).public_key()).unwrap();
    let lines: Vec<_> = crl.iter_revoked_certificates().collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0].raw_serial(), [&[0][..], &[0x90; 16]].concat());
    assert_eq!(lines[0].reason_code().map(|(_, reason)| reason.0), Some(1));
    assert!(lines[1].extensions().is_empty(), "no reason, no reasonCode");
    assert!(lines[2].extensions().is_empty(), "unspecified is left out (RFC 5280 §5.3.1)");
    assert!(crl.next_update().unwrap().to_datetime() > NOW);

    let next = authority.crl(&revoked, NOW + Duration::milliseconds(1)).unwrap();
    let (_, next) = CertificateRevocationList::from_der(&next).unwrap();
    assert!(next.crl_number() > crl.crl_number());
}

#[test]
fn empty_crls_and_undefined_reasons() {
    let authority = authority();
    let der = authority.root_crl(NOW).unwrap();
    let (_, crl) = CertificateRevocationList::from_der(&der).unwrap();
    crl.verify_signature(parse(authority.root_der()).public_key()).unwrap();
    assert_eq!(crl.iter_revoked_certificates().count(), 0);
    for reason in [7, 11, 255] {
        let entry = RevokedEntry { serial: vec![1], revoked_at: NOW, reason: Some(reason) };
        assert!(matches!(authority.crl(&[entry], NOW), Err(CaError::Reason(code)) if code == reason));
    }
}

#[test]
fn a_seed_fixes_both_keys() {
    let keys = |random: &dyn Random| {
        let authority = Authority::generate(&CaSettings::default(), NOW, random).unwrap();
        [authority.root_der(), authority.intermediate_der()].map(|der| parse(der).public_key().raw.to_vec())
    };
    assert_eq!(keys(&SeededRandom::new(3)), keys(&SeededRandom::new(3)));
    assert_ne!(keys(&SeededRandom::new(3)), keys(&SeededRandom::new(4)));
}
