//! Two sides of a change: without KubeVirt and with it.
//!
//! "No KubeVirt" is measured (a baseline), or estimated from the node as it is: then it leaves out what
//! Kubernetes and the kernel grew by, and is a lower bound of the difference.

mod metric;
mod side;

pub use metric::Metric;
pub use side::Side;

use std::collections::{BTreeMap, BTreeSet};

use edgebench_sampler::component::OncePer;
use serde::Serialize;

use crate::footprint::{Group, PartKey, Tax, TaxPart};
use crate::statistics::{self, Series, Verdict};

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
