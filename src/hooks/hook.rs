//! A hook at work: goes through its dialect's calls, one at a time.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};

use super::call::{Call, Exit, Meaning, Phase, Ran, Site, Step};
use super::challenge::{HookChallenge, Verdict};
use super::dialect::Dialect;
use super::error::HookError;
use super::httpreq::{Credentials, Service};
use super::journal::{Journal, make_folder, write_private};
use super::runner;
use crate::core::text::printable;

/// How long a hook may take for one call; some wait for their DNS themselves.
const PATIENCE: Duration = Duration::from_secs(600);

/// The hooks of a run. Whoever uses the same one shares it, for no two of its calls may run at once.
pub struct Hooks {
    state: PathBuf,
    credentials: Credentials,
    made: std::sync::Mutex<HashMap<(Dialect, String), Arc<Hook>>>,
}

impl Hooks {
    /// Hooks that keep what they must know in the state directory, and have these credentials at services.
    #[must_use]
    pub fn new(state: PathBuf, credentials: Credentials) -> Self {
        Self { state, credentials, made: std::sync::Mutex::default() }
    }

    /// The hook with this command.
    pub fn of(&self, dialect: Dialect, command: &str) -> Arc<Hook> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || Arc::new(Hook::new(dialect, command, &self.state, self.credentials.clone()));
        made.entry((dialect, command.to_owned())).or_insert_with(make).clone()
    }
}

/// A hook, as the user set it up.
pub struct Hook {
    dialect: Dialect,
    site: Site,
    credentials: Credentials,
    journal: Journal,
    service: Service,
    /// Held while calls are made, so that no two of this hook's run at once; whether the first was made.
    calls: Mutex<bool>,
    /// Held from a challenge's begin to its verdict, where the dialect wants one at a time.
    turn: Mutex<()>,
}

impl Hook {
    fn new(dialect: Dialect, command: &str, state: &Path, credentials: Credentials) -> Self {
        Self {
            dialect,
            site: Site { command: command.to_owned(), state: state.to_owned() },
            credentials,
            journal: Journal::new(state),
            service: Service::default(),
            calls: Mutex::default(),
            turn: Mutex::default(),
        }
    }

    /// The command, as people know it.
    #[must_use]
    pub fn name(&self) -> String {
        printable(&self.site.command).into_owned()
    }

    /// What to hold while one challenge after another is answered; `None`: they may be answered together.
    #[must_use]
    pub fn turn(&self) -> Option<&Mutex<()>> {
        self.dialect.0.one_at_a_time().then_some(&self.turn)
    }

    /// Whether records of one name must stand one after another.
    #[must_use]
    pub fn wants_records_alone(&self) -> bool {
        self.dialect.0.records_alone()
    }

    /// Whether the hook answered this challenge and was not called to clean up since.
    #[must_use]
    pub fn has_deployed(&self, token: &str) -> bool {
        self.journal.output(token).is_some()
    }

    /// Puts proofs in place.
    ///
    /// # Errors
    /// When the hook failed, declined, or could not be called. What it was called for is cleaned up by [`Hook::clean`].
    pub async fn deploy(&self, challenges: &[HookChallenge]) -> Result<(), HookError> {
        let mut begun = self.calls.lock().await;
        self.begin(&mut begun).await?;
        for step in self.dialect.0.deploy(&self.site, challenges) {
            let of = &challenges[step.challenges.clone()];
            of.iter().try_for_each(|challenge| self.journal.begin(&challenge.token))?;
            let ran = self.perform(&step.call).await?;
            match self.dialect.0.meaning(Phase::Deploy, ran.exit) {
                Meaning::Done => {}
                Meaning::Warning => tracing::warn!("{}", told(&self.failure(&step.call, &ran))),
                Meaning::Declined => {
                    of.iter().try_for_each(|challenge| self.journal.forget(&challenge.token))?;
                    let purpose = printable(step.call.purpose()).into_owned();
                    return Err(HookError::Declined { hook: self.name(), purpose });
                }
                Meaning::Failed => {
                    if !self.dialect.0.cleans_up_failures() {
                        of.iter().try_for_each(|challenge| self.journal.forget(&challenge.token))?;
                    }
                    return Err(self.failure(&step.call, &ran));
                }
            }
            of.iter().try_for_each(|challenge| self.journal.keep(&challenge.token, &ran.stdout))?;
        }
        Ok(())
    }

    /// Tells the hook what the server made of a proof, if the dialect has a word for it.
    pub async fn judged(&self, challenge: &HookChallenge, verdict: &Verdict) {
        let _calls = self.calls.lock().await;
        if self.journal.output(&challenge.token).is_none() {
            return;
        }
        let judged = self.dialect.0.judged(&self.site, challenge, verdict);
        self.perform_all(Phase::Judged, judged.steps).await;
        if judged.cleaned
            && let Err(error) = self.journal.forget(&challenge.token)
        {
            tracing::warn!("{error}");
        }
    }

    /// Takes away those proofs that were put in place, be it by a run that died.
    ///
    /// # Errors
    /// The first failure, after everything was tried, where the dialect says that it ends the run.
    pub async fn clean(&self, challenges: &[HookChallenge]) -> Result<(), HookError> {
        let mut begun = self.calls.lock().await;
        let output = |challenge: &HookChallenge| {
            self.journal.output(&challenge.token).map(|output| (challenge.clone(), output))
        };
        let (challenges, outputs): (Vec<HookChallenge>, Vec<String>) =
            challenges.iter().filter_map(output).unzip();
        if challenges.is_empty() {
            return Ok(());
        }
        self.begin(&mut begun).await?;
        let failure = self.perform_all(Phase::Clean, self.dialect.0.clean(&self.site, &challenges, &outputs));
        let failure = failure.await;
        challenges.iter().try_for_each(|challenge| self.journal.forget(&challenge.token))?;
        failure.map_or(Ok(()), Err)
    }

    /// Tells the hook that the run ends, and what went wrong in it; only one that was told of its beginning.
    pub async fn end(&self, error: Option<&str>) {
        let mut begun = self.calls.lock().await;
        if std::mem::take(&mut *begun) {
            self.perform_all(Phase::End, self.dialect.0.end(&self.site, error)).await;
        }
    }

    /// What comes before the first call.
    async fn begin(&self, begun: &mut MutexGuard<'_, bool>) -> Result<(), HookError> {
        if **begun {
            return Ok(());
        }
        for (path, content) in self.dialect.0.files(&self.site) {
            if let Some(folder) = path.parent() {
                make_folder(folder).map_err(HookError::file("make", folder))?;
            }
            write_private(&path, content).map_err(HookError::file("write", &path))?;
        }
        for step in self.dialect.0.begin(&self.site) {
            let ran = self.perform(&step.call).await?;
            if self.dialect.0.meaning(Phase::Begin, ran.exit) == Meaning::Failed {
                return Err(self.failure(&step.call, &ran));
            }
        }
        **begun = true;
        Ok(())
    }

    /// Makes all these calls, whatever becomes of each; the first failure that counts.
    async fn perform_all(&self, phase: Phase, steps: Vec<Step>) -> Option<HookError> {
        let mut first = None;
        for step in steps {
            let (failure, meaning) = match self.perform(&step.call).await {
                Err(error) => (error, self.dialect.0.meaning(phase, Exit::Status(1))),
                Ok(ran) => (self.failure(&step.call, &ran), self.dialect.0.meaning(phase, ran.exit)),
            };
            match meaning {
                Meaning::Done => {}
                Meaning::Failed if phase == Phase::Clean && first.is_none() => first = Some(failure),
                _ => tracing::warn!("{}", told(&failure)),
            }
        }
        first
    }

    async fn perform(&self, call: &Call) -> Result<Ran, HookError> {
        match call {
            Call::Run(program) => runner::run(&self.name(), program, PATIENCE).await,
            Call::Post(post) => {
                self.service.post(post, &self.credentials).await?;
                Ok(Ran { exit: Exit::Status(0), stdout: String::new(), last_lines: Vec::new() })
            }
        }
    }

    fn failure(&self, call: &Call, ran: &Ran) -> HookError {
        HookError::Failed {
            hook: self.name(),
            purpose: printable(call.purpose()).into_owned(),
            exit: ran.exit,
            last_lines: ran.last_lines.clone(),
        }
    }
}

/// A failure on one line.
fn told(error: &HookError) -> String {
    match error.last_lines().last() {
        Some(line) => format!("{error}: {line}"),
        None => error.to_string(),
    }
}
