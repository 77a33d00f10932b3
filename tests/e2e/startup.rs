//! Start-up is a matter of milliseconds.

use std::process::Command;
use std::time::{Duration, Instant};

/// The release binary is held to 5 ms by the test command; a debug build, on a machine that runs all other tests at
/// the same time, to ten times that. The best of many runs counts: everything else is the machine's.
pub(crate) fn version_is_quick() {
    let (program, limit) = match std::env::var_os("CACERT_ACME_RELEASE_BINARY") {
        Some(program) => (program, Duration::from_millis(5)),
        None => (crate::common::CLIENT.into(), Duration::from_millis(50)),
    };
    let best = (0..50).map(|_| {
        let started = Instant::now();
        let output = Command::new(&program).arg("--version").env_clear().output().unwrap();
        let taken = started.elapsed();
        assert_eq!(
            String::from_utf8(output.stdout).unwrap(),
            concat!("cacert-acme ", env!("CARGO_PKG_VERSION"), "\n")
        );
        taken
    });
    let best = best.min().unwrap();
    assert!(best < limit, "{best:?}");
}
