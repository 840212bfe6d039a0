//! The VMs that the table's processes make.

use edgebench_sampler::vm_reading::{self, Vm};

use super::Inventory;
use crate::observer::counters::CpuTicks;

/// A VM and the CPU time of its processes that ended.
#[derive(Debug)]
pub(in crate::observer) struct VmRow {
    pub(in crate::observer) vm: Vm,
    pub(in crate::observer) ended: CpuTicks,
}

impl Inventory {
    pub(super) fn find_vms(&mut self) {
        if !std::mem::take(&mut self.vms_stale) {
            return;
        }
        let loose = self.loose.values().map(|(sample, class)| (sample, class));
        let found = vm_reading::find(self.pods.members().chain(loose));
        let mut before = std::mem::take(&mut self.vms);
        self.vms = found
            .into_iter()
            .map(|vm| {
                let same = |row: &VmRow| match &vm.pod {
                    Some(pod) => row.vm.pod.as_ref() == Some(pod),
                    None => row.vm.pod.is_none() && row.vm.emulator == vm.emulator,
                };
                let ended = before.iter().position(same).map(|at| before.swap_remove(at).ended);
                VmRow { vm, ended: ended.unwrap_or_default() }
            })
            .collect();
        self.membership += 1;
    }

    /// The VMs there are.
    pub(in crate::observer) fn vms(&self) -> &[VmRow] {
        &self.vms
    }
}
