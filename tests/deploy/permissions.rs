//! What is lost without a capability is said in the same words wherever `deploy/` grants one outside of a chart.

use std::fs;

use edgebench_exporter::permissions::{DAC_READ_SEARCH, SYS_PTRACE};

/// The comments of a file on one line, and what they are about.
fn comments(name: &str) -> (String, String) {
    let path = format!("{}/../deploy/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let comments = text.lines().filter_map(|line| line.trim().strip_prefix('#')).map(str::trim);
    (comments.collect::<Vec<_>>().join(" "), text)
}

#[test]
fn the_unit_and_the_job_say_it_in_the_charts_words() {
    let (unit, _) = comments("systemd/edgebench-exporter.service");
    for permission in [&SYS_PTRACE, &DAC_READ_SEARCH] {
        assert!(unit.contains(&format!("CAP_{}: {}.", permission.name, permission.lost)), "{unit}");
    }
    let (job, text) = comments("footprint-job.yaml");
    assert!(job.contains(&format!("is lost: {}.", SYS_PTRACE.lost)), "{job}");
    assert!(text.contains("add: [SYS_PTRACE]\n"), "no more than it says");
}
