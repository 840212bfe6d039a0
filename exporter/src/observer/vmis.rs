//! The rows of the VMI families, and what is to be read of proportional memory for them.
//!
//! A VMI is known by its launcher's or its qemu's command line. While it migrates within the node two pods carry
//! its name: the one whose oldest process is newest is shown, since that is where it is going to be.

use std::collections::BTreeMap;

use edgebench_sampler::parse::pid_cgroup::{ContainerId, PodUid};
use edgebench_sampler::pod_cgroup::KeptCgroup;
use edgebench_sampler::process::ProcessId;
use edgebench_sampler::procfs::{Buffer, ProcFs};
use edgebench_sampler::vm::Accelerator;
use edgebench_sampler::vm_reading::Vm;
use edgebench_sampler::{Bytes, Nanos, Pid, ReadError, StartTicks};

use super::components::Time;
use super::counters::{CpuTicks, add, nanos};
use super::inventory::{Inventory, VmRow};
use crate::proportional::{GuestTarget, Readings, Target};
use crate::view::{GuestFigures, VmComponent, VmCpu, VmFigures};

/// What is kept of VMIs between readings.
#[derive(Debug, Default)]
pub(super) struct Vmis {
    /// Whether the vCPU threads' figures are wanted.
    pub(super) read_vcpus: bool,
    cgroups: BTreeMap<(PodUid, ContainerId), KeptCgroup>,
    /// Which VM each figure of the last reading belongs to.
    shown: Vec<usize>,
}

impl Vmis {
    /// One row for each VMI, without its cgroup. `broken` tells processes that could not be read this time.
    pub(super) fn figures(
        &mut self,
        inventory: &Inventory,
        broken: impl Fn(Pid) -> bool,
        pss: Option<&Readings>,
        node: &str,
        time: &Time,
        figures: &mut Vec<VmFigures>,
    ) {
        let rows = inventory.vms();
        self.shown.clear();
        let mut first = 0;
        while let Some(row) = rows.get(first) {
            let count = rows[first..].iter().take_while(|other| other.vm.name == row.vm.name).count();
            let born = |at: &usize| rows[*at].vm.processes.iter().map(|process| process.start).min();
            let newest = (first..first + count).max_by_key(|at| born(at).unwrap_or(StartTicks(0)));
            let newest = newest.unwrap_or(first);
            first += count;
            // A sum with a part that could not be read is absent, never partial.
            if rows[newest].vm.processes.iter().any(|process| broken(process.pid)) {
                continue;
            }
            self.shown.push(newest);
            let mut figure = self.figure(inventory, &rows[newest], pss, time);
            figure.node = node.to_owned();
            figure.pods = count as u64;
            figures.push(figure);
        }
    }

    fn figure(&self, inventory: &Inventory, row: &VmRow, pss: Option<&Readings>, time: &Time) -> VmFigures {
        let vm = &row.vm;
        let machine = vm.machine.as_ref();
        let pod_proportional = pss.and_then(|pss| proportional(inventory, &vm.processes, pss));
        let guest = pss.zip(vm.emulator).and_then(|(pss, emulator)| pss.guests.get(&emulator)).map(|read| {
            let (resident, proportional) = (read.memory.resident, read.memory.proportional);
            GuestFigures { resident, proportional, age: time.age(read.at) }
        });
        let page_tables: Bytes =
            vm.processes.iter().filter_map(|id| Some(inventory.row(*id)?.held.page_tables)).sum();
        let threads = vm.emulator.filter(|_| self.read_vcpus).and_then(|emulator| {
            inventory.kept(emulator).and_then(|(_, kept)| Some(kept.threads.as_ref()?.vcpus()))
        });
        VmFigures {
            namespace: vm.name.namespace.clone(),
            name: vm.name.name.clone(),
            uid: vm.uid.clone(),
            pod_uid: vm.pod.as_ref().map(|pod| pod.as_str().to_owned()),
            vcpus: machine.and_then(|machine| machine.vcpus).map(u64::from),
            guest_size: machine.and_then(|machine| machine.memory),
            guest,
            pod_proportional,
            overhead: pod_proportional
                .zip(guest)
                .map(|(pod, guest)| pod.minus(guest.proportional) + page_tables.signed()),
            components: components(inventory, vm, pss),
            cpu: cpu(inventory, row, time),
            vcpu_threads: threads.unwrap_or_default(),
            ..VmFigures::default()
        }
    }

    /// Adds what the memory controller says of each VMI's container `compute`.
    pub(super) fn read_cgroups(
        &mut self,
        procfs: &ProcFs,
        inventory: &Inventory,
        figures: &mut [VmFigures],
        buffer: &mut Buffer,
    ) -> Result<(), ReadError> {
        let mut kept = BTreeMap::new();
        for (at, figure) in self.shown.iter().zip(figures) {
            let vm = &inventory.vms()[*at].vm;
            let (Some(pod), Some(container)) = (&vm.pod, &vm.container) else { continue };
            let key = (pod.clone(), container.clone());
            let cgroup = match self.cgroups.remove(&key) {
                Some(cgroup) => Some(cgroup),
                None => procfs.keep_pod(pod, Some(container))?,
            };
            let Some(cgroup) = cgroup else { continue };
            match cgroup.memory(buffer) {
                Ok(Some(memory)) => {
                    figure.working_set = Some(memory.working_set);
                    figure.limit = memory.limit;
                    figure.oom_kills = memory.oom_kills;
                }
                Ok(None) => {}
                // The container is gone; its processes go with the next reading.
                Err(error) if error.is_vanished() => continue,
                Err(error) => return Err(error),
            }
            kept.insert(key, cgroup);
        }
        self.cgroups = kept;
        Ok(())
    }
}

/// Σ PSS of processes; absent where one that has memory was not read.
fn proportional(inventory: &Inventory, processes: &[ProcessId], pss: &Readings) -> Option<Bytes> {
    let with_memory =
        |id: &&ProcessId| inventory.row(**id).is_some_and(|row| row.held.resident != Bytes::ZERO);
    processes.iter().filter(with_memory).map(|id| Some(pss.processes.get(id)?.pss)).sum::<Option<Bytes>>()
}

fn components(inventory: &Inventory, vm: &Vm, pss: Option<&Readings>) -> Vec<VmComponent> {
    let mut components: Vec<VmComponent> = Vec::new();
    for id in &vm.processes {
        let (Some(row), Some(component)) = (inventory.row(*id), inventory.component(*id)) else { continue };
        let read = pss.and_then(|pss| pss.processes.get(id)).map(|read| read.pss);
        let read = if row.held.resident == Bytes::ZERO { pss.map(|_| Bytes::ZERO) } else { read };
        match components.iter_mut().find(|known| known.component == component) {
            Some(known) => {
                known.resident += row.held.resident;
                known.anonymous += row.held.anonymous;
                known.proportional = known.proportional.zip(read).map(|(sum, read)| sum + read);
            }
            None => components.push(VmComponent {
                component,
                resident: row.held.resident,
                anonymous: row.held.anonymous,
                proportional: read,
            }),
        }
    }
    components
}

/// CPU time of a VMI's pod: of its processes, of those that ended, and of those that nobody saw.
fn cpu(inventory: &Inventory, row: &VmRow, time: &Time) -> VmCpu {
    let mut sum = row.ended;
    for id in &row.vm.processes {
        let CpuTicks { user, system, guest } = inventory.row(*id).map(|row| row.cpu).unwrap_or_default();
        sum.user += user;
        sum.system += system;
        sum.guest += guest;
    }
    let unseen = row.vm.pod.as_ref().map(|pod| inventory.pods.unseen(pod)).unwrap_or_default();
    let overhead = add(nanos(sum.user + sum.system, time.clock), unseen);
    let guest = nanos(sum.guest, time.clock);
    let accelerator = row.vm.machine.as_ref().and_then(|machine| machine.accelerator);
    match accelerator {
        Some(Accelerator::Tcg) => VmCpu::Whole(add(guest, overhead)),
        None if guest == Nanos(0) => VmCpu::Whole(overhead),
        _ => VmCpu::Split { guest, overhead },
    }
}

/// What is to be read of proportional memory: a VM's pod together with its guest, every other kept process alone.
pub(super) fn targets(inventory: &Inventory) -> Vec<Target> {
    let mut targets = Vec::new();
    let mut in_vms = std::collections::BTreeSet::new();
    let add = |processes: Vec<ProcessId>, guest: Option<GuestTarget>, targets: &mut Vec<Target>| {
        let mut target = Target { guest, ..Target::default() };
        for id in processes {
            let Some(row) = inventory.row(id).filter(|row| row.held.resident != Bytes::ZERO) else {
                continue;
            };
            target.resident += row.held.resident;
            if row.changed > Nanos(0) {
                target.changed.push((id, row.changed));
            }
            target.processes.push(id);
        }
        if !target.processes.is_empty() {
            targets.push(target);
        }
    };
    for VmRow { vm, .. } in inventory.vms() {
        in_vms.extend(vm.processes.iter().copied());
        let guest = vm
            .emulator
            .zip(vm.machine.as_ref())
            .map(|(emulator, machine)| GuestTarget { emulator, backends: machine.backends.clone() });
        add(vm.processes.clone(), guest, &mut targets);
    }
    for (id, ..) in inventory.all_kept().filter(|(id, ..)| !in_vms.contains(id)) {
        add(vec![id], None, &mut targets);
    }
    targets
}
