//! The rings of one VM's pod, in RAM used by sar's formula: its processes, of which qemu holds the guest.
//!
//! They are charged as in the memory ledger (`edgebench_sampler::explain`), so that the rings of all VMs and what
//! belongs to none of them are the ledger's groups again.

use edgebench_sampler::classify::Class;
use edgebench_sampler::explain;
use edgebench_sampler::process::ProcessSample;
use edgebench_sampler::vm_reading::VmReading;
use edgebench_sampler::{Bytes, BytesDelta};
use serde::Serialize;

/// What a VM's pod holds of RAM used.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Rings {
    /// qemu without its guest.
    pub emulator: BytesDelta,
    /// The other processes, by component, in the order of tables.
    pub others: Vec<(String, BytesDelta)>,
    /// Guest RAM: its private and huge pages.
    pub guest: BytesDelta,
    /// Guest RAM in shared memory, which is outside of RAM used.
    pub shared_guest: Bytes,
}

impl Rings {
    /// All of the pod.
    pub fn total(&self) -> BytesDelta {
        self.others.iter().fold(self.emulator + self.guest, |sum, (_, bytes)| sum + *bytes)
    }
}

/// The rings; nothing where the guest can't be told from its qemu.
pub(super) fn rings(vm: &VmReading, processes: &[ProcessSample], classes: &[Class]) -> Option<Rings> {
    let guest = vm.guest.as_ref()?;
    let in_used = (guest.anonymous + guest.hugetlb).signed();
    let mut rings =
        Rings { emulator: -in_used, guest: in_used, shared_guest: guest.shared_memory(), ..Rings::default() };
    let mut others: Vec<(usize, String, BytesDelta)> = Vec::new();
    for (process, class) in processes.iter().zip(classes) {
        let Some(memory) = process.memory.as_ref().filter(|_| vm.processes.contains(&process.id.pid)) else {
            continue;
        };
        let bytes = explain::charge(memory).total().signed();
        if vm.emulator == Some(process.id.pid) {
            rings.emulator += bytes;
            continue;
        }
        let row = super::RowKey::of(process, class);
        match others.iter_mut().find(|(_, name, _)| *name == row.name) {
            Some((.., sum)) => *sum += bytes,
            None => others.push((row.order, row.name, bytes)),
        }
    }
    others.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    rings.others = others.into_iter().map(|(_, name, bytes)| (name, bytes)).collect();
    Some(rings)
}
