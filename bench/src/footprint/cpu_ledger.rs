//! Where CPU used went: parts that sum to it, to the tick.
//!
//! The total is what "CPU used" stands for, in ticks of all CPUs: everything but idle. Processes count with
//! what they used between the two passes. The kernel charges a tick to whoever runs when it strikes, but
//! shows a process' time scaled to its exact runtime (`kernel/sched/cputime.c`, `cputime_adjust`), so the
//! two differ a little: that is what *unexplained* holds, and it may be negative.

use std::collections::BTreeMap;

use edgebench_sampler::classify::Class;
use edgebench_sampler::component::{KERNEL_THREADS, Stack};
use edgebench_sampler::interval::Interval;
use edgebench_sampler::process::ProcessSample;
use edgebench_sampler::sysstat::CpuTicks;
use edgebench_sampler::vm::{Accelerator, VmArguments};
use serde::Serialize;

use super::components::RowKey;
use super::part::{Group, PartKey};

/// CPU used, taken apart.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CpuLedger {
    /// Ticks of all CPUs over the run.
    pub interval_ticks: u64,
    /// Those that were not idle.
    pub used_ticks: i64,
    /// The parts, in ticks. They sum to `used_ticks`.
    #[serde(serialize_with = "super::fold::as_list")]
    pub parts: BTreeMap<PartKey, i64>,
}

pub(super) fn ledger(
    ticks: &CpuTicks,
    processes: &[ProcessSample],
    classes: &[Class],
    interval: &Interval,
) -> CpuLedger {
    let mut parts: BTreeMap<PartKey, i64> = BTreeMap::new();
    let mut add = |key: PartKey, ticks: u64| *parts.entry(key).or_default() += ticks as i64;
    for ((process, class), used) in processes.iter().zip(classes).zip(&interval.used) {
        let row = RowKey::of(process, class);
        if *class.component == KERNEL_THREADS {
            add(PartKey::new(Group::Kernel, 0, "kernel threads"), used.total().0);
            continue;
        }
        let guest = process.vm.as_deref().filter(|vm| class.stack == Stack::VmPod && vm.machine.is_some());
        match guest {
            Some(vm) if shows_guest_time(vm, used.guest.0) => {
                add(PartKey::new(Group::Guest, 0, vm.vm.to_string()), used.guest.0);
                add(PartKey::new(Group::VmOverhead, row.order, row.name), used.total().0 - used.guest.0);
            }
            Some(_) => add(PartKey::new(Group::VmUnsplit, row.order, row.name), used.total().0),
            None => add(PartKey::new(Group::of(class.stack), row.order, row.name), used.total().0),
        }
    }
    add(PartKey::whole(Group::Ended), interval.ended.0);
    CpuLedger::closed(ticks, parts)
}

impl CpuLedger {
    /// Of the parts of processes, with those of the machine and what is left over.
    pub(super) fn closed(ticks: &CpuTicks, mut parts: BTreeMap<PartKey, i64>) -> CpuLedger {
        let mut add = |key: PartKey, ticks: u64| *parts.entry(key).or_default() += ticks as i64;
        add(PartKey::new(Group::Machine, 0, "interrupts"), ticks.irq + ticks.softirq);
        add(PartKey::new(Group::Machine, 1, "waiting for I/O"), ticks.iowait);
        add(PartKey::new(Group::Machine, 2, "stolen"), ticks.steal);
        let used_ticks = ticks.used() as i64;
        parts.retain(|_, ticks| *ticks != 0);
        let named: i64 = parts.values().sum();
        parts.insert(PartKey::whole(Group::Unexplained), used_ticks - named);
        CpuLedger { interval_ticks: ticks.interval, used_ticks, parts }
    }
}

/// Emulated guests leave no guest time: there the split does not exist.
pub(super) fn shows_guest_time(vm: &VmArguments, guest_ticks: u64) -> bool {
    match vm.machine.as_ref().and_then(|machine| machine.accelerator) {
        Some(Accelerator::Kvm) => true,
        Some(Accelerator::Tcg) => false,
        None => guest_ticks > 0,
    }
}
