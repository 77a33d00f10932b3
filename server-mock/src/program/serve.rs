//! `server-mock serve`

use std::process::ExitCode;

use clap::Args;
use server_mock::MockServer;
use tracing::{info, level_filters::LevelFilter};

use super::{error::ProgramError, flags::Flags, log, ready::ReadyFile, signals::Signals};

/// Serve until stopped
#[derive(Args)]
pub(super) struct Serve {
    #[command(flatten)]
    flags: Flags,
}

impl Serve {
    /// Serves until a signal comes. A second one does not wait for requests to finish.
    pub(super) fn run(self) -> Result<ExitCode, ProgramError> {
        log::start(LevelFilter::INFO, self.flags.verbose);
        let runtime = tokio::runtime::Runtime::new().map_err(ProgramError::Runtime)?;
        runtime.block_on(self.serve())
    }

    async fn serve(self) -> Result<ExitCode, ProgramError> {
        let mut signals = Signals::catch().map_err(ProgramError::Runtime)?;
        let ready = ReadyFile::prepare(self.flags.ready_file.as_deref())?;
        let handle = MockServer::start(self.flags.config()?).await?;
        info!(
            directory = handle.directory_url(),
            admin = handle.admin_url(),
            dns = %handle.dns_addr(),
            http_port = handle.http_port(),
            tls_port = handle.tls_port(),
            mail_listen = ?handle.mail_addr(),
            "serving"
        );
        ready.announce(&handle)?;

        let signal = signals.end().await;
        info!(%signal, "ending");
        tokio::select! {
            () = handle.shutdown() => Ok(ExitCode::SUCCESS),
            signal = signals.end() => Ok(ExitCode::from(128 + signal as u8)),
        }
    }
}
