//! The KubeVirt tax: what KubeVirt takes of a node, guests left out.
//!
//! Tax = KubeVirt's components + CDI's + what runs VMs beyond their guests. Guests, what Kubernetes grew by,
//! the kernel and the unexplained stand beside it, never inside. It is in the currency of RAM used (sar):
//! anonymous memory, page tables and hugetlb pages; page cache of its binaries is not in it.

use edgebench_sampler::component::{self, OncePer};
use serde::Serialize;

use super::part::{Group, PartKey};
use super::{CpuLedger, MemoryLedger};

/// What KubeVirt takes of the node.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Tax {
    /// All of it; absent where a VM's overhead can't be told from its guest.
    pub memory_kib: Option<i64>,
    /// Percent of the node's CPU time; absent where a VM's overhead can't be told from its guest.
    pub cpu_percent: Option<f64>,
    /// Memory by how often it is paid for: once per cluster, per node, per VM.
    pub parts: Vec<TaxPart>,
}

/// A part of the tax.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TaxPart {
    /// How often it is paid for.
    pub once_per: OncePer,
    /// Its memory.
    pub memory_kib: i64,
}

/// The tax of one capture.
pub(super) fn tax(memory: &MemoryLedger, cpu: &CpuLedger) -> Tax {
    let is_unsplit = |(key, value): (&PartKey, &i64)| key.group == Group::VmUnsplit && *value != 0;
    let memory_is_whole = !memory.parts.iter().any(is_unsplit);
    let cpu_is_whole = !cpu.parts.iter().any(is_unsplit);
    let once = |wanted: OncePer| {
        memory.parts.iter().filter(|(key, _)| once_per(key) == Some(wanted)).map(|(_, kib)| *kib).sum::<i64>()
    };
    let parts: Vec<_> = [OncePer::Cluster, OncePer::Node, OncePer::Vm]
        .into_iter()
        .map(|once_per| TaxPart { once_per, memory_kib: once(once_per) })
        .collect();
    let cpu_ticks: i64 =
        cpu.parts.iter().filter(|(key, _)| is_taxed(key.group)).map(|(_, ticks)| *ticks).sum();
    Tax {
        memory_kib: memory_is_whole.then(|| parts.iter().map(|part| part.memory_kib).sum()),
        cpu_percent: cpu_is_whole.then(|| cpu_ticks as f64 * 100.0 / cpu.interval_ticks.max(1) as f64),
        parts,
    }
}

/// Whether a group is part of the tax.
pub(super) fn is_taxed(group: Group) -> bool {
    matches!(group, Group::VmOverhead | Group::ControlPlane | Group::Cdi)
}

/// How often a part is paid for; nothing for what is no part of the tax.
pub(super) fn once_per(key: &PartKey) -> Option<OncePer> {
    match key.group {
        Group::VmOverhead => Some(OncePer::Vm),
        Group::ControlPlane | Group::Cdi => {
            // A name that the table does not know runs in a pod of KubeVirt's or CDI's, of which only
            // virt-handler's is on every node.
            Some(component::by_name(&key.name).map_or(OncePer::Cluster, |row| row.once_per))
        }
        _ => None,
    }
}
