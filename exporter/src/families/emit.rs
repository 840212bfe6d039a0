//! The only walk from a [`View`] to samples.
//!
//! Both text formats want all samples of a family in one group below its metadata
//! (prometheus.io/docs/instrumenting/exposition_formats, OpenMetrics 1.0 "MetricFamily"), so the walk goes
//! family by family, in the order of the table.

use super::{Family, Value, component, endpoint, guest, kubernetes, node, own, vmi};
use crate::view::View;

/// What takes samples: a writer of a text format, a collector for a registry, a count.
pub trait Sink {
    /// The samples that follow are of this family. Comes only where there is one.
    fn family(&mut self, family: &'static Family);

    /// A sample: its label values in the order of the family's labels.
    fn sample(&mut self, values: &[&str], value: Value);
}

/// Gives every figure of a view to `sink`, in the order of [`super::table::OF_VIEW`]. An absent figure gives
/// no sample, a family without samples is not announced.
pub fn emit(view: &View, sink: &mut impl Sink) {
    let mut out = Out { sink, unannounced: None };
    node::emit(view, &mut out);
    component::emit(view, &mut out);
    vmi::emit(view, &mut out);
    kubernetes::emit(view, &mut out);
    endpoint::emit(view, &mut out);
    guest::emit(view, &mut out);
    own::emit(view, &mut out);
}

/// A sink that learns of a family with its first sample.
pub(super) struct Out<'a, S> {
    sink: &'a mut S,
    unannounced: Option<&'static Family>,
}

impl<S: Sink> Out<'_, S> {
    pub(super) fn family(&mut self, family: &'static Family) {
        self.unannounced = Some(family);
    }

    pub(super) fn sample(&mut self, values: &[&str], value: impl Into<Value>) {
        if let Some(family) = self.unannounced.take() {
            self.sink.family(family);
        }
        self.sink.sample(values, value.into());
    }

    pub(super) fn sample_if(&mut self, values: &[&str], value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.sample(values, value);
        }
    }

    /// A family of one series without labels.
    pub(super) fn one(&mut self, family: &'static Family, value: impl Into<Value>) {
        self.family(family);
        self.sample(&[], value);
    }

    /// A family of at most one series without labels.
    pub(super) fn one_if(&mut self, family: &'static Family, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.one(family, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::families::table;
    use crate::view::example;

    /// What came out, in order.
    #[derive(Default)]
    struct Heard {
        families: Vec<&'static Family>,
        series: Vec<(&'static str, Vec<String>, Value)>,
    }

    impl Sink for Heard {
        fn family(&mut self, family: &'static Family) {
            self.families.push(family);
        }

        fn sample(&mut self, values: &[&str], value: Value) {
            let family = self.families.last().expect("a family before its samples");
            assert_eq!(values.len(), family.labels.len(), "{}", family.name);
            self.series.push((family.name, values.iter().map(|v| (*v).to_owned()).collect(), value));
        }
    }

    fn heard(view: &View) -> Heard {
        let mut heard = Heard::default();
        emit(view, &mut heard);
        heard
    }

    #[test]
    fn a_full_view_gives_every_family_of_the_table_once_in_its_order() {
        let names = |families: &[&Family]| families.iter().map(|f| f.name).collect::<Vec<_>>();
        assert_eq!(names(&heard(&example::node(2)).families), names(table::OF_VIEW));
    }

    #[test]
    fn no_series_comes_twice() {
        let heard = heard(&example::node(3));
        let distinct: BTreeSet<_> = heard.series.iter().map(|(name, values, _)| (name, values)).collect();
        assert_eq!(distinct.len(), heard.series.len());
    }

    #[test]
    fn what_could_not_be_read_gives_no_sample() {
        let empty = heard(&View::default());
        let left: BTreeSet<_> = empty.families.iter().map(|f| f.name).collect();
        let expected = [
            "edgebench_reading_timestamp_seconds",
            "edgebench_build_info",
            "process_cpu_seconds_total",
            "process_resident_memory_bytes",
            "process_virtual_memory_bytes",
            "process_start_time_seconds",
            "process_threads",
        ];
        assert_eq!(left, expected.into());
        assert_eq!(empty.series.len(), left.len());
    }

    #[test]
    fn the_parts_of_ram_used_add_up_to_it() {
        let series = heard(&example::node(0)).series;
        let sum = |wanted: &[&Family]| -> i64 {
            let of = |name: &str| wanted.iter().any(|family| family.name == name);
            series.iter().filter(|(name, ..)| of(name)).map(|(.., value)| bytes(value)).sum()
        };
        let parts = [
            &node::MEMORY_ANONYMOUS,
            &node::MEMORY_HUGETLB_USED,
            &node::MEMORY_KERNEL,
            &node::MEMORY_UNEXPLAINED,
        ];
        assert_eq!(sum(&parts), sum(&[&node::MEMORY_USED]));
    }

    fn bytes(value: &Value) -> i64 {
        match value {
            Value::Count(bytes) => *bytes as i64,
            Value::Signed(bytes) => *bytes,
            Value::Seconds(_) | Value::Real(_) => panic!("not bytes: {value:?}"),
        }
    }
}
