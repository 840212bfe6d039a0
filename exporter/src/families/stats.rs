//! How many series an exposition has: what `--once --stats` prints.
//!
//! A Prometheus server pays for each series, so what grows with VMs is told apart from what a node has
//! anyway. The VM families are those with KubeVirt's join keys.

use std::collections::BTreeMap;
use std::fmt;

use prometheus::proto::MetricFamily;

use super::{Family, Sink, Value, emit, emit_registered};
use crate::view::View;

/// A VM as its series name it.
type Vm = (String, String);

/// Series of one exposition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    families: Vec<(&'static str, u64)>,
    of_vms: BTreeMap<Vm, u64>,
    is_of_vms: bool,
}

impl Stats {
    /// Counts the series of a view and of what a registry gathered.
    pub fn of(view: &View, gathered: &[MetricFamily]) -> Stats {
        let mut stats = Stats::default();
        emit(view, &mut stats);
        emit_registered(gathered, &mut stats);
        stats
    }

    /// All of them.
    pub fn series(&self) -> u64 {
        self.families.iter().map(|(_, series)| series).sum()
    }

    /// Those that do not belong to a VM.
    pub fn of_node(&self) -> u64 {
        self.series() - self.of_vms.values().sum::<u64>()
    }

    /// Least, median (the lower one of an even number) and most of a VM; absent without VMs.
    pub fn per_vm(&self) -> Option<[u64; 3]> {
        let mut series: Vec<_> = self.of_vms.values().copied().collect();
        series.sort_unstable();
        Some([*series.first()?, *series.get((series.len() - 1) / 2)?, *series.last()?])
    }
}

impl Sink for Stats {
    fn family(&mut self, family: &'static Family) {
        self.families.push((family.name, 0));
        self.is_of_vms = family.labels.starts_with(&["node", "namespace", "name"]);
    }

    fn sample(&mut self, values: &[&str], _: Value) {
        if let Some((_, series)) = self.families.last_mut() {
            *series += 1;
        }
        if let ([_, namespace, name, ..], true) = (values, self.is_of_vms) {
            *self.of_vms.entry(((*namespace).to_owned(), (*name).to_owned())).or_default() += 1;
        }
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<64} {:>6}", "SERIES", self.series())?;
        writeln!(f, "{:<64} {:>6}", "  of the node, however many VMs it runs", self.of_node())?;
        writeln!(f, "{:<64} {:>6}", "  of VMs", self.series() - self.of_node())?;
        if let Some([least, median, most]) = self.per_vm() {
            writeln!(f, "{:<64} {:>6}", "VMs", self.of_vms.len())?;
            writeln!(f, "{:<64} {least:>6}", "  series of a VM, least")?;
            writeln!(f, "{:<64} {median:>6}", "  series of a VM, median")?;
            writeln!(f, "{:<64} {most:>6}", "  series of a VM, most")?;
        }
        writeln!(f, "{:<64} {:>6}", "FAMILIES", self.families.len())?;
        for (name, series) in &self.families {
            writeln!(f, "  {name:<62} {series:>6}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition::{Format, write};
    use crate::view::example;

    #[test]
    fn it_counts_what_is_written() {
        let view = example::node(2);
        let mut text = Vec::new();
        write(&view, &[], Format::Text, &mut text);
        let text = String::from_utf8(text).unwrap();
        let series = text.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(Stats::of(&view, &[]).series(), series as u64);
    }

    #[test]
    fn what_a_node_has_does_not_depend_on_its_vms() {
        let (none, many) = (Stats::of(&example::node(0), &[]), Stats::of(&example::node(5), &[]));
        assert_eq!(none.of_node(), many.of_node());
        assert_eq!((none.per_vm(), none.series()), (None, none.of_node()));
    }

    #[test]
    fn a_vm_with_fewer_figures_is_the_least() {
        let mut view = example::node(3);
        view.vms[1].guest = None;
        view.vms[1].vcpu_threads.clear();
        let [least, median, most] = Stats::of(&view, &[]).per_vm().unwrap();
        // The VM under emulation has one series of CPU time less; two threads, two series each, and the guest's
        // three are gone from the second.
        assert_eq!([most - median, most - least], [1, 7]);
    }

    #[test]
    fn it_is_printed_as_a_plain_table() {
        let stats = Stats::of(&example::node(1), &[]);
        let text = stats.to_string();
        assert!(text.starts_with(&format!("SERIES{:>65}\n", stats.series())), "{text}");
        assert!(text.contains(&format!("  edgebench_vmi_info{:>51}\n", 1)), "{text}");
        let widths: Vec<_> = text.lines().map(str::len).collect();
        assert!(widths.iter().all(|width| *width == widths[0]), "{text}");
    }
}
