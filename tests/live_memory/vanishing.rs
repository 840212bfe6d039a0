//! Processes that come and go while they are read, and numbers that change hands.
//!
//! `ns_last_pid` (with `CONFIG_CHECKPOINT_RESTORE`) says which number the kernel gave last; who writes it
//! chooses the next one.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::measured;

/// A shell that runs until this is dropped.
struct Shell(Child);

impl Shell {
    fn start(script: &str) -> Shell {
        let mut shell = Command::new("bash");
        Shell(shell.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap())
    }

    /// A shell called `eb-reused` that uses CPU time for so many turns, and then waits.
    fn busy(turns: u32) -> Shell {
        Shell::start(&format!(
            "printf eb-reused > /proc/self/comm; for ((i = 0; i < {turns}; i++)); do :; done; echo ready; read"
        ))
    }

    fn wait_until_ready(&mut self) {
        let mut line = String::new();
        BufReader::new(self.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
#[ignore = "live: starts some thousand processes"]
fn a_process_that_ends_while_it_is_read_spoils_nothing() {
    let _churn = Shell::start("for i in {1..5000}; do for j in {1..8}; do /bin/true & done; wait; done");
    for _ in 0..20 {
        // Every run ends well, with both ledgers closed, or `now` fails.
        let measured = measured::now();
        assert_eq!(measured.footprint.remarks.counter_resets, 0);
        // A run has some tens of ticks: time from before it, or of another process, would be far more.
        let ticks = measured.footprint.cpu.interval_ticks;
        let parts = measured.footprint.cpu.parts.values();
        assert!(parts.clone().all(|part| part.unsigned_abs() <= 10 * ticks), "{ticks} ticks: {parts:?}");
    }
}

#[test]
#[ignore = "live: chooses the number of a process"]
fn a_number_that_is_used_again_is_another_process() {
    let mut before = Shell::busy(100_000);
    before.wait_until_ready();
    let pid = before.0.id();
    let mut after = None;
    let measured = measured::during("2500ms", || {
        // The first pass over the processes is over by then.
        sleep(Duration::from_millis(700));
        drop(before);
        // Another process may be faster and take the number.
        let mut tries = std::iter::repeat_with(|| {
            fs::write("/proc/sys/kernel/ns_last_pid", (pid - 1).to_string()).unwrap();
            Shell::busy(300_000)
        });
        let mut shell = tries.by_ref().take(100).find(|shell| shell.0.id() == pid).unwrap();
        shell.wait_until_ready();
        after = Some(shell);
    });
    let (row, process) = (measured.row("eb-reused"), measured.process(pid));
    assert_eq!(row.processes, 1);
    assert!(process.cpu.own().0 >= 10, "too little to tell them apart: {:?}", process.cpu);
    assert_eq!(row.cpu.total(), process.cpu.own(), "all of its time, and none of its predecessor's");
    assert_eq!(measured.footprint.remarks.counter_resets, 0);
}
