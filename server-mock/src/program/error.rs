//! What can go wrong in the program: what, cause, remedy. The one place that prints.

use std::{
    error::Error,
    ffi::OsString,
    io::{self, Write},
    path::PathBuf,
};

use server_mock::{StartError, model::Problem};

/// Why the program ends early.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProgramError {
    #[error("could not read {}", path.display())]
    ReadConfig { path: PathBuf, source: io::Error },
    #[error("{} is no configuration", path.display())]
    ParseConfig { path: PathBuf, source: toml::de::Error },
    #[error("could not start the server")]
    Start(#[from] StartError),
    #[error("could not set up the program's own machinery")]
    Runtime(#[source] io::Error),
    #[error("could not find free ports for the validations")]
    FreePorts(#[source] io::Error),
    #[error("could not write {}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("could not make the demo owner: {}", .0.detail)]
    Demo(Problem),
    #[error("could not run {}", command.display())]
    Spawn { command: OsString, source: io::Error },
    #[error("could not wait for the command")]
    Wait(#[source] io::Error),
}

impl ProgramError {
    /// Its own exit status, where convention has one: 127 for a command that is not there, 126 for one that can't be
    /// run.
    pub(super) fn status(&self) -> Option<u8> {
        match self {
            Self::Spawn { source, .. } if source.kind() == io::ErrorKind::NotFound => Some(127),
            Self::Spawn { .. } => Some(126),
            _ => None,
        }
    }

    /// Writes it to standard error, with its causes and a hint.
    pub(super) fn show(&self) {
        let mut text = format!("error: {self}\n");
        let mut cause = self.source();
        while let Some(error) = cause {
            text += &format!("cause: {}\n", error.to_string().trim_end().replace('\n', "\n       "));
            cause = error.source();
        }
        if let Some(hint) = self.hint() {
            text += &format!("hint:  {hint}\n");
        }
        // Nobody can be told that standard error is closed.
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }

    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Start(StartError::Bind { source, .. }) => match source.kind() {
                io::ErrorKind::AddrInUse => Some(
                    "another server-mock may be running; --acme, --admin and --dns take other addresses, \
                     and port 0 any free one",
                ),
                io::ErrorKind::PermissionDenied => Some("ports below 1024 need special rights"),
                _ => Some("the address must be one of this machine"),
            },
            Self::ParseConfig { .. } => Some("the README of server-mock lists the entries"),
            Self::Spawn { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                Some("the command follows --, and must be in PATH")
            }
            _ => None,
        }
    }
}
