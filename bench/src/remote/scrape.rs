//! What one scrape says, as plain data: the records of a capture that was taken through an exporter.
//!
//! CPU time is in nanoseconds, as the exporter's decimals of a second are whole ticks of 10 ms or finer.
//! A figure that a scrape does not carry is absent.

use std::collections::BTreeMap;

use edgebench_sampler::component::Stack;
use edgebench_sampler::parse::stat::CpuTimes;
use edgebench_sampler::vm::VmName;
use edgebench_sampler::{Bytes, BytesDelta, Nanos, Ticks};
use serde::{Deserialize, Serialize};

use crate::cluster::ClusterRecord;

/// One scrape.
#[derive(Clone, Debug, PartialEq)]
pub struct Scrape {
    /// When its reading was taken: Unix time by the exporter's clock.
    pub taken: Nanos,
    /// The exporter.
    pub exporter: About,
    /// Names of the node, as labels of its VMs say them.
    pub node_name: Option<String>,
    /// Whether the kernel has pressure stall information.
    pub pressure: bool,
    /// The node.
    pub node: NodeScrape,
    /// What runs on it.
    pub workload: Workload,
    /// What the cluster says, where the exporter asks it.
    pub cluster: Option<ClusterRecord>,
}

/// What a scrape says of the exporter itself.
#[derive(Clone, Debug, PartialEq)]
pub struct About {
    /// Its version.
    pub version: String,
    /// Unix time at which it started.
    pub start_time: Option<f64>,
}

/// The exporter that a capture was taken through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exporter {
    /// Where it was reached, without credentials.
    pub url: String,
    /// Its version.
    pub version: String,
}

/// The node as one scrape shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeScrape {
    /// When its reading was taken, in nanoseconds since the first reading, by the exporter's clock.
    pub at: u64,
    /// CPU time.
    pub cpu: NodeCpu,
    /// Memory.
    pub memory: NodeMemory,
}

/// CPU time of the node since boot. `user` and `nice` are without the guest's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the modes of /proc/stat")]
pub struct NodeCpu {
    pub user: Nanos,
    pub nice: Nanos,
    pub system: Nanos,
    pub iowait: Nanos,
    pub steal: Nanos,
    pub irq: Nanos,
    pub softirq: Nanos,
    pub guest: Nanos,
    pub guest_nice: Nanos,
    pub idle: Nanos,
}

impl NodeCpu {
    /// The same as `/proc/stat` counts it: in ticks, guest time inside user time.
    pub fn times(&self) -> CpuTimes {
        let of = |nanos: Nanos| ticks(nanos);
        CpuTimes {
            user: of(Nanos(self.user.0.saturating_add(self.guest.0))),
            nice: of(Nanos(self.nice.0.saturating_add(self.guest_nice.0))),
            system: of(self.system),
            idle: of(self.idle),
            iowait: of(self.iowait),
            irq: of(self.irq),
            softirq: of(self.softirq),
            steal: of(self.steal),
            guest: of(self.guest),
            guest_nice: of(self.guest_nice),
        }
    }
}

/// Ticks a second: `USER_HZ` is 100 on every Linux architecture but alpha
/// (`include/asm-generic/param.h`). Here it is a unit; nothing depends on the node's having the same.
pub const TICKS_PER_SECOND: u64 = 100;

/// Whole ticks, rounded to the nearest.
pub fn ticks(nanos: Nanos) -> Ticks {
    const TICK: u64 = 1_000_000_000 / TICKS_PER_SECOND;
    Ticks(nanos.0.saturating_add(TICK / 2) / TICK)
}

/// Memory of the node. `used` = `anonymous` + `hugetlb_used` + Σ `kernel` + what is unexplained.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeMemory {
    /// MemTotal.
    pub total: Bytes,
    /// RAM used by sar's formula.
    pub used: BytesDelta,
    /// MemTotal − MemAvailable.
    pub unavailable: BytesDelta,
    /// AnonPages.
    pub anonymous: Bytes,
    /// Hugetlb pages handed out.
    pub hugetlb_used: Bytes,
    /// What belongs to the kernel, by kind; page tables are one.
    pub kernel: BTreeMap<String, BytesDelta>,
}

/// What runs on the node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Workload {
    /// Components, each of one stack.
    pub components: Vec<ComponentScrape>,
    /// VMs.
    pub vms: Vec<VmScrape>,
    /// Names of KubeVirt's or CDI's that run outside of any pod: how many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names_outside_pods: Option<u64>,
}

impl Workload {
    /// A component of a stack.
    pub fn component(&self, component: &str, stack: Stack) -> Option<&ComponentScrape> {
        self.components.iter().find(|row| row.component == component && row.stack == stack)
    }

    /// A VM.
    pub fn vm(&self, vm: &VmName) -> Option<&VmScrape> {
        self.vms.iter().find(|row| row.vm == *vm)
    }
}

/// A component of a stack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComponentScrape {
    /// Its name.
    pub component: String,
    /// Its stack.
    pub stack: Stack,
    /// CPU time so far, that of ended processes included.
    pub cpu: CpuByMode,
    /// Processes; absent for those that no reading saw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes: Option<u64>,
    /// Their threads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<u64>,
    /// RES.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resident: Option<Bytes>,
    /// RssAnon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anonymous: Option<Bytes>,
    /// VmSwap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swap: Option<Bytes>,
    /// VmPTE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_tables: Option<Bytes>,
    /// PSS with the share of hugetlb pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proportional: Option<Bytes>,
    /// Pss_Anon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proportional_anonymous: Option<Bytes>,
    /// Seconds since the oldest part of the two was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proportional_age: Option<f64>,
    /// Seconds since the oldest other figure was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age: Option<f64>,
}

/// CPU time without overlap: guest time is not inside user time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "modes")]
pub struct CpuByMode {
    pub user: Nanos,
    pub system: Nanos,
    pub guest: Nanos,
}

/// A VM.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VmScrape {
    /// Its name.
    pub vm: VmName,
    /// UID of the VMI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// UID of its pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_uid: Option<String>,
    /// vCPUs at start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vcpus: Option<u32>,
    /// Guest RAM as qemu was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest_size: Option<Bytes>,
    /// Guest RAM as the node holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest_resident: Option<Bytes>,
    /// The same, proportional.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest_proportional: Option<Bytes>,
    /// Seconds since it was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest_age: Option<f64>,
    /// PSS of the whole pod, hugetlb pages included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_proportional: Option<Bytes>,
    /// What the node pays beyond the guest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overhead: Option<BytesDelta>,
    /// Working set of the container `compute`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_set: Option<Bytes>,
    /// Its limit; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Bytes>,
    /// Its processes that the kernel killed for memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oom_kills: Option<u64>,
    /// CPU time so far.
    #[serde(default)]
    pub cpu: VmCpu,
    /// The processes of the pod by component.
    #[serde(default)]
    pub components: BTreeMap<String, VmComponent>,
}

/// CPU time of a VM's pod: guest and overhead, or both in one where they can't be told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VmCpu {
    /// What vCPUs ran as guest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest: Option<Nanos>,
    /// Everything else in the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overhead: Option<Nanos>,
    /// All of it, under emulation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsplit: Option<Nanos>,
}

/// Processes of one component in one VM's pod.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VmComponent {
    /// RES.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resident: Option<Bytes>,
    /// RssAnon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anonymous: Option<Bytes>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_become_whole_ticks() {
        for (nanos, whole) in [(0, 0), (70_000_000, 7), (74_999_999, 7), (75_000_000, 8)] {
            assert_eq!(ticks(Nanos(nanos)), Ticks(whole));
        }
    }

    #[test]
    fn guest_time_is_inside_user_time_again() {
        let cpu = NodeCpu { user: Nanos(20_000_000), guest: Nanos(30_000_000), ..NodeCpu::default() };
        assert_eq!((cpu.times().user, cpu.times().guest), (Ticks(5), Ticks(3)));
    }
}
