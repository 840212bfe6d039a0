//! A long run takes no more memory than a short one, but for three numbers a sample.
//!
//! `VmHWM` of `/proc/PID/status` is the highest RSS so far (proc(5)). A report that is longer than a pipe
//! (64 KiB, pipe(7)) waits for its reader, so that all measuring is done and the program is still there.
//!
//! Run with `tests/run`, or alone:
//! `cargo test -p edgebench-tests --test live_long_run -- --ignored --test-threads=1`

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

use std::io::Read;

use edgebench_tests::{Host, Workdir};

#[test]
#[ignore = "live: runs for 15 seconds"]
fn a_run_of_1500_samples_stays_below_12_mib() {
    let host = (100..400)
        .fold(Host::new(), |host, pid| host.process(pid, |p| p.comm(format!("p-{pid}")).anon_kib(2000)));
    let procfs = host.proc.to_str().unwrap();
    let long = ["footprint", "--samples", "1500", "--interval", "10ms", "--procfs", procfs];
    let dir = Workdir::new();
    let more = ["--save", "capture.json.gz", "--format", "json"];
    let mut child = dir.command([&long[..], &more].concat()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut [0]).unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert!(child.wait().unwrap().success());

    let report: serde_json::Value = serde_json::from_str(&format!("{{{rest}")).unwrap();
    assert_eq!(report["capture"]["captures"][0]["capture"]["samples"], 1500);
    // There is none once it has ended.
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(kib < 12 * 1024, "{kib} KiB");
}
