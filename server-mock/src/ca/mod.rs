//! The certification authority: a root like CAcert's Class 1, an intermediate like its Class 3.

mod authority;
mod ca_certificate;
mod crl;
mod crl_cache;
mod der;
mod key;
mod leaf;
mod ocsp;
mod ocsp_request;
mod pem;
mod responder;
mod subject_key;

pub use authority::{Authority, AuthorityRecord, CaSettings, Chain, paths};
pub(crate) use ca_certificate::CaCertificate;
pub use ca_certificate::CaCertificateRecord;
pub use crl::RevokedEntry;
pub use crl_cache::CrlCache;
pub use key::CaKey;
pub use leaf::LeafRequest;
pub use ocsp::{CertificateStatus, ResponseStatus, ocsp_error};

/// Why the authority could not make or sign something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaError {
    /// The subject's key is of a kind that is not certified here.
    #[error("public keys of this kind are not certified")]
    Key(#[source] rcgen::Error),
    /// An encryption certificate for a key that can only sign.
    #[error("keys of this kind can only sign")]
    SignsOnly,
    /// A name can't be written into a certificate.
    #[error("{name:?} can't be written into a certificate")]
    Name {
        /// The name as it was asked for.
        name: String,
        /// What forbids it.
        #[source]
        source: rcgen::Error,
    },
    /// A reason code that RFC 5280 §5.3.1 does not define.
    #[error("{0} is no revocation reason")]
    Reason(u8),
    /// A CA that was kept is damaged.
    #[error("the kept CA is damaged")]
    Record(#[source] Option<rcgen::Error>),
    /// Encoding or signing failed.
    #[error("could not sign")]
    Sign(#[from] rcgen::Error),
}

#[cfg(test)]
mod tests;
