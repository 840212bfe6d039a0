//! Without privileges: what everybody may read is whole, the rest is absent and said to be.
//!
//! `smaps_rollup` and `exe` of another user's process need ptrace access (`fs/proc/base.c`); `stat`, `statm`,
//! `status` and `cmdline` do not. On a machine of the test's own making it is known who denies what.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use edgebench::footprint::Proportion;
use edgebench_tests::{Host, StandIn, binaries};

use crate::MIB;
use crate::measured::Program;

#[test]
#[ignore = "live: takes 60 MiB of the node's memory"]
fn another_users_pss_is_absent_and_everything_else_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let process = StandIn::start(dir.path(), "virt-exportproxy", 60_000, 0.0, &[]);
    let measured = Program::new().measured_as_nobody(&[]);
    let footprint = &measured.footprint;
    assert_eq!(footprint.capture.uid, Some(65_534));

    for metric in ["CPU used", "RAM used (sar)", "RAM used (available)"] {
        let row = measured.text.lines().find(|line| line.trim_start().starts_with(metric)).unwrap();
        assert!(row.contains(" % "), "{row}");
    }
    assert!(footprint.node.memory.used > 0.0 && footprint.node.memory_unavailable_kib > 0.0);

    // It is known by its command line, for its exe can't be read either.
    let row = measured.row("virt-exportproxy");
    assert_eq!(row.proportional, Proportion::Unknown);
    assert_eq!(measured.printed("virt-exportproxy", "PSS MiB"), "-");
    assert_eq!(row.resident.kib(), process.resident_kib());
    let charge = process.status_kib("RssAnon") + process.status_kib("VmPTE");
    assert_eq!(measured.charge_kib("virt-exportproxy"), charge as i64, "RssAnon stands in");

    let denied = footprint.remarks.denied["smaps_rollup"];
    assert!(denied > 1 && footprint.remarks.denied["exe"] >= denied, "{:?}", footprint.remarks.denied);
    let notes = measured.notes();
    assert!(notes.contains(&format!("PSS of {denied} of ")), "{notes}");
    assert!(notes.contains("CAP_SYS_PTRACE") && notes.contains("edgebench doctor"), "{notes}");
}

/// A text without its line breaks.
fn words(text: &[u8]) -> String {
    String::from_utf8_lossy(text).split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

/// Two of its processes may not be read to the end.
fn partly_denied() -> Host {
    let host = Host::new()
        .process(10, |p| p.exe("/usr/bin/virt-handler").anon_kib(40 * MIB))
        .process(11, |p| p.exe("/usr/bin/virt-api").anon_kib(50 * MIB))
        .process(12, |p| p.exe("/usr/bin/virt-api").anon_kib(60 * MIB))
        .process(13, |p| p.exe("/usr/sbin/sshd").anon_kib(4 * MIB));
    let mode = |path: &str, mode| {
        fs::set_permissions(host.path().join(path), fs::Permissions::from_mode(mode)).unwrap();
    };
    mode("", 0o755);
    mode("proc/12/smaps_rollup", 0);
    mode("proc/13", 0o700);
    host
}

#[test]
#[ignore = "live: runs as another user"]
fn what_is_denied_is_counted_by_file() {
    let host = partly_denied();
    let procfs = host.proc.to_str().unwrap();
    let measured = Program::new().measured_as_nobody(&["--procfs", procfs]);
    let denied: Vec<_> = measured.footprint.remarks.denied.iter().collect();
    assert_eq!(denied, [(&"smaps_rollup".to_owned(), &1), (&"stat".to_owned(), &1)]);
    assert_eq!(measured.pss_kib("virt-handler"), 40 * MIB);
    assert_eq!(measured.row("virt-api").proportional, Proportion::Unknown, "a partial sum is no figure");
    assert_eq!(measured.row("virt-api").resident.kib(), 110 * MIB);
    assert_eq!(measured.footprint.components.iter().map(|row| row.processes).sum::<usize>(), 3);
    assert!(measured.notes().contains("PSS of 1 of 3 processes is denied"), "{}", measured.notes());
}

#[test]
#[ignore = "live: runs as another user"]
fn the_doctor_names_the_capability_that_is_missing() {
    let output = Program::new().doctor_as_nobody(&[]);
    let text = words(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let (_, failed) = text.split_once("FAIL PSS").unwrap_or_else(|| panic!("{text}"));
    assert!(failed.contains("fix: root, or capability SYS_PTRACE"), "{text}");
    assert!(text.contains("uid 65534"), "{text}");
}

#[test]
#[ignore = "live: needs root"]
fn the_doctor_finds_all_figures_as_root_or_says_what_denies_them() {
    let output = Command::new(binaries::edgebench()).arg("doctor").output().unwrap();
    let text = words(&output.stdout);
    match output.status.code() {
        Some(0) => assert!(text.contains("All figures can be measured here"), "{text}"),
        // A security module, or a user namespace, may deny single processes even to root.
        Some(1) => assert!(text.contains("security module") || text.contains("cgroup"), "{text}"),
        other => panic!("{other:?}: {text}"),
    }
}
