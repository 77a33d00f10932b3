//! Which of several chains to take, where a server offers alternates (RFC 8555 §7.4.2).

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::chain::Chain;

/// What the chain must have in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PreferredChain {
    /// An issuer with this common name; the root that is not sent along counts too.
    Issuer(String),
    /// A certificate that is sent along, by the SHA-256 fingerprint of its DER.
    Fingerprint([u8; 32]),
}

/// Text that names no chain.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a chain is named by an issuer's common name or by a certificate's SHA-256 fingerprint")]
pub struct InvalidPreferredChain;

impl PreferredChain {
    /// Whether this chain is one that is preferred.
    #[must_use]
    pub fn is_met_by(&self, chain: &Chain) -> bool {
        match self {
            Self::Issuer(name) => chain.issuer_names().iter().any(|issuer| issuer == name),
            Self::Fingerprint(wanted) => {
                chain.certificates().iter().any(|der| digest(&SHA256, der).as_ref() == wanted)
            }
        }
    }
}

/// 64 hexadecimal digits, perhaps with colons between them, are a fingerprint; anything else is a name.
impl FromStr for PreferredChain {
    type Err = InvalidPreferredChain;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let digits: String = text.chars().filter(|&c| c != ':').collect();
        if digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let mut fingerprint = [0; 32];
            for (byte, pair) in fingerprint.iter_mut().zip(digits.as_bytes().chunks(2)) {
                // Two hexadecimal digits each, as just seen.
                *byte = u8::from_str_radix(&String::from_utf8_lossy(pair), 16).unwrap_or_default();
            }
            return Ok(Self::Fingerprint(fingerprint));
        }
        if text.is_empty() { Err(InvalidPreferredChain) } else { Ok(Self::Issuer(text.to_owned())) }
    }
}

impl fmt::Display for PreferredChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Issuer(name) => f.write_str(name),
            Self::Fingerprint(bytes) => bytes.iter().try_for_each(|byte| write!(f, "{byte:02X}")),
        }
    }
}

impl Serialize for PreferredChain {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PreferredChain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

    use super::*;

    #[test]
    fn c33_a_chain_is_known_by_its_issuers_or_a_fingerprint() {
        let ca = |name: &str| {
            let mut params = CertificateParams::default();
            params.distinguished_name.push(DnType::CommonName, name);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            (params, KeyPair::generate().unwrap())
        };
        let (params, key) = ca("Class 1");
        let root = CertifiedIssuer::self_signed(params, key).unwrap();
        let (params, key) = ca("Class 3");
        let intermediate = CertifiedIssuer::signed_by(params, key, &root).unwrap();
        let leaf = CertificateParams::new(["a.test".to_owned()]).unwrap();
        let leaf = leaf.signed_by(&KeyPair::generate().unwrap(), &intermediate).unwrap();
        let chain = Chain::parse(&(leaf.pem() + &intermediate.pem())).unwrap();
        let met = |text: &str| text.parse::<PreferredChain>().unwrap().is_met_by(&chain);
        assert!(met("Class 3") && met("Class 1") && !met("Class 2") && !met("class 3"));
        let fingerprint: String =
            digest(&SHA256, intermediate.der()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(met(&fingerprint) && met(&fingerprint.to_uppercase()) && !met(&"0".repeat(64)));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let colons = vec!["Ab"; 32].join(":");
        for text in ["CAcert Class 3 Root", &"AB".repeat(32), &colons] {
            let parsed: PreferredChain = text.parse().unwrap();
            assert_eq!(parsed.to_string().parse(), Ok(parsed));
        }
        assert_eq!(" ".parse::<PreferredChain>(), Err(InvalidPreferredChain));
    }
}
