//! What a dialect is: rules about calls, without any I/O.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::path::PathBuf;
use std::str::FromStr;

use super::DIALECTS;
use super::call::{Exit, Meaning, Phase, Site, Step};
use super::challenge::{ChallengeKind, HookChallenge, Verdict};

/// A dialect's rules. All calls of a hook are made one after another: scripts that others wrote for a client that never
/// ran two of them at once may read and write a zone as a whole.
pub(super) trait Rules: Send + Sync {
    /// Its name for users.
    fn name(&self) -> &'static str;

    /// The types of challenges that its hooks know.
    fn kinds(&self) -> &'static [ChallengeKind];

    /// What the command is, for [`super::locate`].
    fn form(&self) -> Form {
        Form::Program
    }

    /// Whether a challenge must be judged before the next one begins.
    fn one_at_a_time(&self) -> bool {
        false
    }

    /// Whether hooks may replace a record where they should put another one beside it, because their client never had
    /// them do that.
    fn records_alone(&self) -> bool {
        false
    }

    /// Whether a challenge is cleaned up whose answer the hook failed to give.
    fn cleans_up_failures(&self) -> bool {
        true
    }

    /// Files that its programs need, with their contents.
    fn files(&self, _site: &Site) -> Vec<(PathBuf, &'static str)> {
        Vec::new()
    }

    /// What is called before the first challenge of a run.
    fn begin(&self, _site: &Site) -> Vec<Step> {
        Vec::new()
    }

    /// What puts proofs in place; every challenge is in one step.
    fn deploy(&self, site: &Site, challenges: &[HookChallenge]) -> Vec<Step>;

    /// What is called when the server has judged.
    fn judged(&self, _site: &Site, _challenge: &HookChallenge, _verdict: &Verdict) -> Judged {
        Judged::default()
    }

    /// What takes proofs away; `outputs` is what the steps that put them in place wrote.
    fn clean(&self, site: &Site, challenges: &[HookChallenge], outputs: &[String]) -> Vec<Step>;

    /// What is called at the end of a run, with what went wrong in it.
    fn end(&self, _site: &Site, _error: Option<&str>) -> Vec<Step> {
        Vec::new()
    }

    /// What the end of a program means.
    fn meaning(&self, phase: Phase, exit: Exit) -> Meaning {
        match exit {
            Exit::Status(0) => Meaning::Done,
            _ if phase == Phase::Deploy => Meaning::Failed,
            _ => Meaning::Warning,
        }
    }
}

/// What is called when the server has judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) steps: Vec<Step>,
    /// Whether that took the proof away.
    pub(super) cleaned: bool,
}

/// What a hook's command is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A program.
    Program,
    /// A program, or the URL of a service.
    ProgramOrUrl,
    /// Text for a shell.
    Shell,
    /// A script of acme.sh's, by its name or path.
    DnsScript,
}

/// A dialect by its name.
#[derive(Clone, Copy)]
pub struct Dialect(pub(super) &'static dyn Rules);

/// Text that names no dialect.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is not a hook dialect; there are {all}", all = names().join(", "))]
pub struct UnknownDialect(String);

impl Dialect {
    /// The names of all.
    pub fn names() -> impl Iterator<Item = &'static str> {
        DIALECTS.iter().map(|rules| rules.name())
    }

    /// The dialect of hooks that name none: the first that knows this type of challenge.
    #[must_use]
    pub fn default_for(kind: ChallengeKind) -> Self {
        let knows = |rules: &&&'static dyn Rules| rules.kinds().contains(&kind);
        Self(DIALECTS.iter().find(knows).copied().unwrap_or(DIALECTS[0]))
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// The types of challenges that its hooks know.
    #[must_use]
    pub fn kinds(self) -> &'static [ChallengeKind] {
        self.0.kinds()
    }

    /// Whether hooks may decline a challenge, so that another type is tried.
    #[must_use]
    pub fn may_decline(self) -> bool {
        self.0.meaning(Phase::Deploy, Exit::Status(1)) == Meaning::Declined
    }
}

fn names() -> Vec<&'static str> {
    Dialect::names().collect()
}

impl FromStr for Dialect {
    type Err = UnknownDialect;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = DIALECTS.iter().find(|rules| rules.name() == text);
        found.copied().map(Self).ok_or_else(|| UnknownDialect(text.to_owned()))
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl PartialEq for Dialect {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Dialect {}

impl Hash for Dialect {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_dialect_is_found_by_its_name() {
        let names: BTreeSet<&str> = Dialect::names().collect();
        assert_eq!(names.len(), DIALECTS.len());
        for name in names {
            assert_eq!(name.parse::<Dialect>().unwrap().to_string(), name);
        }
        let told = "sh".parse::<Dialect>().unwrap_err().to_string();
        assert!(
            told.contains("lego, lego-raw, certbot, dehydrated, dehydrated-chain, acme.sh, uacme"),
            "{told}"
        );
    }

    #[test]
    fn the_default_knows_the_type() {
        assert_eq!(Dialect::default_for(ChallengeKind::Dns01).name(), "lego");
        assert_eq!(Dialect::default_for(ChallengeKind::Http01).name(), "lego-raw");
        assert_eq!(Dialect::default_for(ChallengeKind::TlsAlpn01).name(), "dehydrated");
    }
}
