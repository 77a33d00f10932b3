//! The only place that prints: results to standard output, everything else to standard error.

mod log;
mod progress;
mod prompt;

use std::io::{IsTerminal as _, Write as _};

use clap::ValueEnum;
use serde_json::{Value, json};

use crate::core::text::printable;
use crate::error::Error;

pub use progress::Progress;

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How this run talks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manner {
    /// One JSON document on standard output instead of text.
    pub json: bool,
    /// Errors only.
    pub quiet: bool,
    /// 0 to 3: warnings, what happens, requests, everything.
    pub verbosity: u8,
    /// Colours.
    pub color: Color,
    /// Whether the user wants no colours by `NO_COLOR`.
    pub no_color: bool,
}

/// The user's side of a run.
#[derive(Clone)]
pub struct Ui {
    manner: Manner,
    progress: Progress,
}

/// What a command has to say when it is done.
#[derive(Clone, Debug)]
pub struct Report {
    /// For people; may be empty.
    pub text: String,
    /// For programs.
    pub json: Value,
    /// The exit status, 0 unless something failed beside what is reported.
    pub status: u8,
}

impl Report {
    /// A report of success.
    #[must_use]
    pub fn new(text: impl Into<String>, json: Value) -> Self {
        Self { text: text.into(), json, status: 0 }
    }
}

impl Ui {
    /// Sets up output, progress and the log.
    #[must_use]
    pub fn new(manner: Manner) -> Self {
        let shown = std::io::stderr().is_terminal() && !manner.json && !manner.quiet;
        let progress = Progress::new(shown);
        let ui = Self { manner, progress };
        log::start(manner.verbosity, ui.colored(std::io::stderr().is_terminal()), ui.progress.clone());
        ui
    }

    /// The line that tells what goes on.
    #[must_use]
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Whether somebody can answer questions: standard input and error are a terminal, and no JSON is asked for.
    #[must_use]
    pub fn can_ask(&self) -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal() && !self.manner.json
    }

    /// Whether results are printed as JSON.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.manner.json
    }

    /// Whether a person looks at standard output.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        std::io::stdout().is_terminal() || self.manner.verbosity > 0
    }

    /// Tells something that must be seen, on standard error, even when the run is to be quiet.
    pub fn notice(&self, text: &str) {
        self.progress.suspend(|| tell(text));
    }

    /// Asks a question that wants the answer `yes`.
    ///
    /// # Errors
    /// When the terminal can't be read.
    pub fn confirm(&self, question: &str) -> std::io::Result<bool> {
        self.progress.suspend(|| prompt::confirm(question))
    }

    /// Asks for a line of text.
    ///
    /// # Errors
    /// When the terminal can't be read.
    pub fn ask(&self, question: &str) -> std::io::Result<String> {
        self.progress.step_aside(|| prompt::line(question))
    }

    /// Asks for a secret without showing it.
    ///
    /// # Errors
    /// When the terminal can't be read.
    pub fn ask_hidden(&self, question: &str) -> std::io::Result<zeroize::Zeroizing<String>> {
        self.progress.suspend(|| prompt::hidden(question))
    }

    /// Prints a command's report.
    ///
    /// # Errors
    /// When standard output can't take it, a full disk for instance. A reader that went away
    /// (`cacert-acme list | head -1`) has what it wanted.
    pub fn report(&self, report: &Report) -> std::io::Result<()> {
        self.progress.finish();
        if self.manner.json {
            print(&format!("{:#}", report.json))
        } else if !report.text.is_empty() && !self.manner.quiet {
            print(report.text.trim_end())
        } else {
            Ok(())
        }
    }

    /// Prints a failure: text to standard error, or JSON to standard output.
    pub fn error(&self, error: &Error) {
        self.progress.finish();
        if self.manner.json {
            // There is nobody left to tell that the telling failed.
            let _ = print(&format!("{:#}", json!({"error": error_json(error)})));
        } else {
            tell(error_text(error, self.colored(std::io::stderr().is_terminal())).trim_end());
        }
    }

    fn colored(&self, terminal: bool) -> bool {
        match self.manner.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && !self.manner.no_color,
        }
    }
}

/// A failure as JSON: the inner object of `{"error": …}`.
#[must_use]
pub fn error_json(error: &Error) -> Value {
    let shown = |lines: &[String]| lines.iter().map(|line| printable(line).into_owned()).collect::<Vec<_>>();
    let mut document = json!({
        "kind": error.kind.name(),
        "message": printable(&error.message),
        "causes": shown(&error.causes),
        "hints": shown(&error.hints),
    });
    if let Some(problem) = &error.problem {
        // A problem is plain data; it always serialises.
        document["problem"] = serde_json::to_value(problem).unwrap_or_default();
    }
    document
}

/// A failure as text: what, why, what to do.
#[must_use]
pub fn error_text(error: &Error, colored: bool) -> String {
    let (red, dim, green, plain) =
        if colored { ("\x1b[1;31m", "\x1b[1m", "\x1b[1;32m", "\x1b[0m") } else { ("", "", "", "") };
    // Whatever was quoted, from a server or a file name, can't command the terminal.
    let mut text = format!("{red}error:{plain} {}\n", printable(&error.message));
    for cause in &error.causes {
        text.push_str(&format!("{dim}cause:{plain} {}\n", printable(cause)));
    }
    for hint in &error.hints {
        text.push_str(&format!("{green}hint:{plain}  {}\n", printable(hint)));
    }
    text
}

fn print(text: &str) -> std::io::Result<()> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// To standard error. When even that can't be written, there is nowhere else to tell it.
fn tell(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn an_error_tells_what_why_and_what_to_do() {
        let error = Error::new(Kind::Challenge, "could not validate a.test").because("404").hint("look");
        assert_eq!(error_text(&error, false), "error: could not validate a.test\ncause: 404\nhint:  look\n");
        let json = json!({"kind":"challenge","message":"could not validate a.test","causes":["404"],"hints":["look"]});
        assert_eq!(error_json(&error), json);
    }
}
