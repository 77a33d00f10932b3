//! What a program costs, by the kernel's word: getrusage(2), proc_pid_status(5).

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

/// A client that takes longer is out of the race.
const LONGEST: Duration = Duration::from_secs(600);

/// What one run took.
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    /// Processor time in user and kernel mode, with all that the program waited for.
    pub(crate) cpu: Duration,
    /// The most memory that the program itself held, in bytes.
    pub(crate) memory: u64,
}

/// Runs a program to its end; its last words are the error when it fails.
pub(crate) fn measure(command: &mut Command) -> Result<Cost, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let said = tempfile::tempfile().map_err(|error| error.to_string())?;
    let stderr = said.try_clone().map_err(|error| error.to_string())?;
    let (before, started) = (cpu_of_children()?, Instant::now());
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(stderr)
        .spawn()
        .map_err(|error| format!("{name}: {error}"))?;
    let mut memory = 0;
    let status = loop {
        memory = memory.max(peak_memory(child.id()).unwrap_or(0));
        match child.try_wait().map_err(|error| error.to_string())? {
            Some(status) => break status,
            None if started.elapsed() > LONGEST => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("{name}: more than {} s", LONGEST.as_secs()));
            }
            None => std::thread::park_timeout(Duration::from_millis(1)),
        }
    };
    let wall = started.elapsed();
    if !status.success() {
        return Err(format!("{name}: {status}: {}", last_words(said)));
    }
    Ok(Cost { wall, cpu: cpu_of_children()? - before, memory })
}

fn cpu_of_children() -> Result<Duration, String> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(|error| error.to_string())?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(Duration::from_micros(micros.unsigned_abs()))
}

/// The most memory that a process has held so far, in bytes; `None` when it has ended.
fn peak_memory(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.split_ascii_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

fn last_words(mut file: fs::File) -> String {
    use std::io::{Read as _, Seek as _};
    let mut text = String::new();
    let _ = file.rewind().and_then(|()| file.read_to_string(&mut text));
    let lines: Vec<&str> = text.lines().rev().take(3).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join(" / ")
}
