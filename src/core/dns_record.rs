//! TXT records that prove control of a name: what they are called and what they hold.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

/// The challenge of RFC 8555 §8.4: `_acme-challenge.NAME`.
pub const DNS_01: &str = "dns-01";

/// The challenge of draft-ietf-acme-dns-account-label: a label of the account's own before `_acme-challenge.NAME`.
pub const DNS_ACCOUNT_01: &str = "dns-account-01";

/// RFC 4648 §6, in lower case.
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// No string of a TXT record has more bytes (RFC 1035 §3.3.14).
const LONGEST_STRING: usize = 255;

/// How many bytes of the account URL's digest make its label.
const LABEL_BYTES: usize = 10;

/// The name of a DNS record: absolute, lower case, A-labels, no final dot. Unlike a host's it may have underscores.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordName(String);

/// Text that names no DNS record.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is not the name of a DNS record")]
pub struct InvalidRecordName(pub String);

impl RecordName {
    /// The name as configuration files and hooks have it, without the final dot.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name with its final dot, which no search domain is appended to.
    #[must_use]
    pub fn with_final_dot(&self) -> String {
        format!("{}.", self.0)
    }

    /// The name without its first label; `None` above the top.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.0.split_once('.').map(|(_, parent)| Self(parent.to_owned()))
    }

    /// Whether it is this name or one below it.
    #[must_use]
    pub fn is_within(&self, zone: &Self) -> bool {
        self.0.strip_suffix(zone.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }

    /// The name with one more label in front.
    ///
    /// # Errors
    /// When that is too long, or the label none.
    pub fn below(&self, label: &str) -> Result<Self, InvalidRecordName> {
        Self::parse(&format!("{label}.{}", self.0))
    }

    /// Reads a name in any case, with or without its final dot, from people or from the DNS.
    ///
    /// # Errors
    /// [`InvalidRecordName`] for anything but labels of letters, digits, hyphens and underscores.
    pub fn parse(text: &str) -> Result<Self, InvalidRecordName> {
        let invalid = || InvalidRecordName(text.to_owned());
        let name = text.trim().strip_suffix('.').unwrap_or(text.trim());
        let name = idna::domain_to_ascii(name).map_err(|_| invalid())?;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(allowed);
        if name.len() > 253 || !name.split('.').all(label) {
            return Err(invalid());
        }
        Ok(Self(name))
    }
}

impl FromStr for RecordName {
    type Err = InvalidRecordName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for RecordName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A TXT record that proves control.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TxtRecord {
    /// Where it stands.
    pub name: RecordName,
    /// What it holds: printable ASCII.
    pub value: String,
}

impl TxtRecord {
    /// The record as zone files have it; others may keep it for `ttl` seconds.
    #[must_use]
    pub fn in_zone_file(&self, ttl: u32) -> String {
        let mut line = format!("{} {ttl} IN TXT", self.name.with_final_dot());
        for string in self.value.as_bytes().chunks(LONGEST_STRING) {
            let string = String::from_utf8_lossy(string).replace('\\', "\\\\").replace('"', "\\\"");
            line.push_str(&format!(" \"{string}\""));
        }
        line
    }
}

/// Where the server looks for the proof of a name, with or without its `*.`.
///
/// # Errors
/// When the name is too long to have a proof before it.
pub fn challenge_name(
    challenge_type: &str,
    name: &str,
    account_url: &str,
) -> Result<RecordName, InvalidRecordName> {
    let name = name.strip_prefix("*.").unwrap_or(name);
    match challenge_type {
        DNS_ACCOUNT_01 => {
            RecordName::parse(&format!("{}._acme-challenge.{name}", account_label(account_url)))
        }
        _ => RecordName::parse(&format!("_acme-challenge.{name}")),
    }
}

/// What the record of dns-01 and dns-account-01 holds (RFC 8555 §8.4).
#[must_use]
pub fn challenge_value(key_authorization: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, key_authorization.as_bytes()))
}

/// `_` and the base32 form of the beginning of the account URL's SHA-256 digest (draft-ietf-acme-dns-account-label).
fn account_label(account_url: &str) -> String {
    let digest = digest(&SHA256, account_url.as_bytes());
    let mut label = String::from("_");
    // Five bytes are eight letters.
    for bytes in digest.as_ref()[..LABEL_BYTES].chunks_exact(5) {
        let bits = bytes.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        label.extend((0..8).rev().map(|letter| char::from(BASE32[(bits >> (5 * letter)) as usize & 31])));
    }
    label
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(text: &str) -> RecordName {
        RecordName::parse(text).unwrap()
    }

    #[test]
    fn names_are_normalised() {
        assert_eq!(name(" _ACME-Challenge.Example.TEST. ").as_str(), "_acme-challenge.example.test");
        assert_eq!(name("_x.bücher.test").as_str(), "_x.xn--bcher-kva.test");
        assert_eq!(name("a.test").with_final_dot(), "a.test.");
        let long = format!("{}.test", "a".repeat(64));
        for bad in ["", ".", "a..b", "a b.test", "a/b.test", "\"a\".test", "\u{1b}.test", "*.a.test", &long] {
            assert!(RecordName::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_zone_holds_itself_and_what_is_below_by_whole_labels() {
        let zone = name("example.test");
        assert!(zone.is_within(&zone) && name("_x.a.example.test").is_within(&zone));
        assert!(!name("badexample.test").is_within(&zone) && !name("test").is_within(&zone));
        assert_eq!(zone.parent(), Some(name("test")));
        assert_eq!(name("test").parent(), None);
    }

    #[test]
    fn the_record_of_dns_01_is_the_same_for_a_wildcard() {
        for asked in ["example.test", "*.example.test"] {
            let found = challenge_name(DNS_01, asked, "https://ca.test/account/1").unwrap();
            assert_eq!(found.as_str(), "_acme-challenge.example.test");
        }
        assert!(challenge_name(DNS_01, &format!("{}.test", ["a"; 120].join(".")), "").is_err());
    }

    #[test]
    fn the_value_is_the_digest_of_the_key_authorization() {
        // SHA-256 of «a.b», computed with sha256sum.
        assert_eq!(challenge_value("a.b"), "LnM23I66h-9HLfVow1SCq_JXXcPl6sDFxiuP-urCyTQ");
    }

    #[test]
    fn zone_files_have_strings_of_up_to_255_bytes() {
        let line =
            |value: &str| TxtRecord { name: name("_x.a.test"), value: value.into() }.in_zone_file(3600);
        assert_eq!(line("a\"b\\"), "_x.a.test. 3600 IN TXT \"a\\\"b\\\\\"");
        let long = line(&"x".repeat(256));
        assert_eq!(long.split('"').map(str::len).collect::<Vec<_>>()[1..], [255, 1, 1, 0]);
    }

    #[test]
    fn the_account_label_of_the_drafts_example() {
        let found =
            challenge_name(DNS_ACCOUNT_01, "*.a.test", "https://example.com/acme/acct/ExampleAccount");
        assert_eq!(found.unwrap().as_str(), "_ujmmovf2vn55tgye._acme-challenge.a.test");
    }

    proptest! {
        #[test]
        fn any_text_is_a_name_or_refused_and_names_stay_as_they_are(text in any::<String>()) {
            if let Ok(parsed) = RecordName::parse(&text) {
                prop_assert_eq!(RecordName::parse(&parsed.with_final_dot()), Ok(parsed));
            }
        }
    }
}
