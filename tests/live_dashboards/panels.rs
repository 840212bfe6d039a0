//! Every query of every panel, as Grafana asks it, of a Prometheus that scrapes three exporters: a real one on a node
//! with stand-ins for KubeVirt, one that says all there is to say (with no label `cluster`), and one that fell silent.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use edgebench_tests::dashboards::{Dashboard, Panel, Target, all, interpolated};
use edgebench_tests::edge_node::{self as node, Emulator};
use edgebench_tests::exporter::Exporter;
use edgebench_tests::prometheus::{Job, Prometheus, Setup};
use edgebench_tests::rules;

use crate::told;

const GROWTH: &str = "node_component:edgebench_component_growth_bytes_per_day:deriv";

/// Queries that the real exporter has no data for in this set-up: dashboard, panel, queries, reason. The exporter that
/// is told what to say has data for them, or there is a node that is silent.
const NOT_HERE: &[(&str, &str, &str, &str)] = &[
    ("exporter.json", "Endpoints of components", "F", NONE_FAILS),
    ("exporter.json", "Failures of endpoints", "A", NONE_FAILS),
    ("fleet.json", "Fullest nodes", "D", TOO_YOUNG),
    ("fleet.json", "Growing components", "AB", TOO_YOUNG),
    ("fleet.json", "Growth per day over all nodes", "A", TOO_YOUNG),
    ("fleet.json", "Silent nodes", "A", "the node reports"),
    ("node-footprint.json", "Growth per day, control plane", "A", TOO_YOUNG),
    ("vm-cost.json", "vCPUs at work", "A", NO_VCPUS),
    ("vm-cost.json", "vCPUs waiting for a CPU", "A", NO_VCPUS),
];
const NONE_FAILS: &str = "no endpoint has failed";
const TOO_YOUNG: &str = "a slope takes two days, and the stand-ins run for a minute";
const NO_VCPUS: &str = "a stand-in has no threads that are named after vCPUs; the libvirt domain has";

/// What is chosen in a dashboard: of the real node, of the one that is told, of all.
fn choices(file: &str) -> [Vec<(&'static str, &'static str)>; 3] {
    let all = ".*";
    match file {
        "node-footprint.json" => [
            vec![("cluster", "site-1"), ("node", node::NODE)],
            vec![("cluster", all), ("node", told::NODE)],
            vec![("cluster", all), ("node", node::NODE)],
        ],
        "vm-cost.json" => {
            let vm =
                |cluster, name| vec![("cluster", cluster), ("node", all), ("namespace", all), ("name", name)];
            [vm("site-1", node::VM), vm(all, told::VMS), vm(all, all)]
        }
        "fleet.json" => [vec![("cluster", "site-1")], vec![("cluster", "")], vec![("cluster", all)]],
        "exporter.json" => [
            vec![("cluster", "site-1"), ("node", node::NODE)],
            vec![("cluster", all), ("node", told::NODE)],
            vec![("cluster", all), ("node", all)],
        ],
        other => panic!("{other}: what is chosen in it?"),
    }
}

fn job(name: &str, target: std::net::SocketAddr, node: &str, cluster: Option<&str>) -> Job {
    let label = |name: &str, value: &str| format!("{{target_label: {name}, replacement: '{value}'}}");
    let labels: Vec<_> = [Some(label("node", node)), cluster.map(|name| label("cluster", name))]
        .into_iter()
        .flatten()
        .collect();
    Job::new(name, target).setting(&format!("relabel_configs: [{}]", labels.join(", ")))
}

#[test]
#[ignore = "live: runs Prometheus for a minute beside stand-ins"]
fn every_panel_returns_data_in_the_unit_that_it_claims() {
    let dir = tempfile::tempdir().unwrap();
    let node = node::start(Emulator::StandIn(node::GUEST_KIB, 3.0));
    let flags = node.flags();
    let exporter = Exporter::start(&flags.iter().map(String::as_str).collect::<Vec<_>>());
    let jobs = [
        job("edgebench-exporter", exporter.address, node::NODE, Some("site-1")),
        job("told", told::all(false), told::NODE, None),
        job("silent", told::soon_silent(), "edge-node-2", Some("site-2")),
    ];
    let recording = rules::hastened(dir.path(), "1s");
    let files = [recording, rules::directory().join("alerts.yaml")];
    let mut prometheus = Prometheus::start_with(&Setup { jobs: &jobs, rules: &files, ..Setup::default() });
    prometheus.wait_for_rules();
    let patience = Instant::now() + Duration::from_secs(300);
    while prometheus.query(GROWTH).is_empty() {
        assert!(Instant::now() < patience, "no growth after five minutes\n{}", prometheus.log());
        std::thread::sleep(Duration::from_secs(1));
    }
    for group in prometheus.evaluated() {
        assert_eq!(group.errors, Vec::<String>::new(), "{}", group.group);
    }

    let mut not_here = BTreeSet::new();
    for dashboard in all() {
        let choices = choices(&dashboard.file);
        for panel in dashboard.drawn() {
            for target in &panel.targets {
                let [here, told, all] =
                    choices.each_ref().map(|choice| values(&prometheus, &dashboard, panel, target, choice));
                let place = (dashboard.file.clone(), panel.title.clone(), target.ref_id.clone());
                assert!(here + told + all > 0, "{place:?}: no data");
                if here == 0 {
                    not_here.insert(place);
                }
            }
        }
        for mark in &dashboard.annotations.list {
            prometheus.query(&interpolated(&mark.expr, "15s", &choices[2]));
        }
        for (variable, metric) in dashboard.variable_queries() {
            let found = prometheus.query(&interpolated(&metric, "15s", &choices[2]));
            assert!(!found.is_empty(), "{} {}", dashboard.file, variable.name);
        }
    }
    assert_eq!(not_here, listed(NOT_HERE), "without data of the real exporter");

    // What is shown of the VM is what it was started with.
    let labels = format!("cluster=\"site-1\",namespace=\"{}\",name=\"{}\"", node::NAMESPACE, node::VM);
    let of_vm = |metric: &str| prometheus.value(&format!("max({metric}{{{labels}}})")) as u64;
    for (metric, expected) in [
        ("edgebench_vmi_guest_memory_size_bytes", node::GUEST_KIB * 1024),
        ("edgebench_vmi_guest_memory_resident_bytes", node::GUEST_KIB * 1024),
        ("vmi:edgebench_guest_in_anonymous_memory_bytes:max", node::GUEST_KIB * 1024),
        ("edgebench_vmi_pod_memory_limit_bytes", node::LIMIT),
        ("edgebench_vmi_pod_memory_request_bytes", node::REQUEST),
        ("vmi:edgebench_vmi_memory_overhead_reserved_bytes:best", node::RESERVED),
        // Enough.
        ("vmi:edgebench_vmi_memory_verdict:first", 4),
    ] {
        assert_eq!(of_vm(metric), expected, "{metric}");
    }
}

#[test]
#[ignore = "live: starts libvirtd and a VM of 256 MiB in a cgroup of a pod, and runs Prometheus"]
fn vm_cost_shows_a_libvirt_domain() {
    let dir = tempfile::tempdir().unwrap();
    let node = node::start(Emulator::Libvirt);
    let flags = node.flags();
    let exporter = Exporter::start(&flags.iter().map(String::as_str).collect::<Vec<_>>());
    let jobs = [job("edgebench-exporter", exporter.address, node::NODE, None)];
    let files = [rules::hastened(dir.path(), "1s")];
    let mut prometheus = Prometheus::start_with(&Setup { jobs: &jobs, rules: &files, ..Setup::default() });
    // Until everything slow was read.
    prometheus.wait_for_scrapes(30);

    let dashboard = all().into_iter().find(|dashboard| dashboard.file == "vm-cost.json").unwrap();
    let choice = [("cluster", ".*"), ("node", ".*"), ("namespace", ".*"), ("name", node::VM)];
    let mut without = BTreeSet::new();
    for panel in dashboard.drawn() {
        for target in &panel.targets {
            if values(&prometheus, &dashboard, panel, target, &choice) == 0 {
                without.insert((dashboard.file.clone(), panel.title.clone(), target.ref_id.clone()));
            }
        }
    }
    assert_eq!(without, BTreeSet::new());
    let modes = prometheus.query("edgebench_vmi_cpu_seconds_total");
    assert!(modes.iter().all(|sample| sample.labels["mode"] == "unsplit") && modes.len() == 1, "{modes:?}");
    assert!(
        prometheus.query("node:edgebench_tax_cpu_cores:rate5m").is_empty(),
        "its guest's time can't be told"
    );
}

fn listed(list: &[(&str, &str, &str, &str)]) -> BTreeSet<(String, String, String)> {
    let each = |(file, panel, queries, reason): &(&str, &str, &str, &str)| {
        assert!(!reason.is_empty());
        let place = |query: char| ((*file).to_owned(), (*panel).to_owned(), query.to_string());
        queries.chars().map(place).collect::<Vec<_>>()
    };
    list.iter().flat_map(each).collect()
}

/// How many values a query returns, each of which makes sense in its unit.
fn values(
    prometheus: &Prometheus,
    dashboard: &Dashboard,
    panel: &Panel,
    target: &Target,
    choice: &[(&str, &str)],
) -> usize {
    let now = prometheus.value("time()");
    let mut values = 0;
    for expr in dashboard.with_choices(&target.expr) {
        let expr = interpolated(&expr, "15s", choice);
        let samples = match target.instant {
            true => prometheus.query_at(&expr, now),
            false => prometheus.query_range(&expr, [now - 20.0, now], 5.0),
        };
        // Rows of two queries become one where no label differs, and the name of a metric is a label (`merge` of Grafana's
        // transformations).
        let merged =
            panel.targets.len() > 1 && panel.transformations.iter().any(|step| step["id"] == "merge");
        for sample in &samples {
            let named = sample.labels.contains_key("__name__");
            assert!(
                !(merged && named),
                "{} {} {}: rows don't merge",
                dashboard.file,
                panel.title,
                target.ref_id
            );
            let unit = if panel.kind == "heatmap" { "none" } else { panel.unit(target) };
            let makes_sense = match unit {
                "percentunit" => sample.value.abs() <= 64.0,
                "bytes" | "Bps" => sample.value.abs() < (1_u64 << 46) as f64,
                // Not before 1970, and not a moment in place of an age.
                "s" => (-5.0..1e9).contains(&sample.value),
                "bool_yes_no" => sample.value == 0.0 || sample.value == 1.0,
                _ => sample.value.is_finite(),
            };
            assert!(makes_sense, "{} {} {}: {sample:?}", dashboard.file, panel.title, target.ref_id);
        }
        values += samples.len();
    }
    values
}
