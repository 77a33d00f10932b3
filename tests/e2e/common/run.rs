//! Programs run to their end, and never longer than a deadline.

use std::io::{Read, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Longer than any test's program takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(120);

/// What a program said and how it ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The exit status, or 128 and the signal.
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        self.exits(0)
    }

    #[track_caller]
    pub(crate) fn exits(self, status: i32) -> Self {
        assert_eq!(self.status, status, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Checks that the errors tell this.
    #[track_caller]
    pub(crate) fn tells(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "{text:?} is missing in\n{}", self.stderr);
        self
    }

    /// Checks that this is told nowhere.
    #[track_caller]
    pub(crate) fn keeps_secret(self, secret: &str) -> Self {
        assert!(!self.stdout.contains(secret) && !self.stderr.contains(secret), "{self:?}");
        self
    }

    /// The document on standard output, which must be all that is there.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

#[track_caller]
pub(crate) fn run(command: Command) -> Outcome {
    run_with_input(command, "")
}

#[track_caller]
pub(crate) fn run_with_input(mut command: Command, input: &str) -> Outcome {
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    // A program that does not read its input may be gone already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let (stdout, stderr) = (collect(child.stdout.take().unwrap()), collect(child.stderr.take().unwrap()));
    let status = wait(&mut child);
    Outcome { status, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
}

/// Waits for a program's end; one that does not end is killed and fails the test.
#[track_caller]
pub(crate) fn wait(child: &mut Child) -> i32 {
    let mut status = None;
    let ended = try_poll(DEADLINE, || {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    if !ended {
        child.kill().unwrap();
        panic!("the program did not end within {DEADLINE:?}");
    }
    let status = status.unwrap();
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap()
}

/// Asks again and again until it is so.
#[track_caller]
pub(crate) fn poll(what: &str, is_so: impl FnMut() -> bool) {
    assert!(try_poll(Duration::from_secs(30), is_so), "{what}: not within 30 s");
}

/// Asks until it is so, or patience ends.
pub(crate) fn try_poll(patience: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + patience;
    while !is_so() {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::park_timeout(Duration::from_millis(2));
    }
    true
}

fn collect(mut pipe: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
