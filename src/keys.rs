//! Private keys: made, and read from PEM. Whoever they are for, they are saved before anybody hears of them.

use rcgen::KeyPair;
use zeroize::Zeroizing;

use crate::core::key_type::KeyType;
use crate::core::pem::encode_pem;

/// Why a key could not be made or read.
#[derive(Debug, thiserror::Error)]
#[error("the private key could not be made or read")]
pub struct KeyFailure(#[from] rcgen::Error);

/// A new key in PEM (PKCS#8).
///
/// # Errors
/// [`KeyFailure`] when the system's generator fails.
pub fn generate(key_type: KeyType) -> Result<Zeroizing<String>, KeyFailure> {
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
    Ok(Zeroizing::new(key?.serialize_pem()))
}

/// In version 1 of PKCS#8: rcgen writes version 2 (RFC 5958), which OpenSSL 3.0 can't read.
fn generate_ed25519() -> Result<Zeroizing<String>, KeyFailure> {
    let der = aws_lc_rs::signature::Ed25519KeyPair::generate().and_then(|key| key.to_pkcs8v1());
    let der = der.map_err(|_| rcgen::Error::RingUnspecified)?;
    Ok(Zeroizing::new(encode_pem("PRIVATE KEY", der.as_ref())))
}

/// A key as it was saved.
///
/// # Errors
/// [`KeyFailure`] when it is no PKCS#8 in PEM, or of a kind that can't be used.
pub fn read(pem: &str) -> Result<KeyPair, KeyFailure> {
    Ok(KeyPair::from_pem(pem)?)
}
