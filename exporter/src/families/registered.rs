//! Families that are counted in a `prometheus::Registry`, on their way to the same sinks as a view's.
//!
//! `Registry::gather` merges and sorts but knows neither OpenMetrics nor this crate's table; a gathered
//! family is written as the row of the table with its name says, so that no family is told in two ways.

use prometheus::proto::{Metric, MetricFamily, MetricType};

use super::{Family, Kind, Sink, Value, table};

/// More labels than a family of the table has; a test of the table holds it.
const MOST_LABELS: usize = 8;

/// What is counted elsewhere than in a view.
pub trait Registered {
    /// Gives all of it to `sink`.
    fn emit(&self, sink: &mut impl Sink);
}

impl Registered for [MetricFamily] {
    fn emit(&self, sink: &mut impl Sink) {
        emit_registered(self, sink);
    }
}

/// Gives what a registry gathered to `sink`, as far as the table has it. [`undeclared`] names the rest.
pub fn emit_registered(gathered: &[MetricFamily], sink: &mut impl Sink) {
    for metrics in gathered {
        let Some(family) = declared(metrics) else { continue };
        if metrics.get_metric().is_empty() {
            continue;
        }
        sink.family(family);
        for metric in metrics.get_metric() {
            let mut values = [""; MOST_LABELS];
            let values = &mut values[..family.labels.len().min(MOST_LABELS)];
            for (value, label) in values.iter_mut().zip(family.labels) {
                let pair = metric.get_label().iter().find(|pair| pair.name() == *label);
                *value = pair.map_or("", |pair| pair.value());
            }
            sink.sample(values, value(family, metric));
        }
    }
}

/// Names of what a registry gathered and the table does not have, or not of that kind: a test's question.
pub fn undeclared(gathered: &[MetricFamily]) -> Vec<&str> {
    gathered.iter().filter(|metrics| declared(metrics).is_none()).map(|metrics| metrics.name()).collect()
}

fn declared(metrics: &MetricFamily) -> Option<&'static Family> {
    let kind = match metrics.get_field_type() {
        MetricType::COUNTER => Kind::Counter,
        MetricType::GAUGE => Kind::Gauge,
        _ => return None,
    };
    let of_kind = |family: &Family| family.name == metrics.name() && family.kind == kind;
    table::OF_REGISTRY.iter().copied().find(|family| of_kind(family))
}

/// Counts are whole numbers in a registry too, but kept as `f64`.
fn value(family: &Family, metric: &Metric) -> Value {
    Value::Real(match family.kind {
        Kind::Counter => metric.get_counter().get_value(),
        Kind::Gauge | Kind::Info => metric.get_gauge().get_value(),
    })
}

#[cfg(test)]
mod tests {
    use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};

    use super::*;
    use crate::exposition::{Format, write};
    use crate::families::web;
    use crate::view::View;

    fn gathered(collector: impl prometheus::core::Collector + 'static) -> Vec<MetricFamily> {
        let registry = Registry::new();
        registry.register(Box::new(collector)).unwrap();
        registry.gather()
    }

    /// The lines of an exposition that name `name`.
    fn lines(gathered: &[MetricFamily], format: Format, name: &str) -> Vec<String> {
        let mut out = Vec::new();
        write(&View::default(), gathered, format, &mut out);
        let text = String::from_utf8(out).unwrap();
        text.lines().filter(|line| line.contains(name)).map(str::to_owned).collect()
    }

    #[test]
    fn what_a_registry_counts_is_written_like_all_else() {
        let row = &web::REQUESTS;
        let requests = IntCounterVec::new(Opts::new(row.name, row.help), row.labels).unwrap();
        requests.with_label_values(&["200", "metrics"]).inc_by(3);
        let gathered = gathered(requests);
        assert_eq!(undeclared(&gathered), [""; 0]);
        assert_eq!(
            lines(&gathered, Format::OpenMetrics, "edgebench_web_requests"),
            [
                "# HELP edgebench_web_requests HTTP requests answered, by status code and handler.",
                "# TYPE edgebench_web_requests counter",
                "edgebench_web_requests_total{code=\"200\",handler=\"metrics\"} 3",
            ]
        );
    }

    #[test]
    fn labels_are_found_by_name_in_whatever_order_they_come() {
        let row = &web::REQUESTS;
        let requests = IntCounterVec::new(Opts::new(row.name, row.help), &["handler", "code"]).unwrap();
        requests.with_label_values(&["metrics", "200"]).inc();
        let lines = lines(&gathered(requests), Format::Text, "{code");
        assert_eq!(lines, ["edgebench_web_requests_total{code=\"200\",handler=\"metrics\"} 1"]);
    }

    #[test]
    fn what_the_table_does_not_have_is_named_and_not_written() {
        let stranger = gathered(IntCounter::new("edgebench_nobody_declared_total", "Something.").unwrap());
        assert_eq!(undeclared(&stranger), ["edgebench_nobody_declared_total"]);
        assert_eq!(lines(&stranger, Format::Text, "nobody"), [""; 0]);
        let of_another_kind = gathered(IntGauge::new(web::REQUESTS.name, "Requests.").unwrap());
        assert_eq!(undeclared(&of_another_kind), [web::REQUESTS.name]);
    }

    #[test]
    fn no_family_of_the_table_has_too_many_labels() {
        assert!(table::all().all(|family| family.labels.len() <= MOST_LABELS));
    }
}
