//! VMs as rows: guest, what is resident of it, and what the VM costs beyond.
//!
//! VM overhead in the node's currency = Σ PSS of the pod's processes − guest proportional + their page
//! tables. It is absent where one of the three is.

use edgebench_sampler::classify::Class;
use edgebench_sampler::interval::CpuUse;
use edgebench_sampler::pod_cgroup::CgroupFigures;
use edgebench_sampler::process::ProcessSample;
use edgebench_sampler::vm::Accelerator;
use edgebench_sampler::vm_reading::VmReading;
use edgebench_sampler::{Bytes, BytesDelta, Nanos, Ticks};
use serde::Serialize;

use super::components::{Proportion, percent};
use super::cpu_ledger::shows_guest_time;
use super::headroom::{self, Headroom};
use super::rings::{self, Rings};
use crate::cluster::{ClusterRecord, VmRecord};

/// A row of the VM table.
#[derive(Clone, Debug, Serialize)]
pub struct VmRow {
    /// Namespace; empty for a libvirt domain that is none of KubeVirt's.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// UID of the VMI.
    pub uid: Option<String>,
    /// UID of its pod.
    pub pod_uid: Option<String>,
    /// vCPUs at start.
    pub vcpus: Option<u32>,
    /// KVM or emulation.
    pub accelerator: Option<Accelerator>,
    /// Guest RAM at start.
    pub guest_size: Option<Bytes>,
    /// Guest RAM that the node holds, hugetlb pages included.
    pub guest_resident: Option<Bytes>,
    /// The same, proportional.
    pub guest_proportional: Option<Bytes>,
    /// Of it: shared memory, outside of RAM used by sar's formula.
    pub guest_shared: Option<Bytes>,
    /// What the VM costs the node beyond its guest.
    pub overhead: Option<BytesDelta>,
    /// Swap of all its processes, and of guest RAM in shared memory, which is no process' own.
    pub swap: Option<Bytes>,
    /// Its processes.
    pub processes: Option<usize>,
    /// CPU time of the guest, percent of the node; absent under emulation.
    pub cpu_guest_percent: Option<f64>,
    /// CPU time of everything else in the pod; absent under emulation.
    pub cpu_overhead_percent: Option<f64>,
    /// The container `compute` by its cgroup.
    pub compute: Option<ComputeFigures>,
    /// The whole pod by its cgroup: what `kubectl top pod` sums.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod: Option<ComputeFigures>,
    /// PSS of the pod's processes, hugetlb pages included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_proportional: Option<Bytes>,
    /// Whether what is reserved will hold.
    pub headroom: Headroom,
    /// What the pod holds of RAM used, ring by ring.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rings: Option<Rings>,
    /// What the cluster says of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<VmRecord>,
}

/// The container `compute` of a VM's pod.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ComputeFigures {
    /// memory.current, memory.usage_in_bytes
    pub usage: Option<Bytes>,
    /// usage − inactive_file
    pub working_set: Bytes,
    /// memory.max, memory.limit_in_bytes; absent where there is none.
    pub limit: Option<Bytes>,
    /// Processes the kernel killed in it for memory.
    pub oom_kills: Option<u64>,
    /// CPU time used by all processes it ever held.
    pub cpu: Option<Nanos>,
}

impl From<CgroupFigures> for ComputeFigures {
    fn from(figures: CgroupFigures) -> ComputeFigures {
        let CgroupFigures { usage, working_set, limit, oom_kills, cpu } = figures;
        ComputeFigures { usage: Some(usage), working_set, limit, oom_kills, cpu }
    }
}

pub(super) struct Input<'a> {
    pub(super) vms: &'a [VmReading],
    pub(super) processes: &'a [ProcessSample],
    pub(super) classes: &'a [Class],
    pub(super) used: &'a [CpuUse],
    pub(super) proportional: bool,
    pub(super) node_ticks: Ticks,
    pub(super) cluster: Option<&'a ClusterRecord>,
}

pub(super) fn rows(input: &Input<'_>) -> Vec<VmRow> {
    input.vms.iter().map(|vm| row(vm, input)).collect()
}

fn row(vm: &VmReading, input: &Input<'_>) -> VmRow {
    let mut proportional = Proportion::Exact(Bytes::ZERO);
    let (mut page_tables, mut swap) = (Bytes::ZERO, Bytes::ZERO);
    let (mut guest_ticks, mut all_ticks, mut visible) = (0, 0, false);
    let members = input
        .processes
        .iter()
        .zip(input.classes)
        .zip(input.used)
        .filter(|((process, _), _)| vm.processes.contains(&process.id.pid));
    for ((process, _), used) in members {
        if let Some(memory) = &process.memory {
            proportional = proportional.and(Proportion::of(memory, input.proportional));
            page_tables += memory.page_tables;
            swap += memory.swap;
        }
        all_ticks += used.total().0;
        if vm.emulator == Some(process.id.pid) {
            guest_ticks += used.guest.0;
            visible = process.vm.as_deref().is_some_and(|vm| shows_guest_time(vm, used.guest.0));
        }
    }
    let share = |ticks: u64| visible.then(|| percent(ticks, input.node_ticks.0));
    let guest_proportional = vm.guest.map(|guest| guest.proportional);
    let pod_uid = vm.pod.as_ref().map(|pod| pod.as_str());
    let cluster =
        input.cluster.and_then(|cluster| cluster.vm(&vm.vm.namespace, &vm.vm.name, pod_uid)).cloned();
    let row = VmRow {
        namespace: vm.vm.namespace.clone(),
        name: vm.vm.name.clone(),
        uid: vm.uid.clone(),
        pod_uid: vm.pod.as_ref().map(|pod| pod.as_str().to_owned()),
        vcpus: vm.machine.as_ref().and_then(|machine| machine.vcpus),
        accelerator: vm.machine.as_ref().and_then(|machine| machine.accelerator),
        guest_size: vm.machine.as_ref().and_then(|machine| machine.memory),
        guest_resident: vm.guest.map(|guest| guest.resident),
        guest_proportional,
        guest_shared: vm.guest.map(|guest| guest.shared_memory()),
        overhead: guest_proportional
            .zip(proportional.bytes())
            .map(|(guest, all)| all.minus(guest) + page_tables.signed()),
        swap: Some(swap + vm.guest.map(|guest| guest.shared_swap).unwrap_or_default()),
        processes: Some(vm.processes.len()),
        cpu_guest_percent: share(guest_ticks),
        cpu_overhead_percent: share(all_ticks - guest_ticks),
        compute: vm.compute.map(ComputeFigures::from),
        pod: vm.whole_pod.map(ComputeFigures::from),
        pod_proportional: proportional.bytes(),
        headroom: Headroom::default(),
        rings: rings::rings(vm, input.processes, input.classes),
        cluster,
    };
    let in_huge_pages = vm.guest.is_some_and(|guest| guest.hugetlb != Bytes::ZERO);
    VmRow { headroom: row.headroom(in_huge_pages), ..row }
}

impl VmRow {
    /// The room that its container has.
    pub(super) fn headroom(&self, in_huge_pages: bool) -> Headroom {
        headroom::headroom(&headroom::Input {
            working_set: self.compute.map(|compute| compute.working_set),
            limit: self.compute.and_then(|compute| compute.limit),
            request: self.cluster.as_ref().and_then(|cluster| cluster.request),
            guest_size: self.guest_size,
            guest_resident: self.guest_resident,
            huge: in_huge_pages || self.cluster.as_ref().is_some_and(|cluster| cluster.hugepages),
        })
    }

    /// VM overhead in the kubelet's currency: what is held against request and limit beyond the guest. Huge pages are
    /// in neither, so nothing of the guest is taken off then.
    pub fn overhead_of_kubelet(&self) -> Option<BytesDelta> {
        let compute = self.compute?;
        let held = self.guest_resident?;
        let huge = self.cluster.as_ref().is_some_and(|cluster| cluster.hugepages);
        Some(compute.working_set.minus(if huge { Bytes::ZERO } else { held }))
    }

    /// `namespace/name`.
    pub fn full_name(&self) -> String {
        if self.namespace.is_empty() {
            self.name.clone()
        } else {
            format!("{}/{}", self.namespace, self.name)
        }
    }
}
