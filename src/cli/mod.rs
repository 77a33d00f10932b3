//! The command line: where a flag's value comes from, and how a run begins and ends.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};

use crate::commands::{Cli, Context};
use crate::config::{self, Defaults, is_root};
use crate::error::{Error, Kind};
use crate::ui::{Manner, Report, Ui};
use crate::{core, env};

/// Ways to prove control of a name; of these only one source counts: the command line, else the environment, else
/// the file.
const METHOD_FLAGS: &[&str] = &["webroot", "standalone"];

/// Runs the program with these arguments.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let cli = match parse(&arguments) {
        Ok(cli) => cli,
        Err(Refused::Usage(error)) => return usage(&arguments, &error),
        Err(Refused::Config(error)) => {
            let json = asks_for_json(&arguments);
            Ui::new(Manner { json, no_color: env::no_color(), ..Manner::default() }).error(&error);
            return ExitCode::from(error.kind.exit_status());
        }
    };
    let ui = Ui::new(Manner {
        json: cli.global.json,
        quiet: cli.global.quiet,
        verbosity: cli.global.verbose,
        color: cli.global.color,
        no_color: env::no_color(),
    });
    let status = match execute(cli, ui.clone()) {
        Ok(report) => {
            ui.report(&report);
            report.status
        }
        Err(error) => {
            ui.error(&error);
            error.kind.exit_status()
        }
    };
    ExitCode::from(status)
}

fn execute(cli: Cli, ui: Ui) -> Result<Report, Error> {
    // One thread is plenty for what waits for the network most of the time, and starts at once.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(Kind::Internal, "could not start").because(error.to_string()))?;
    let context = Context::new(cli.global, ui)?;
    runtime.block_on(async {
        context.ui().progress().start();
        cli.command.run(&context).await
    })
}

/// Why the command line did not become a command.
enum Refused {
    /// clap's own errors; help and version count as such.
    Usage(Box<clap::Error>),
    /// The config file.
    Config(Error),
}

/// Reads flags over environment over file.
fn parse(arguments: &[OsString]) -> Result<Cli, Refused> {
    let file = config_file(arguments);
    let defaults = match &file {
        Some((path, required)) => config::read(path, *required, &flag_names()),
        None => Ok(Defaults::new()),
    };
    let defaults = match defaults {
        Ok(defaults) => defaults,
        // A broken file must not keep anybody from reading the help.
        Err(error) => match command(arguments, &Defaults::new()).try_get_matches_from(arguments) {
            Err(help) if !help.use_stderr() => return Err(Refused::Usage(Box::new(help))),
            _ => return Err(Refused::Config(error.into())),
        },
    };
    let matches = command(arguments, &defaults).try_get_matches_from(arguments);
    let cli = matches.and_then(|matches| Cli::from_arg_matches(&matches));
    cli.map_err(|error| Refused::Usage(Box::new(error)))
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
        let bound = argument.env(variable(&flag)).hide_env(true);
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

/// The names of all flags of all commands.
fn flag_names() -> Vec<String> {
    fn collect(command: &clap::Command, names: &mut Vec<String>) {
        names.extend(command.get_arguments().filter_map(|argument| Some(argument.get_long()?.to_owned())));
        command.get_subcommands().for_each(|subcommand| collect(subcommand, names));
    }
    let mut names = Vec::new();
    collect(&Cli::command(), &mut names);
    names.retain(|name| name != "config");
    names.sort();
    names.dedup();
    names
}

/// What clap has to say: help and version as they are, mistakes in the form of all our errors when JSON is asked for.
fn usage(arguments: &[OsString], error: &clap::Error) -> ExitCode {
    if error.use_stderr() && asks_for_json(arguments) {
        let text = error.to_string();
        let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
        let error = Error::new(Kind::Usage, core::text::printable(message)).hint("see `cacert-acme help`");
        Ui::new(Manner { json: true, ..Manner::default() }).error(&error);
        return ExitCode::from(Kind::Usage.exit_status());
    }
    // A reader that has gone away is no error of ours.
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { Kind::Usage.exit_status() } else { 0 })
}

fn asks_for_json(arguments: &[OsString]) -> bool {
    arguments.iter().any(|argument| argument == "--json")
        || std::env::var("CACERT_ACME_JSON").is_ok_and(|value| matches!(value.as_str(), "1" | "true" | "yes"))
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
