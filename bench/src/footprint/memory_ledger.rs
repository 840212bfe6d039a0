//! Where RAM used is: parts that sum to it, to the KiB.
//!
//! The total is what sar prints, the average over the samples. The parts are of the last reading, when the
//! processes were read too; the difference between the two is a part of its own.
//!
//! Anonymous memory, page tables and hugetlb pages are split over processes (`edgebench_sampler::explain`);
//! what the node counts beyond them stands apart: anonymous memory that no process of the capture holds,
//! and page tables of the kernel itself. Of a VM's processes the guest's RAM is taken out.

use std::collections::BTreeMap;

use edgebench_sampler::classify::Class;
use edgebench_sampler::component::Stack;
use edgebench_sampler::explain::{self, Charge};
use edgebench_sampler::guest::GuestMemory;
use edgebench_sampler::node::NodeReading;
use edgebench_sampler::process::ProcessSample;
use edgebench_sampler::vm_reading::VmReading;
use edgebench_sampler::{Bytes, BytesDelta, Pid};
use serde::Serialize;

use super::components::RowKey;
use super::part::{Group, PartKey};

/// RAM used by sar's formula, taken apart.
#[derive(Clone, Debug, Default, Serialize)]
pub struct MemoryLedger {
    /// RAM used, average over the samples, in whole KiB as sar prints it.
    pub used_kib: i64,
    /// The parts, in KiB. They sum to `used_kib`.
    #[serde(serialize_with = "super::fold::as_list")]
    pub parts: BTreeMap<PartKey, i64>,
    /// Guest RAM in shared memory: it lies in `Cached` and so outside of RAM used.
    pub shared_guest_kib: i64,
}

/// What the ledger is computed from.
pub(super) struct Input<'a> {
    pub(super) last: &'a NodeReading,
    pub(super) average_used_kib: f64,
    pub(super) page_size: Bytes,
    pub(super) processes: &'a [ProcessSample],
    pub(super) classes: &'a [Class],
    pub(super) vms: &'a [VmReading],
}

pub(super) fn ledger(input: &Input<'_>) -> MemoryLedger {
    let node = explain::node_parts(input.last, input.page_size);
    let mut parts: BTreeMap<PartKey, BytesDelta> = BTreeMap::new();
    let mut add = |key: PartKey, bytes: BytesDelta| *parts.entry(key).or_default() += bytes;
    let (mut anonymous, mut page_tables, mut hugetlb) = (Bytes::ZERO, Bytes::ZERO, Bytes::ZERO);

    for (process, class) in input.processes.iter().zip(input.classes) {
        let Some(memory) = &process.memory else { continue };
        let charge = explain::charge(memory);
        anonymous += charge.anonymous;
        page_tables += charge.page_tables;
        hugetlb += charge.hugetlb;
        add(part_of(process, class, input.vms), of_used(&charge));
    }
    let mut shared = Bytes::ZERO;
    for (order, vm) in input.vms.iter().enumerate() {
        let (Some(guest), Some(_)) = (&vm.guest, vm.emulator) else { continue };
        let in_used = (guest.anonymous + guest.hugetlb).signed();
        add(PartKey::new(Group::Guest, order, vm.vm.to_string()), in_used);
        for (key, bytes) in charged_with_guest(vm, guest, input) {
            add(key, -bytes.signed());
        }
        shared += guest.shared_memory();
    }
    add(PartKey::whole(Group::NotInCapture), node.anonymous.minus(anonymous));
    add(PartKey::new(Group::Kernel, 0, "page tables, rest"), node.page_tables.minus(page_tables));
    add(PartKey::new(Group::Kernel, 1, "hugetlb pool, rest"), node.hugetlb.minus(hugetlb));
    for (part, bytes) in &node.kernel {
        add(PartKey::new(Group::Kernel, 2 + *part as usize, part.name()), *bytes);
    }
    add(PartKey::whole(Group::Unexplained), node.unexplained);

    MemoryLedger::closed(input.average_used_kib, node.used, parts, shared)
}

impl MemoryLedger {
    /// Of parts that sum to `used`, what was used at the last reading. Shared guest RAM is none of them.
    pub(super) fn closed(
        average_used_kib: f64,
        used: BytesDelta,
        parts: BTreeMap<PartKey, BytesDelta>,
        shared_guest: Bytes,
    ) -> MemoryLedger {
        let used_kib = average_used_kib.round_ties_even() as i64;
        let mut parts: BTreeMap<PartKey, i64> =
            parts.into_iter().map(|(key, bytes)| (key, bytes.kib())).collect();
        // A share of a hugetlb page may be no whole KiB: what rounding took goes to the rest of its pool.
        let lost = used.kib() - parts.values().sum::<i64>();
        *parts.entry(PartKey::new(Group::Kernel, 1, "hugetlb pool, rest")).or_default() += lost;
        parts.insert(PartKey::whole(Group::DuringRun), used_kib - used.kib());
        parts.retain(|key, kib| *kib != 0 || key.group == Group::Unexplained);
        MemoryLedger { used_kib, parts, shared_guest_kib: shared_guest.kib() as i64 }
    }
}

fn of_used(charge: &Charge) -> BytesDelta {
    charge.total().signed()
}

/// The part that a process belongs to. A VM's emulator whose guest RAM is unknown can't be split.
fn part_of(process: &ProcessSample, class: &Class, vms: &[VmReading]) -> PartKey {
    let row = RowKey::of(process, class);
    let group = match class.stack {
        Stack::VmPod if is_unsplit_emulator(process.id.pid, vms) => Group::VmUnsplit,
        stack => Group::of(stack),
    };
    PartKey::new(group, row.order, row.name)
}

fn is_unsplit_emulator(pid: Pid, vms: &[VmReading]) -> bool {
    vms.iter().any(|vm| vm.emulator == Some(pid) && vm.guest.is_none())
}

/// The parts that a guest is inside of. Private memory is the emulator's; huge pages may be mapped by others
/// of its pod too (virtiofsd), and each was charged with its share of them.
fn charged_with_guest(vm: &VmReading, guest: &GuestMemory, input: &Input<'_>) -> Vec<(PartKey, Bytes)> {
    let members = || {
        let all = input.processes.iter().zip(input.classes);
        all.filter(|(process, _)| vm.processes.contains(&process.id.pid))
    };
    let (emulators, others): (Vec<_>, Vec<_>) =
        members().partition(|(process, _)| vm.emulator == Some(process.id.pid));
    let key = |(process, class): &(&ProcessSample, &Class)| part_of(process, class, input.vms);
    let emulator = emulators.first().map_or(PartKey::whole(Group::Unexplained), key);
    let mut huge = guest.hugetlb;
    let mut parts = Vec::new();
    for member in emulators.iter().chain(&others) {
        let charge = member.0.memory.as_ref().map(explain::charge).unwrap_or_default();
        let share = charge.hugetlb.min(huge);
        huge = huge.saturating_sub(share);
        parts.push((key(member), share));
    }
    parts.push((emulator, guest.anonymous + huge));
    parts
}
