//! What was read so far, and what that cost.

use std::collections::BTreeMap;

use edgebench_sampler::guest::GuestMemory;
use edgebench_sampler::process::ProcessId;
use edgebench_sampler::{Bytes, Nanos};

use crate::view::PssCost;

/// The last figures of every process and guest that is a target, and counters since the start.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Readings {
    /// Processes; one that ended, or could not be read, is absent.
    pub processes: BTreeMap<ProcessId, ProcessReading>,
    /// Guest RAM by emulator; absent where its backends are not among the mappings, too.
    pub guests: BTreeMap<ProcessId, GuestReading>,
    /// Processes that denied a file, by file. Each counts once.
    pub denied: BTreeMap<&'static str, u64>,
    /// What else went wrong, by reason: `malformed`, `io`.
    pub errors: BTreeMap<&'static str, u64>,
    /// CPU time, files and skips.
    pub cost: Cost,
}

/// Proportional memory of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProcessReading {
    /// PSS with the share of hugetlb pages.
    pub pss: Bytes,
    /// Pss_Anon; absent before Linux 5.3.
    pub anonymous: Option<Bytes>,
    /// When it was read: see [`now`](super::now).
    pub at: Nanos,
}

/// Guest RAM of a VM.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GuestReading {
    /// As the node holds it.
    pub memory: GuestMemory,
    /// When it was read: see [`now`](super::now).
    pub at: Nanos,
}

/// What reading cost, as totals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// CPU time of the reading thread, its own work included.
    pub cpu: Nanos,
    /// `smaps_rollup` files read.
    pub rollups: u64,
    /// `smaps` files read.
    pub smaps: u64,
    /// Targets that waited.
    pub skips: Skips,
}

/// Targets whose turn had come and that had to wait, counted once every cadence for as long as they wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skips {
    /// Of normal size: the budget did not allow it.
    pub budget: u64,
    /// Above the size limit: not all of the price had been earned.
    pub size: u64,
}

impl Readings {
    /// The cost as it is exported, under a budget of this share of one core.
    pub fn cost(&self, budget: f64) -> PssCost {
        let Cost { cpu, rollups, smaps, skips } = self.cost;
        PssCost {
            budget,
            cpu,
            reads: vec![("smaps_rollup", rollups), ("smaps", smaps)],
            skips: vec![
                ("budget", skips.budget),
                ("size", skips.size),
                ("denied", self.denied.values().sum()),
            ],
        }
    }
}
