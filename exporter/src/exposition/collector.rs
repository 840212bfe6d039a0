//! The same view as a `prometheus::core::Collector`, for programs that embed the exporter in a registry of
//! their own.
//!
//! The `prometheus` crate keeps every value as `f64` and has no type for infos: they are gauges of 1. A
//! value gets there through its own text, so that a registry and a scrape say the same to the last bit.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use prometheus::core::{Collector, Desc};
use prometheus::proto::{Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType};

use super::number::write_value;
use crate::families::{Family, Kind, Sink, Value, emit, table};
use crate::view::View;

/// Where the views come from.
type Source = Arc<dyn Fn() -> Arc<View> + Send + Sync>;

/// A collector of a view's families.
pub struct ViewCollector {
    descriptions: Vec<Desc>,
    source: Source,
}

impl ViewCollector {
    /// Asks `source` for a view at each collection.
    ///
    /// # Errors
    /// If the `prometheus` crate refuses the name of a family or a label.
    pub fn new(source: Source) -> prometheus::Result<ViewCollector> {
        let descriptions = table::OF_VIEW.iter().map(|family| {
            let labels = family.labels.iter().map(|label| (*label).to_owned()).collect();
            Desc::new(family.name.to_owned(), family.help.to_owned(), labels, HashMap::new())
        });
        Ok(ViewCollector { descriptions: descriptions.collect::<prometheus::Result<_>>()?, source })
    }
}

impl fmt::Debug for ViewCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ViewCollector").finish_non_exhaustive()
    }
}

impl Collector for ViewCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut families = Families::default();
        emit(&(self.source)(), &mut families);
        families.done
    }
}

#[derive(Default)]
struct Families {
    done: Vec<MetricFamily>,
    current: Option<&'static Family>,
    number: Vec<u8>,
}

impl Sink for Families {
    fn family(&mut self, family: &'static Family) {
        self.current = Some(family);
        let mut metrics = MetricFamily::default();
        metrics.set_name(family.name.to_owned());
        metrics.set_help(family.help.to_owned());
        metrics.set_field_type(match family.kind {
            Kind::Counter => MetricType::COUNTER,
            Kind::Gauge | Kind::Info => MetricType::GAUGE,
        });
        self.done.push(metrics);
    }

    fn sample(&mut self, values: &[&str], value: Value) {
        let (Some(family), Some(metrics)) = (self.current, self.done.last_mut()) else { return };
        let labels = family.labels.iter().zip(values).map(|(label, value)| {
            let mut pair = LabelPair::default();
            pair.set_name((*label).to_owned());
            pair.set_value((*value).to_owned());
            pair
        });
        let mut metric = Metric::from_label(labels.collect());
        let number = number(value, &mut self.number);
        match family.kind {
            Kind::Counter => {
                let mut counter = Counter::default();
                counter.set_value(number);
                metric.set_counter(counter);
            }
            Kind::Gauge | Kind::Info => {
                let mut gauge = Gauge::default();
                gauge.set_value(number);
                metric.set_gauge(gauge);
            }
        }
        metrics.mut_metric().push(metric);
    }
}

/// What a reader of the text would have: a decimal, rounded once.
fn number(value: Value, buffer: &mut Vec<u8>) -> f64 {
    buffer.clear();
    write_value(buffer, value);
    std::str::from_utf8(buffer).ok().and_then(|text| text.parse().ok()).unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use edgebench_sampler::Nanos;
    use prometheus::{Encoder, IntCounter, Registry, TextEncoder};

    use super::*;
    use crate::exposition::{Format, reader, write};
    use crate::view::example;

    /// Series and the bits of their values.
    type Said = BTreeMap<(String, BTreeMap<String, String>), u64>;

    fn said(text: &[u8]) -> Said {
        let samples = reader::read(std::str::from_utf8(text).unwrap());
        samples.into_iter().map(|s| ((s.name, s.labels), s.value.parse::<f64>().unwrap().to_bits())).collect()
    }

    fn gathered(view: View) -> Vec<MetricFamily> {
        let view = Arc::new(view);
        let registry = Registry::new();
        let collector = ViewCollector::new(Arc::new(move || Arc::clone(&view))).unwrap();
        registry.register(Box::new(collector)).unwrap();
        registry.gather()
    }

    #[test]
    fn a_registry_says_what_the_text_says() {
        let mut view = example::node(3);
        view.vms[1].name = "with \"quotes\",\\ and\nlines".to_owned();
        view.own.cpu = Nanos(u64::MAX);
        let mut text = Vec::new();
        write(&view, &[], Format::Text, &mut text);
        let mut encoded = Vec::new();
        TextEncoder::new().encode(&gathered(view), &mut encoded).unwrap();
        assert_eq!(said(&encoded), said(&text));
    }

    #[test]
    fn metadata_is_the_same_too() {
        let mut text = Vec::new();
        write(&example::node(1), &[], Format::Text, &mut text);
        let mut encoded = Vec::new();
        TextEncoder::new().encode(&gathered(example::node(1)), &mut encoded).unwrap();
        let metadata = |text: &[u8]| {
            let text = String::from_utf8(text.to_vec()).unwrap();
            let mut lines: Vec<_> =
                text.lines().filter(|line| line.starts_with('#')).map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(metadata(&encoded), metadata(&text));
    }

    #[test]
    fn it_stands_in_a_registry_beside_others_once() {
        let registry = Registry::new();
        let collector = || ViewCollector::new(Arc::new(|| Arc::new(View::default()))).unwrap();
        registry.register(Box::new(collector())).unwrap();
        registry.register(Box::new(IntCounter::new("others_total", "Of another.").unwrap())).unwrap();
        assert!(registry.register(Box::new(collector())).is_err(), "a second time");
    }
}
