//! The page of `--format html` in a real browser: a headless Chromium opens it, with a proxy before all networks.
//!
//! The pages are of a real KubeVirt node (`bench/examples`), of this machine, and of captures that nobody wishes for.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

mod figures;
mod loads_nothing;
mod looks;
mod unusual;

use std::path::PathBuf;

use edgebench_tests::{Workdir, examples};

/// The two captures of the real node.
fn example(name: &str) -> String {
    examples::directory().join(name).display().to_string()
}

/// A page, and the same report as JSON.
fn page(dir: &Workdir, name: &str, arguments: &[&str]) -> (PathBuf, serde_json::Value) {
    let html = dir.path().join(format!("{name}.html"));
    let written = dir.shows([arguments, &["--format", "html", "--output", html.to_str().unwrap()]].concat());
    assert_eq!(written, "");
    let json = dir.shows([arguments, &["--format", "json"]].concat());
    (html, serde_json::from_str(&json).unwrap())
}

/// The page of the real node, without and with a VM.
fn of_the_real_node(dir: &Workdir) -> (PathBuf, serde_json::Value) {
    page(dir, "real", &["compare", &example("no-kubevirt.json.gz"), &example("kubevirt.json.gz")])
}
