//! What is written of the chart of the exporter is what is in it: README, values, the statement on permissions, the
//! links. Rendering it takes Helm: `live_exporter_chart`.
//!
//! `UPDATE_GOLDEN=1 cargo test -p edgebench-tests --test deploy` rewrites what is generated.

mod links;
mod permissions;
mod values;

use std::path::PathBuf;
use std::{env, fs};

use edgebench_tests::charts::chart;
use edgebench_tests::golden::difference;

fn file(name: &str) -> PathBuf {
    chart("edgebench").join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(file(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// Holds a file of the chart against what it is to be, or writes it.
fn assert_is(name: &str, text: &str) {
    if env::var_os("UPDATE_GOLDEN").is_some_and(|value| !value.is_empty() && value != "0") {
        fs::write(file(name), text).unwrap();
        return;
    }
    let old = read(name);
    assert!(old == text, "{name}, UPDATE_GOLDEN=1 rewrites it:\n{}", difference(&old, text));
}

/// A text with another one between `<!-- NAME: …` and `<!-- end -->`.
fn with(text: &str, name: &str, between: &str) -> String {
    let (head, rest) = text.split_once(&format!("<!-- {name}: ")).expect("a place for it");
    let (mark, rest) = rest.split_once('\n').expect("a line");
    let (_, tail) = rest.split_once("<!-- end -->").expect("its end");
    format!("{head}<!-- {name}: {mark}\n{between}<!-- end -->{tail}")
}

#[test]
fn the_readme_lists_all_values_and_what_is_lost_without_each_permission() {
    let readme = with(&read("README.md"), "permissions", &permissions::table());
    assert_is("README.md", &with(&readme, "values", &values::table()));
}

#[test]
fn the_chart_and_the_job_take_the_image_of_this_version() {
    let version = env!("CARGO_PKG_VERSION");
    assert!(read("Chart.yaml").contains(&format!("\nappVersion: {version}\n")));
    for page in ["footprint-job.yaml", "experiment.md"] {
        let text = fs::read_to_string(file("../..").join(page)).unwrap();
        assert!(text.contains(&format!("edgebench:{version}")), "{page}");
    }
}

/// On one line.
fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
