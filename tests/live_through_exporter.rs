//! This machine through the real exporter and by itself, at the same time: the figures are the same.
//!
//! The two runs take their readings a moment apart, so CPU figures agree as far as that moment goes; what does
//! not change agrees exactly.
//!
//! Run these with `tests/run`, or alone:
//! `cargo test -p edgebench-tests --test live_through_exporter -- --ignored --test-threads=1`

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

use edgebench_tests::exporter::Exporter;
use edgebench_tests::workdir::outcome;
use edgebench_tests::{StandIn, Workdir};
use serde_json::Value;

fn url(exporter: &Exporter) -> String {
    format!("http://{}", exporter.address)
}

/// The figures through the exporter and the local ones, of runs that began together.
fn both(dir: &Workdir, exporter: &Exporter, samples: &str) -> [Value; 2] {
    let run = ["footprint", "--samples", samples, "--format", "json"];
    let remote = dir.command([&run[..], &["--exporter", &url(exporter)]].concat()).spawn().unwrap();
    let local = dir.command(run).spawn().unwrap();
    [remote, local].map(|child| {
        let outcome = outcome(child);
        assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
        let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
        report["capture"]["captures"][0].clone()
    })
}

fn row<'a>(footprint: &'a Value, component: &str) -> &'a Value {
    let rows = footprint["components"].as_array().unwrap();
    rows.iter().find(|row| row["component"] == component).unwrap_or_else(|| panic!("no {component}"))
}

#[test]
#[ignore = "live: measures this machine for 10 s"]
fn the_figures_are_those_of_a_local_run() {
    let dir = Workdir::new();
    let busy = StandIn::start(dir.path(), "virt-handler", 40_000, 30.0, &[]);
    let exporter = Exporter::start(&["--pss.budget", "1"]);
    let [remote, local] = both(&dir, &exporter, "10");

    for field in ["memory_total", "hugetlb", "cpus"] {
        assert_eq!(remote["node"][field], local["node"][field], "{field}");
    }
    let differ = |field: &dyn Fn(&Value) -> f64| (field(&remote) - field(&local)).abs();
    let cpu = differ(&|footprint| footprint["node"]["cpu_used_percent"].as_f64().unwrap());
    assert!(cpu <= 5.0, "CPU used differs by {cpu} points");
    let ram = differ(&|footprint| footprint["node"]["memory"]["used_percent"].as_f64().unwrap());
    assert!(ram <= 1.0, "RAM used differs by {ram} points");

    let (ours, theirs) = (row(&remote, "virt-handler"), row(&local, "virt-handler"));
    assert_eq!(ours["processes"], theirs["processes"]);
    assert_eq!(ours["resident"], theirs["resident"], "its {} KiB do not change", busy.resident_kib());
    let ticks = |row: &Value| row["cpu"]["user"].as_f64().unwrap() + row["cpu"]["system"].as_f64().unwrap();
    let (ours, theirs) = (ticks(ours), ticks(theirs));
    // A moment of 0.3 s at both ends of 10 s.
    assert!((ours - theirs).abs() <= 0.06 * theirs + 2.0, "{ours} ticks of virt-handler, {theirs} locally");

    for ledger in [&remote["memory"], &remote["cpu"]] {
        let sum: i64 =
            ledger["parts"].as_array().unwrap().iter().map(|part| part["amount"].as_i64().unwrap()).sum();
        let total = ledger.get("used_kib").or(ledger.get("used_ticks")).unwrap();
        assert_eq!(sum, total.as_i64().unwrap());
    }
}

#[test]
#[ignore = "live: measures this machine for a second"]
fn readings_faster_than_the_exporter_takes_them_are_waited_for() {
    let dir = Workdir::new();
    let exporter = Exporter::start(&[]);
    let arguments = ["footprint", "--samples", "4", "--interval", "10ms", "--exporter", &url(&exporter)];
    dir.shows([&arguments[..], &["--save", "capture.json"]].concat());
    let text = String::from_utf8(dir.read("capture.json")).unwrap();
    let times: Vec<u64> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter_map(|line| line["scrape"]["at"].as_u64())
        .collect();
    assert_eq!(times.len(), 5);
    assert!(times.windows(2).all(|pair| pair[1] > pair[0]), "{times:?}");
}

#[test]
#[ignore = "live: starts an exporter"]
fn a_switched_off_collector_is_named() {
    let dir = Workdir::new();
    for collector in ["cpu", "memory", "component"] {
        let switch = format!("--no-collector.{collector}");
        let exporter = Exporter::start(&[&switch]);
        dir.refuses(
            ["footprint", "--samples", "1", "--exporter", &url(&exporter)],
            &[&url(&exporter), &switch],
        );
    }
}
