//! A side: one capture, or several of one label, which are repeats of each other. Its figures are their means.

use std::collections::BTreeMap;

use edgebench_sampler::component::OncePer;
use serde::Serialize;

use super::metric::Metric;
use crate::footprint::{Footprint, PartKey, Tax, TaxPart};
use crate::statistics::{self, Difference, Series};

/// Captures that count as one.
#[derive(Clone, Debug, Serialize)]
pub struct Side {
    /// How it is called: its label, or its file.
    pub name: String,
    /// At least one.
    pub captures: Vec<Footprint>,
}

impl Side {
    /// A side of captures; nothing where there is none.
    pub fn new(captures: Vec<Footprint>) -> Option<Side> {
        let last = captures.last()?;
        let name = last
            .capture
            .label
            .clone()
            .or_else(|| last.capture.file.clone())
            .unwrap_or_else(|| "this run".into());
        Some(Side { name, captures })
    }

    /// The capture whose tables are shown: the last.
    pub fn shown(&self) -> &Footprint {
        // `new` refuses a side without captures.
        &self.captures[self.captures.len() - 1]
    }

    /// Whether anything of KubeVirt, CDI or a VM runs on it.
    pub fn has_kubevirt(&self) -> bool {
        self.captures.iter().any(Footprint::has_kubevirt)
    }

    pub(super) fn mean(&self, figure: impl Fn(&Footprint) -> f64) -> f64 {
        self.captures.iter().map(figure).sum::<f64>() / self.captures.len() as f64
    }

    /// RAM used in KiB, mean of the captures.
    pub fn memory_used_kib(&self) -> f64 {
        self.mean(|footprint| footprint.memory.used_kib as f64)
    }

    /// The parts of RAM used in KiB, mean of the captures: they sum to it.
    pub fn memory_parts(&self) -> BTreeMap<PartKey, f64> {
        self.mean_parts(|footprint| {
            footprint.memory.parts.iter().map(|(key, kib)| (key, *kib as f64)).collect()
        })
    }

    /// The parts of CPU used in percent of the node, mean of the captures: they sum to it.
    pub fn cpu_parts(&self) -> BTreeMap<PartKey, f64> {
        self.mean_parts(|footprint| {
            let percent = |ticks: i64| ticks as f64 * 100.0 / footprint.cpu.interval_ticks.max(1) as f64;
            footprint.cpu.parts.iter().map(|(key, ticks)| (key, percent(*ticks))).collect()
        })
    }

    fn mean_parts(&self, parts: impl Fn(&Footprint) -> Vec<(&PartKey, f64)>) -> BTreeMap<PartKey, f64> {
        let mut sums: BTreeMap<PartKey, f64> = BTreeMap::new();
        for footprint in &self.captures {
            for (key, amount) in parts(footprint) {
                *sums.entry(key.clone()).or_default() += amount;
            }
        }
        for sum in sums.values_mut() {
            *sum /= self.captures.len() as f64;
        }
        sums
    }

    /// The tax, mean of the captures; absent parts stay absent.
    pub fn tax(&self) -> Tax {
        let all = |figure: fn(&Tax) -> Option<f64>| {
            let values: Option<Vec<f64>> =
                self.captures.iter().map(|footprint| figure(&footprint.tax)).collect();
            values.map(|values| values.iter().sum::<f64>() / values.len() as f64)
        };
        let part = |once_per: OncePer| {
            let kib = self.mean(|footprint| {
                let parts = footprint.tax.parts.iter().filter(|part| part.once_per == once_per);
                parts.map(|part| part.memory_kib).sum::<i64>() as f64
            });
            TaxPart { once_per, memory_kib: kib.round() as i64 }
        };
        Tax {
            memory_kib: all(|tax| tax.memory_kib.map(|kib| kib as f64)).map(|kib| kib.round() as i64),
            cpu_percent: all(|tax| tax.cpu_percent),
            parts: [OncePer::Cluster, OncePer::Node, OncePer::Vm].map(part).to_vec(),
        }
    }

    pub(super) fn difference(&self, baseline: &Side, metric: Metric) -> Difference {
        let of = |footprint: &'_ Footprint| metric.samples(&footprint.series).to_vec();
        let resolution = metric.resolution(&self.shown().series);
        if self.captures.len() == 1 && baseline.captures.len() == 1 {
            let (before, after) = (of(baseline.shown()), of(self.shown()));
            let series = |values| Series { values, resolution };
            return statistics::difference(&series(&before), &series(&after));
        }
        let means = |side: &Side| -> Vec<f64> {
            side.captures.iter().map(|footprint| metric.percent(footprint)).collect()
        };
        statistics::difference_of_runs(&means(baseline), &means(self), resolution)
    }
}
