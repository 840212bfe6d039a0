//! Fleet over the series of a small fleet: every panel has something to draw. How long it takes at full size is
//! measured by `dashboards/scripts/fleet`.

use std::time::{SystemTime, UNIX_EPOCH};

use edgebench_tests::fleet::{Fleet, Written, draw};
use edgebench_tests::prometheus::{Prometheus, Setup};
use edgebench_tests::rules;

/// Panels that show what is not so in a fleet that is well.
const EMPTY: &[(&str, &str)] = &[("Silent nodes", "all nodes report")];

#[test]
#[ignore = "live: runs Prometheus on the series of a day"]
fn every_panel_of_fleet_has_data_from_series_of_a_day() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let fleet = Fleet { nodes: 8, vms: 3, hours: 24, now };
    let written = fleet.load(dir.path(), &data, |_| ()).unwrap();
    let Written { series, samples } = written;
    assert!(series > 8 * (3 * 12 + 60) && samples > 300 * series, "{written:?}");

    let recording = rules::hastened(dir.path(), "1s");
    let setup = Setup {
        rules: &[recording, rules::directory().join("alerts.yaml")],
        data: Some(&data),
        ..Setup::default()
    };
    let mut prometheus = Prometheus::start_with(&setup);
    prometheus.wait_for_rules();
    // Groups are made from each other's results.
    std::thread::sleep(std::time::Duration::from_secs(5));
    for group in prometheus.evaluated() {
        assert_eq!(group.errors, Vec::<String>::new(), "{}", group.group);
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    for drawn in draw(&prometheus, now) {
        let is_empty = drawn.samples.contains(&0);
        assert_eq!(is_empty, EMPTY.iter().any(|(panel, _)| *panel == drawn.panel), "{drawn:?}");
    }
    // What was loaded is what is shown.
    let value = |query: &str| prometheus.value(query);
    assert_eq!(value("count(node:edgebench_vmis:count)"), 8.0);
    assert_eq!(value("sum(node:edgebench_vmis:count)"), 24.0);
    let per_day = value(
        "quantile(0.5, last_over_time(node_component:edgebench_component_growth_bytes_per_day:deriv\
         {component=\"virt-handler\"}[2h]))",
    );
    assert!(
        (per_day / 1_048_576.0 - 2.0).abs() < 0.1,
        "virt-handler grows by {per_day} bytes a day, not 2 MiB"
    );
}
