//! From what the user typed to a command that still holds when a timer runs it in another folder.

use std::path::{Path, PathBuf};

use super::acme_sh::function_prefix;
use super::dialect::{Dialect, Form};
use super::error::HookError;
use super::lego::is_url;
use super::runner::is_executable;

/// Where hooks are looked for.
#[derive(Clone, Debug, Default)]
pub struct Folders {
    /// Folders of programs, as in `PATH`.
    pub programs: Vec<PathBuf>,
    /// Folders of acme.sh's DNS scripts.
    pub dns_scripts: Vec<PathBuf>,
}

/// The hook's command, with the absolute path of its program or script.
///
/// # Errors
/// When there is no such program or script, or a URL holds a password.
pub fn locate(dialect: Dialect, command: &str, folders: &Folders) -> Result<String, HookError> {
    match dialect.0.form() {
        Form::Shell => Ok(command.to_owned()),
        Form::ProgramOrUrl if is_url(command) => without_password(command),
        Form::Program | Form::ProgramOrUrl => program(command, &folders.programs),
        Form::DnsScript => dns_script(command, &folders.dns_scripts),
    }
}

fn program(command: &str, folders: &[PathBuf]) -> Result<String, HookError> {
    let executable = |path: &PathBuf| is_executable(path).unwrap_or(false);
    if !command.contains('/') {
        let found = folders.iter().map(|folder| folder.join(command)).find(executable);
        return found
            .map(|path| absolute(&path))
            .ok_or_else(|| missing(command, "it is in no folder of PATH; with a path it is a file: ./NAME"));
    }
    let path = PathBuf::from(command);
    match is_executable(&path) {
        Ok(true) => Ok(absolute(&path)),
        Ok(false) => Err(missing(command, "it is not an executable file (chmod +x makes it one)")),
        Err(error) => Err(missing(command, &error.to_string())),
    }
}

fn dns_script(command: &str, folders: &[PathBuf]) -> Result<String, HookError> {
    let candidates: Vec<PathBuf> = if command.contains('/') {
        vec![command.into()]
    } else {
        let name = format!("{}.sh", command.trim_end_matches(".sh"));
        folders.iter().map(|folder| folder.join(&name)).collect()
    };
    if function_prefix(command).is_none() {
        return Err(missing(command, "a DNS script's name begins with dns_, as in dns_nsupdate"));
    }
    let found = candidates.iter().find(|path| path.is_file()).map(|path| absolute(path));
    found.ok_or_else(|| {
        let tried: Vec<String> = candidates.iter().map(|path| path.display().to_string()).collect();
        missing(command, &format!("looked for {}", tried.join(", ")))
    })
}

/// A service's URL as it may be kept and shown.
fn without_password(command: &str) -> Result<String, HookError> {
    let mut url = reqwest::Url::parse(command).map_err(|error| missing(command, &error.to_string()))?;
    if url.password().is_some() {
        // It has a host, so that a password can be taken away.
        let _ = url.set_password(None);
        return Err(HookError::PasswordInUrl { hook: url.into() });
    }
    Ok(command.to_owned())
}

fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

fn missing(hook: &str, reason: &str) -> HookError {
    HookError::Missing { hook: hook.to_owned(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn located(dialect: &str, command: &str, folders: &Folders) -> Result<String, String> {
        locate(dialect.parse().unwrap(), command, folders).map_err(|error| error.to_string())
    }

    #[test]
    fn programs_are_found_and_made_absolute() {
        let folders = Folders { programs: vec!["/nowhere".into(), "/bin".into()], ..Folders::default() };
        assert_eq!(located("uacme", "sh", &folders).as_deref(), Ok("/bin/sh"));
        assert!(located("uacme", "../../../../../../../../bin/sh", &folders).unwrap().starts_with('/'));
        assert!(located("lego", "sh-of-nobody", &folders).is_err());
        assert!(located("lego", "/etc/passwd", &folders).is_err(), "not executable");
        assert_eq!(located("certbot", "a b | c", &folders).as_deref(), Ok("a b | c"));
    }

    #[test]
    fn dns_scripts_are_found_by_name_or_path() {
        let home = tempfile::tempdir().unwrap();
        let script = home.path().join("dns_xx.sh");
        std::fs::write(&script, "").unwrap();
        let folders = Folders { dns_scripts: vec![home.path().into()], ..Folders::default() };
        let script = script.to_str().unwrap();
        for command in ["dns_xx", "dns_xx.sh", script] {
            assert_eq!(located("acme.sh", command, &folders).as_deref(), Ok(script));
        }
        assert!(located("acme.sh", "dns_yy", &folders).is_err());
        assert!(located("acme.sh", "/bin/sh", &folders).is_err());
    }

    #[test]
    fn a_password_in_a_url_is_refused_and_not_repeated() {
        let folders = Folders::default();
        let user = "https://me@dns.test/api";
        assert_eq!(located("lego", user, &folders).as_deref(), Ok(user));
        let told = located("lego-raw", "https://me:hunter2@dns.test/api", &folders).unwrap_err();
        assert!(told.contains("me@dns.test") && !told.contains("hunter2"), "{told}");
    }
}
