//! Every family of the exporter is of use to somebody who looks, or is here with the reason; the table in
//! `dashboards/README.md` says where it shows. `UPDATE_GOLDEN=1` rewrites it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::{env, fs};

use edgebench_exporter::families::table;
use edgebench_tests::dashboards;
use edgebench_tests::promql::{parse, selectors};
use edgebench_tests::rules::{alerts, recording};

/// Families that no panel and no rule asks for.
const UNUSED: &[(&str, &str)] = &[(
    "process_virtual_memory_bytes",
    "there by convention; address space is no memory, and nobody has a question that it answers",
)];

/// Where each metric is asked for: a dashboard, a file of rules; and what asks there.
fn uses() -> BTreeMap<String, BTreeMap<String, BTreeSet<String>>> {
    let mut uses: BTreeMap<String, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    let mut add = |expr: &str, place: &str, what: &str| {
        for found in selectors(&parse(expr).unwrap()) {
            let places = uses.entry(found.selector.name.clone()).or_default();
            places.entry(place.to_owned()).or_default().insert(what.to_owned());
        }
    };
    for dashboard in dashboards::all() {
        let title = dashboard.title.strip_prefix("edgebench / ").unwrap();
        for panel in dashboard.drawn() {
            for expr in panel.targets.iter().flat_map(|target| dashboard.with_choices(&target.expr)) {
                add(&expr, title, &panel.title);
            }
        }
        for (variable, metric) in dashboard.variable_queries() {
            add(&metric, title, &format!("${}", variable.name));
        }
        for mark in &dashboard.annotations.list {
            add(&mark.expr, title, &mark.name);
        }
    }
    for rule in recording() {
        add(&rule.expr, "rules", &format!("`{}`", rule.record.unwrap()));
    }
    for rule in alerts() {
        add(&rule.expr, "alerts", &rule.alert.unwrap());
    }
    uses
}

#[test]
fn each_family_is_used_or_has_a_reason_not_to_be() {
    let uses = uses();
    let unused: Vec<_> =
        table::all().map(|family| family.name).filter(|name| !uses.contains_key(*name)).collect();
    let expected: Vec<_> = UNUSED.iter().map(|(name, _)| *name).collect();
    assert_eq!(unused, expected);
}

const BEGIN: &str =
    "<!-- Generated: UPDATE_GOLDEN=1 cargo test -p edgebench-tests --test dashboards used -->\n";
const END: &str = "<!-- End of what is generated. -->\n";

fn rows() -> String {
    let uses = uses();
    let mut rows = "| metric | where it shows |\n|---|---|\n".to_owned();
    let families = table::all().map(|family| family.name.to_owned());
    for name in families.chain(recording().into_iter().filter_map(|rule| rule.record)) {
        let places: Vec<_> = match uses.get(&name) {
            Some(places) => {
                let place = |(place, what): (&String, &BTreeSet<String>)| {
                    format!("{place}: {}", what.iter().map(String::as_str).collect::<Vec<_>>().join(", "))
                };
                places.iter().map(place).collect()
            }
            None => {
                vec![UNUSED.iter().find(|(unused, _)| *unused == name).map_or("", |(_, why)| why).to_owned()]
            }
        };
        writeln!(rows, "| `{name}` | {} |", places.join("; ")).unwrap();
    }
    rows
}

#[test]
fn the_readme_says_where_each_metric_shows() {
    let path = dashboards::directory().join("README.md");
    let text = fs::read_to_string(&path).unwrap();
    let (head, rest) = text.split_once(BEGIN).expect("where the table begins");
    let (found, tail) = rest.split_once(END).expect("where the table ends");
    if env::var_os("UPDATE_GOLDEN").is_some_and(|value| !value.is_empty() && value != "0") {
        fs::write(&path, format!("{head}{BEGIN}{}{END}{tail}", rows())).unwrap();
        return;
    }
    for (line, expected) in found.lines().zip(rows().lines()) {
        assert_eq!(line, expected, "UPDATE_GOLDEN=1 rewrites it");
    }
    assert_eq!(found.lines().count(), rows().lines().count());
}
