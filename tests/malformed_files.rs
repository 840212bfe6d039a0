//! A file that is not what the kernel documents is an error that names it, its line and what is wrong.
//!
//! A file that is gone is a process that ended; one that may not be read is counted. Text that can't be read
//! is neither: a figure formed without it would be wrong in silence, so there is none.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

use std::process::Command;

use edgebench_tests::one_sample::measured;
use edgebench_tests::{Host, binaries};

/// A host with one process, until a file is broken.
fn host() -> Host {
    Host::new().process(7, |p| p.exe("/usr/bin/virt-handler").anon_kib(40_000).cpu_ticks(10, 5))
}

/// What is said once `file` holds `text`.
fn refusal(file: &str, text: &str) -> String {
    let host = host().file(file, text);
    let error = match measured(&host, [|h: Host| h]) {
        Ok(_) => panic!("{file} was taken as it is:\n{text}"),
        Err(error) => error.to_string(),
    };
    let path = host.path().join(file);
    let rest = error.strip_prefix(&format!("{}: ", path.display()));
    rest.unwrap_or_else(|| panic!("`{error}` does not begin with {}", path.display())).to_owned()
}

/// The first half of what the file holds now.
fn first_half(file: &str) -> String {
    let text = host().read(file);
    text[..text.len() / 2].to_owned()
}

#[test]
fn the_line_is_named() {
    for (file, text, line) in [
        ("proc/stat", "cpu  1 2 3 4 5 6 7 8\ncpu0 1 2 x 4 5 6 7 8\n", 2),
        ("proc/meminfo", "MemTotal: 8147448 kB\nMemFree: much kB\n", 2),
        ("proc/zoneinfo", "Node 0, zone      DMA\n  pagesets\n    cpu: 0\n              count: x\n", 4),
        ("proc/7/stat", "7 (virt-handler S 1 7 7 0\n", 1),
        ("proc/7/statm", "100 x 3 0 0 0 0\n", 1),
        ("proc/7/status", "Name:\ta\nUid:\troot\n", 2),
        ("proc/7/smaps_rollup", "0-1 ---p 0 0:0 0 [rollup]\nRss: 4 kB\nPss: x kB\n", 3),
    ] {
        let refusal = refusal(file, text);
        assert!(refusal.starts_with(&format!("line {line}: ")), "{file}: {refusal}");
    }
}

#[test]
fn a_file_that_is_cut_short_is_refused() {
    for file in ["proc/stat", "proc/meminfo", "proc/7/status", "proc/7/smaps_rollup"] {
        let refusal = refusal(file, &first_half(file));
        assert!(refusal.starts_with("line "), "{file}: {refusal}");
    }
}

#[test]
fn an_empty_file_is_refused() {
    for file in ["proc/stat", "proc/meminfo", "proc/7/stat", "proc/7/statm", "proc/7/smaps_rollup"] {
        let refusal = refusal(file, "");
        assert!(refusal.starts_with("line 1: "), "{file}: {refusal}");
    }
}

#[test]
fn the_program_says_so_on_stderr_and_prints_no_figure() {
    let host = host().file("proc/7/stat", "7 (virt-handler S 1 7 7 0\n");
    let output = Command::new(binaries::edgebench())
        .args(["footprint", "--samples", "1", "--interval", "10ms", "--procfs"])
        .arg(&host.proc)
        .output()
        .unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert_eq!(output.stdout, b"");
    assert!(message.contains("proc/7/stat: line 1: "), "{message}");
    assert_eq!(message.lines().count(), 1, "{message}");
}
