//! The metrics there are: families of the exporter, recording rules, and what Prometheus says of a target.

use std::collections::BTreeMap;

use edgebench_exporter::families::{Family, Kind, table};
use edgebench_tests::promql::Dimension;
use edgebench_tests::rules;

/// Labels that a target gives to all its series; `job` and `instance` are Prometheus' own.
pub(crate) const OF_TARGETS: &[&str] = &["cluster", "node", "job", "instance"];

/// What Prometheus says of each target (prometheus.io/docs/concepts/jobs_instances).
const OF_SCRAPES: &[(&str, Dimension)] = &[
    ("up", Dimension::NONE),
    ("scrape_samples_scraped", Dimension::NONE),
    ("scrape_duration_seconds", Dimension::SECONDS),
];

/// A metric.
#[derive(Clone, Debug)]
pub(crate) struct Metric {
    pub(crate) dimension: Dimension,
    pub(crate) is_counter: bool,
    /// Its labels but for those of targets; nothing for a rule, whose level says them.
    pub(crate) labels: Option<&'static [&'static str]>,
    /// No label of a target is left.
    pub(crate) is_of_all: bool,
}

/// All of them.
pub(crate) fn metrics() -> BTreeMap<String, Metric> {
    let scrapes = OF_SCRAPES.iter().map(|(name, dimension)| {
        let metric = Metric { dimension: *dimension, is_counter: false, labels: Some(&[]), is_of_all: false };
        ((*name).to_owned(), metric)
    });
    let families = table::all().map(|family| (family.name.to_owned(), of_family(family)));
    let rules = rules::recording().into_iter().filter_map(|rule| rule.record).map(|name| {
        let is_of_all = name.starts_with("fleet:") || name.starts_with("component:");
        let metric = Metric { dimension: of_rule(&name), is_counter: false, labels: None, is_of_all };
        (name, metric)
    });
    scrapes.chain(families).chain(rules).collect()
}

fn of_family(family: &Family) -> Metric {
    let dimension = match family.unit() {
        Some("bytes") => Dimension::BYTES,
        Some("seconds") => Dimension::SECONDS,
        _ => Dimension::NONE,
    };
    Metric {
        dimension,
        is_counter: family.kind == Kind::Counter,
        labels: Some(family.labels),
        is_of_all: false,
    }
}

/// By the metric in its name: `level:metric:operations`. A ratio has no dimension whatever it is of.
pub(crate) fn of_rule(name: &str) -> Dimension {
    let mut parts = name.split(':').skip(1);
    let metric = parts.next().unwrap_or_default().trim_end_matches("_per_day");
    match metric.rsplit('_').next() {
        Some("bytes") if parts.next() != Some("ratio") => Dimension::BYTES,
        _ => Dimension::NONE,
    }
}

/// The dimension of a metric.
pub(crate) fn dimension_in(metrics: &BTreeMap<String, Metric>) -> impl Fn(&str) -> Result<Dimension, String> {
    |name| metrics.get(name).map(|metric| metric.dimension).ok_or_else(|| format!("there is no {name}"))
}
