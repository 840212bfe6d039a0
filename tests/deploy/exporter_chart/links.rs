//! Dashboards and rules have one source, `dashboards/`: the chart links to it.

use std::fs;
use std::path::Path;

use super::file;

#[test]
fn the_charts_files_are_those_of_dashboards() {
    let dashboards = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../dashboards")).canonicalize().unwrap();
    for (link, goal) in [
        ("files/grafana", "grafana"),
        ("files/recording.yaml", "rules/recording.yaml"),
        ("files/alerts.yaml", "rules/alerts.yaml"),
    ] {
        assert!(fs::symlink_metadata(file(link)).unwrap().is_symlink(), "{link} is a copy");
        assert!(fs::read_link(file(link)).unwrap().is_relative(), "{link}");
        assert_eq!(file(link).canonicalize().unwrap(), dashboards.join(goal));
    }
}
