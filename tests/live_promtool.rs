//! The exposition is what Prometheus' own linter asks for: `promtool check metrics` has nothing to say.
//!
//! promtool (Debian's prometheus 2.42) parses the text format 0.0.4 and lints names, types and help texts
//! (`util/promlint`). It does not see a series that comes twice; a test beside the table does.
//!
//! Run these with `tests/run`, or alone:
//! `cargo test -p edgebench-tests --test live_promtool -- --ignored --test-threads=1`

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

use std::io::Write;
use std::process::{Command, Stdio};

use edgebench_exporter::exposition::{Format, write};
use edgebench_exporter::view::{View, example};

/// Whether promtool is content, and what it said.
fn check_metrics(text: &[u8]) -> (bool, String) {
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool of Debian's package prometheus");
    promtool.stdin.take().unwrap().write_all(text).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

fn text(view: &View) -> Vec<u8> {
    let mut text = Vec::new();
    write(view, &[], Format::Text, &mut text);
    text
}

#[test]
#[ignore = "live: runs promtool"]
fn promtool_says_nothing_on_a_view_with_every_family() {
    assert_eq!(check_metrics(&text(&example::node(3))), (true, String::new()));
}

#[test]
#[ignore = "live: runs promtool"]
fn promtool_says_nothing_on_hostile_names_either() {
    let mut view = example::node(3);
    view.vms[0].name = "\"}\n# TYPE x counter\nx 1 \\".to_owned();
    view.vms[1].namespace = "{a=\"b\",}\r\t\u{1}\u{7f}\u{202e}".to_owned();
    view.vms[2].uid = Some("\\n\\\\".to_owned());
    assert_eq!(check_metrics(&text(&view)), (true, String::new()));
}

#[test]
#[ignore = "live: runs promtool"]
fn promtool_would_speak() {
    let (is_content, said) = check_metrics(b"# TYPE edgebench_requests counter\nedgebench_requests 1\n");
    assert!(!is_content && said.contains("_total"), "{said}");
    let (is_content, said) = check_metrics(b"edgebench_vmi_info{name=\"a\"b\"} 1\n");
    assert!(!is_content && said.contains("parsing"), "{said}");
}
