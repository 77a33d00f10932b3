//! The TOML file, and where things are by default.
//!
//! A key of the file is a flag's name without the hyphens in front; its value becomes that flag's default, below
//! the environment. So a flag that is added is a key that is added.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use directories::ProjectDirs;
use toml::Value;

/// No config file is larger, in bytes; what is cut off is told as a syntax error.
const LARGEST: u64 = 1 << 20;

/// A key that the file may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The flag's name.
    pub name: String,
    /// Whether it takes several values.
    pub many: bool,
}

/// What the file says: the flag's name and its values.
pub type Defaults = BTreeMap<String, Vec<String>>;

/// A file that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The operating system refused.
    #[error("could not read the config file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
    /// It is no TOML.
    #[error("the config file {} is not valid TOML", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A key that no flag has.
    #[error("{}:{line}: there is no setting {key:?}", path.display())]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// The key.
        key: String,
        /// The key that was perhaps meant.
        nearest: Option<String>,
    },
    /// A value that this flag can't take.
    #[error("{}:{line}: {key} must be {wanted}", path.display())]
    Type {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// The key.
        key: String,
        /// What it can be.
        wanted: &'static str,
    },
    /// No home directory.
    #[error("this user has no home directory, so --state-dir is needed")]
    NoHome,
}

/// Whether this run is root's, whose files are the system's.
#[must_use]
pub fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// Where the config file is when nobody says: root's in `/etc`, a user's in the XDG folder.
#[must_use]
pub fn default_file(root: bool) -> Option<PathBuf> {
    if root {
        Some("/etc/cacert-acme/config.toml".into())
    } else {
        Some(folders()?.config_dir().join("config.toml"))
    }
}

/// Where the state is when nobody says: root's in `/var/lib`, a user's in the XDG folder.
///
/// # Errors
/// [`ConfigError::NoHome`].
pub fn default_state_dir(root: bool) -> Result<PathBuf, ConfigError> {
    if root {
        return Ok("/var/lib/cacert-acme".into());
    }
    let folders = folders().ok_or(ConfigError::NoHome)?;
    Ok(folders.state_dir().unwrap_or(folders.data_local_dir()).to_owned())
}

fn folders() -> Option<ProjectDirs> {
    ProjectDirs::from("", "", "cacert-acme")
}

/// Reads the file. `known` are the keys it may have; a `required` file must exist.
///
/// # Errors
/// [`ConfigError`] with file and line.
pub fn read(path: &Path, required: bool, known: &[Setting]) -> Result<Defaults, ConfigError> {
    let read = || -> std::io::Result<String> {
        let mut text = String::new();
        std::fs::File::open(path)?.take(LARGEST).read_to_string(&mut text)?;
        Ok(text)
    };
    let text = match read() {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !required => return Ok(Defaults::new()),
        Err(source) => return Err(ConfigError::Read { path: path.to_owned(), source }),
    };
    parse(path, &text, known)
}

fn parse(path: &Path, text: &str, known: &[Setting]) -> Result<Defaults, ConfigError> {
    let syntax = |source| ConfigError::Syntax { path: path.to_owned(), source: Box::new(source) };
    let spans = toml::de::DeTable::parse(text).map_err(syntax)?;
    let table: toml::Table = toml::from_str(text).map_err(syntax)?;
    let line_of = |key: &str| {
        let span =
            spans.get_ref().keys().find(|candidate| candidate.get_ref() == key).map(toml::Spanned::span);
        text[..span.map_or(0, |span| span.start)].matches('\n').count() + 1
    };
    let mut defaults = Defaults::new();
    for (key, value) in table {
        let settings: Vec<&Setting> = known.iter().filter(|setting| setting.name == key).collect();
        if settings.is_empty() {
            let nearest = nearest(&key, known);
            return Err(ConfigError::UnknownKey { path: path.to_owned(), line: line_of(&key), key, nearest });
        }
        let values = match value {
            Value::Array(values) => values.iter().map(scalar).collect(),
            value => scalar(&value).map(|value| vec![value]),
        };
        let wrong = |wanted| ConfigError::Type {
            path: path.to_owned(),
            line: line_of(&key),
            key: key.clone(),
            wanted,
        };
        let values = values.ok_or_else(|| wrong("text, a number, true or false, or a list of these"))?;
        if values.len() != 1 && settings.iter().all(|setting| !setting.many) {
            return Err(wrong("one value, not a list"));
        }
        defaults.insert(key, values);
    }
    Ok(defaults)
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// The known key with the fewest edits away, if it is close enough to be meant.
fn nearest(key: &str, known: &[Setting]) -> Option<String> {
    let candidates = known.iter().map(|setting| (edits(key, &setting.name), &setting.name));
    let (distance, candidate) = candidates.min()?;
    (distance <= 1 + key.len() / 4).then(|| candidate.clone())
}

/// Levenshtein's distance.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, &to) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Defaults, ConfigError> {
        let known = [("server", false), ("contact", true), ("force", false), ("state-dir", false)];
        let known = known.map(|(name, many)| Setting { name: name.to_owned(), many });
        parse(Path::new("config.toml"), text, &known)
    }

    #[test]
    fn values_become_the_text_of_flags() {
        let defaults =
            read("server = 'https://ca.test/d'\ncontact = ['a@b.test', 'c@d.test']\nforce = true\n").unwrap();
        assert_eq!(defaults["server"], ["https://ca.test/d"]);
        assert_eq!(defaults["contact"], ["a@b.test", "c@d.test"]);
        assert_eq!(defaults["force"], ["true"]);
    }

    #[test]
    fn mistakes_are_told_with_line_and_the_nearest_key() {
        let Err(ConfigError::UnknownKey { line: 3, nearest, .. }) = read("force = true\n\nsever = 'x'\n")
        else {
            panic!()
        };
        assert_eq!(nearest.as_deref(), Some("server"));
        assert!(matches!(read("server = { a = 1 }"), Err(ConfigError::Type { line: 1, .. })));
        assert!(matches!(read("server = ['a', 'b']"), Err(ConfigError::Type { .. })));
        assert!(matches!(read("server = "), Err(ConfigError::Syntax { .. })));
        let Err(ConfigError::UnknownKey { nearest: None, .. }) = read("zzz = 1") else { panic!() };
    }
}
