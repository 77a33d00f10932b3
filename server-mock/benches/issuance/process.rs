//! What the kernel says about a process (proc_pid_stat(5), proc_pid_status(5)).

use std::{fs, io, time::Duration};

/// The unit of the times in `/proc/PID/stat`, 1/100 s on every Linux that programs see.
const TICK: Duration = Duration::from_millis(10);

/// The processor time that a process has used so far, in user and kernel mode, all threads.
pub(crate) fn cpu(pid: u32) -> io::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The second field is a name in parentheses that may hold anything; utime and stime are the 14th and 15th.
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: Vec<u32> =
        after_name.split_ascii_whitespace().skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
    match ticks[..] {
        [user, kernel] => Ok(TICK * (user + kernel)),
        _ => Err(io::Error::other(format!("/proc/{pid}/stat has no times: {stat:?}"))),
    }
}

/// The memory that a process holds, in bytes.
pub(crate) fn memory(pid: u32) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_ascii_whitespace().next()?.parse::<u64>().ok());
    kilobytes.map(|kilobytes| kilobytes * 1024).ok_or_else(|| io::Error::other("no VmRSS: the process ended"))
}
