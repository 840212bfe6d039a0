//! The real node of the fixtures as people and programs see it, before KubeVirt and with a VM.
//!
//! The tables are kept in `tests/golden/real-node`; `UPDATE_GOLDEN=1` rewrites them.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

use std::{io, slice};

use edgebench::comparison::{Comparison, Side};
use edgebench::layout::{self, Style};
use edgebench::report::{self, Options};
use edgebench_tests::golden::assert_golden;
use edgebench_tests::phases::footprint;
use serde_json::Value;

fn comparison() -> Comparison {
    Comparison::new(Side::new(vec![footprint("1-kubernetes")]), Side::new(vec![footprint("4-vm")]).unwrap())
}

fn written(write: impl FnOnce(&Comparison, &mut dyn io::Write) -> io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&comparison(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn table(width: usize) -> String {
    written(|comparison, out| {
        layout::text(&report::document(comparison, &Options::default()), &Style::plain(width), out)
    })
}

#[test]
fn tables_of_100_columns() {
    let text = table(100);
    assert!(text.lines().all(|line| line.chars().count() <= 100 && !line.ends_with(' ')));
    assert_golden("real-node/table-100.txt", &text);
}

#[test]
fn tables_of_80_columns() {
    let text = table(80);
    assert!(text.lines().all(|line| line.chars().count() <= 80 && !line.ends_with(' ')));
    assert_golden("real-node/table-80.txt", &text);
}

#[test]
fn markdown() {
    let text = written(|comparison, out| report::markdown(comparison, &Options::default(), out));
    assert_golden("real-node/report.md", &text);
}

#[test]
fn csv() {
    let text = written(|comparison, out| report::csv(slice::from_ref(comparison), out));
    let fields = text.lines().next().unwrap().split(',').count();
    assert!(text.lines().all(|line| line.split(',').count() >= fields), "a row that lacks a field");
    assert_golden("real-node/report.csv", &text);
}

#[test]
fn sars_average_lines() {
    assert_golden(
        "real-node/sar.txt",
        &written(|comparison, out| report::sar(slice::from_ref(comparison), out)),
    );
}

#[test]
fn json_holds_every_figure_and_its_parts_sum() {
    let text = written(|comparison, out| report::json(slice::from_ref(comparison), out));
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["schema"], report::SCHEMA);
    assert_eq!(report["version"], env!("CARGO_PKG_VERSION"));

    let sum = |parts: &Value| {
        parts.as_array().unwrap().iter().map(|part| part["amount"].as_f64().unwrap()).sum::<f64>()
    };
    assert_eq!(report["memory"]["total"], 828_836.0);
    for explained in ["memory", "cpu"] {
        let total = report[explained]["total"].as_f64().unwrap();
        assert!((sum(&report[explained]["parts"]) - total).abs() < 1e-9, "{explained}");
    }
    for side in [&report["baseline"]["measured"], &report["capture"]] {
        let figures = &side["captures"][0];
        assert_eq!(sum(&figures["memory"]["parts"]), figures["memory"]["used_kib"].as_f64().unwrap());
        assert_eq!(sum(&figures["cpu"]["parts"]), figures["cpu"]["used_ticks"].as_f64().unwrap());
        assert_eq!(figures["series"]["cpu_used_percent"].as_array().unwrap().len(), 1, "the raw samples");
        assert!(!figures["components"].as_array().unwrap().is_empty());
    }
    let vm = &report["capture"]["captures"][0]["vms"][0];
    assert_eq!([&vm["namespace"], &vm["name"]], ["default", "edge-vm"]);
    assert_eq!(vm["guest_resident"], 6_144 * 1024);
    assert!(report["notes"].as_array().unwrap().iter().all(Value::is_string));
}
