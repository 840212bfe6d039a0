//! What expressions ask for exists, is joined by all that tells it apart, and adds up in its units.

use std::collections::BTreeSet;

use edgebench_tests::promql::{dimension, labels_named, parse, selectors};
use edgebench_tests::{dashboards, rules};

use super::known::{self, OF_TARGETS, dimension_in};

/// Every expression there is, with its place.
fn all() -> Vec<(String, String)> {
    let of_dashboards = dashboards::all().iter().flat_map(dashboards::Dashboard::asked).collect::<Vec<_>>();
    let of_rules = rules::recording().into_iter().chain(rules::alerts());
    let of_rules = of_rules.map(|rule| (rule.record.or(rule.alert).unwrap(), rule.expr));
    of_dashboards.into_iter().chain(of_rules).collect()
}

#[test]
fn each_is_promql_and_asks_for_nothing_that_does_not_exist() {
    let metrics = known::metrics();
    assert!(all().len() > 200, "they were found");
    for (place, expr) in all() {
        let parsed = parse(&expr).unwrap_or_else(|why| panic!("{place}: {why}"));
        for found in selectors(&parsed) {
            let name = &found.selector.name;
            let metric = metrics.get(name).unwrap_or_else(|| panic!("{place}: there is no {name}"));
            let Some(labels) = metric.labels else { continue };
            for matcher in &found.selector.matchers {
                let label = matcher.label.as_str();
                assert!(
                    labels.contains(&label) || OF_TARGETS.contains(&label),
                    "{place}: {name} has no label {label}"
                );
            }
        }
    }
}

#[test]
fn a_vm_is_told_apart_by_cluster_node_namespace_and_name_and_a_node_by_its_cluster() {
    for (place, expr) in all() {
        for labels in labels_named(&parse(&expr).unwrap()) {
            let labels: BTreeSet<_> = labels.iter().map(String::as_str).collect();
            if labels.contains("name") || labels.contains("namespace") {
                assert!(
                    labels.is_superset(&["cluster", "node", "namespace", "name"].into()),
                    "{place}: {labels:?}"
                );
            }
            // Which endpoint it is of a target is told by the target.
            if labels.contains("node") || labels.contains("instance") {
                assert!(labels.contains("cluster"), "{place}: {labels:?}");
            }
        }
    }
}

#[test]
fn counters_are_read_by_their_increase_and_gauges_never() {
    let metrics = known::metrics();
    for (place, expr) in all() {
        for found in selectors(&parse(&expr).unwrap()) {
            let metric = &metrics[&found.selector.name];
            let is_increase = matches!(found.function, Some("rate" | "irate" | "increase"));
            // Which there are is asked of the series, not of their values.
            let is_counted = found.function == Some("count");
            assert!(is_increase == metric.is_counter || is_counted, "{place}: {}", found.selector.name);
        }
    }
}

#[test]
fn no_bytes_are_added_to_seconds() {
    let metrics = known::metrics();
    for (place, expr) in all() {
        dimension(&parse(&expr).unwrap(), &dimension_in(&metrics))
            .unwrap_or_else(|why| panic!("{place}: {why}"));
    }
}

#[test]
fn none_needs_another_exporter() {
    // The names of cAdvisor, kube-state-metrics, node_exporter and KubeVirt begin like this.
    for (place, expr) in all() {
        for found in selectors(&parse(&expr).unwrap()) {
            let name = &found.selector.name;
            let foreign = [
                "container_",
                "kube_",
                "kubelet_",
                "node_cpu",
                "node_memory",
                "machine_",
                "kubevirt_",
                "cdi_",
            ];
            assert!(!foreign.iter().any(|prefix| name.starts_with(prefix)), "{place}: {name}");
        }
    }
}
