//! Where a flag's value comes from: the command line, else the environment, else the config file.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::builder::BoolishValueParser;
use clap::error::ErrorKind;
use clap::{ArgAction, CommandFactory as _, FromArgMatches as _};

use crate::commands::Cli;
use crate::config::{self, Defaults, Setting, is_root};
use crate::error::{Error, Kind};

/// Ways to prove control of a name; of these only one source counts: the command line, else the environment, else
/// the file.
const METHOD_FLAGS: &[&str] =
    &["webroot", "standalone", "tls-alpn", "dns-rfc2136", "dns-persist", "dns-hook", "http-hook", "manual"];

/// Why the command line did not become a command, and whether to tell it as JSON.
pub(super) enum Refused {
    /// clap's own errors; help and version count as such.
    Usage { error: Box<clap::Error>, json: bool },
    /// The config file.
    Config { error: Error, json: bool },
}

/// Reads flags over environment over file.
pub(super) fn parse(arguments: &[OsString]) -> Result<Cli, Refused> {
    let file = config_file(arguments);
    let read = match &file {
        Some((path, required)) => config::read(path, *required, &known_settings()),
        None => Ok(Defaults::new()),
    };
    let without_file = || try_parse(arguments, &Defaults::new());
    let defaults = match read {
        Ok(defaults) => defaults,
        Err(error) => {
            let json = asks_for_json(arguments, &Defaults::new());
            return Err(match without_file() {
                // A broken file must not keep anybody from reading the help.
                Err(help) if !help.use_stderr() => Refused::Usage { error: Box::new(help), json },
                _ => Refused::Config { error: error.into(), json },
            });
        }
    };
    let json = asks_for_json(arguments, &defaults);
    try_parse(arguments, &defaults).map_err(|error| {
        let bad_value = matches!(error.kind(), ErrorKind::InvalidValue | ErrorKind::ValueValidation);
        let from_file =
            bad_value && without_file().err().is_none_or(|other| other.to_string() != error.to_string());
        match &file {
            Some((path, _)) if from_file => Refused::Config { error: bad_setting(path, &error), json },
            _ => Refused::Usage { error: Box::new(error), json },
        }
    })
}

fn try_parse(arguments: &[OsString], defaults: &Defaults) -> Result<Cli, clap::Error> {
    let matches = command(arguments, defaults).try_get_matches_from(arguments)?;
    Cli::from_arg_matches(&matches)
}

/// A value that clap refused and that came from the file.
fn bad_setting(path: &Path, error: &clap::Error) -> Error {
    let text = error.to_string();
    let mut lines = text.lines().map(str::trim).take_while(|line| !line.is_empty());
    let cause = lines.next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    let mut told =
        Error::new(Kind::Local, format!("a setting in {} can't be used", path.display())).because(cause);
    told.causes.extend(lines.map(ToOwned::to_owned));
    told
}

/// Which config file to read, and whether it must exist: it must when the user named it.
fn config_file(arguments: &[OsString]) -> Option<(PathBuf, bool)> {
    let command = command(arguments, &Defaults::new()).ignore_errors(true);
    // Errors are told by the second reading, which knows the file's values.
    let named = command.try_get_matches_from(arguments).ok().and_then(|matches| {
        let below =
            matches.subcommand().and_then(|(_, matches)| matches.try_get_one::<PathBuf>("config").ok()?);
        below.or_else(|| matches.try_get_one::<PathBuf>("config").ok()?).cloned()
    });
    match named {
        Some(path) => Some((path, true)),
        None => Some((config::default_file(is_root())?, false)),
    }
}

/// The command with every flag bound to its variable and to the file's value.
fn command(arguments: &[OsString], defaults: &Defaults) -> clap::Command {
    let method_typed = arguments.iter().filter_map(|argument| argument.to_str()).any(|argument| {
        let flag = argument.strip_prefix("--").map(|flag| flag.split('=').next().unwrap_or(flag));
        flag.is_some_and(|flag| METHOD_FLAGS.contains(&flag))
    });
    let method_in_environment = METHOD_FLAGS
        .iter()
        .any(|flag| std::env::var_os(variable(flag)).is_some_and(|value| !value.is_empty()));
    let bind = |argument: clap::Arg| {
        let Some(flag) = argument.get_long().map(ToOwned::to_owned) else { return argument };
        let method = METHOD_FLAGS.contains(&flag.as_str());
        if method && method_typed {
            return argument;
        }
        let bound = match argument.get_action() {
            ArgAction::SetTrue => argument.value_parser(BoolishValueParser::new()),
            _ => argument,
        };
        let bound =
            if is_empty(&variable(&flag)) { bound } else { bound.env(variable(&flag)).hide_env(true) };
        match defaults.get(&flag) {
            Some(values) if !(method && method_in_environment) => {
                bound.required(false).default_values(values.clone())
            }
            _ => bound,
        }
    };
    bind_all(Cli::command(), &bind)
}

fn bind_all(command: clap::Command, bind: &impl Fn(clap::Arg) -> clap::Arg) -> clap::Command {
    command.mut_args(bind).mut_subcommands(|subcommand| bind_all(subcommand, bind))
}

/// `CACERT_ACME_CA_BUNDLE` for `ca-bundle`.
fn variable(flag: &str) -> String {
    format!("CACERT_ACME_{}", flag.replace('-', "_").to_ascii_uppercase())
}

/// Whether a variable is there without a value, which counts as not there.
fn is_empty(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| value.is_empty())
}

/// All flags of all commands as keys of the file.
fn known_settings() -> Vec<Setting> {
    fn collect(command: &clap::Command, known: &mut Vec<Setting>) {
        for argument in command.get_arguments().filter(|argument| argument.get_id() != "config") {
            if let Some(name) = argument.get_long() {
                let many = matches!(argument.get_action(), ArgAction::Append);
                known.push(Setting { name: name.to_owned(), many });
            }
        }
        command.get_subcommands().for_each(|subcommand| collect(subcommand, known));
    }
    let mut known = Vec::new();
    collect(&Cli::command(), &mut known);
    known
}

/// Whether a failure is to be told as JSON, before there is a command that knows.
fn asks_for_json(arguments: &[OsString], defaults: &Defaults) -> bool {
    let agrees = |text: &str| matches!(text, "1" | "true" | "yes" | "on" | "y" | "t");
    arguments.iter().any(|argument| argument == "--json")
        || std::env::var(variable("json")).is_ok_and(|value| agrees(&value))
        || defaults.get("json").is_some_and(|values| values.iter().all(|value| agrees(value)))
}

#[cfg(test)]
mod tests {
    use crate::commands::Command;

    use super::*;

    fn parse_with(arguments: &[&str], defaults: &[(&str, &[&str])]) -> Cli {
        let arguments: Vec<OsString> = arguments.iter().map(Into::into).collect();
        let owned = |values: &[&str]| values.iter().map(ToString::to_string).collect();
        let defaults = defaults.iter().map(|(flag, values)| ((*flag).to_owned(), owned(values))).collect();
        let matches = command(&arguments, &defaults).try_get_matches_from(&arguments).unwrap();
        Cli::from_arg_matches(&matches).unwrap()
    }

    #[test]
    fn the_command_is_well_formed() {
        command(&[], &Defaults::new()).debug_assert();
    }

    #[test]
    fn a_flag_goes_before_the_file() {
        let file: &[(&str, &[&str])] = &[("server", &["https://file.test/"]), ("json", &["true"])];
        let cli = parse_with(&["cacert-acme", "list"], file);
        assert_eq!(cli.global.server.as_deref(), Some("https://file.test/"));
        assert!(cli.global.json);
        let cli = parse_with(&["cacert-acme", "list", "--server", "https://flag.test/"], file);
        assert_eq!(cli.global.server.as_deref(), Some("https://flag.test/"));
    }

    #[test]
    fn a_method_on_the_command_line_displaces_the_files() {
        let arguments = ["cacert-acme", "issue", "-d", "a.test", "--standalone=127.0.0.1:5002"];
        let Command::Issue(issue) = parse_with(&arguments, &[("webroot", &["/var/www"])]).command else {
            panic!()
        };
        assert_eq!(issue.methods.webroot, None);
        let Command::Issue(issue) = parse_with(&arguments[..4], &[("webroot", &["/var/www"])]).command else {
            panic!()
        };
        assert_eq!(issue.methods.webroot, Some("/var/www".into()));
    }
}
