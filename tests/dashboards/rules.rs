//! Rules are named by what they are, used, tested and explained.

use std::collections::BTreeSet;
use std::fs;

use edgebench_tests::promql::{dimension, parse, selectors};
use edgebench_tests::rules::{Rule, TestFile, alerts, groups, read, recording, test_files};
use edgebench_tests::{dashboards, rules};

use super::known::{self, dimension_in, of_rule};

#[test]
fn a_recording_rule_is_named_level_metric_operations() {
    for rule in recording() {
        let name = rule.record.unwrap();
        let parts: Vec<_> = name.split(':').collect();
        let [level, metric, operations] = parts[..] else { panic!("{name}") };
        assert!(["vmi", "node", "node_component", "component", "fleet"].contains(&level), "{name}");
        assert!(metric.starts_with("edgebench_"), "{name}");
        for part in parts {
            assert!(
                part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'),
                "{name}"
            );
        }
        assert!(!operations.is_empty());
    }
}

#[test]
fn its_value_is_in_the_unit_of_its_name() {
    let metrics = known::metrics();
    for rule in recording() {
        let name = rule.record.unwrap();
        let found = dimension(&parse(&rule.expr).unwrap(), &dimension_in(&metrics)).unwrap();
        assert!(found.is_none_or(|found| found == of_rule(&name)), "{name}: {found:?}");
    }
}

#[test]
fn each_recording_rule_is_used() {
    let of_dashboards = dashboards::all().iter().flat_map(dashboards::Dashboard::asked).collect::<Vec<_>>();
    let of_rules =
        recording().into_iter().chain(alerts()).map(|rule| (rule.record.unwrap_or_default(), rule.expr));
    let all: Vec<_> = of_dashboards.into_iter().chain(of_rules).collect();
    for rule in recording() {
        let name = rule.record.unwrap();
        let is_used = all.iter().any(|(place, expr)| {
            *place != name && selectors(&parse(expr).unwrap()).iter().any(|found| found.selector.name == name)
        });
        assert!(is_used, "{name}");
    }
}

/// Every test of every file.
fn tests() -> Vec<TestFile> {
    test_files().iter().map(|path| read(path)).collect()
}

/// What is recorded whatever there is.
const CONSTANT: &str = "component:edgebench_component_memory_request_bytes:default";

#[test]
fn each_recording_rule_is_tested_with_series_and_without() {
    let (mut with, mut without) = (BTreeSet::new(), BTreeSet::from([CONSTANT.to_owned()]));
    for check in tests().into_iter().flat_map(|file| file.tests).flat_map(|test| test.promql_expr_test) {
        for found in selectors(&parse(&check.expr).unwrap()) {
            let group = if check.exp_samples.is_empty() { &mut without } else { &mut with };
            group.insert(found.selector.name.clone());
        }
    }
    let names: BTreeSet<_> = recording().into_iter().filter_map(|rule| rule.record).collect();
    assert_eq!(with, names);
    assert_eq!(without, names);
}

#[test]
fn each_alert_is_tested_firing_and_not() {
    let (mut firing, mut silent) = (BTreeSet::new(), BTreeSet::new());
    for check in tests().into_iter().flat_map(|file| file.tests).flat_map(|test| test.alert_rule_test) {
        let found = if check.exp_alerts.is_empty() { &mut silent } else { &mut firing };
        found.insert(check.alertname);
    }
    let names: BTreeSet<_> = alerts().into_iter().filter_map(|rule| rule.alert).collect();
    assert_eq!(firing, names);
    assert_eq!(silent, names);
}

#[test]
fn tests_evaluate_every_group_in_the_order_of_the_files() {
    let order: Vec<_> =
        ["recording.yaml", "alerts.yaml"].into_iter().flat_map(groups).map(|group| group.name).collect();
    for (path, file) in test_files().iter().zip(tests()) {
        assert_eq!(file.group_eval_order, order, "{}", path.display());
        assert!(file.tests.iter().all(|test| !test.name.is_empty()), "{}", path.display());
    }
}

#[test]
fn an_alert_is_labelled_as_kubevirts_are() {
    for rule in alerts() {
        let name = rule.alert.clone().unwrap();
        let label = |label: &str| rule.labels.get(label).map(String::as_str).unwrap_or_default();
        assert!(name.starts_with("Edgebench") && name.bytes().all(|b| b.is_ascii_alphanumeric()), "{name}");
        assert!(["critical", "warning", "info"].contains(&label("severity")), "{name}");
        assert!(["critical", "warning", "none"].contains(&label("operator_health_impact")), "{name}");
        assert_eq!(label("kubernetes_operator_part_of"), "kubevirt", "{name}");
        assert_eq!(label("kubernetes_operator_component"), "edgebench", "{name}");
        assert_eq!(rule.labels.len(), 4, "{name}");
        let texts: Vec<_> = rule.annotations.keys().map(String::as_str).collect();
        assert_eq!(texts, ["description", "runbook_url", "summary"], "{name}");
        assert!(texts_of(&rule).iter().all(|text| text.ends_with('.')), "{name}");
    }
}

fn texts_of(rule: &Rule) -> [&str; 2] {
    ["summary", "description"].map(|text| rule.annotations[text].trim_end())
}

#[test]
fn each_alert_has_a_runbook_and_each_runbook_an_alert() {
    let directory = dashboards::directory().join("runbooks");
    let mut files: Vec<_> = fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    let mut names: Vec<_> = alerts().into_iter().map(|rule| format!("{}.md", rule.alert.unwrap())).collect();
    names.sort();
    assert_eq!(files, names);
    for rule in alerts() {
        let name = rule.alert.clone().unwrap();
        let url = &rule.annotations["runbook_url"];
        assert!(url.starts_with("https://") && url.ends_with(&format!("/runbooks/{name}.md")), "{url}");
        let text = fs::read_to_string(directory.join(format!("{name}.md"))).unwrap();
        assert!(text.starts_with(&format!("# {name}\n")), "{name}");
        // As the runbooks of kubevirt/monitoring have them.
        let heads: Vec<_> = text.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(heads, ["## Meaning", "## Impact", "## Diagnosis", "## Mitigation"], "{name}");
        for (head, body) in heads.iter().zip(text.split("\n## ").skip(1)) {
            assert!(body.trim().lines().count() > 2, "{name}: nothing under {head}");
        }
    }
}

#[test]
fn what_is_recorded_once_an_hour_is_read_where_it_was_left() {
    let hourly = groups("recording.yaml").into_iter().filter(|group| group.interval.is_some());
    let hourly: Vec<_> = hourly.flat_map(|group| group.rules).filter_map(|rule| rule.record).collect();
    assert_eq!(hourly.len(), 2);
    let of_dashboards = dashboards::all().iter().flat_map(dashboards::Dashboard::asked).collect::<Vec<_>>();
    let of_rules = rules::recording().into_iter().chain(alerts());
    let of_rules = of_rules.map(|rule| (rule.record.or(rule.alert).unwrap(), rule.expr));
    for (place, expr) in of_dashboards.into_iter().chain(of_rules) {
        for found in selectors(&parse(&expr).unwrap()) {
            if hourly.contains(&found.selector.name) {
                assert!(found.selector.range.is_some(), "{place}: {}", found.selector.name);
            }
        }
    }
}
