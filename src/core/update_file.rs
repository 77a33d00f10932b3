//! Where and with which key zones are updated: our TOML file, or a key file as BIND's `tsig-keygen` writes it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use super::dns_record::RecordName;
use super::secret::Secret;

/// How zones are updated (RFC 2136).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateFile {
    /// The server that takes updates; the zone's primary when absent.
    pub server: Option<ServerAddress>,
    /// The zone; found by its SOA record when absent.
    pub zone: Option<RecordName>,
    /// The key's name, as the server knows it.
    pub key: RecordName,
    /// The key's algorithm.
    pub algorithm: TsigAlgorithm,
    /// The key itself.
    pub secret: SecretSource,
}

/// Where the key itself is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// In the file.
    Inline(Secret),
    /// In another one, in base64.
    File(PathBuf),
}

/// HMAC algorithms of RFC 8945 §6, less those that are too weak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TsigAlgorithm {
    /// `hmac-sha256`
    HmacSha256,
    /// `hmac-sha384`
    HmacSha384,
    /// `hmac-sha512`
    HmacSha512,
}

/// A host or an address, perhaps with a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerAddress {
    /// `192.0.2.1`, `192.0.2.1:53`, `[2001:db8::1]:53`
    Address(IpAddr, Option<u16>),
    /// `ns1.example.org`, `ns1.example.org:53`
    Host(RecordName, Option<u16>),
}

/// Why a file does not say how zones are updated. It never quotes the file, which holds a secret: any of
/// its values may be that one by mistake.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidUpdateFile {
    /// TOML that can't be read or does not fit.
    #[error("line {line}: {message}")]
    Toml {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A key file that BIND would not take.
    #[error(
        "it begins like a key file of BIND, but is not of the form `key \"NAME\" {{ algorithm …; secret \"…\"; }};`"
    )]
    KeyFile,
    /// An algorithm that is unknown or too weak.
    #[error(
        "its algorithm is not one for update keys here; there are hmac-sha256, hmac-sha384 and hmac-sha512"
    )]
    Algorithm,
    /// A name that no key can have.
    #[error("what it has as the key's name is none")]
    KeyName,
    /// Not base64.
    #[error("the secret is not base64 text")]
    Secret,
    /// None or two.
    #[error("it must have either `secret` or `secret-file`")]
    SecretSource,
}

impl FromStr for UpdateFile {
    type Err = InvalidUpdateFile;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut words = words(text);
        // «key = …» is TOML.
        match (words.next(), words.next()) {
            (Some(Word::Text("key")), Some(Word::Text(name))) if !name.starts_with('=') => {
                parse_key_file(text)
            }
            _ => parse_toml(text),
        }
    }
}

/// Reads the secret as key files have it.
///
/// # Errors
/// [`InvalidUpdateFile::Secret`].
pub fn parse_secret(text: &str) -> Result<Secret, InvalidUpdateFile> {
    let bytes = BASE64_STANDARD.decode(text.trim()).map_err(|_| InvalidUpdateFile::Secret)?;
    if bytes.is_empty() { Err(InvalidUpdateFile::Secret) } else { Ok(Secret::new(bytes)) }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Toml {
    server: Option<ServerAddress>,
    #[serde(default, deserialize_with = "record_name")]
    zone: Option<RecordName>,
    key: String,
    algorithm: Option<String>,
    secret: Option<String>,
    secret_file: Option<PathBuf>,
}

fn record_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<RecordName>, D::Error> {
    String::deserialize(deserializer)?.parse().map(Some).map_err(serde::de::Error::custom)
}

fn parse_toml(text: &str) -> Result<UpdateFile, InvalidUpdateFile> {
    let file: Toml = toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let line = text.get(..start).unwrap_or_default().matches('\n').count() + 1;
        InvalidUpdateFile::Toml { line, message: error.message().to_owned() }
    })?;
    let secret = match (file.secret.map(Zeroizing::new), file.secret_file) {
        (Some(secret), None) => SecretSource::Inline(parse_secret(&secret)?),
        (None, Some(path)) => SecretSource::File(path),
        _ => return Err(InvalidUpdateFile::SecretSource),
    };
    Ok(UpdateFile {
        server: file.server,
        zone: file.zone,
        key: key_name(&file.key)?,
        algorithm: file.algorithm.as_deref().unwrap_or("hmac-sha256").parse()?,
        secret,
    })
}

/// `key "NAME" { algorithm ALGORITHM; secret "SECRET"; };`, with comments of three kinds.
fn parse_key_file(text: &str) -> Result<UpdateFile, InvalidUpdateFile> {
    let mut words = words(text).skip(1);
    let name = words.next().and_then(Word::text).ok_or(InvalidUpdateFile::KeyFile)?;
    let (mut algorithm, mut secret) = (None, None);
    if words.next() != Some(Word::Mark('{')) {
        return Err(InvalidUpdateFile::KeyFile);
    }
    loop {
        let statement = match words.next() {
            Some(Word::Mark('}')) => break,
            Some(Word::Text("algorithm")) => &mut algorithm,
            Some(Word::Text("secret")) => &mut secret,
            _ => return Err(InvalidUpdateFile::KeyFile),
        };
        match (words.next(), words.next()) {
            (Some(Word::Text(value)), Some(Word::Mark(';'))) if statement.is_none() => {
                *statement = Some(value)
            }
            _ => return Err(InvalidUpdateFile::KeyFile),
        }
    }
    let (Some(algorithm), Some(secret), Some(Word::Mark(';')), None) =
        (algorithm, secret, words.next(), words.next())
    else {
        return Err(InvalidUpdateFile::KeyFile);
    };
    Ok(UpdateFile {
        server: None,
        zone: None,
        key: key_name(name)?,
        algorithm: algorithm.parse()?,
        secret: SecretSource::Inline(parse_secret(secret)?),
    })
}

fn key_name(text: &str) -> Result<RecordName, InvalidUpdateFile> {
    RecordName::parse(text).map_err(|_| InvalidUpdateFile::KeyName)
}

/// A piece of a key file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word<'a> {
    /// Quoted or not.
    Text(&'a str),
    /// A brace or a semicolon.
    Mark(char),
}

impl<'a> Word<'a> {
    fn text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Mark(_) => None,
        }
    }
}

/// The words of a file, without its comments (`#`, `//` and `/* */`).
fn words(text: &str) -> impl Iterator<Item = Word<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = skip_blank(rest);
        let first = rest.chars().next()?;
        if matches!(first, '{' | '}' | ';') {
            rest = &rest[1..];
            return Some(Word::Mark(first));
        }
        let (word, after) = match rest.strip_prefix('"') {
            // What is not closed goes on to the end, and fits nowhere.
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => {
                let end = |c: char| c.is_whitespace() || matches!(c, '{' | '}' | ';' | '"');
                rest.split_at(rest.find(end).unwrap_or(rest.len()))
            }
        };
        rest = after;
        Some(Word::Text(word))
    })
}

fn skip_blank(mut text: &str) -> &str {
    loop {
        text = text.trim_start();
        text = if text.starts_with('#') || text.starts_with("//") {
            text.split_once('\n').map_or("", |(_, rest)| rest)
        } else if let Some(comment) = text.strip_prefix("/*") {
            comment.split_once("*/").map_or("", |(_, rest)| rest)
        } else {
            return text;
        }
    }
}

impl FromStr for TsigAlgorithm {
    type Err = InvalidUpdateFile;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_lowercase().trim_end_matches('.') {
            "hmac-sha256" => Ok(Self::HmacSha256),
            "hmac-sha384" => Ok(Self::HmacSha384),
            "hmac-sha512" => Ok(Self::HmacSha512),
            _ => Err(InvalidUpdateFile::Algorithm),
        }
    }
}

impl fmt::Display for TsigAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HmacSha256 => "hmac-sha256",
            Self::HmacSha384 => "hmac-sha384",
            Self::HmacSha512 => "hmac-sha512",
        })
    }
}

impl<'de> Deserialize<'de> for ServerAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|()| serde::de::Error::custom("not a host or address, perhaps with :PORT"))
    }
}

impl FromStr for ServerAddress {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let text = text.trim();
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(Self::Address(address.ip(), Some(address.port())));
        }
        let alone = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if let Ok(address) = alone.parse() {
            return Ok(Self::Address(address, None));
        }
        let (host, port) = match text.split_once(':') {
            Some((host, port)) => (host, Some(port.parse().map_err(drop)?)),
            None => (text, None),
        };
        RecordName::parse(host).map(|host| Self::Host(host, port)).map_err(drop)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As `tsig-keygen acme` writes it.
    const KEYGEN: &str = "key \"acme\" {\n\talgorithm hmac-sha256;\n\tsecret \"aGVsbG8gd29ybGQ=\";\n};\n";

    fn secret(bytes: &[u8]) -> SecretSource {
        SecretSource::Inline(Secret::new(bytes.to_vec()))
    }

    #[test]
    fn a_key_file_as_tsig_keygen_writes_it() {
        let file: UpdateFile = KEYGEN.parse().unwrap();
        assert_eq!((file.key.as_str(), file.algorithm), ("acme", TsigAlgorithm::HmacSha256));
        assert_eq!((file.server, file.zone, file.secret), (None, None, secret(b"hello world")));
        let commented = "# made by hand\n/* two\nlines */ key acme { // here\n secret aGVsbG8gd29ybGQ=;\n\
             algorithm \"HMAC-SHA512\"; };";
        let file: UpdateFile = commented.parse().unwrap();
        assert_eq!((file.algorithm, file.secret), (TsigAlgorithm::HmacSha512, secret(b"hello world")));
    }

    #[test]
    fn a_file_of_ours() {
        let file: UpdateFile = "server = '[::1]:5353'\nzone = 'Example.ORG.'\nkey = 'acme'\n\
             algorithm = 'hmac-sha384'\nsecret-file = '/etc/acme/tsig'\n"
            .parse()
            .unwrap();
        assert_eq!(file.server, Some(ServerAddress::Address("::1".parse().unwrap(), Some(5353))));
        assert_eq!(file.zone.unwrap().as_str(), "example.org");
        assert_eq!(file.algorithm, TsigAlgorithm::HmacSha384);
        assert_eq!(file.secret, SecretSource::File("/etc/acme/tsig".into()));
        let file: UpdateFile = "key = 'acme'\nsecret = 'aGVsbG8gd29ybGQ='".parse().unwrap();
        assert_eq!((file.algorithm, file.secret), (TsigAlgorithm::HmacSha256, secret(b"hello world")));
        assert_eq!("ns1.a.test:53".parse(), Ok(ServerAddress::Host("ns1.a.test".parse().unwrap(), Some(53))));
        assert_eq!("::1".parse(), Ok(ServerAddress::Address("::1".parse().unwrap(), None)));
        assert_eq!("a b".parse::<ServerAddress>(), Err(()));
    }

    #[test]
    fn mistakes_are_told_without_the_secret() {
        let told = |text: &str| text.parse::<UpdateFile>().unwrap_err();
        assert_eq!(told("key \"acme\" { algorithm hmac-sha256; }"), InvalidUpdateFile::KeyFile);
        assert_eq!(told(&format!("{KEYGEN}{KEYGEN}")), InvalidUpdateFile::KeyFile);
        assert_eq!(told(&KEYGEN.replace("sha256", "md5")), InvalidUpdateFile::Algorithm);
        assert_eq!(told(&KEYGEN.replace("\"acme\"", "\"a b\"")), InvalidUpdateFile::KeyName);
        assert_eq!(told(&KEYGEN.replace("aGVs", "????")), InvalidUpdateFile::Secret);
        assert_eq!(told("key = 'acme'"), InvalidUpdateFile::SecretSource);
        assert_eq!(told("key = 'a'\nsecret = 'YQ=='\nsecret-file = 'x'"), InvalidUpdateFile::SecretSource);
        let InvalidUpdateFile::Toml { line: 2, message } = told("key = 'acme'\nsecrets = 'hunter2'") else {
            panic!()
        };
        assert!(message.contains("secrets") && !message.contains("hunter2"), "{message}");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            let _ = text.parse::<UpdateFile>();
        }

        #[test]
        fn what_looks_like_a_key_file_is_read_or_refused(
            text in "key( |\"|\\{|\\}|;|//|#|/\\*|\\*/|\n|=|[a-z0-9.-]{1,8}){0,40}"
        ) {
            let _ = text.parse::<UpdateFile>();
        }

        #[test]
        fn both_forms_of_a_key_say_the_same(
            name in "[a-z][a-z0-9-]{0,20}(\\.[a-z0-9]{1,10}){0,3}",
            bytes in prop::collection::vec(any::<u8>(), 1..80),
            size in prop::sample::select(vec!["256", "384", "512"]),
            blank in "[ \t\n]{1,3}",
        ) {
            let encoded = BASE64_STANDARD.encode(&bytes);
            let bind = format!(
                "key{blank}\"{name}\"{blank}{{{blank}algorithm{blank}hmac-sha{size};{blank}secret{blank}\"{encoded}\";}};"
            );
            let toml = format!("key = '{name}'\nalgorithm = 'hmac-sha{size}'\nsecret = '{encoded}'\n");
            let bind: UpdateFile = bind.parse().unwrap();
            prop_assert_eq!(&bind, &toml.parse().unwrap());
            prop_assert_eq!(bind.secret, secret(&bytes));
            prop_assert_eq!(bind.key.as_str(), name);
        }
    }
}
