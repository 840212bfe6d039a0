//! The footprint of one capture: every figure that the tables show, with nothing left to compute.
//!
//! A capture's records go through [`Fold`], live or from a file alike, and come out as a [`Footprint`]. Node
//! figures are sar's (`edgebench_sampler::sysstat`), processes are rows of components, and two ledgers say
//! where RAM used and CPU used are, part by part, summing exactly.

mod averages;
mod components;
mod cpu_ledger;
mod fold;
mod headroom;
mod memory_ledger;
mod part;
mod rings;
mod scraped;
mod tax;
mod vms;

pub use averages::MemoryAverages;
pub use components::{ComponentRow, Proportion, RowKey};
pub use cpu_ledger::CpuLedger;
pub use fold::Fold;
pub use headroom::{Bound, Headroom, HeadroomVerdict};
pub use memory_ledger::MemoryLedger;
pub use part::{Group, PartKey};
pub use rings::Rings;
pub use scraped::ScrapeRemarks;
pub use tax::{Tax, TaxPart};
pub use vms::{ComputeFigures, VmRow};

use edgebench_sampler::component::Stack;
use edgebench_sampler::host::Host;
use edgebench_sampler::process::Denied;
use edgebench_sampler::sysstat::CpuShares;
use edgebench_sampler::{Bytes, Clock};
use serde::Serialize;

use crate::cluster::ClusterRecord;
use crate::remote::scrape::Exporter;

/// A capture, turned into figures.
#[derive(Clone, Debug, Serialize)]
pub struct Footprint {
    /// Where, when and how it was taken.
    pub capture: Capture,
    /// The machine.
    pub host: Host,
    /// The node as a whole.
    pub node: Node,
    /// The samples behind the node's figures.
    pub series: Samples,
    /// Components, in the order of tables.
    pub components: Vec<ComponentRow>,
    /// VMs, by name.
    pub vms: Vec<VmRow>,
    /// Where RAM used is.
    pub memory: MemoryLedger,
    /// Where CPU used went.
    pub cpu: CpuLedger,
    /// What KubeVirt takes.
    pub tax: Tax,
    /// What was out of the ordinary while reading.
    pub remarks: Remarks,
    /// What the cluster says, where it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterRecord>,
}

/// Where, when and how a capture was taken.
#[derive(Clone, Debug, Serialize)]
pub struct Capture {
    /// The file, where it came from one.
    pub file: Option<String>,
    /// Its label.
    pub label: Option<String>,
    /// When it began: RFC 3339, UTC.
    pub started: String,
    /// Seconds between two readings.
    pub interval_seconds: f64,
    /// Samples in it.
    pub samples: usize,
    /// Samples asked for.
    pub samples_asked: u64,
    /// Version of edgebench that took it.
    pub version: String,
    /// Whether PSS was asked for.
    pub proportional: bool,
    /// User id of the process that read.
    pub uid: Option<u32>,
    /// Whether it was stopped early.
    pub interrupted: bool,
    /// How counters were read; absent where an exporter has read them.
    pub clock: Option<Clock>,
    /// The exporter it was taken through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exporter: Option<Exporter>,
}

/// Figures of the node as a whole.
#[derive(Clone, Debug, Serialize)]
pub struct Node {
    /// CPUs online at the last reading. An exporter does not say: then it is the whole number of them that the
    /// CPU time of the run comes to.
    pub cpus: usize,
    /// MemTotal at the last reading.
    pub memory_total: Bytes,
    /// SwapTotal at the last reading. An exporter carries none of these four.
    pub swap_total: Option<Bytes>,
    /// Swap in use at the last reading.
    pub swap_used: Option<Bytes>,
    /// Shmem at the last reading: tmpfs, memfd, shared anonymous memory.
    pub shared_memory: Option<Bytes>,
    /// SUnreclaim at the last reading.
    pub slab_unreclaimable: Option<Bytes>,
    /// Size of the hugetlb pool at the last reading.
    pub hugetlb: Bytes,
    /// Processes at the end, kernel threads left out.
    pub processes: usize,
    /// Threads of the kernel at the end.
    pub kernel_threads: usize,
    /// The `Average:` line of `sar`.
    pub cpu: CpuShares,
    /// 100 − idle.
    pub cpu_used_percent: f64,
    /// The `Average:` line of `sar -r`, in KiB.
    pub memory: MemoryAverages,
    /// MemTotal − MemAvailable, mean over the samples, in KiB.
    pub memory_unavailable_kib: f64,
    /// The same, of MemTotal.
    pub memory_unavailable_percent: f64,
}

/// The samples behind the averages: one value each.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Samples {
    /// CPU used, percent of the node.
    pub cpu_used_percent: Vec<f64>,
    /// RAM used by sar's formula, percent of MemTotal.
    pub memory_used_percent: Vec<f64>,
    /// MemTotal − MemAvailable, percent of MemTotal.
    pub memory_unavailable_percent: Vec<f64>,
    /// The smallest step of the CPU series: one tick.
    pub cpu_resolution: f64,
    /// The smallest step of the memory series: one page.
    pub memory_resolution: f64,
}

/// What was out of the ordinary while reading.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Remarks {
    /// Files that were denied, and for how many processes.
    pub denied: Denied,
    /// Names of KubeVirt's or CDI's that run outside of any pod: anybody can take a name.
    pub outside_pods: Vec<String>,
    /// Processes whose part of AnonPages is resident rather than proportional though PSS was asked for.
    pub resident_for_proportional: usize,
    /// The same, whose PSS was read.
    pub proportional_read: usize,
    /// Counters that stepped back.
    pub counter_resets: u32,
    /// What there is to say of an exporter's figures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scrape: Option<ScrapeRemarks>,
}

impl Footprint {
    /// Whether anything of KubeVirt, CDI or a VM runs here.
    pub fn has_kubevirt(&self) -> bool {
        self.components.iter().any(|row| row.stack.is_tracked())
    }

    /// Whether any row was read with PSS.
    pub fn has_proportional(&self) -> bool {
        self.remarks.proportional_read > 0
    }

    /// Rows of a stack.
    pub fn stack(&self, stack: Stack) -> impl Iterator<Item = &ComponentRow> {
        self.components.iter().filter(move |row| row.stack == stack)
    }

    /// The name to show for the node.
    pub fn hostname(&self) -> &str {
        let of_url = |exporter: &'_ Exporter| -> usize { exporter.url.find("://").map_or(0, |at| at + 3) };
        let asked = self.capture.exporter.as_ref().map(|exporter| &exporter.url[of_url(exporter)..]);
        let asked = asked.and_then(|rest| rest.split('/').next());
        self.host.hostname.as_deref().or(asked).unwrap_or("this node")
    }
}
