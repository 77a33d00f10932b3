//! The flags that say what a certificate is to be like.

use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::BoolishValueParser;

use crate::core::csr::SigningRequest;
use crate::core::key_type::KeyType;
use crate::core::moment::Moment;
use crate::error::{Error, Kind};
use crate::store::{CertificateRecord, read_named_bytes};

/// What the certificate is to be like. What is not said stays as it was, for a certificate that exists.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "What the certificate is to be like")]
pub struct CertificateArgs {
    /// The kind of key [default: ec256]
    #[arg(long, value_name = "TYPE", value_enum)]
    pub key_type: Option<KeyType>,
    /// Keep the key at renewals
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[arg(value_parser = BoolishValueParser::new())]
    pub reuse_key: Option<bool>,
    /// Have this request (PKCS#10, PEM or DER) certified, with its names and key; renewals send it again
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key_type", "reuse_key", "must_staple"])]
    pub csr: Option<PathBuf>,
    /// Ask for a certificate that is good only with a stapled OCSP answer
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[arg(value_parser = BoolishValueParser::new())]
    pub must_staple: Option<bool>,
    /// One of the server's profiles; ? lists them
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Where the server offers several chains: an issuer's common name, or a certificate's SHA-256 fingerprint
    #[arg(long, value_name = "ISSUER")]
    pub preferred_chain: Option<String>,
    /// When its life is to begin: 2027-01-31T00:00:00Z for this one, +1d for renewals too
    #[arg(long, value_name = "WHEN")]
    pub not_before: Option<String>,
    /// When it is to end: 2027-01-31T00:00:00Z for this one, +90d for renewals too
    #[arg(long, value_name = "WHEN")]
    pub not_after: Option<String>,
}

impl CertificateArgs {
    /// The request that the user brings.
    ///
    /// # Errors
    /// When it can't be read or used.
    pub fn signing_request(&self) -> Result<Option<SigningRequest>, Error> {
        let Some(path) = &self.csr else { return Ok(None) };
        let failed = |cause: String| {
            Error::new(Kind::Local, format!("{} can't be used as a certificate request", path.display()))
                .because(cause)
        };
        let bytes = read_named_bytes(path).map_err(|error| failed(error.to_string()))?;
        SigningRequest::parse(&bytes).map(Some).map_err(|error| failed(error.to_string()))
    }

    /// Puts into the record what is said here; the rest is that of the existing certificate.
    ///
    /// # Errors
    /// When a value can't be understood.
    pub fn apply(
        &self,
        record: &mut CertificateRecord,
        existing: Option<&CertificateRecord>,
    ) -> Result<(), Error> {
        record.key_type = self.key_type.or(existing.map(|known| known.key_type)).unwrap_or_default();
        record.reuse_key = self.reuse_key.or(existing.map(|known| known.reuse_key)).unwrap_or_default();
        record.must_staple = self.must_staple.or(existing.map(|known| known.must_staple)).unwrap_or_default();
        let known = existing.and_then(|known| known.profile.clone());
        record.profile = chosen("profile", self.profile.as_deref(), known)?;
        let known = existing.and_then(|known| known.preferred_chain.clone());
        record.preferred_chain = chosen("preferred-chain", self.preferred_chain.as_deref(), known)?;
        record.not_before =
            chosen("not-before", self.not_before.as_deref(), existing.and_then(|known| known.not_before))?;
        record.not_after =
            chosen("not-after", self.not_after.as_deref(), existing.and_then(|known| known.not_after))?;
        if record.csr.is_none() && self.key_type.is_none() && self.csr.is_none() {
            let same_names = |known: &&CertificateRecord| known.identifiers == record.identifiers;
            record.csr = existing.filter(same_names).and_then(|known| known.csr.clone());
        }
        if let Some(csr) = &record.csr {
            // The key is the request's, whatever else is said.
            record.key_type = KeyType::of(csr.public_key()).unwrap_or_default();
            (record.reuse_key, record.must_staple) = (false, false);
        }
        Ok(())
    }

    /// Whether the user names a date.
    pub fn names_a_date(&self) -> bool {
        let fixed = |text: &Option<String>| {
            text.as_deref().is_some_and(|text| matches!(text.parse(), Ok(Moment::At(_))))
        };
        fixed(&self.not_before) || fixed(&self.not_after)
    }
}

/// What the user says; nothing where he says it is to be empty; what is known where he says nothing.
fn chosen<T: FromStr>(flag: &str, given: Option<&str>, known: Option<T>) -> Result<Option<T>, Error>
where
    T::Err: Display,
{
    match given {
        None => Ok(known),
        Some("") => Ok(None),
        Some(text) => match text.parse() {
            Ok(value) => Ok(Some(value)),
            Err(error) => {
                Err(Error::new(Kind::Usage, format!("--{flag} {text:?}")).because(format!("{error}")))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_goes_before_what_is_known() {
        assert_eq!(chosen::<u8>("x", None, Some(1)).unwrap(), Some(1));
        assert_eq!(chosen::<u8>("x", Some(""), Some(1)).unwrap(), None);
        assert_eq!(chosen("x", Some("2"), Some(1)).unwrap(), Some(2));
        assert_eq!(chosen::<u8>("x", Some("y"), None).unwrap_err().kind, Kind::Usage);
    }
}
