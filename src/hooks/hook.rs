//! A hook at work: goes through its dialect's calls, one at a time.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};

use super::call::{Call, Exit, Meaning, Phase, Ran, Site, Step};
use super::challenge::{HookChallenge, Verdict};
use super::dialect::Dialect;
use super::error::HookError;
use super::httpreq::{Credentials, Service};
use super::journal::{Journal, lock, make_folder, write_private};
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

    /// Whether the hook answered a challenge with this token and was not called to clean up since.
    #[must_use]
    pub fn has_deployed(&self, token: &str) -> bool {
        self.dialect.0.kinds().iter().any(|kind| self.journal.knows(token, *kind))
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
            of.iter().try_for_each(|challenge| self.journal.begin(challenge))?;
            let ran = self.perform(&step.call).await?;
            match self.dialect.0.meaning(Phase::Deploy, ran.exit) {
                Meaning::Done => {}
                Meaning::Warning => tracing::warn!("{}", told(&self.failure(&step.call, &ran))),
                Meaning::Declined => {
                    of.iter().for_each(|challenge| self.forget(challenge));
                    let purpose = printable(step.call.purpose()).into_owned();
                    return Err(HookError::Declined { hook: self.name(), purpose });
                }
                Meaning::Failed => {
                    if !self.dialect.0.cleans_up_failures() {
                        of.iter().for_each(|challenge| self.forget(challenge));
                    }
                    return Err(self.failure(&step.call, &ran));
                }
            }
            of.iter().try_for_each(|challenge| self.journal.keep(challenge, &ran.stdout))?;
        }
        Ok(())
    }

    /// Tells the hook what the server made of a proof, if the dialect has a word for it.
    pub async fn judged(&self, challenge: &HookChallenge, verdict: &Verdict) {
        let _calls = self.calls.lock().await;
        if self.journal.output(challenge).is_none() {
            return;
        }
        let judged = self.dialect.0.judged(&self.site, challenge, verdict);
        let outcome = self.perform_all(Phase::Judged, judged.steps).await;
        if judged.cleaned && outcome.uncalled.is_empty() {
            self.forget(challenge);
        }
    }

    /// Takes away those proofs that were put in place, be it by a run that died.
    ///
    /// # Errors
    /// The first failure, after everything was tried, where the dialect says that it ends the run.
    pub async fn clean(&self, challenges: &[HookChallenge]) -> Result<(), HookError> {
        let mut begun = self.calls.lock().await;
        let output = |challenge: &HookChallenge| {
            self.journal.output(challenge).map(|output| (challenge.clone(), output))
        };
        let (challenges, outputs): (Vec<HookChallenge>, Vec<String>) =
            challenges.iter().filter_map(output).unzip();
        if challenges.is_empty() {
            return Ok(());
        }
        self.begin(&mut begun).await?;
        let steps = self.dialect.0.clean(&self.site, &challenges, &outputs);
        let Outcome { mut failure, uncalled } = self.perform_all(Phase::Clean, steps).await;
        for (i, challenge) in challenges.iter().enumerate() {
            // What could not be called is called again, by the next run if need be.
            if uncalled.iter().any(|of| of.contains(&i)) {
                continue;
            }
            match self.journal.forget(challenge) {
                Err(error) if failure.is_none() => failure = Some(error),
                Err(error) => tracing::warn!("{}", told(&error)),
                Ok(()) => {}
            }
        }
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

    /// Makes all these calls, whatever becomes of each.
    async fn perform_all(&self, phase: Phase, steps: Vec<Step>) -> Outcome {
        let mut outcome = Outcome::default();
        for step in steps {
            let (failure, meaning) = match self.perform(&step.call).await {
                Err(error) => {
                    outcome.uncalled.push(step.challenges.clone());
                    // What a status would mean is the dialect's; here nobody knows whether anything was done.
                    let meaning = match self.dialect.0.meaning(phase, Exit::Status(1)) {
                        Meaning::Done => Meaning::Warning,
                        meaning => meaning,
                    };
                    (error, meaning)
                }
                Ok(ran) => (self.failure(&step.call, &ran), self.dialect.0.meaning(phase, ran.exit)),
            };
            match meaning {
                Meaning::Done => {}
                Meaning::Failed if phase == Phase::Clean && outcome.failure.is_none() => {
                    outcome.failure = Some(failure);
                }
                _ => tracing::warn!("{}", told(&failure)),
            }
        }
        outcome
    }

    async fn perform(&self, call: &Call) -> Result<Ran, HookError> {
        match call {
            Call::Run(program) => {
                let _lock = match &program.lock {
                    Some(path) => Some(lock(path, PATIENCE).await?),
                    None => None,
                };
                runner::run(&self.name(), program, PATIENCE).await
            }
            Call::Post(post) => {
                self.service.post(post, &self.credentials).await?;
                Ok(Ran { exit: Exit::Status(0), stdout: String::new(), last_lines: Vec::new() })
            }
        }
    }

    /// Forgets a challenge where something else is to be told than that this failed.
    fn forget(&self, challenge: &HookChallenge) {
        if let Err(error) = self.journal.forget(challenge) {
            tracing::warn!("{}", told(&error));
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

/// What became of several calls.
#[derive(Default)]
struct Outcome {
    /// The first failure that counts.
    failure: Option<HookError>,
    /// The challenges of calls that could not be made, or did not come to their end.
    uncalled: Vec<Range<usize>>,
}

/// A failure on one line, with what is behind it and the last that the hook said.
fn told(error: &HookError) -> String {
    let mut told = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(behind) = source {
        told = format!("{told}: {}", printable(&behind.to_string()));
        source = behind.source();
    }
    match error.last_lines().last() {
        Some(line) => format!("{told}: {line}"),
        None => told,
    }
}

#[cfg(test)]
mod tests {
    use super::super::challenge::{ChallengeKind, example};
    use super::*;

    #[tokio::test]
    async fn what_could_not_be_called_to_clean_up_is_not_forgotten() {
        let state = tempfile::tempdir().unwrap();
        let hooks = Hooks::new(state.path().to_owned(), Credentials::default());
        let challenges = [example(ChallengeKind::Dns01, "a.test", "a")];
        for dialect in ["lego", "uacme"] {
            let hook = hooks.of(dialect.parse().unwrap(), "/nowhere/at/all");
            hook.journal.begin(&challenges[0]).unwrap();
            hook.judged(&challenges[0], &Verdict::Valid).await;
            hook.clean(&challenges).await.unwrap();
            assert!(hook.has_deployed("a"), "{dialect}");
            let hook = hooks.of(dialect.parse().unwrap(), "/bin/true");
            hook.clean(&challenges).await.unwrap();
            assert!(!hook.has_deployed("a"), "{dialect}");
        }
    }

    #[test]
    fn a_failure_is_told_with_its_source() {
        let source = std::io::Error::other("no such thing");
        let error = HookError::Start { hook: "/h".into(), source };
        assert_eq!(told(&error), "the hook /h could not be run: no such thing");
    }
}
