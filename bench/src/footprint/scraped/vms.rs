//! VMs as rows: the exporter has their figures ready.

use edgebench_sampler::{Bytes, Nanos};

use super::components::gained;
use super::memory::{Backing, backing};
use crate::footprint::components::percent;
use crate::footprint::vms::{ComputeFigures, VmRow};
use crate::remote::scrape::{VmScrape, Workload};

pub(super) fn rows(before: &Workload, after: &Workload, node_ticks: u64) -> Vec<VmRow> {
    after.vms.iter().map(|vm| row(vm, before.vm(&vm.vm), node_ticks)).collect()
}

fn row(vm: &VmScrape, before: Option<&VmScrape>, node_ticks: u64) -> VmRow {
    let share = |mode: fn(&VmScrape) -> Option<Nanos>| {
        let now = mode(vm).filter(|_| vm.cpu.unsplit.is_none())?;
        // A VM that was not there at the start began since.
        let then = before.and_then(mode).unwrap_or_default();
        Some(percent(gained(then, now).0, node_ticks))
    };
    let shared = vm.guest_proportional.filter(|_| backing(vm) == Some(Backing::Shared));
    VmRow {
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
    }
}
