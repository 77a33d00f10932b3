//! What can go wrong with a hook.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::call::Exit;

/// Why a hook did not do what it should. All text in it is printable.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// It could not be started.
    #[error("the hook {hook} could not be run")]
    Start {
        /// The hook.
        hook: String,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// It said that it failed.
    #[error("the hook {hook} {exit} ({purpose})")]
    Failed {
        /// The hook.
        hook: String,
        /// What it was called for.
        purpose: String,
        /// How it ended.
        exit: Exit,
        /// The last lines that it wrote.
        last_lines: Vec<String>,
    },
    /// It did not come to its end.
    #[error("the hook {hook} did not end within {} s and was stopped ({purpose})", limit.as_secs())]
    TimedOut {
        /// The hook.
        hook: String,
        /// What it was called for.
        purpose: String,
        /// How long it was waited for.
        limit: Duration,
        /// The last lines that it wrote.
        last_lines: Vec<String>,
    },
    /// It does not want this type of challenge.
    #[error("the hook {hook} declined ({purpose})")]
    Declined {
        /// The hook.
        hook: String,
        /// What it was called for.
        purpose: String,
    },
    /// The service could not be asked.
    #[error("the hook {hook} could not be asked ({purpose})")]
    Request {
        /// The service's URL.
        hook: String,
        /// What it was asked for.
        purpose: String,
        /// What broke.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The service refused.
    #[error("the hook {hook} answered with HTTP status {status} ({purpose})")]
    Answered {
        /// The service's URL.
        hook: String,
        /// What it was asked for.
        purpose: String,
        /// The HTTP status.
        status: u16,
        /// The first line of its answer.
        answer: String,
    },
    /// A file of ours that hooks need.
    #[error("could not {action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// There is no such hook.
    #[error("there is no hook {hook}")]
    Missing {
        /// The hook, as the user named it.
        hook: String,
        /// Where it was looked for, or what is wrong with what is there.
        reason: String,
    },
    /// The URL holds a password, which would be kept in files and shown.
    #[error("the URL of the hook {hook} holds a password")]
    PasswordInUrl {
        /// The URL without it.
        hook: String,
    },
}

impl HookError {
    /// Whether the hook declined, so that another type of challenge may be tried.
    #[must_use]
    pub fn is_declined(&self) -> bool {
        matches!(self, Self::Declined { .. })
    }

    /// The last lines of what the hook said.
    #[must_use]
    pub fn last_lines(&self) -> &[String] {
        match self {
            Self::Failed { last_lines, .. } | Self::TimedOut { last_lines, .. } => last_lines,
            Self::Answered { answer, .. } if !answer.is_empty() => std::slice::from_ref(answer),
            Self::Missing { reason, .. } => std::slice::from_ref(reason),
            _ => &[],
        }
    }

    pub(super) fn file(action: &'static str, path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File { action, path: path.to_owned(), source }
    }
}
