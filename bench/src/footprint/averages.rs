//! The `Average:` line of `sar -r` as far as the readings carry it.

use edgebench_sampler::sysstat::MemoryLine;
use serde::Serialize;

/// Averages over the samples. KiB but for the two shares, which are percent. An exporter carries what is used
/// and what is available; the rest of sar's columns is then absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct MemoryAverages {
    /// `kbmemfree`
    pub free: Option<f64>,
    /// `kbavail`
    pub available: Option<f64>,
    /// `kbmemused`, not clipped: negative where more is cached than there is.
    pub used: f64,
    /// `%memused`
    pub used_percent: f64,
    /// `kbbuffers`
    pub buffers: Option<f64>,
    /// `kbcached`
    pub cached: Option<f64>,
    /// `kbcommit`
    pub committed: Option<f64>,
    /// `%commit`, of RAM and swap.
    pub committed_percent: Option<f64>,
    /// `kbactive`
    pub active: Option<f64>,
    /// `kbinact`
    pub inactive: Option<f64>,
    /// `kbdirty`
    pub dirty: Option<f64>,
}

impl From<MemoryLine> for MemoryAverages {
    fn from(line: MemoryLine) -> MemoryAverages {
        MemoryAverages {
            free: Some(line.free),
            available: Some(line.available),
            used: line.used,
            used_percent: line.used_percent,
            buffers: Some(line.buffers),
            cached: Some(line.cached),
            committed: Some(line.committed),
            committed_percent: Some(line.committed_percent),
            active: Some(line.active),
            inactive: Some(line.inactive),
            dirty: Some(line.dirty),
        }
    }
}

impl MemoryAverages {
    /// Of readings that carry what is used and what is available.
    pub(super) fn of_used_alone(line: &MemoryLine) -> MemoryAverages {
        MemoryAverages {
            available: Some(line.available),
            used: line.used,
            used_percent: line.used_percent,
            ..MemoryAverages::default()
        }
    }
}
