//! VMs as rows: the exporter has their figures ready.

use edgebench_sampler::{Bytes, BytesDelta, Nanos};

use super::components::gained;
use super::memory::{Backing, backing};
use crate::cluster::ClusterRecord;
use crate::footprint::components::percent;
use crate::footprint::headroom::Headroom;
use crate::footprint::rings::Rings;
use crate::footprint::vms::{ComputeFigures, VmRow};
use crate::remote::names;
use crate::remote::scrape::{VmScrape, Workload};

pub(super) fn rows(
    before: &Workload,
    after: &Workload,
    node_ticks: u64,
    cluster: Option<&ClusterRecord>,
) -> Vec<VmRow> {
    after.vms.iter().map(|vm| row(vm, before.vm(&vm.vm), node_ticks, cluster)).collect()
}

fn row(vm: &VmScrape, before: Option<&VmScrape>, node_ticks: u64, cluster: Option<&ClusterRecord>) -> VmRow {
    let share = |mode: fn(&VmScrape) -> Option<Nanos>| {
        let now = mode(vm).filter(|_| vm.cpu.unsplit.is_none())?;
        // A VM that was not there at the start began since.
        let then = before.and_then(mode).unwrap_or_default();
        Some(percent(gained(then, now).0, node_ticks))
    };
    let shared = vm.guest_proportional.filter(|_| backing(vm) == Some(Backing::Shared));
    let row = VmRow {
        namespace: vm.vm.namespace.clone(),
        name: vm.vm.name.clone(),
        uid: vm.uid.clone(),
        pod_uid: vm.pod_uid.clone(),
        vcpus: vm.vcpus,
        accelerator: None,
        guest_size: vm.guest_size,
        guest_resident: vm.guest_resident,
        guest_proportional: vm.guest_proportional,
        guest_shared: shared,
        overhead: vm.overhead,
        swap: None,
        processes: None,
        cpu_guest_percent: share(|vm| vm.cpu.guest),
        cpu_overhead_percent: share(|vm| vm.cpu.overhead),
        compute: vm.working_set.map(|working_set| ComputeFigures {
            usage: None::<Bytes>,
            working_set,
            limit: vm.limit,
            oom_kills: vm.oom_kills,
            cpu: None,
        }),
        pod: None,
        pod_proportional: vm.pod_proportional,
        headroom: Headroom::default(),
        rings: rings(vm),
        cluster: cluster
            .and_then(|cluster| cluster.vm(&vm.vm.namespace, &vm.vm.name, vm.pod_uid.as_deref()))
            .cloned(),
    };
    VmRow { headroom: row.headroom(backing(vm) == Some(Backing::Huge)), ..row }
}

/// The rings, as far as the exporter splits a VM's memory: private memory by component. Page tables and huge pages
/// other than the guest's it sums over VMs.
fn rings(vm: &VmScrape) -> Option<Rings> {
    let (guest, backing) = vm.guest_proportional.zip(backing(vm))?;
    let qemu = vm.components.get(names::EMULATOR)?.anonymous?.signed();
    let in_used = if backing == Backing::Shared { Bytes::ZERO } else { guest };
    let private = if backing == Backing::Anonymous { guest } else { Bytes::ZERO };
    let others = vm.components.iter().filter(|(name, _)| name.as_str() != names::EMULATOR);
    let mut others: Vec<_> =
        others.map(|(name, part)| Some((name.clone(), part.anonymous?.signed()))).collect::<Option<_>>()?;
    others.sort_by(|a: &(String, BytesDelta), b| a.0.cmp(&b.0));
    Some(Rings {
        emulator: qemu - private.signed(),
        others,
        guest: in_used.signed(),
        shared_guest: if backing == Backing::Shared { guest } else { Bytes::ZERO },
    })
}
