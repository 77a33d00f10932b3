//! What anybody can learn about a certificate: its serial number, and what the CRL, OCSP and renewal information say.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use x509_parser::{
    extensions::{DistributionPointName, GeneralName, ParsedExtension},
    prelude::{CertificateRevocationList, FromDer, RevokedCertificate, X509Certificate},
};

use super::{Answer, Mock, certificates};

/// What OCSP says (RFC 6960 §4.2.1).
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum CertStatus {
    Good,
    Revoked,
}

/// The first certificate of a chain.
pub(crate) fn leaf(chain: &str) -> Vec<u8> {
    certificates(chain).remove(0)
}

/// The serial number as DER has it.
pub(crate) fn serial(chain: &str) -> Vec<u8> {
    X509Certificate::from_der(&leaf(chain)).unwrap().1.raw_serial().to_vec()
}

/// The serial and reason code of each certificate on the CRL that the certificate itself points to.
pub(crate) async fn crl(mock: &Mock, chain: &str) -> Vec<(Vec<u8>, Option<u8>)> {
    let der = leaf(chain);
    let leaf = X509Certificate::from_der(&der).unwrap().1;
    let point = leaf.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::CRLDistributionPoints(points) => points.points[0].distribution_point.as_ref(),
        _ => None,
    });
    let Some(DistributionPointName::FullName(names)) = point else { panic!("no CRL distribution point") };
    let GeneralName::URI(url) = names[0] else { panic!("no URI") };
    let body = mock.get(url).await.body;
    let crl = CertificateRevocationList::from_der(&body).unwrap().1;
    let entry = |entry: &RevokedCertificate<'_>| {
        let reason = entry.reason_code().map(|(_, code)| code.0);
        (entry.raw_serial().to_vec(), reason)
    };
    crl.iter_revoked_certificates().map(entry).collect()
}

/// What the responder says, by a request and a look at the response that are made by hand.
pub(crate) async fn ocsp(mock: &Mock, chain: &str) -> CertStatus {
    let chain = certificates(chain);
    let [leaf, issuer] = [0, 1].map(|number: usize| X509Certificate::from_der(&chain[number]).unwrap().1);
    let element = |tag: u8, content: &[u8]| [&[tag, u8::try_from(content.len()).unwrap()], content].concat();
    let sha1 = |bytes: &[u8]| element(4, digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref());
    let algorithm = [0x30, 9, 6, 5, 0x2b, 0x0e, 3, 2, 0x1a, 5, 0];
    let cert_id = [
        &algorithm[..],
        &sha1(leaf.issuer().as_raw()),
        &sha1(&issuer.public_key().subject_public_key.data),
        &element(2, leaf.raw_serial()),
    ]
    .concat();
    let cert_id = element(0x30, &cert_id);
    // Request in requestList in TBSRequest in OCSPRequest.
    let request = (0..4).fold(cert_id.clone(), |inner, _| element(0x30, &inner));
    let url = format!("{}/ocsp", mock.handle.admin_url());
    let response = mock.http.post(url).header("Content-Type", "application/ocsp-request").body(request);
    let response = response.send().await.unwrap().bytes().await.unwrap();
    let place = response.windows(cert_id.len()).position(|window| window == cert_id);
    let place = place.unwrap_or_else(|| panic!("not about this certificate: {response:02x?}"));
    match response[place + cert_id.len()] {
        0x80 => CertStatus::Good,
        0xa1 => CertStatus::Revoked,
        other => panic!("{other:02x} in {response:02x?}"),
    }
}

/// The certID, made from the certificate as RFC 9773 §4.1 says: the serial number as DER has it.
pub(crate) fn cert_id(chain: &str) -> String {
    let der = leaf(chain);
    let leaf = X509Certificate::from_der(&der).unwrap().1;
    let key_identifier = leaf.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::AuthorityKeyIdentifier(id) => id.key_identifier.as_ref().map(|id| id.0),
        _ => None,
    });
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    format!("{}.{}", encode(key_identifier.unwrap()), encode(leaf.raw_serial()))
}

/// The renewal information of a certID.
pub(crate) async fn renewal_info(mock: &Mock, cert_id: &str) -> Answer {
    mock.get(&format!("{}/{cert_id}", mock.url("renewalInfo"))).await
}
