//! `server-mock exec`

use std::{
    ffi::OsString,
    fs::{self, File, Permissions},
    io,
    os::unix::{fs::PermissionsExt, process::ExitStatusExt},
    path::PathBuf,
    process::{ExitCode, ExitStatus},
};

use clap::Args;
use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, getpgrp, tcgetpgrp},
};
use server_mock::{Handle, MockServer, admin::EabCredentials};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tracing::{debug, level_filters::LevelFilter};

use super::{error::ProgramError, flags::Flags, log, ready::ReadyFile, signals::Signals};

/// Serve on free ports while a command runs, and tell it where by its environment
#[derive(Args)]
pub(super) struct Exec {
    #[command(flatten)]
    flags: Flags,
    /// The command and its arguments, after --
    #[arg(last = true, required = true, value_names = ["CMD", "ARGS"])]
    command: Vec<OsString>,
}

impl Exec {
    /// Runs the command; its status becomes ours.
    pub(super) fn run(self) -> Result<ExitCode, ProgramError> {
        log::start(LevelFilter::WARN, self.flags.verbose);
        let runtime = tokio::runtime::Runtime::new().map_err(ProgramError::Runtime)?;
        runtime.block_on(self.exec())
    }

    async fn exec(self) -> Result<ExitCode, ProgramError> {
        let mut signals = Signals::catch().map_err(ProgramError::Runtime)?;
        let ready = ReadyFile::prepare(self.flags.ready_file.as_deref())?;
        let (config, free_ports) = self.flags.config_on_free_ports()?;
        let handle = MockServer::start(config).await?;
        drop(free_ports);
        let credentials = handle.create_demo_owner().map_err(ProgramError::Demo)?;
        let folder = Folder::create(&handle)?;
        ready.announce(&handle)?;

        let mut child = self.spawn(&handle, &credentials, &folder)?;
        let status = loop {
            tokio::select! {
                status = child.wait() => break status.map_err(ProgramError::Wait)?,
                signal = signals.next() => pass_on(&child, signal),
            }
        };
        debug!(%status, "the command ended");
        handle.shutdown().await;
        Ok(exit_code(status))
    }

    fn spawn(
        &self,
        handle: &Handle,
        credentials: &EabCredentials,
        folder: &Folder,
    ) -> Result<Child, ProgramError> {
        // clap asks for at least one value.
        let (command, arguments) = self.command.split_first().expect("a command is required");
        Command::new(command)
            .args(arguments)
            .envs(environment(handle, credentials, folder))
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| ProgramError::Spawn { command: command.clone(), source })
    }
}

/// The files for the command, which go away with it.
struct Folder {
    /// Removes the folder when dropped.
    _folder: TempDir,
    ca_bundle: PathBuf,
    root: PathBuf,
}

impl Folder {
    fn create(handle: &Handle) -> Result<Self, ProgramError> {
        let failed = |path: PathBuf| move |source: io::Error| ProgramError::Write { path, source };
        let folder = tempfile::Builder::new()
            .prefix("server-mock-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir()
            .map_err(failed(std::env::temp_dir()))?;
        let (ca_bundle, root) = (folder.path().join("ca-bundle.pem"), folder.path().join("root.pem"));
        fs::write(&ca_bundle, handle.ca_bundle_pem()).map_err(failed(ca_bundle.clone()))?;
        fs::write(&root, handle.root_pem()).map_err(failed(root.clone()))?;
        Ok(Self { _folder: folder, ca_bundle, root })
    }
}

/// What the command is told.
fn environment(
    handle: &Handle,
    credentials: &EabCredentials,
    folder: &Folder,
) -> [(&'static str, OsString); 13] {
    let bundle = || folder.ca_bundle.clone().into();
    let kid = || credentials.kid.clone().into();
    let hmac_key = || credentials.hmac_key.clone().into();
    [
        ("ACME_DIRECTORY_URL", handle.directory_url().into()),
        ("ACME_CA_BUNDLE", bundle()),
        ("ACME_ROOT", folder.root.clone().into()),
        ("ACME_EAB_KID", kid()),
        ("ACME_EAB_HMAC_KEY", hmac_key()),
        ("ACME_HTTP_PORT", handle.http_port().to_string().into()),
        ("ACME_TLS_PORT", handle.tls_port().to_string().into()),
        ("ACME_DNS", handle.dns_addr().to_string().into()),
        ("ACME_ADMIN_URL", handle.admin_url().into()),
        ("CACERT_ACME_SERVER", handle.directory_url().into()),
        ("CACERT_ACME_CA_BUNDLE", bundle()),
        ("CACERT_ACME_EAB_KID", kid()),
        ("CACERT_ACME_EAB_KEY", hmac_key()),
    ]
}

/// Passes a signal on to the command. What is typed at a terminal reaches it without us, so it is not sent twice:
/// many programs take the second Ctrl-C as an order to leave everything as it is.
fn pass_on(child: &Child, signal: Signal) {
    let typed = matches!(signal, Signal::SIGINT | Signal::SIGQUIT) && in_foreground();
    // Without an id it has ended, and is about to be waited for.
    let Some(pid) = child.id().and_then(|id| i32::try_from(id).ok()).filter(|_| !typed) else { return };
    if let Err(error) = kill(Pid::from_raw(pid), signal) {
        debug!(%error, %signal, "could not pass a signal on");
    }
}

/// Whether the terminal that we belong to, if any, sends us what is typed.
fn in_foreground() -> bool {
    let terminal = File::open("/dev/tty");
    terminal.is_ok_and(|terminal| tcgetpgrp(terminal).is_ok_and(|foreground| foreground == getpgrp()))
}

/// The command's status, as shells tell it: 128 and the signal's number when one ended it.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX))
}
