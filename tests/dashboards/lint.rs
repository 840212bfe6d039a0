//! The rules of Grafana's dashboard-linter, by their names there (github.com/grafana/dashboard-linter, `docs/rules`).
//!
//! Four of them are answered otherwise, as `dashboards/grafana/.lint` says to the linter itself: a dashboard is not
//! chosen by job and instance, but by cluster and node. The rules here ask for those in their place.

use std::collections::BTreeSet;

use edgebench_tests::dashboards::{Dashboard, Datasource, Panel, all};
use edgebench_tests::promql::{parse, selectors};
use edgebench_tests::{dashboards, rules};

use super::known;

fn each_panel(check: impl Fn(&Dashboard, &Panel)) {
    let dashboards = all();
    assert_eq!(dashboards.len(), 4);
    for dashboard in &dashboards {
        assert!(dashboard.drawn().count() > 10, "{}", dashboard.file);
        dashboard.drawn().for_each(|panel| check(dashboard, panel));
    }
}

fn is_variable(datasource: &Datasource) -> bool {
    datasource.kind == "prometheus" && datasource.uid == "${datasource}"
}

#[test]
fn template_datasource_rule() {
    for dashboard in all() {
        let found: Vec<_> = dashboard.templating.list.iter().filter(|v| v.kind == "datasource").collect();
        let [variable] = found[..] else { panic!("{}: {found:?}", dashboard.file) };
        assert_eq!((variable.name.as_str(), variable.label.as_str()), ("datasource", "Data source"));
        assert_eq!(variable.query, "prometheus");
    }
}

#[test]
fn template_job_and_instance_rules_with_cluster_and_node() {
    for dashboard in all() {
        let cluster = dashboard.templating.list.iter().find(|variable| variable.name == "cluster").unwrap();
        // Series without the label match it too.
        assert_eq!(
            (cluster.include_all, cluster.all_value.as_deref()),
            (true, Some(".*")),
            "{}",
            dashboard.file
        );
        for (variable, metric) in dashboard.variable_queries() {
            assert!(
                variable.datasource.as_ref().is_some_and(is_variable),
                "{} {}",
                dashboard.file,
                variable.name
            );
            assert!(
                !variable.include_all || variable.all_value.as_deref() == Some(".*"),
                "{}",
                variable.name
            );
            // A variable is narrowed by those before it.
            let before: Vec<_> =
                dashboard.templating.list.iter().map(|variable| variable.name.as_str()).collect();
            let before = before.iter().take_while(|name| **name != variable.name);
            for name in before.filter(|name| ["cluster", "node", "namespace"].contains(name)) {
                assert!(metric.contains(&format!("{name}=~\"${name}\"")), "{}: {metric}", variable.name);
            }
        }
    }
}

#[test]
fn template_label_promql_rule() {
    for dashboard in all() {
        for (variable, metric) in dashboard.variable_queries() {
            parse(&metric).unwrap_or_else(|why| panic!("{} {}: {why}", dashboard.file, variable.name));
        }
    }
}

#[test]
fn template_on_time_change_reload_rule() {
    for dashboard in all() {
        for (variable, _) in dashboard.variable_queries() {
            assert_eq!(variable.refresh, 2, "{} {}", dashboard.file, variable.name);
        }
    }
}

#[test]
fn uneditable_dashboard_rule() {
    for dashboard in all() {
        assert!(!dashboard.editable, "{}", dashboard.file);
    }
}

#[test]
fn panel_datasource_rule() {
    each_panel(|dashboard, panel| {
        let place = format!("{} {}", dashboard.file, panel.title);
        assert!(panel.datasource.as_ref().is_some_and(is_variable), "{place}");
        assert!(panel.targets.iter().all(|target| is_variable(&target.datasource)), "{place}");
        assert!(dashboard.annotations.list.iter().all(|mark| is_variable(&mark.datasource)), "{place}");
    });
}

#[test]
fn panel_title_description_rule() {
    each_panel(|dashboard, panel| {
        assert!(!panel.title.is_empty() && !panel.description.is_empty(), "{} {}", dashboard.file, panel.id);
    });
}

/// Of the linter's list (`lint/rule_panel_units.go`), those that are used here.
const UNITS: &[&str] = &["bytes", "Bps", "s", "percentunit", "short", "none", "ops", "bool_yes_no"];

#[test]
fn panel_units_rule() {
    each_panel(|dashboard, panel| {
        let place = format!("{} {}", dashboard.file, panel.title);
        assert!(UNITS.contains(&panel.field_config.defaults.unit.as_str()), "{place}");
        for target in &panel.targets {
            assert!(UNITS.contains(&panel.unit(target)), "{place} {}", target.ref_id);
        }
    });
}

#[test]
fn panel_no_targets_rule() {
    each_panel(|dashboard, panel| assert!(!panel.targets.is_empty(), "{} {}", dashboard.file, panel.title));
}

#[test]
fn target_rate_interval_rule() {
    for dashboard in all() {
        for (place, expr) in dashboard.asked() {
            for found in selectors(&parse(&expr).unwrap()) {
                if matches!(found.function, Some("rate" | "irate" | "increase")) {
                    assert_eq!(found.selector.range.as_deref(), Some("$__rate_interval"), "{place}");
                }
            }
        }
    }
}

#[test]
fn target_job_and_instance_rules_with_cluster_and_node() {
    let metrics = known::metrics();
    for dashboard in all() {
        let wanted: &[(&str, &[&str])] = match dashboard.file.as_str() {
            "fleet.json" => &[("cluster", &["=~"])],
            "exporter.json" => &[("cluster", &["=~"]), ("node", &["=~"])],
            "node-footprint.json" => &[("cluster", &["=~"]), ("node", &["="])],
            "vm-cost.json" => &[("cluster", &["=~"]), ("node", &["=~"])],
            other => panic!("{other}: which variables choose what it shows?"),
        };
        for panel in dashboard.drawn() {
            for target in &panel.targets {
                let place = format!("{} {} {}", dashboard.file, panel.title, target.ref_id);
                for expr in dashboard.with_choices(&target.expr) {
                    for found in selectors(&parse(&expr).unwrap()) {
                        if metrics[&found.selector.name].is_of_all {
                            continue;
                        }
                        for (label, operators) in wanted {
                            let is_there = found.selector.matchers.iter().any(|matcher| {
                                matcher.label == *label
                                    && matcher.value == format!("${label}")
                                    && operators.contains(&matcher.operator.as_str())
                            });
                            assert!(is_there, "{place}: {} without {label}", found.selector.name);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn the_linter_is_told_the_same() {
    #[derive(serde::Deserialize)]
    struct File {
        exclusions: std::collections::BTreeMap<String, Exclusion>,
    }
    #[derive(serde::Deserialize)]
    struct Exclusion {
        reason: String,
    }
    let file: File = rules::read(&dashboards::directory().join("grafana/.lint"));
    let names: BTreeSet<_> = file.exclusions.keys().map(String::as_str).collect();
    let expected = ["template-job-rule", "template-instance-rule", "target-job-rule", "target-instance-rule"];
    assert_eq!(names, expected.into());
    assert!(file.exclusions.values().all(|exclusion| exclusion.reason.ends_with('.')));
}
