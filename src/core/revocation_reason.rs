//! Why a certificate is revoked (RFC 5280 §5.3.1).

use clap::ValueEnum;

/// A reason code that a subscriber may give, by its name in the RFC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "camelCase")]
pub enum RevocationReason {
    /// No particular reason.
    Unspecified,
    /// Somebody else may have the private key.
    KeyCompromise,
    /// The subject's name or other facts changed.
    AffiliationChanged,
    /// A newer certificate took its place.
    Superseded,
    /// The service no longer exists.
    CessationOfOperation,
}

impl RevocationReason {
    /// The code on the wire.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Unspecified => 0,
            Self::KeyCompromise => 1,
            Self::AffiliationChanged => 3,
            Self::Superseded => 4,
            Self::CessationOfOperation => 5,
        }
    }
}
