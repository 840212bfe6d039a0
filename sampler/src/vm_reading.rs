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
}

/// A VM's processes, before anything more is read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Found {
    reading: VmReading,
    ids: Vec<ProcessId>,
    emulator: Option<ProcessId>,
    container: Option<ContainerId>,
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
    for mut found in find(processes, classes) {
        let backends = found.reading.machine.as_ref().map(|machine| machine.backends.as_slice());
        if let (Some(emulator), Some(backends), true) = (found.emulator, backends, with_guest) {
            found.reading.guest = match guest::read(procfs, emulator, &found.ids, backends, buffer) {
                Ok(guest) => guest,
                Err(error) if error.is_vanished() => None,
                Err(error) if error.is_denied() => {
                    *denied.entry("smaps".into()).or_default() += 1;
                    None
                }
                Err(error) => return Err(error),
            };
        }
        if let Some(pod) = &found.reading.pod {
            found.reading.compute = match procfs.pod_figures(pod, found.container.as_ref(), buffer) {
                Ok(figures) => figures,
                Err(error) if error.is_denied() => {
                    *denied.entry("cgroup".into()).or_default() += 1;
                    None
                }
                Err(error) => return Err(error),
            };
        }
        vms.push(found.reading);
    }
    Ok(vms)
}

fn find(processes: &[ProcessSample], classes: &[Class]) -> Vec<Found> {
    let mut vms: Vec<Found> = Vec::new();
    for (process, class) in processes.iter().zip(classes) {
        let Some(arguments) = process.vm.as_deref().filter(|_| class.stack == Stack::VmPod) else { continue };
        let pod = process.membership.pod.as_ref();
        let known = vms.iter_mut().find(|found| pod.is_some() && found.reading.pod.as_ref() == pod);
        let found = match known {
            Some(found) => found,
            // Outside of pods the launcher stands for nothing but itself: only an emulator is a VM.
            None if pod.is_none() && arguments.machine.is_none() => continue,
            None => {
                vms.push(Found {
                    reading: VmReading {
                        vm: arguments.vm.clone(),
                        uid: None,
                        pod: pod.cloned(),
                        processes: Vec::new(),
                        emulator: None,
                        machine: None,
                        guest: None,
                        compute: None,
                    },
                    ids: Vec::new(),
                    emulator: None,
                    container: None,
                });
                let Some(found) = vms.last_mut() else { continue };
                found
            }
        };
        found.reading.uid = found.reading.uid.take().or_else(|| arguments.uid.clone());
        // Launcher and emulator share the container `compute`.
        found.container = found.container.take().or_else(|| process.membership.container.clone());
        if let Some(machine) = &arguments.machine {
            found.reading.machine = Some(machine.clone());
            found.reading.emulator = Some(process.id.pid);
            found.emulator = Some(process.id);
        }
    }
    for process in processes {
        let pod = process.membership.pod.as_ref();
        let of_vm = |found: &&mut Found| match &found.reading.pod {
            Some(own) => pod == Some(own),
            None => found.emulator == Some(process.id),
        };
        if let Some(found) = vms.iter_mut().find(of_vm) {
            found.reading.processes.push(process.id.pid);
            found.ids.push(process.id);
        }
    }
    vms.sort_by(|a, b| (&a.reading.vm, &a.reading.pod).cmp(&(&b.reading.vm, &b.reading.pod)));
    vms
}
