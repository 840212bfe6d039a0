//! What people see: each panel says what it shows and when it shows nothing, in its unit, and links lead somewhere.

use std::collections::{BTreeMap, BTreeSet};

use edgebench_tests::dashboards::{Dashboard, Panel, all};
use edgebench_tests::promql::{Dimension, dimension, parse};

use super::known::{self, dimension_in};

/// In what a unit of Grafana's is measured.
fn measured_in(unit: &str) -> Dimension {
    match unit {
        "bytes" => Dimension::BYTES,
        "s" => Dimension::SECONDS,
        "Bps" => Dimension { bytes: 1, seconds: -1 },
        "ops" => Dimension { bytes: 0, seconds: -1 },
        "percentunit" | "short" | "none" | "bool_yes_no" => Dimension::NONE,
        other => panic!("what is {other}?"),
    }
}

#[test]
fn values_are_in_the_unit_that_the_panel_claims() {
    let metrics = known::metrics();
    let of_metric = dimension_in(&metrics);
    for dashboard in all() {
        for panel in dashboard.drawn() {
            for target in &panel.targets {
                // A heatmap counts in its cells, and has its unit on the axis.
                let wanted = measured_in(if panel.kind == "heatmap" { "none" } else { panel.unit(target) });
                for expr in dashboard.with_choices(&target.expr) {
                    let found = dimension(&parse(&expr).unwrap(), &of_metric).unwrap();
                    let place = format!("{} {} {}", dashboard.file, panel.title, target.ref_id);
                    // The value of an info is 1, and not shown.
                    let is_hidden = panel.unit(target) != "none" && expr.contains("_info{");
                    assert!(
                        found.is_none_or(|found| found == wanted) || is_hidden,
                        "{place}: {found:?}, not {wanted:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn each_says_what_it_shows_and_when_there_is_no_data() {
    for dashboard in all() {
        for panel in dashboard.drawn() {
            let (what, when) = panel.description.split_once(" No data because: ").unwrap_or_else(|| {
                panic!("{} {}: {}", dashboard.file, panel.title, panel.description);
            });
            assert!(what.len() > 5 && what.ends_with(['.', ':']), "{} {}", dashboard.file, panel.title);
            assert!(when.len() > 5 && when.ends_with('.'), "{} {}", dashboard.file, panel.title);
        }
    }
}

#[test]
fn uids_are_those_that_links_were_made_to() {
    let uids: BTreeMap<_, _> = all().into_iter().map(|dashboard| (dashboard.file, dashboard.uid)).collect();
    let expected = [
        ("exporter.json", "edgebench-exporter"),
        ("fleet.json", "edgebench-fleet"),
        ("node-footprint.json", "edgebench-node"),
        ("vm-cost.json", "edgebench-vm"),
    ];
    assert_eq!(uids, expected.map(|(file, uid)| (file.to_owned(), uid.to_owned())).into());
}

#[test]
fn links_lead_to_dashboards_and_variables_that_exist() {
    let dashboards = all();
    for dashboard in &dashboards {
        let of_panels = dashboard.drawn().flat_map(Panel::links);
        let links: Vec<_> = of_panels.chain(dashboard.links.clone()).collect();
        assert!(links.len() > 2, "{}", dashboard.file);
        for link in links {
            let rest = link.url.strip_prefix("/d/").unwrap_or_else(|| panic!("{}", link.url));
            let (uid, query) = rest.split_once('?').unwrap();
            let target = dashboards.iter().find(|other| other.uid == uid);
            let target = target.unwrap_or_else(|| panic!("{}: {}", dashboard.file, link.url));
            for part in query.split('&') {
                let given = part.strip_prefix("var-").and_then(|part| part.split_once('='));
                let name =
                    match (given, part.strip_prefix("${").and_then(|part| part.strip_suffix(":queryparam}")))
                    {
                        (Some((name, value)), _) => {
                            assert_eq!(is_shown(dashboard, value), Ok(()), "{}", link.url);
                            name
                        }
                        (None, Some(name)) => {
                            assert!(has_variable(dashboard, name), "{}: {part}", link.url);
                            name
                        }
                        (None, None) if part == "${__url_time_range}" => continue,
                        (None, None) => {
                            let id = part
                                .strip_prefix("viewPanel=")
                                .unwrap_or_else(|| panic!("{}: {part}", link.url));
                            let id: u64 = id.parse().unwrap();
                            assert!(target.drawn().any(|panel| panel.id == id), "{}", link.url);
                            continue;
                        }
                    };
                assert!(has_variable(target, name), "{}: {uid} has no {name}", link.url);
            }
        }
    }
}

fn has_variable(dashboard: &Dashboard, name: &str) -> bool {
    dashboard.templating.list.iter().any(|variable| variable.name == name)
}

/// `${__data.fields.node}` is a column of the table; `${node}` a variable.
fn is_shown(dashboard: &Dashboard, value: &str) -> Result<(), String> {
    let inner = value.strip_prefix("${").and_then(|value| value.strip_suffix('}')).ok_or(value)?;
    let known = match inner.strip_prefix("__data.fields.") {
        Some(field) => ["site", "node", "namespace", "name"].contains(&field),
        None => has_variable(dashboard, inner),
    };
    known.then_some(()).ok_or_else(|| value.to_owned())
}

#[test]
fn panels_stand_beside_each_other_and_have_numbers_of_their_own() {
    for dashboard in all() {
        let ids: BTreeSet<_> = dashboard.panels.iter().map(|panel| panel.id).collect();
        assert_eq!(ids.len(), dashboard.panels.len(), "{}", dashboard.file);
        let mut taken = BTreeSet::new();
        for panel in &dashboard.panels {
            let at = panel.grid_pos;
            assert!(at.x + at.w <= 24, "{} {}", dashboard.file, panel.title);
            for x in at.x..at.x + at.w {
                for y in at.y..at.y + at.h {
                    assert!(taken.insert((x, y)), "{} {}: on another", dashboard.file, panel.title);
                }
            }
        }
    }
}

#[test]
fn they_import_without_change() {
    for dashboard in all() {
        assert_eq!(dashboard.id, None, "{}: a number of a database", dashboard.file);
        assert!(dashboard.inputs.is_empty(), "{}", dashboard.file);
        assert_eq!(dashboard.schema_version, 39, "{}", dashboard.file);
        assert!(dashboard.tags.contains(&"edgebench".to_owned()) && !dashboard.title.is_empty());
        assert_eq!(dashboard.time["to"], "now");
        assert!(!dashboard.refresh.is_empty() && !dashboard.description.is_empty());
        for panel in dashboard.panels.iter().filter(|panel| panel.kind == "row") {
            assert!(
                panel.panels.is_empty(),
                "{}: a row that is not collapsed has its panels after it",
                dashboard.file
            );
            assert!(panel.repeat.as_deref().is_none_or(|name| has_variable(&dashboard, name)));
        }
        for panel in dashboard.drawn() {
            let ids: BTreeSet<_> = panel.targets.iter().map(|target| &target.ref_id).collect();
            assert_eq!(ids.len(), panel.targets.len(), "{} {}", dashboard.file, panel.title);
        }
    }
}
