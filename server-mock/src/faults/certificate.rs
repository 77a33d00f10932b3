//! Certificates that are not what was issued, and chains with something else in them.

use axum::response::Response;
use rcgen::{KeyPair, PublicKeyData};
use serde::{Deserialize, Serialize};
use time::Duration;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{
    Endpoint, Kind,
    layer::{Scene, read, with_body},
};
use crate::{
    ca::{Chain, LeafRequest},
    model::{Certificate, CertificateId, Identifier, certificate::KeyUse},
    random::Random,
};

const END: &str = "-----END CERTIFICATE-----\n";
/// More certificates than any chain has.
const LONG: usize = 20;

/// What becomes of a chain in PEM (RFC 8555 §9.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChainForm {
    /// Text before, between and after the certificates.
    Junk,
    /// A private key after the certificates.
    PrivateKey,
    /// The issuers first, the leaf last.
    Reversed,
    /// The leaf alone.
    LeafOnly,
    /// Each certificate many times.
    Long,
    /// Lines that end with carriage return and line feed.
    Crlf,
}

/// How the leaf differs from the one that was issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeafForm {
    /// It has a key that nobody has.
    OtherKey,
    /// It has one more name.
    OtherNames,
    /// Its life is over.
    Expired,
    /// Its life has not begun.
    NotYetValid,
}

/// Changes a certificate that is fetched, if that is the fault.
pub(super) async fn change(kind: &Kind, scene: &Scene<'_>, response: Response) -> Response {
    if scene.endpoint != Endpoint::Certificate || !response.status().is_success() {
        return response;
    }
    match kind {
        Kind::Leaf(form) => match other_chain(*form, scene) {
            Some(pem) => with_body(response.into_parts().0, pem),
            None => response,
        },
        Kind::Chain(form) => {
            let (parts, body) = read(response).await;
            let pem = String::from_utf8_lossy(&body).into_owned();
            with_body(parts, reform(&pem, *form))
        }
        _ => response,
    }
}

fn reform(pem: &str, form: ChainForm) -> String {
    let sections: Vec<&str> = pem.split_inclusive(END).collect();
    match form {
        ChainForm::Junk => {
            let told = |section: &&str| format!("Bag Attributes\n    friendlyName: leaf\n{section}");
            sections.iter().map(told).chain(["trailing text\n".to_owned()]).collect()
        }
        ChainForm::PrivateKey => match KeyPair::generate() {
            Ok(key) => pem.to_owned() + &key.serialize_pem(),
            Err(_) => pem.to_owned(),
        },
        ChainForm::Reversed => sections.into_iter().rev().collect(),
        ChainForm::LeafOnly => sections.into_iter().take(1).collect(),
        ChainForm::Long => pem.repeat(LONG),
        ChainForm::Crlf => pem.replace('\n', "\r\n"),
    }
}

/// Another leaf with the chain that was asked for.
fn other_chain(form: LeafForm, scene: &Scene<'_>) -> Option<String> {
    let mut segments = scene.path.split('/').skip(3);
    let id = CertificateId::from(segments.next()?);
    let chain = if segments.next().is_some() { Chain::Alternate } else { Chain::Default };
    let (server, account) = (scene.server, scene.account.as_ref()?);
    let certificate = server.store().with(|model| model.certificate(&id, account).ok().cloned())?;
    let authority = server.authority();
    let request = other_leaf(form, &certificate)?;
    let serial = random_serial(server.faults().random());
    let der = authority.issue(&LeafRequest {
        spki_der: &request.key,
        identifiers: &request.identifiers,
        person: None,
        key_use: KeyUse::default(),
        must_staple: false,
        serial,
        not_before: certificate.not_before + request.shift,
        not_after: certificate.not_after + request.shift,
    });
    authority.chain_pem(&der.ok()?, chain)
}

struct Other {
    key: Vec<u8>,
    identifiers: Vec<Identifier>,
    shift: Duration,
}

fn other_leaf(form: LeafForm, certificate: &Certificate) -> Option<Other> {
    let lifetime = certificate.not_after - certificate.not_before;
    let mut other = Other {
        key: subject_key(&certificate.der)?,
        identifiers: certificate.identifiers.clone(),
        shift: Duration::ZERO,
    };
    match form {
        LeafForm::OtherKey => other.key = KeyPair::generate().ok()?.subject_public_key_info(),
        LeafForm::OtherNames => {
            other.identifiers.push(Identifier::Dns("not-ordered.example.test".to_owned()))
        }
        LeafForm::Expired => other.shift = -lifetime - Duration::days(2),
        LeafForm::NotYetValid => other.shift = lifetime + Duration::days(2),
    }
    Some(other)
}

/// A certificate's key, as DER SubjectPublicKeyInfo.
pub(super) fn subject_key(der: &[u8]) -> Option<Vec<u8>> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    Some(certificate.public_key().raw.to_vec())
}

/// A positive number without a leading zero byte.
pub(super) fn random_serial(random: &dyn Random) -> [u8; 16] {
    let mut serial = [0; 16];
    random.fill(&mut serial);
    serial[0] = serial[0] & 0x7f | 0x40;
    serial
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEM: &str = "-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nBB\n-----END CERTIFICATE-----\n";

    #[test]
    fn chains_are_reformed() {
        assert!(reform(PEM, ChainForm::Reversed).starts_with("-----BEGIN CERTIFICATE-----\nBB"));
        assert_eq!(reform(PEM, ChainForm::LeafOnly).matches("BEGIN").count(), 1);
        assert_eq!(reform(PEM, ChainForm::Junk).matches("friendlyName").count(), 2);
        assert!(reform(PEM, ChainForm::PrivateKey).ends_with("-----END PRIVATE KEY-----\n"));
        assert_eq!(reform(PEM, ChainForm::Long).matches("BEGIN").count(), 40);
        assert!(!reform(PEM, ChainForm::Crlf).replace("\r\n", "").contains('\n'));
    }
}
