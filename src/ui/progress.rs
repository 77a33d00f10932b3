//! One line that tells what goes on, on a terminal, and only when it takes longer than a moment.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What is done within this time is not told.
const MOMENT: Duration = Duration::from_millis(250);

/// The spinner turns this often.
const TICK: Duration = Duration::from_millis(100);

/// The line; clones write to the same one.
#[derive(Clone)]
pub struct Progress {
    bar: Option<ProgressBar>,
    /// What goes on at once, in the order in which it began: `(who, what)`.
    tasks: Arc<Mutex<Vec<(String, String)>>>,
}

impl Progress {
    pub(super) fn new(shown: bool) -> Self {
        let bar = shown.then(|| ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()));
        if let Some(bar) = &bar {
            // The template is a constant of ours.
            let style = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed:>4}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        }
        Self { bar, tasks: Arc::default() }
    }

    /// Begins to show, after a moment. Whatever is printed last ends it.
    pub fn start(&self) {
        let Some(bar) = self.bar.clone() else { return };
        tokio::spawn(async move {
            tokio::time::sleep(MOMENT).await;
            if !bar.is_finished() {
                bar.set_draw_target(ProgressDrawTarget::stderr());
                bar.enable_steady_tick(TICK);
            }
        });
    }

    /// Tells what is being done for a certificate.
    pub fn tell(&self, who: &str, what: impl Into<String>) {
        let what = what.into();
        tracing::info!("{who}: {what}");
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        match tasks.iter_mut().find(|(name, _)| name == who) {
            Some(task) => task.1 = what,
            None => tasks.push((who.to_owned(), what)),
        }
        self.show(&tasks);
    }

    /// Nothing more is being done for this certificate.
    pub fn done(&self, who: &str) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.retain(|(name, _)| name != who);
        self.show(&tasks);
    }

    fn show(&self, tasks: &[(String, String)]) {
        let Some(bar) = &self.bar else { return };
        let message = match tasks {
            [] => String::new(),
            [(who, what)] => format!("{who}: {what}"),
            [(who, what), others @ ..] => format!("{who}: {what} (and {} more)", others.len()),
        };
        bar.set_message(message);
    }

    /// Takes the line away while something else is printed.
    pub(super) fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Takes the line away while something is asked. Others may tell meanwhile what they do, and are not kept waiting
    /// by whoever answers, as [`Progress::suspend`] would.
    pub(super) fn step_aside<T>(&self, ask: impl FnOnce() -> T) -> T {
        let Some(bar) = &self.bar else { return ask() };
        bar.finish_and_clear();
        let answer = ask();
        bar.reset();
        bar.set_draw_target(ProgressDrawTarget::stderr());
        bar.enable_steady_tick(TICK);
        answer
    }

    /// Takes the line away for good.
    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
