//! A test that is alone: what else runs on the machine is not in its `/proc`.
//!
//! In a pid namespace of its own (pid_namespaces(7)) a process sees those of that namespace in a procfs mounted
//! there, and numbers are given out anew: taking one again disturbs nobody.

use std::env;
use std::process::Command;

const INSIDE: &str = "EDGEBENCH_TEST_IS_ALONE";

/// Runs the test of this name again, alone. Says whether this is that run: if it is not, it has passed.
///
/// # Panics
/// If it fails there.
pub fn alone(test: &str) -> bool {
    if env::var_os(INSIDE).is_some() {
        return true;
    }
    let status = Command::new("unshare")
        .args(["--pid", "--fork", "--kill-child", "--mount-proc"])
        .arg(env::current_exe().expect("this program"))
        .args([test, "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .env(INSIDE, "1")
        .status()
        .expect("unshare");
    assert!(status.success(), "{test}, alone: {status}");
    false
}
