//! The VMs of a node, each with the processes that run it, its guest RAM and its pod's cgroup.
//!
//! A VM is a pod with a virt-launcher in it, or a qemu with `guest=` outside of any pod (a libvirt host).
//! Two pods may run one VMI for a while (a migration within the node): they are two VMs here.

use serde::{Deserialize, Serialize};

use crate::classify::Class;
use crate::component::Stack;
use crate::error::ReadError;
use crate::guest::{self, GuestMemory};
use crate::parse::pid_cgroup::{ContainerId, PodUid};
use crate::pod_cgroup::CgroupFigures;
use crate::process::{Denied, ProcessId, ProcessSample};
use crate::procfs::{Buffer, ProcFs};
use crate::units::Pid;
use crate::vm::{Machine, VmName};

/// A VM and what was read of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VmReading {
    /// Its name.
    pub vm: VmName,
    /// UID of the VMI, where a command line says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// UID of its pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<PodUid>,
    /// Its processes, by number.
    pub processes: Vec<Pid>,
    /// Its qemu; absent while the VM starts, and once it has stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emulator: Option<Pid>,
    /// What qemu emulates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<Machine>,
    /// Its guest RAM; absent where `smaps` is denied or does not show the backends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest: Option<GuestMemory>,
    /// Its container `compute`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compute: Option<CgroupFigures>,
    /// Its whole pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole_pod: Option<CgroupFigures>,
}

/// A VM and its processes, before anything more is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vm {
    /// Its name.
    pub name: VmName,
    /// UID of the VMI, where a command line says it.
    pub uid: Option<String>,
    /// UID of its pod.
    pub pod: Option<PodUid>,
    /// Its processes.
    pub processes: Vec<ProcessId>,
    /// Its qemu; absent while the VM starts, and once it has stopped.
    pub emulator: Option<ProcessId>,
    /// What qemu emulates.
    pub machine: Option<Machine>,
    /// The container `compute`.
    pub container: Option<ContainerId>,
}

/// The VMs among the processes of a pass, with their guest RAM (where `with_guest`) and their cgroups.
///
/// # Errors
/// Where a file is malformed. What is denied is counted and absent.
pub fn read(
    procfs: &ProcFs,
    processes: &[ProcessSample],
    classes: &[Class],
    with_guest: bool,
    denied: &mut Denied,
    buffer: &mut Buffer,
) -> Result<Vec<VmReading>, ReadError> {
    let mut vms = Vec::new();
    for vm in find(processes.iter().zip(classes)) {
        let mut guest = None;
        if let (Some(emulator), Some(machine), true) = (vm.emulator, &vm.machine, with_guest) {
            guest = match guest::read(procfs, emulator, &vm.processes, &machine.backends, buffer) {
                Ok(guest) => guest,
                Err(error) if error.is_vanished() => None,
                Err(error) if error.is_denied() => {
                    *denied.entry("smaps".into()).or_default() += 1;
                    None
                }
                Err(error) => return Err(error),
            };
        }
        let mut figures = |container: Option<&ContainerId>| {
            let Some(pod) = &vm.pod else { return Ok(None) };
            match procfs.pod_figures(pod, container, buffer) {
                Err(error) if error.is_denied() => {
                    *denied.entry("cgroup".into()).or_default() += 1;
                    Ok(None)
                }
                other => other,
            }
        };
        // Without a container's id there is no telling its cgroup from its pod's.
        let compute = figures(vm.container.as_ref())?;
        let whole_pod = figures(None)?;
        vms.push(VmReading {
            vm: vm.name,
            uid: vm.uid,
            pod: vm.pod,
            processes: vm.processes.iter().map(|process| process.pid).collect(),
            emulator: vm.emulator.map(|process| process.pid),
            machine: vm.machine,
            guest,
            compute,
            whole_pod,
        });
    }
    Ok(vms)
}

/// The VMs among these processes, by name and pod.
pub fn find<'a>(processes: impl Iterator<Item = (&'a ProcessSample, &'a Class)> + Clone) -> Vec<Vm> {
    let mut vms: Vec<Vm> = Vec::new();
    for (process, class) in processes.clone() {
        let Some(arguments) = process.vm.as_deref().filter(|_| class.stack == Stack::VmPod) else { continue };
        let pod = process.membership.pod.as_ref();
        let known = vms.iter_mut().find(|vm| pod.is_some() && vm.pod.as_ref() == pod);
        let vm = match known {
            Some(vm) => vm,
            // Outside of pods the launcher stands for nothing but itself: only an emulator is a VM.
            None if pod.is_none() && arguments.machine.is_none() => continue,
            None => {
                vms.push(Vm {
                    name: arguments.vm.clone(),
                    uid: None,
                    pod: pod.cloned(),
                    processes: Vec::new(),
                    emulator: None,
                    machine: None,
                    container: None,
                });
                let Some(vm) = vms.last_mut() else { continue };
                vm
            }
        };
        vm.uid = vm.uid.take().or_else(|| arguments.uid.clone());
        // Launcher and emulator share the container `compute`.
        vm.container = vm.container.take().or_else(|| process.membership.container.clone());
        if let Some(machine) = &arguments.machine {
            vm.machine = Some(machine.clone());
            vm.emulator = Some(process.id);
        }
    }
    for (process, _) in processes {
        let pod = process.membership.pod.as_ref();
        let of_vm = |vm: &&mut Vm| match &vm.pod {
            Some(own) => pod == Some(own),
            None => vm.emulator == Some(process.id),
        };
        if let Some(vm) = vms.iter_mut().find(of_vm) {
            vm.processes.push(process.id);
        }
    }
    vms.sort_by(|a, b| (&a.name, &a.pod).cmp(&(&b.name, &b.pod)));
    vms
}
