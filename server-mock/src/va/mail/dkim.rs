//! Signing challenge mails (RFC 6376).

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    rsa::{KeyPair, KeySize},
    signature::KeyPair as _,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use mail_auth::{
    common::{
        crypto::{RsaKey, Sha256},
        headers::HeaderWriter,
    },
    dkim::Done,
};

use super::fields;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// Why a mail could not be signed.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeyError {
    /// No key.
    #[error("could not make a DKIM key")]
    Generate,
    /// No signature.
    #[error("could not sign")]
    Sign(#[from] mail_auth::Error),
}

/// Signs for one domain with a key of its own. RSA with 2048 bits: many verifiers know nothing else (RFC 8301 §3.2).
pub(super) struct DkimSigner {
    signer: mail_auth::dkim::DkimSigner<RsaKey<Sha256>, Done>,
    record_name: String,
    record: String,
}

impl DkimSigner {
    /// Makes a key; takes a noticeable part of a second.
    pub(super) fn generate(domain: &str, selector: &str) -> Result<Self, KeyError> {
        let key = KeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError::Generate)?;
        let private: Pkcs8V1Der<'_> = key.as_der().map_err(|_| KeyError::Generate)?;
        let public: PublicKeyX509Der<'_> = key.public_key().as_der().map_err(|_| KeyError::Generate)?;
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(private.as_ref()));
        let signer = mail_auth::dkim::DkimSigner::from_key(RsaKey::from_key_der(private)?)
            .domain(domain)
            .selector(selector)
            .headers(fields::of_challenge());
        Ok(Self {
            signer,
            record_name: format!("{selector}._domainkey.{domain}"),
            record: format!("v=DKIM1; k=rsa; p={}", STANDARD.encode(public.as_ref())),
        })
    }

    /// Where the public key belongs in the DNS (RFC 6376 §3.6.2.1).
    pub(super) fn record_name(&self) -> &str {
        &self.record_name
    }

    /// The TXT record with the public key (RFC 6376 §3.6.1).
    pub(super) fn record(&self) -> &str {
        &self.record
    }

    /// The mail with its signature on top. The signature's own time is the system's, which the library asks: verifiers
    /// compare it with theirs, never with the clock of a test.
    pub(super) fn sign(&self, mail: &str) -> Result<String, KeyError> {
        Ok(self.signer.sign(mail.as_bytes())?.to_header() + mail)
    }
}
