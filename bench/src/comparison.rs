//! Two sides of a change: without KubeVirt and with it.
//!
//! A side is one capture, or several of one label, which are repeats of each other: its figures are their
//! means. "No KubeVirt" is measured (a baseline), or estimated from the node as it is: then it leaves out
//! what Kubernetes and the kernel grew by, and is a lower bound of the difference.

use std::collections::{BTreeMap, BTreeSet};

use edgebench_sampler::component::OncePer;
use serde::Serialize;

use crate::footprint::{Footprint, Group, PartKey, Samples, Tax, TaxPart};
use crate::statistics::{self, Difference, Series, Verdict};

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

    fn mean(&self, figure: impl Fn(&Footprint) -> f64) -> f64 {
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

    fn difference(&self, baseline: &Side, metric: Metric) -> Difference {
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

/// A figure of the node table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// 100 − idle, sar's average.
    CpuUsed,
    /// RAM used by sar's formula.
    MemoryUsed,
    /// MemTotal − MemAvailable.
    MemoryUnavailable,
}

impl Metric {
    /// All of them, in the order of the table.
    pub const ALL: [Metric; 3] = [Metric::CpuUsed, Metric::MemoryUsed, Metric::MemoryUnavailable];

    /// As people read it.
    pub fn name(self) -> &'static str {
        match self {
            Metric::CpuUsed => "CPU used",
            Metric::MemoryUsed => "RAM used (sar)",
            Metric::MemoryUnavailable => "RAM used (available)",
        }
    }

    /// In percent, of one capture.
    pub fn percent(self, footprint: &Footprint) -> f64 {
        match self {
            Metric::CpuUsed => footprint.node.cpu_used_percent,
            Metric::MemoryUsed => footprint.node.memory.used_percent,
            Metric::MemoryUnavailable => footprint.node.memory_unavailable_percent,
        }
    }

    /// In KiB, of one capture; nothing for CPU.
    pub fn kib(self, footprint: &Footprint) -> Option<f64> {
        match self {
            Metric::CpuUsed => None,
            // Whole, as sar prints it and as the ledger sums to.
            Metric::MemoryUsed => Some(footprint.memory.used_kib as f64),
            Metric::MemoryUnavailable => Some(footprint.node.memory_unavailable_kib),
        }
    }

    fn samples(self, samples: &Samples) -> &[f64] {
        match self {
            Metric::CpuUsed => &samples.cpu_used_percent,
            Metric::MemoryUsed => &samples.memory_used_percent,
            Metric::MemoryUnavailable => &samples.memory_unavailable_percent,
        }
    }

    fn resolution(self, samples: &Samples) -> f64 {
        match self {
            Metric::CpuUsed => samples.cpu_resolution,
            Metric::MemoryUsed | Metric::MemoryUnavailable => samples.memory_resolution,
        }
    }

    /// The drift within a capture that is more than noise, in the metric's percent a minute.
    pub fn drift_per_minute(self, footprint: &Footprint) -> Option<f64> {
        let series = Series {
            values: self.samples(&footprint.series),
            resolution: self.resolution(&footprint.series),
        };
        let per_sample = statistics::trend_per_sample(&series)?;
        Some(per_sample * 60.0 / footprint.capture.interval_seconds.max(1e-3))
    }
}

/// How a difference is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// More than noise.
    Real,
    /// Not to be told from noise.
    WithinNoise,
    /// The samples hang together too much to say.
    TooFewSamples,
    /// One side is an estimate.
    Estimate,
}

impl Judgement {
    /// As people read it.
    pub fn name(self) -> &'static str {
        match self {
            Judgement::Real => "real",
            Judgement::WithinNoise => "within noise",
            Judgement::TooFewSamples => "too few samples",
            Judgement::Estimate => "estimate",
        }
    }
}

impl From<Verdict> for Judgement {
    fn from(verdict: Verdict) -> Judgement {
        match verdict {
            Verdict::Real => Judgement::Real,
            Verdict::WithinNoise => Judgement::WithinNoise,
            Verdict::TooFewSamples => Judgement::TooFewSamples,
        }
    }
}

/// A row of the node table.
#[derive(Clone, Debug, Serialize)]
pub struct NodeRow {
    /// Which figure.
    pub metric: Metric,
    /// Percent on both sides, and the difference in points.
    pub percent: Change,
    /// The same in KiB; nothing for CPU.
    pub kib: Option<Change>,
    /// 95 % interval of the difference in points; where there is no other side, of the figure itself.
    pub interval: Option<(f64, f64)>,
    /// What the difference is worth; nothing where there is no other side.
    pub verdict: Option<Judgement>,
}

/// A figure on both sides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Change {
    /// Without KubeVirt; nothing where there is no other side.
    pub baseline: Option<f64>,
    /// With it.
    pub capture: f64,
    /// Capture − baseline.
    pub delta: Option<f64>,
}

impl Change {
    fn between(baseline: f64, capture: f64) -> Change {
        Change { baseline: Some(baseline), capture, delta: Some(capture - baseline) }
    }

    fn alone(capture: f64) -> Change {
        Change { baseline: None, capture, delta: None }
    }
}

/// A part of what was explained.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Part {
    /// Which.
    #[serde(flatten)]
    pub key: PartKey,
    /// KiB of RAM, or points of CPU: of the difference, or of the node where there is no other side.
    pub amount: f64,
}

/// Where the column "No KubeVirt" comes from.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Baseline {
    /// A capture, or several.
    Measured(Side),
    /// This node minus what KubeVirt and its guests take: a lower bound of the difference.
    Estimated,
    /// There is no KubeVirt here, so there is nothing to compare.
    Nothing,
}

/// Both sides and everything between them.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// Without KubeVirt.
    pub baseline: Baseline,
    /// With it.
    pub capture: Side,
    /// The node table.
    pub node: Vec<NodeRow>,
    /// Where RAM used went, KiB: of the difference, or all of it where nothing was measured to compare with.
    pub memory: Explained,
    /// Where CPU used went, points.
    pub cpu: Explained,
    /// What KubeVirt takes; with a measured baseline, what it takes more.
    pub tax: Tax,
}

/// A total and its parts, which sum to it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Explained {
    /// Whether it is of the difference; else of the capture alone.
    pub of_difference: bool,
    /// The total.
    pub total: f64,
    /// Its parts.
    pub parts: Vec<Part>,
}

impl Comparison {
    /// `capture` against `baseline`; without one, against an estimate, or against nothing where no KubeVirt
    /// is.
    pub fn new(baseline: Option<Side>, capture: Side) -> Comparison {
        let baseline = match baseline {
            Some(side) => Baseline::Measured(side),
            None if capture.has_kubevirt() => Baseline::Estimated,
            None => Baseline::Nothing,
        };
        let tax = match &baseline {
            Baseline::Measured(before) => less(&capture.tax(), &before.tax()),
            _ => capture.tax(),
        };
        Comparison {
            node: Metric::ALL.iter().map(|metric| node_row(&baseline, &capture, *metric)).collect(),
            memory: explained(&baseline, &capture, Side::memory_parts),
            cpu: explained(&baseline, &capture, Side::cpu_parts),
            tax,
            baseline,
            capture,
        }
    }

    /// The measured baseline.
    pub fn measured(&self) -> Option<&Side> {
        match &self.baseline {
            Baseline::Measured(side) => Some(side),
            _ => None,
        }
    }

    /// A row of the node table.
    pub fn node_row(&self, metric: Metric) -> Option<&NodeRow> {
        self.node.iter().find(|row| row.metric == metric)
    }
}

impl Explained {
    /// The sum of a group.
    pub fn of(&self, group: Group) -> f64 {
        self.parts.iter().filter(|part| part.key.group == group).map(|part| part.amount).sum()
    }
}

fn node_row(baseline: &Baseline, capture: &Side, metric: Metric) -> NodeRow {
    let percent = capture.mean(|footprint| metric.percent(footprint));
    let kib = metric
        .kib(capture.shown())
        .map(|_| capture.mean(|footprint| metric.kib(footprint).unwrap_or_default()));
    match baseline {
        Baseline::Measured(before) => {
            let difference = capture.difference(before, metric);
            let percent = Change::between(before.mean(|footprint| metric.percent(footprint)), percent);
            let kib = kib.map(|kib| {
                Change::between(before.mean(|footprint| metric.kib(footprint).unwrap_or_default()), kib)
            });
            NodeRow {
                metric,
                percent,
                kib,
                interval: difference.interval,
                verdict: Some(difference.verdict.into()),
            }
        }
        Baseline::Estimated => {
            let total = capture.shown().node.memory_total.kib().max(1) as f64;
            let (points, taken_kib) = match metric {
                Metric::CpuUsed => (taken(&capture.cpu_parts()), None),
                Metric::MemoryUsed | Metric::MemoryUnavailable => {
                    let mut kib = taken(&capture.memory_parts());
                    if metric == Metric::MemoryUnavailable {
                        // A guest in shared memory is no cache that could be given back.
                        kib += capture.mean(|footprint| footprint.memory.shared_guest_kib as f64);
                    }
                    (kib * 100.0 / total, Some(kib))
                }
            };
            let kib = kib.zip(taken_kib).map(|(kib, taken)| Change::between(kib - taken, kib));
            let percent = Change::between(percent - points, percent);
            NodeRow { metric, percent, kib, interval: None, verdict: Some(Judgement::Estimate) }
        }
        Baseline::Nothing => {
            let shown = capture.shown();
            let series = Series {
                values: metric.samples(&shown.series),
                resolution: metric.resolution(&shown.series),
            };
            let interval = statistics::interval(&series).filter(|_| capture.captures.len() == 1);
            NodeRow {
                metric,
                percent: Change::alone(percent),
                kib: kib.map(Change::alone),
                interval,
                verdict: None,
            }
        }
    }
}

/// What goes when KubeVirt and its guests go.
fn taken(parts: &BTreeMap<PartKey, f64>) -> f64 {
    parts.iter().filter(|(key, _)| goes_with_kubevirt(key.group)).map(|(_, amount)| amount).sum()
}

fn goes_with_kubevirt(group: Group) -> bool {
    matches!(group, Group::Guest | Group::VmOverhead | Group::VmUnsplit | Group::ControlPlane | Group::Cdi)
}

fn explained(baseline: &Baseline, capture: &Side, parts: fn(&Side) -> BTreeMap<PartKey, f64>) -> Explained {
    let after = parts(capture);
    let (before, of_difference) = match baseline {
        Baseline::Measured(side) => (parts(side), true),
        Baseline::Estimated | Baseline::Nothing => (BTreeMap::new(), false),
    };
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).cloned().collect();
    let amount = |parts: &BTreeMap<PartKey, f64>, key: &PartKey| parts.get(key).copied().unwrap_or_default();
    let parts: Vec<_> = keys
        .into_iter()
        .map(|key| Part { amount: amount(&after, &key) - amount(&before, &key), key })
        .filter(|part| part.amount != 0.0 || part.key.group == Group::Unexplained)
        .collect();
    Explained { of_difference, total: parts.iter().map(|part| part.amount).sum(), parts }
}

fn less(after: &Tax, before: &Tax) -> Tax {
    let earlier = |once_per: OncePer| {
        before.parts.iter().filter(|part| part.once_per == once_per).map(|part| part.memory_kib).sum::<i64>()
    };
    Tax {
        memory_kib: after.memory_kib.zip(before.memory_kib).map(|(after, before)| after - before),
        cpu_percent: after.cpu_percent.zip(before.cpu_percent).map(|(after, before)| after - before),
        parts: after
            .parts
            .iter()
            .map(|part| TaxPart { memory_kib: part.memory_kib - earlier(part.once_per), ..*part })
            .collect(),
    }
}
