//! The figures of the node table: what they are of one capture, and the samples behind them.

use serde::Serialize;

use crate::footprint::{Footprint, Samples};
use crate::statistics::{self, Series};

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

    pub(super) fn samples(self, samples: &Samples) -> &[f64] {
        match self {
            Metric::CpuUsed => &samples.cpu_used_percent,
            Metric::MemoryUsed => &samples.memory_used_percent,
            Metric::MemoryUnavailable => &samples.memory_unavailable_percent,
        }
    }

    pub(super) fn resolution(self, samples: &Samples) -> f64 {
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
