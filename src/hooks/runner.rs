//! The only place that starts hooks.

use std::collections::VecDeque;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};

use super::call::{Exit, Program, Ran};
use super::error::HookError;
use crate::core::text::printable;

/// What hooks need not know.
const SECRETS: &[&str] = &["CACERT_ACME_EAB_KEY", "HTTPREQ_PASSWORD"];

/// What a hook leaves running may hold its output open; that is waited for no longer.
const AFTERMATH: Duration = Duration::from_millis(500);

/// After SIGTERM, before SIGKILL.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// So much of standard output is kept, in bytes.
const MOST_OUTPUT: usize = 64 * 1024;

/// So many lines are told when a hook fails.
const LAST_LINES: usize = 8;

/// No line is longer, in bytes.
const LONGEST_LINE: usize = 4 * 1024;

/// Runs a program to its end, without input, in a process group of its own: when it takes too long, or nobody waits for
/// it any more, it is ended with all that it started. What it leaves running after its own end stays, for a hook may be
/// there to start something.
pub(super) async fn run(hook: &str, program: &Program, limit: Duration) -> Result<Ran, HookError> {
    let start = |source| HookError::Start { hook: hook.to_owned(), source };
    let mut child = command(program).spawn().map_err(start)?;
    let mut group = Group::of(&child);
    let heard = Heard::default();
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let listening = async {
        tokio::join!(
            async {
                if let Some(pipe) = stdout {
                    listen(hook, pipe, &heard, Pipe::Stdout).await
                }
            },
            async {
                if let Some(pipe) = stderr {
                    listen(hook, pipe, &heard, Pipe::Stderr).await
                }
            },
        )
    };
    let mut listening = pin!(listening);
    let mut heard_all = false;
    let ended = tokio::time::timeout(limit, async {
        loop {
            tokio::select! {
                status = child.wait() => return status,
                _ = &mut listening, if !heard_all => heard_all = true,
            }
        }
    });
    let Ok(status) = ended.await else {
        group.end(&mut child).await;
        let (_, last_lines) = heard.take_parts();
        let (hook, purpose) = (hook.to_owned(), program.purpose.clone());
        return Err(HookError::TimedOut { hook, purpose, limit, last_lines });
    };
    group.released = true;
    if !heard_all {
        let _ = tokio::time::timeout(AFTERMATH, &mut listening).await;
    }
    let exit = exit(status.map_err(start)?);
    tracing::info!("hook {hook} ({}) {exit}", printable(&program.purpose));
    let (stdout, last_lines) = heard.take_parts();
    Ok(Ran { exit, stdout, last_lines })
}

fn command(program: &Program) -> Command {
    let mut command = Command::new(&program.path);
    command.args(&program.arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.process_group(0).kill_on_drop(true);
    for name in SECRETS {
        command.env_remove(name);
    }
    for (name, value) in &program.defaults {
        if std::env::var_os(name).is_none() {
            command.env(name, value);
        }
    }
    for (name, value) in &program.environment {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

fn exit(status: ExitStatus) -> Exit {
    match status.code() {
        Some(code) => Exit::Status(code),
        // Neither a code nor a signal: there is no such end (wait(2)).
        None => Exit::Signal(status.signal().unwrap_or_default()),
    }
}

/// A process group that ends when nobody waits for it any more.
struct Group {
    id: Option<Pid>,
    /// Its leader has ended and was waited for: the number may be somebody else's by now.
    released: bool,
}

impl Group {
    fn of(child: &Child) -> Self {
        Self { id: child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw), released: false }
    }

    /// Asks it to end, and sees to it.
    async fn end(&mut self, child: &mut Child) {
        self.signal(Signal::SIGTERM);
        if tokio::time::timeout(LAST_WORDS, child.wait()).await.is_err() {
            self.signal(Signal::SIGKILL);
            let _ = child.wait().await;
        }
        self.released = true;
    }

    fn signal(&self, signal: Signal) {
        if let Some(id) = self.id.filter(|_| !self.released) {
            // It may be gone already.
            let _ = killpg(id, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
    }
}

/// What a hook wrote.
#[derive(Default)]
struct Heard(Mutex<Output>);

#[derive(Default)]
struct Output {
    stdout: Vec<u8>,
    /// The last lines of each pipe.
    lines: [VecDeque<String>; 2],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pipe {
    Stdout,
    Stderr,
}

impl Heard {
    fn output(&self) -> std::sync::MutexGuard<'_, Output> {
        // Nothing panics while this lock is held; should it, the output is whole all the same.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Standard output, and the last lines that may tell why something failed: of standard error, if there are any.
    fn take_parts(&self) -> (String, Vec<String>) {
        let Output { stdout, lines: [of_stdout, of_stderr] } = std::mem::take(&mut *self.output());
        let last_lines = if of_stderr.is_empty() { of_stdout } else { of_stderr };
        (String::from_utf8_lossy(&stdout).into_owned(), last_lines.into())
    }

    fn line(&self, hook: &str, pipe: Pipe, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        let line = printable(line.trim_end());
        if line.is_empty() {
            return;
        }
        tracing::info!("hook {hook}: {line}");
        let mut output = self.output();
        let lines = &mut output.lines[pipe as usize];
        if lines.len() == LAST_LINES {
            lines.pop_front();
        }
        lines.push_back(line.into_owned());
    }

    fn keep(&self, bytes: &[u8]) {
        let mut output = self.output();
        let room = MOST_OUTPUT - output.stdout.len();
        output.stdout.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

/// Hears a pipe to its end, line by line.
async fn listen(hook: &str, mut pipe: impl AsyncRead + Unpin, heard: &Heard, of: Pipe) {
    let (mut chunk, mut line) = ([0; 4096], Vec::new());
    loop {
        let length = match pipe.read(&mut chunk).await {
            Ok(0) | Err(_) => break,
            Ok(length) => length,
        };
        if of == Pipe::Stdout {
            heard.keep(&chunk[..length]);
        }
        for &byte in &chunk[..length] {
            match byte {
                b'\n' => heard.line(hook, of, &std::mem::take(&mut line)),
                _ if line.len() < LONGEST_LINE => line.push(byte),
                _ => {}
            }
        }
    }
    heard.line(hook, of, &line);
}

/// Whether this can be started: a file that somebody may execute.
pub(super) fn is_executable(path: &std::path::Path) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = std::fs::metadata(path)?;
    Ok(metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    const PLENTY: Duration = Duration::from_secs(60);

    fn sh(text: &str) -> Program {
        Program::new("/bin/sh", vec!["-c".into(), text.into()])
    }

    #[tokio::test]
    async fn status_output_and_last_lines_are_told() {
        let program = sh("echo out; printf 'bad \\033[31m' >&2; cat; exit 3");
        let ran = run("h", &program, PLENTY).await.unwrap();
        assert_eq!((ran.exit, ran.stdout.as_str()), (Exit::Status(3), "out\n"));
        assert_eq!(ran.last_lines, ["bad \u{fffd}[31m"], "not what is meant for programs");
        assert_eq!(run("h", &sh("echo out"), PLENTY).await.unwrap().last_lines, ["out"]);
        let ran = run("h", &sh("kill -9 $$"), PLENTY).await.unwrap();
        assert_eq!(ran.exit, Exit::Signal(9));
        let missing = Program::new("/nowhere/at/all", vec![]);
        assert!(matches!(run("h", &missing, PLENTY).await, Err(HookError::Start { .. })));
    }

    #[tokio::test]
    async fn the_environment_is_set_taken_away_and_completed() {
        let mut program = sh("echo \"$A,${HOME-none},$PATH_OF_MINE\"");
        program.environment = vec![("A", Some("a b;$(c)".into())), ("HOME", None)];
        program.defaults = vec![("PATH_OF_MINE", "x".into()), ("PATH", "/nowhere".into())];
        assert_eq!(run("h", &program, PLENTY).await.unwrap().stdout, "a b;$(c),none,x\n");
    }

    #[tokio::test]
    async fn what_takes_too_long_is_ended_with_all_its_children() {
        let folder = tempfile::tempdir().unwrap();
        let alive = folder.path().join("pid");
        let program = sh(&format!("sleep 300 & echo $! >{}; echo waiting; wait", alive.display()));
        let error = run("h", &program, Duration::from_millis(500)).await.unwrap_err();
        assert!(matches!(&error, HookError::TimedOut { last_lines, .. } if last_lines == &["waiting"]));
        gone(&alive).await;
    }

    #[tokio::test]
    async fn a_hook_that_nobody_waits_for_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let alive = folder.path().join("pid");
        let program = sh(&format!("trap '' TERM; sleep 300 & echo $! >{}; wait", alive.display()));
        let _ = tokio::time::timeout(Duration::from_millis(500), run("h", &program, PLENTY)).await;
        gone(&alive).await;
    }

    #[tokio::test]
    async fn what_a_hook_leaves_running_stays_and_is_not_waited_for() {
        let begun = Instant::now();
        let ran = run("h", &sh("sleep 30 & echo $!"), PLENTY).await.unwrap();
        assert!(begun.elapsed() < Duration::from_secs(20));
        let pid = Pid::from_raw(ran.stdout.trim().parse().unwrap());
        nix::sys::signal::kill(pid, Signal::SIGKILL).unwrap();
    }

    /// Waits until the process whose number is in this file has ended.
    async fn gone(file: &std::path::Path) {
        let deadline = Instant::now() + Duration::from_secs(10);
        let pid: i32 = std::fs::read_to_string(file).unwrap().trim().parse().unwrap();
        let status = format!("/proc/{pid}/stat");
        // A zombie that nobody waits for has ended too.
        while std::fs::read_to_string(&status).is_ok_and(|stat| !stat.contains(") Z")) {
            assert!(Instant::now() < deadline, "{pid} still runs");
            tokio::task::yield_now().await;
        }
    }
}
