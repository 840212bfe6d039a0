//! The exporter without a single privilege: what everybody may read is served, the rest is absent, and each refusal is
//! counted once.
//!
//! `stat`, `statm`, `status` and `cgroup` of another user's process may be read by all; `exe`, `io`, `fd`, `smaps` and
//! `smaps_rollup` ask for ptrace access (`fs/proc/base.c`). In a pid namespace of the test's own it is known who there
//! is.
//!
//! Run with `tests/run`, or alone as root:
//! `cargo test -p edgebench-tests --test live_unprivileged -- --ignored --test-threads=1`

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

use std::collections::BTreeMap;
use std::fs;

use edgebench_tests::StandIn;
use edgebench_tests::alone::alone;
use edgebench_tests::exporter::Exporter;
use edgebench_tests::exposition::Exposition;

/// What was refused or failed so far, by the collector's name and the reason.
fn errors(exposition: &Exposition) -> BTreeMap<(String, String), u64> {
    let all = exposition.series().into_iter();
    let errors = all.filter(|(series, _)| series.0 == "edgebench_collector_errors_total");
    let label = |labels: &BTreeMap<String, String>, name: &str| labels[name].clone();
    errors
        .map(|(series, count)| ((label(&series.1, "collector"), label(&series.1, "reason")), count as u64))
        .filter(|(_, count)| *count > 0)
        .collect()
}

#[test]
#[ignore = "live: runs as another user"]
fn another_users_files_are_refused_once_each_and_all_else_is_served() {
    if !alone("another_users_files_are_refused_once_each_and_all_else_is_served") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let process = StandIn::start(dir.path(), "virt-handler", 20_000, 0.1, &[]);
    let exporter = Exporter::start_as_nobody(&["--discovery=auto", "--pss.budget=0.05"]);
    let status = fs::read_to_string(format!("/proc/{}/status", exporter.pid())).unwrap();
    assert!(status.contains("\nUid:\t65534\t65534\t65534\t65534\n"), "{status}");
    assert!(status.contains("\nCapEff:\t0000000000000000\n"), "{status}");

    let first = exporter.scrape_until("somebody's PSS was asked for", |now| {
        errors(now).keys().any(|(collector, _)| collector == "pss")
    });
    assert_eq!(first.value("edgebench_discovery_info", &[("mode", "list")]), 1.0, "no events for nobody");
    let refused = errors(&first);
    let expected = [
        // This test and the stand-in: both are root's.
        ("component", "exe_denied", 2),
        ("io", "io_denied", 1),
        ("pss", "smaps_rollup_denied", 1),
    ];
    let key = |collector: &str, reason: &str| (collector.to_owned(), reason.to_owned());
    let mut expected: BTreeMap<_, _> =
        expected.into_iter().map(|(collector, reason, count)| (key(collector, reason), count)).collect();
    let handler = [("component", "virt-handler")];
    // From Linux 6.2 on the size of the directory `fd` says how many there are, to everybody.
    if first.sum("edgebench_component_open_fds", &handler).is_none() {
        expected.insert(key("io", "fd_denied"), 1);
    }
    assert_eq!(refused, expected);

    let cpu = |now: &Exposition| now.sum("edgebench_component_cpu_seconds_total", &handler).unwrap();
    let before = cpu(&first);
    let later = exporter.scrape_until("it used CPU time", |now| cpu(now) > before);
    (0..5).for_each(|_| drop(exporter.scrape()));
    let last = exporter.scrape();
    assert_eq!(errors(&last), refused, "once, not at each scrape");
    assert_eq!(exporter.log().matches("_denied").count(), refused.len(), "{}", exporter.log());

    assert_eq!(last.value("edgebench_component_processes", &handler), 1.0);
    let resident = last.value("edgebench_component_resident_memory_bytes", &handler);
    assert_eq!(resident, (process.resident_kib() * 1024) as f64);
    let anonymous = last.value("edgebench_component_anonymous_memory_bytes", &handler);
    assert_eq!(anonymous, (process.status_kib("RssAnon") * 1024) as f64);
    for node in ["edgebench_node_memory_used_bytes", "edgebench_node_cpu_seconds_total"] {
        assert!(last.sum(node, &[]).unwrap() > 0.0, "{node}");
    }
    for absent in ["proportional_memory_bytes", "read_bytes_total", "written_bytes_total"] {
        let family = format!("edgebench_component_{absent}");
        assert_eq!(last.sum(&family, &handler), None, "{family}");
    }
    let steps = last.series().into_iter().filter(|(series, _)| series.0 == "edgebench_collector_success");
    assert!(steps.into_iter().all(|(_, success)| success == 1.0), "a refusal is no failure");
    drop(later);
}
