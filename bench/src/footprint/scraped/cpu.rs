//! Where CPU used went, from the families of an exporter.
//!
//! A row that the exporter reads too seldom for this run has no part: its time is in what is unexplained.
//!
//! What VMs ran as guest is known by VM; the rest of the emulators' time is summed over all VMs, so where one
//! of them is emulated (no guest time to be seen), none can be split.

use std::collections::BTreeMap;

use edgebench_sampler::component::Stack;
use edgebench_sampler::sysstat::CpuTicks;

use super::components::{Row, gained};
use crate::footprint::cpu_ledger::CpuLedger;
use crate::footprint::part::{Group, PartKey};
use crate::remote::scrape::Workload;

pub(super) fn ledger(ticks: &CpuTicks, rows: &[Row<'_>], before: &Workload, after: &Workload) -> CpuLedger {
    let mut parts: BTreeMap<PartKey, i64> = BTreeMap::new();
    let mut add = |key: PartKey, ticks: u64| *parts.entry(key).or_default() += ticks as i64;
    let is_unsplit = after.vms.iter().any(|vm| vm.cpu.unsplit.is_some());
    for row in rows.iter().filter(|row| row.is_of_run) {
        let total = row.used.total().0;
        let of = |group| PartKey::new(group, row.key.order, row.key.name.clone());
        if row.is_of_kernel() {
            add(PartKey::new(Group::Kernel, 0, "kernel threads"), total);
        } else if row.is_ended() && row.key.stack == Stack::Other {
            add(PartKey::whole(Group::Ended), total);
        } else if row.is_emulator() {
            let mut left = total;
            for vm in &after.vms {
                let then = before.vm(&vm.vm).and_then(|vm| vm.cpu.guest).unwrap_or_default();
                let guest = vm.cpu.guest.map(|now| gained(then, now).0).unwrap_or_default().min(left);
                left -= guest;
                add(PartKey::new(Group::Guest, 0, vm.vm.to_string()), guest);
            }
            // Guest time of VMs that are gone by the end.
            let named = total - left;
            let gone = row.used.guest.0.saturating_sub(named).min(left);
            add(PartKey::new(Group::Guest, 1, "VMs that ended"), gone);
            add(of(if is_unsplit { Group::VmUnsplit } else { Group::VmOverhead }), left - gone);
        } else {
            add(of(Group::of(row.key.stack)), total);
        }
    }
    CpuLedger::closed(ticks, parts)
}

#[cfg(test)]
mod tests {
    use edgebench_sampler::Nanos;
    use edgebench_sampler::vm::VmName;

    use super::super::components;
    use super::*;
    use crate::remote::names;
    use crate::remote::scrape::{ComponentScrape, CpuByMode, VmCpu, VmScrape};

    const TICK: u64 = 10_000_000;

    fn component(name: &str, stack: Stack, [user, system, guest]: [u64; 3]) -> ComponentScrape {
        let nanos = |ticks| Nanos(ticks * TICK);
        ComponentScrape {
            component: name.into(),
            stack,
            cpu: CpuByMode { user: nanos(user), system: nanos(system), guest: nanos(guest) },
            processes: Some(1),
            threads: None,
            resident: None,
            anonymous: None,
            swap: None,
            page_tables: None,
            proportional: None,
            proportional_anonymous: None,
            proportional_age: None,
            age: None,
        }
    }

    fn vm(name: &str, cpu: VmCpu) -> VmScrape {
        let vm = VmName { namespace: "default".into(), name: name.into() };
        VmScrape { vm, cpu, ..VmScrape::default() }
    }

    fn ran(guest: u64) -> VmCpu {
        let nanos = |ticks| Some(Nanos(ticks * TICK));
        VmCpu { guest: nanos(guest), overhead: nanos(1), unsplit: None }
    }

    fn parts(before: &Workload, after: &Workload) -> Vec<(Group, String, i64)> {
        let rows = components::rows(before, after, 10.0);
        let ticks = CpuTicks { user: 500, idle: 500, iowait: 3, interval: 1000, ..CpuTicks::default() };
        let ledger = ledger(&ticks, &rows, before, after);
        assert_eq!(ledger.parts.values().sum::<i64>(), 500);
        ledger.parts.into_iter().map(|(key, ticks)| (key.group, key.name, ticks)).collect()
    }

    fn part(group: Group, name: &str, ticks: i64) -> (Group, String, i64) {
        (group, name.to_owned(), ticks)
    }

    fn workload(components: Vec<ComponentScrape>, vms: Vec<VmScrape>) -> Workload {
        Workload { components, vms, names_outside_pods: None }
    }

    #[test]
    fn guests_are_split_by_vm_and_what_is_left_is_overhead() {
        let before = workload(
            vec![component(names::EMULATOR, Stack::VmPod, [10, 10, 100])],
            vec![vm("old", ran(60)), vm("gone", ran(40))],
        );
        let after = workload(
            vec![component(names::EMULATOR, Stack::VmPod, [15, 12, 200])],
            vec![vm("old", ran(110)), vm("new", ran(30))],
        );
        let expected = [
            part(Group::Guest, "default/new", 30),
            part(Group::Guest, "default/old", 50),
            part(Group::Guest, "VMs that ended", 20),
            part(Group::VmOverhead, "qemu-kvm", 7),
            part(Group::Machine, "waiting for I/O", 3),
            part(Group::Unexplained, "", 500 - 30 - 50 - 20 - 7 - 3),
        ];
        assert_eq!(parts(&before, &after), expected);
    }

    #[test]
    fn one_emulated_vm_leaves_all_of_qemu_unsplit() {
        let emulated = VmCpu { unsplit: Some(Nanos(9 * TICK)), ..VmCpu::default() };
        let after = workload(
            vec![component(names::EMULATOR, Stack::VmPod, [15, 12, 50])],
            vec![vm("kvm", ran(50)), vm("tcg", emulated)],
        );
        let parts = parts(&Workload::default(), &after);
        assert!(parts.contains(&part(Group::Guest, "default/kvm", 50)), "{parts:?}");
        assert!(parts.contains(&part(Group::VmUnsplit, "qemu-kvm", 27)), "{parts:?}");
    }

    #[test]
    fn processes_that_no_reading_saw_belong_to_their_stack() {
        let exited = |stack, user| component(names::EXITED, stack, [user, 0, 0]);
        let after = workload(vec![exited(Stack::Kubevirt, 4), exited(Stack::Other, 6)], vec![]);
        let parts = parts(&Workload::default(), &after);
        assert!(parts.contains(&part(Group::ControlPlane, "exited", 4)), "{parts:?}");
        assert!(parts.contains(&part(Group::Ended, "", 6)), "{parts:?}");
    }

    #[test]
    fn a_row_that_is_read_too_seldom_has_no_part() {
        let mut row = component(names::KERNEL_THREADS, Stack::Other, [0, 20, 0]);
        let of = |row: &ComponentScrape| parts(&Workload::default(), &workload(vec![row.clone()], vec![]));
        assert!(of(&row).contains(&part(Group::Kernel, "kernel threads", 20)));
        row.age = Some(1.0);
        assert!(of(&row).contains(&part(Group::Kernel, "kernel threads", 20)), "a tenth of the run");
        row.age = Some(1.1);
        assert!(of(&row).contains(&part(Group::Unexplained, "", 497)));
    }
}
