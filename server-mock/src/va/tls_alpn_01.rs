//! tls-alpn-01: a certificate shown under a protocol of its own (RFC 8737; for addresses RFC 8738 §6).

use std::{net::IpAddr, sync::Arc, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};
use rustls_pki_types::ServerName;
use tokio_rustls::TlsConnector;
use x509_parser::{
    der_parser::{Oid, oid},
    extensions::{GeneralName, ParsedExtension, X509Extension},
    oid_registry::OID_X509_EXT_SUBJECT_ALT_NAME,
    prelude::{FromDer, X509Certificate},
};

use super::{
    Attempt,
    connect::{connect, shown_error},
    dns::Resolver,
    shown, tls,
};
use crate::model::{Identifier, Problem, ProblemType};

/// The protocol's name in ALPN (RFC 8737 §6.2).
const PROTOCOL: &[u8] = b"acme-tls/1";
/// id-pe-acmeIdentifier (RFC 8737 §6.1).
const ACME_IDENTIFIER: Oid<'static> = oid!(1.3.6.1.5.5.7.1.31);
/// The head of a DER OCTET STRING of 32 bytes.
const OCTET_STRING_32: [u8; 2] = [0x04, 0x20];
/// The whole validation.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Validates tls-alpn-01 challenges.
pub(super) struct TlsAlpn01 {
    resolver: Resolver,
    port: u16,
    tls: TlsConnector,
    /// For all of one validation.
    pub(super) timeout: Duration,
}

impl TlsAlpn01 {
    pub(super) fn new(resolver: Resolver, port: u16) -> Result<Self, rustls::Error> {
        let mut config = tls::trusting_config()?;
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        Ok(Self { resolver, port, tls: TlsConnector::from(Arc::new(config)), timeout: TIMEOUT })
    }

    /// # Errors
    /// `dns`, `connection`, `tls`, or `incorrectResponse` for a certificate that proves nothing.
    pub(super) async fn validate(&self, attempt: &Attempt) -> Result<(), Problem> {
        tokio::time::timeout(self.timeout, self.try_once(attempt)).await.map_err(|_| {
            let name = attempt.identifier.value();
            let detail = format!("{name} did not complete a TLS handshake within {:?}", self.timeout);
            Problem::new(ProblemType::Connection, detail)
        })?
    }

    async fn try_once(&self, attempt: &Attempt) -> Result<(), Problem> {
        let target = attempt.identifier.value();
        let (addresses, name) = match &attempt.identifier {
            Identifier::Dns(name) => (self.resolver.addresses(name).await?, name.clone()),
            Identifier::Ip(address) => (vec![*address], reverse_name(*address)),
            Identifier::Email(_) => return Err(unfit("tls-alpn-01 can't show control of a mail address")),
        };
        let name = ServerName::try_from(name).map_err(|_| unfit(format!("{target} is no host name")))?;
        let (address, stream) = connect(&addresses, self.port, &target).await?;
        let failed = |kind, why: String| Problem::new(kind, format!("{target} at {address}: {why}"));
        let stream = self.tls.connect(name, stream).await.map_err(|error| {
            failed(ProblemType::Tls, format!("the TLS handshake failed: {}", shown_error(&error)))
        })?;
        let (_, session) = stream.get_ref();
        if session.alpn_protocol() != Some(PROTOCOL) {
            return Err(failed(
                ProblemType::Tls,
                "the server did not choose the protocol acme-tls/1".to_owned(),
            ));
        }
        let certificate = session.peer_certificates().and_then(<[_]>::first);
        let certificate = certificate.map_or(&[][..], |certificate| certificate);
        check_certificate(certificate, &attempt.identifier, &attempt.key_authorization)
            .map_err(|why| failed(ProblemType::IncorrectResponse, why))
    }
}

fn unfit(why: impl Into<String>) -> Problem {
    Problem::new(ProblemType::UnsupportedIdentifier, why)
}

/// The name that stands for an address where only names can stand (RFC 8738 §6, RFC 1034 §5.2.1, RFC 3596 §2.5).
fn reverse_name(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(address) => {
            let nibbles = address.octets().into_iter().rev().flat_map(|byte| [byte & 15, byte >> 4]);
            let labels: String = nibbles.map(|nibble| format!("{nibble:x}.")).collect();
            format!("{labels}ip6.arpa")
        }
    }
}

/// Whether the certificate is the answer to the challenge (RFC 8737 §3); if not, why.
fn check_certificate(der: &[u8], identifier: &Identifier, key_authorization: &str) -> Result<(), String> {
    let (_, certificate) =
        X509Certificate::from_der(der).map_err(|_| "the certificate can't be decoded".to_owned())?;
    let names = only_extension(&certificate, &OID_X509_EXT_SUBJECT_ALT_NAME, "subjectAltName")?;
    let ParsedExtension::SubjectAlternativeName(names) = names.parsed_extension() else {
        return Err("the certificate's subjectAltName can't be decoded".to_owned());
    };
    let [name] = &names.general_names[..] else {
        return Err(format!("the certificate has {} alternative names, not one", names.general_names.len()));
    };
    if !is_for(name, identifier) {
        let name = shown(name.to_string().as_bytes());
        return Err(format!("the certificate's alternative name is {name}, not {}", identifier.value()));
    }
    let digested = only_extension(&certificate, &ACME_IDENTIFIER, "acmeIdentifier")?;
    if !digested.critical {
        return Err("the certificate's acmeIdentifier is not critical".to_owned());
    }
    let expected = digest(&SHA256, key_authorization.as_bytes());
    match digested.value.strip_prefix(&OCTET_STRING_32) {
        Some(digest) if digest == expected.as_ref() => Ok(()),
        Some(digest) if digest.len() == expected.as_ref().len() => {
            Err("the certificate's acmeIdentifier is not the digest of the key authorization".to_owned())
        }
        _ => Err("the certificate's acmeIdentifier is no OCTET STRING of 32 bytes".to_owned()),
    }
}

/// The certificate's one extension with this identifier.
fn only_extension<'a, 'b>(
    certificate: &'b X509Certificate<'a>,
    oid: &Oid<'_>,
    name: &str,
) -> Result<&'b X509Extension<'a>, String> {
    let mut found = certificate.extensions().iter().filter(|extension| extension.oid == *oid);
    match (found.next(), found.next()) {
        (Some(extension), None) => Ok(extension),
        (None, _) => Err(format!("the certificate has no {name}")),
        (Some(_), Some(_)) => Err(format!("the certificate has several {name} extensions")),
    }
}

fn is_for(name: &GeneralName<'_>, identifier: &Identifier) -> bool {
    match (name, identifier) {
        (GeneralName::DNSName(name), Identifier::Dns(expected)) => name.eq_ignore_ascii_case(expected),
        (GeneralName::IPAddress(bytes), Identifier::Ip(IpAddr::V4(expected))) => *bytes == expected.octets(),
        (GeneralName::IPAddress(bytes), Identifier::Ip(IpAddr::V6(expected))) => *bytes == expected.octets(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn s147_the_reverse_names_of_the_rfcs() {
        assert_eq!(reverse_name([192, 0, 2, 7].into()), "7.2.0.192.in-addr.arpa");
        let address: Ipv6Addr = "4321:0:1:2:3:4:567:89ab".parse().unwrap();
        let expected = "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa";
        assert_eq!(reverse_name(address.into()), expected);
    }

    proptest! {
        #[test]
        fn s147_reverse_names_are_names_that_lead_back(v4: [u8; 4], v6: [u8; 16]) {
            let name = reverse_name(v4.into());
            prop_assert!(ServerName::try_from(name.clone()).is_ok());
            let back: Vec<&str> = name.strip_suffix(".in-addr.arpa").unwrap().split('.').rev().collect();
            prop_assert_eq!(back.join(".").parse::<Ipv4Addr>().unwrap(), Ipv4Addr::from(v4));
            let name = reverse_name(v6.into());
            prop_assert!(ServerName::try_from(name.clone()).is_ok());
            let back: String = name.strip_suffix(".ip6.arpa").unwrap().split('.').rev().collect();
            prop_assert_eq!(u128::from_str_radix(&back, 16).unwrap(), u128::from_be_bytes(v6));
        }

        #[test]
        fn no_bytes_make_the_check_panic(der: Vec<u8>) {
            prop_assert!(check_certificate(&der, &Identifier::Dns("a.test".into()), "x").is_err());
        }
    }
}
