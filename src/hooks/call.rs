//! What a dialect wants done: programs to run and requests to send, as data.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

/// One call of a hook, and which of the challenges at hand it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) call: Call,
    pub(super) challenges: Range<usize>,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Run(Program),
    Post(Post),
}

/// A program with its arguments; no shell in between. Values from a server are arguments or environment, never text
/// that a shell reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Program {
    /// What to start.
    pub(super) path: String,
    pub(super) arguments: Vec<String>,
    /// Set, or taken away where there is no value.
    pub(super) environment: Vec<(&'static str, Option<String>)>,
    /// Set only where the user's environment has no value.
    pub(super) defaults: Vec<(&'static str, String)>,
    /// A file whose lock is held meanwhile, so that no other run has one of them called at the same time.
    pub(super) lock: Option<PathBuf>,
    /// What it is called for, as people are told.
    pub(super) purpose: String,
}

/// A POST request with a JSON document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Post {
    pub(super) url: String,
    pub(super) body: String,
    /// What it is sent for, as people are told.
    pub(super) purpose: String,
}

/// A hook as the user set it up, and the folders that its dialect may name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Site {
    /// The command: a program, a shell's text, a script or a URL, as the dialect has it.
    pub(super) command: String,
    /// The state directory.
    pub(super) state: PathBuf,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// With this status.
    Status(i32),
    /// By this signal.
    Signal(i32),
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "ended with status {status}"),
            Self::Signal(signal) => write!(f, "was ended by signal {signal}"),
        }
    }
}

/// A program that came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// How it ended.
    pub exit: Exit,
    /// What it wrote to its standard output, as far as that is kept.
    pub stdout: String,
    /// The last lines that it wrote to standard error, or else to standard output; printable.
    pub last_lines: Vec<String>,
}

/// When in a challenge's life a hook is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Before the first challenge of a run.
    Begin,
    /// Proofs are put in place.
    Deploy,
    /// The server's verdict is told.
    Judged,
    /// Proofs are taken away.
    Clean,
    /// The run ends.
    End,
}

/// What the end of a program means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It did what it should.
    Done,
    /// Something is wrong, but that is for people to read.
    Warning,
    /// It does not want this challenge.
    Declined,
    /// The challenge can't be answered, or the run not go on.
    Failed,
}

impl Call {
    /// What it is for, as people are told.
    pub(super) fn purpose(&self) -> &str {
        match self {
            Self::Run(program) => &program.purpose,
            Self::Post(post) => &post.purpose,
        }
    }
}

impl Program {
    /// A program with these arguments, which say what it is for.
    pub(super) fn new(path: &str, arguments: Vec<String>) -> Self {
        // The last one may be long, and means nothing to people.
        let told = arguments.iter().take(2).map(String::as_str).collect::<Vec<_>>();
        let purpose = told.join(" ");
        Self { path: path.to_owned(), arguments, purpose, ..Self::default() }
    }
}

/// One step a challenge, in their order.
pub(super) fn each<T>(challenges: &[T], call: impl Fn(usize, &T) -> Call) -> Vec<Step> {
    let step = |(i, challenge)| Step { call: call(i, challenge), challenges: i..i + 1 };
    challenges.iter().enumerate().map(step).collect()
}
