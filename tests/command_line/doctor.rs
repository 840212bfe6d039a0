//! `doctor` says what can be read, and its exit code is one that a pipeline can gate on: 0 all figures,
//! 1 some are missing, 2 nothing can be measured.

use edgebench_tests::workdir::Outcome;
use edgebench_tests::{Host, Workdir};

use super::kubevirt;

fn doctor(host: &Host) -> Outcome {
    let outcome = Workdir::new().run(["doctor", "--procfs", host.proc.to_str().unwrap()]);
    assert!(outcome.stdout.lines().all(|line| line.chars().count() <= 100), "{}", outcome.stdout);
    outcome
}

#[test]
fn a_node_that_says_everything_is_well() {
    let outcome = doctor(&kubevirt(100_000));
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""), "{}", outcome.stdout);
    let words = outcome.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.starts_with("edgebench ") && words.contains(" on edge-0417, "), "{words}");
    assert!(!outcome.stdout.contains("FAIL"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("All figures can be measured here"));
    for check in ["node CPU and memory", "processes: CPU, RES, anonymous", "PSS, guest RAM, VM overhead"] {
        assert!(outcome.stdout.contains(&format!("ok    {check}")), "{}", outcome.stdout);
    }
}

#[test]
fn a_real_node_is_looked_at_whole() {
    let outcome = doctor(&Host::unpack("node-kubevirt-1.9/4-vm/t1"));
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("1 VM: default/edge-vm"), "{}", outcome.stdout);
}

#[test]
fn what_is_missing_is_named_with_what_it_costs_and_what_to_do() {
    let host = kubevirt(100_000);
    host.step(|h| h.process(10, |p| p.without("smaps_rollup")).process(20, |p| p.without("smaps_rollup")));
    let outcome = doctor(&host);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (1, ""), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("FAIL  PSS, guest RAM, VM overhead"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("lost: PSS, guest RAM and VM overhead"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("fix:  "), "{}", outcome.stdout);
    // The rest of the figures is there all the same.
    let measured = Workdir::new().run(super::footprint(&host, &[]));
    assert_eq!(measured.code, 0, "{}", measured.stderr);
}

#[test]
fn a_warning_is_no_failure() {
    let outcome = doctor(&kubevirt(100_000).without("proc/zoneinfo"));
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("warn  node CPU and memory"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("lost: pages in per-CPU free lists"), "{}", outcome.stdout);
}

#[test]
fn a_node_that_can_not_be_measured_is_an_error() {
    for file in ["proc/stat", "proc/meminfo"] {
        let host = Host::new().without(file);
        Workdir::new().refuses(["doctor", "--procfs", host.proc.to_str().unwrap()], &[file]);
    }
}
