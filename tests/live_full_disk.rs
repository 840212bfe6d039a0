//! A disk that fills up costs the file that was being written, and nothing else.
//!
//! The disk is a tmpfs of a few pages, mounted in a mount namespace of its own (mount_namespaces(7)): that
//! takes root. A write beyond its size is ENOSPC, as on a real one.
//!
//! Run with `tests/run`, or alone, as root:
//! `cargo test -p edgebench-tests --test live_full_disk -- --ignored --test-threads=1`

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

use std::process::{Command, Stdio};

use edgebench_tests::workdir::{Outcome, outcome};
use edgebench_tests::{Host, Workdir, binaries};

/// Runs `script` where `disk` is a new disk of `size`, `$0` is edgebench and `$1` the procfs of `host`.
fn on_a_disk_of(size: &str, host: &Host, script: &str) -> Outcome {
    let dir = Workdir::new();
    let mount = "set -e; mkdir disk; mount -t tmpfs -o size=$SIZE,mode=755 edgebench-test disk";
    let child = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", &format!("{mount}; set +e; {script}")])
        .arg(binaries::edgebench())
        .arg(&host.proc)
        .env("SIZE", size)
        .current_dir(dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let outcome = outcome(child);
    assert!(!outcome.stderr.contains("unshare:") && !outcome.stderr.contains("mount:"), "{}", outcome.stderr);
    outcome
}

const MEASURE: &str = "\"$0\" footprint --samples 40 --interval 10ms --procfs \"$1\"";

#[test]
#[ignore = "live: mounts a file system, as root"]
fn a_disk_that_fills_up_during_the_run_costs_the_capture_and_not_the_figures() {
    // Compressed, it takes many processes to fill a page.
    let host = (100..500).fold(Host::new(), |host, pid| {
        let odd = u64::from(pid).wrapping_mul(2_654_435_761) % 10_007;
        host.process(pid, |p| p.comm(format!("process-{odd}")).started_at(odd).anon_kib(4 * odd))
    });
    for name in ["capture.json", "capture.json.gz"] {
        let script = format!("{MEASURE} --save disk/{name}; echo code $?; ls -A disk");
        let outcome = on_a_disk_of("4k", &host, &script);
        assert_eq!(
            outcome.stderr,
            format!(
                "edgebench: disk/{name}: can't be saved: No space left on device (os error 28); nothing was saved\n"
            )
        );
        assert!(outcome.stdout.contains("40 samples") && outcome.stdout.contains("Summary"));
        // Nothing is listed after the exit code.
        assert!(outcome.stdout.ends_with("code 2\n"), "{}", outcome.stdout);
        assert!(!outcome.stdout.contains("Saved to"), "{}", outcome.stdout);
    }
}

#[test]
#[ignore = "live: mounts a file system, as root"]
fn what_was_there_stays_as_it_was() {
    let host = Host::new();
    let script = format!(
        "echo old > disk/capture.json; echo old > disk/result.json
         {MEASURE} --save disk/capture.json --format json --output disk/result.json; echo code $?
         cat disk/capture.json disk/result.json; ls -A disk"
    );
    let outcome = on_a_disk_of("12k", &host, &script);
    assert_eq!(outcome.stdout, "code 2\nold\nold\ncapture.json\nresult.json\n", "{}", outcome.stderr);
    assert_eq!(
        outcome.stderr,
        "edgebench: disk/capture.json: can't be saved: No space left on device (os error 28); nothing was saved; \
         disk/result.json: can't be written; nothing was written: No space left on device (os error 28)\n"
    );
}

#[test]
#[ignore = "live: mounts a file system, as root"]
fn a_disk_that_can_only_be_read_is_known_before_measuring() {
    let script = "mount -o remount,ro disk
         \"$0\" footprint --samples 10 --interval 1h --procfs \"$1\" --save disk/capture.json; echo code $?
         \"$0\" footprint --samples 10 --interval 1h --procfs \"$1\" --output disk/result; echo code $?";
    let outcome = on_a_disk_of("64k", &Host::new(), script);
    assert_eq!(outcome.stdout, "code 2\ncode 2\n");
    assert_eq!(outcome.stderr.lines().count(), 2, "{}", outcome.stderr);
    for name in ["capture.json", "result"] {
        let words = format!("edgebench: disk/{name}: can't be written: ");
        assert!(outcome.stderr.contains(&words), "{}", outcome.stderr);
    }
}
