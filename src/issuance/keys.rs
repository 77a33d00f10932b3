//! Certificate keys: made, and read from PEM.

use rcgen::KeyPair;
use zeroize::Zeroizing;

use crate::core::key_type::KeyType;
use crate::core::pem::encode_pem;
use crate::error::{Error, Kind};

/// A new key in PEM, to be saved before its CSR leaves this machine.
pub(super) fn generate(key_type: KeyType) -> Result<Zeroizing<String>, Error> {
    use rcgen::RsaKeySize;
    let rsa = |size| KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, size);
    let key = match key_type {
        KeyType::Ec256 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256),
        KeyType::Ec384 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384),
        KeyType::Rsa2048 => rsa(RsaKeySize::_2048),
        KeyType::Rsa3072 => rsa(RsaKeySize::_3072),
        KeyType::Rsa4096 => rsa(RsaKeySize::_4096),
        KeyType::Ed25519 => return generate_ed25519(),
    };
    key.map(|key| Zeroizing::new(key.serialize_pem())).map_err(key_error)
}

/// In version 1 of PKCS#8: rcgen writes version 2 (RFC 5958), which OpenSSL 3.0 can't read.
fn generate_ed25519() -> Result<Zeroizing<String>, Error> {
    let der = aws_lc_rs::signature::Ed25519KeyPair::generate().and_then(|key| key.to_pkcs8v1());
    let der = der.map_err(|_| key_error(rcgen::Error::RingUnspecified))?;
    Ok(Zeroizing::new(encode_pem("PRIVATE KEY", der.as_ref())))
}

/// A key as it was saved.
pub(super) fn read(pem: &str) -> Result<KeyPair, Error> {
    KeyPair::from_pem(pem).map_err(key_error)
}

fn key_error(error: rcgen::Error) -> Error {
    Error::new(Kind::Internal, "the certificate key could not be made or read").because(error.to_string())
}
