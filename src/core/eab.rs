//! External Account Binding: the key identifier and MAC key that a member copies from CAcert's web UI
//! (RFC 8555 §7.3.4).

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use clap::ValueEnum;
use zeroize::Zeroizing;

use super::secret::Secret;

/// Shorter keys are mistakes in copying: no CA makes MAC keys below 128 bits.
const SHORTEST_KEY: usize = 16;

/// A MAC key, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MacKey(Secret);

/// What a binding is signed with (RFC 7518 §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "lower")]
pub enum MacAlgorithm {
    /// HMAC with SHA-256.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
}

impl MacAlgorithm {
    /// Its name in a JWS.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
        }
    }

    /// What to try when the server refused these (RFC 8555 §6.2): the first one of those that it takes, or what every
    /// server takes where it names none.
    #[must_use]
    pub fn after(refused: &[Self], taken: &[String]) -> Option<Self> {
        let known = [Self::Hs256, Self::Hs384, Self::Hs512];
        let mut offered: Vec<Self> =
            taken.iter().filter_map(|name| known.into_iter().find(|one| one.name() == name)).collect();
        if taken.is_empty() {
            offered.push(Self::Hs256);
        }
        offered.into_iter().find(|one| !refused.contains(one))
    }
}

/// A key identifier and, as far as the text had them, its MAC key and its server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// The key identifier.
    pub kid: Option<String>,
    /// The MAC key.
    pub key: Option<MacKey>,
    /// The URL of the server's directory.
    pub server: Option<String>,
}

/// Why text is no MAC key or no pair of key identifier and MAC key. No variant holds any of the text.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidCredentials {
    /// There is nothing in it.
    #[error("the text is empty")]
    Empty,
    /// A character that base64 does not have.
    #[error("the MAC key is not base64: its character {0} does not belong there")]
    Alphabet(usize),
    /// The characters are base64's, their number is not.
    #[error("the MAC key is cut off: its last characters are missing")]
    Length,
    /// Too little to be a key.
    #[error("the MAC key has {0} bytes; at least 16 are expected, so part of it may be missing")]
    Short(usize),
    /// Neither `KID:KEY` nor JSON nor lines with labels.
    #[error(
        "the text has none of the forms KID:KEY, {{\"kid\":…,\"hmac\":…}}, or the block that the web UI shows"
    )]
    Form,
}

impl MacKey {
    /// Decodes a MAC key: base64 of either alphabet, padded or not, white space ignored.
    ///
    /// # Errors
    /// [`InvalidCredentials`], by position and never by content.
    pub fn parse(text: &str) -> Result<Self, InvalidCredentials> {
        // Whole from the start and overwritten at the end, whichever that is: no copy of a key stays in memory.
        let mut standard = Zeroizing::new(String::with_capacity(text.len()));
        for (index, c) in text.trim().chars().enumerate() {
            match c {
                '-' => standard.push('+'),
                '_' => standard.push('/'),
                c if c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=') => standard.push(c),
                c if c.is_whitespace() => {}
                _ => return Err(InvalidCredentials::Alphabet(index + 1)),
            }
        }
        if standard.is_empty() {
            return Err(InvalidCredentials::Empty);
        }
        // Trailing bits are allowed: some web UIs cut a key's text to a round length.
        let lenient = GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true);
        let bytes = GeneralPurpose::new(&alphabet::STANDARD, lenient)
            .decode(standard.as_bytes())
            .map_err(|_| InvalidCredentials::Length)?;
        if bytes.len() < SHORTEST_KEY {
            return Err(InvalidCredentials::Short(bytes.len()));
        }
        Ok(Self(Secret::new(bytes)))
    }

    /// The algorithm whose output has this key's length (RFC 7518 §3.2 wants no shorter key); HS256 for other lengths.
    #[must_use]
    pub fn algorithm(&self) -> MacAlgorithm {
        match self.expose().len() {
            48 => MacAlgorithm::Hs384,
            64 => MacAlgorithm::Hs512,
            _ => MacAlgorithm::Hs256,
        }
    }

    /// The bytes of the key, for the HMAC.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }
}

impl Credentials {
    /// Reads what a user copied: `KID:KEY`, `{"kid":…,"hmac":…}`, or lines of `label: value` as the web UI shows
    /// them.
    ///
    /// # Errors
    /// [`InvalidCredentials`] when the form is none of these or the key is no key.
    pub fn parse(text: &str) -> Result<Self, InvalidCredentials> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidCredentials::Empty);
        }
        let fields = if text.starts_with('{') {
            json_fields(text)?
        } else {
            labelled_lines(text).map_or_else(|| kid_and_key(text), Ok)?
        };
        let mut credentials = Self::default();
        for (field, value) in fields {
            match field {
                Field::Kid => credentials.kid = Some(value.to_string()),
                Field::Key => credentials.key = Some(MacKey::parse(&value)?),
                Field::Server => credentials.server = Some(value.to_string()),
            }
        }
        if credentials.kid.is_none() && credentials.key.is_none() {
            return Err(InvalidCredentials::Form);
        }
        Ok(credentials)
    }
}

/// What a label stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Kid,
    Key,
    Server,
}

impl Field {
    /// Knows a label by its letters, whatever its case, spaces and hyphens.
    fn of_label(label: &str) -> Option<Self> {
        let letters: String =
            label.chars().filter(|c| c.is_alphanumeric()).map(|c| c.to_ascii_lowercase()).collect();
        let word = letters.strip_prefix("acme").unwrap_or(&letters);
        match word.strip_prefix("eab").unwrap_or(word) {
            "kid" | "keyid" | "keyidentifier" | "identifier" | "id" => Some(Self::Kid),
            "key" | "hmac" | "hmackey" | "mac" | "mackey" => Some(Self::Key),
            "server" | "directory" | "directoryurl" | "serverurl" | "url" => Some(Self::Server),
            _ => None,
        }
    }
}

fn json_fields(text: &str) -> Result<Vec<(Field, Zeroizing<String>)>, InvalidCredentials> {
    let object: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(text).map_err(|_| InvalidCredentials::Form)?;
    let known = object.into_iter().filter_map(|(name, value)| Some((Field::of_label(&name)?, value)));
    known
        .map(|(field, value)| match value {
            serde_json::Value::String(text) => Ok((field, Zeroizing::new(text))),
            _ => Err(InvalidCredentials::Form),
        })
        .collect()
}

/// Lines of `label: value` or `label=value`; a value may also stand alone on the line below its label. Lines
/// without a known label are the page's own words.
fn labelled_lines(text: &str) -> Option<Vec<(Field, Zeroizing<String>)>> {
    let mut fields = Vec::new();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    while let Some(line) = lines.next() {
        let (label, value) = line.split_once([':', '=', '\t']).unwrap_or((line, ""));
        let Some(field) = Field::of_label(label.trim_start_matches("export ")) else { continue };
        let value = value.trim().trim_matches(['"', '\'']);
        let value = if value.is_empty() { lines.next()? } else { value };
        fields.push((field, Zeroizing::new(value.to_owned())));
    }
    (!fields.is_empty()).then_some(fields)
}

fn kid_and_key(text: &str) -> Result<Vec<(Field, Zeroizing<String>)>, InvalidCredentials> {
    // The key's alphabet has no colon, a key identifier may have one.
    let (kid, key) = text.rsplit_once(':').ok_or(InvalidCredentials::Form)?;
    if kid.is_empty() || kid.contains(char::is_whitespace) {
        return Err(InvalidCredentials::Form);
    }
    Ok(vec![(Field::Kid, Zeroizing::new(kid.to_owned())), (Field::Key, Zeroizing::new(key.to_owned()))])
}

#[cfg(test)]
mod tests {
    use base64::prelude::*;
    use proptest::prelude::*;

    use super::*;

    const KEY: &[u8] = &[0xfb; 32];

    #[test]
    fn c39_either_alphabet_padded_or_not() {
        for text in [
            BASE64_STANDARD.encode(KEY),
            BASE64_STANDARD_NO_PAD.encode(KEY),
            BASE64_URL_SAFE.encode(KEY),
            BASE64_URL_SAFE_NO_PAD.encode(KEY),
            format!("  {}\n", BASE64_URL_SAFE.encode(KEY)),
        ] {
            assert_eq!(MacKey::parse(&text).unwrap().expose(), KEY, "{text}");
        }
    }

    #[test]
    fn bad_keys_are_refused_without_being_shown() {
        assert_eq!(MacKey::parse(" "), Err(InvalidCredentials::Empty));
        assert_eq!(MacKey::parse("abc!def"), Err(InvalidCredentials::Alphabet(4)));
        assert_eq!(MacKey::parse("AAAA"), Err(InvalidCredentials::Short(3)));
        assert_eq!(MacKey::parse(&"A".repeat(41)), Err(InvalidCredentials::Length));
        assert_eq!(format!("{:?}", MacKey::parse(&"A".repeat(40)).unwrap()), "MacKey([secret])");
    }

    #[test]
    fn all_forms_are_understood() {
        let key = BASE64_URL_SAFE_NO_PAD.encode(KEY);
        let block = format!(
            "Your new ACME client\n\nKey identifier:  kid-1\nMAC key:\n  {key}\nDirectory URL: https://acme.example.test/directory\n"
        );
        let variables = format!("export ACME_EAB_KID='kid-1'\nexport ACME_EAB_HMAC_KEY={key}\n");
        for text in [
            format!("kid-1:{key}"),
            format!(r#"{{"kid":"kid-1","hmac":"{key}","more":1}}"#),
            format!(r#"{{"key_id":"kid-1","hmac_key":"{key}"}}"#),
            block.clone(),
            variables,
        ] {
            let credentials = Credentials::parse(&text).unwrap();
            assert_eq!(credentials.kid.as_deref(), Some("kid-1"), "{text}");
            assert_eq!(credentials.key.unwrap().expose(), KEY, "{text}");
        }
        let credentials = Credentials::parse(&block).unwrap();
        assert_eq!(credentials.server.as_deref(), Some("https://acme.example.test/directory"));
    }

    #[test]
    fn a_kid_that_begins_with_a_hyphen_or_has_a_colon_works() {
        let key = BASE64_STANDARD.encode(KEY);
        assert_eq!(Credentials::parse(&format!("-x:{key}")).unwrap().kid.as_deref(), Some("-x"));
        assert_eq!(Credentials::parse(&format!("urn:a:{key}")).unwrap().kid.as_deref(), Some("urn:a"));
    }

    #[test]
    fn the_algorithm_follows_the_keys_length_or_the_server() {
        use MacAlgorithm::{Hs256, Hs384, Hs512};
        for (bytes, algorithm) in [(16, Hs256), (32, Hs256), (33, Hs256), (48, Hs384), (64, Hs512)] {
            let key = MacKey::parse(&BASE64_STANDARD.encode(vec![7; bytes])).unwrap();
            assert_eq!(key.algorithm(), algorithm, "{bytes}");
        }
        let taken = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(MacAlgorithm::after(&[Hs512], &taken(&["ES256", "HS384", "HS256"])), Some(Hs384));
        assert_eq!(MacAlgorithm::after(&[Hs512, Hs384], &taken(&["HS384", "HS256"])), Some(Hs256));
        assert_eq!(MacAlgorithm::after(&[Hs512], &[]), Some(Hs256));
        assert_eq!(MacAlgorithm::after(&[Hs256], &[]), None);
        // It speaks of the request around the binding.
        assert_eq!(MacAlgorithm::after(&[Hs512], &taken(&["ES256", "RS256"])), None);
    }

    #[test]
    fn other_text_is_refused() {
        for text in ["", "hello", "{\"kid\":1}", "{", "[]", ":abc"] {
            assert!(Credentials::parse(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_key_survives(bytes in proptest::collection::vec(any::<u8>(), SHORTEST_KEY..100)) {
            let parsed = MacKey::parse(&BASE64_URL_SAFE_NO_PAD.encode(&bytes)).unwrap();
            prop_assert_eq!(parsed.expose(), &bytes[..]);
        }

        #[test]
        fn nothing_panics(text in any::<String>()) {
            let _ = Credentials::parse(&text);
        }
    }
}
