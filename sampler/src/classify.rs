//! What every process of a node is for: its component, its stack, and its VM.
//!
//! A process is known by the base name of its binary, else by that of `argv[0]`, else by its `comm`, in
//! this order, since each is easier to change than the one before. The pod settles the rest: what a pod
//! with a virt-launcher in it runs is the VM's, whatever it is called, and the `pause` of virt-handler's
//! pod is KubeVirt's. An emulator is a VM only in such a pod or with libvirt's `guest=`, never by its name.

use std::collections::BTreeMap;

use crate::component::{self, Component, KERNEL_THREADS, OTHER, SIDECAR, Stack};
use crate::parse::pid_cgroup::PodUid;
use crate::process::ProcessSample;

/// Which names are believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// Any: a control plane may run as host processes (tests, development clusters).
    #[default]
    Any,
    /// KubeVirt's and CDI's only inside of pods.
    Pod,
}

/// What a process is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Class {
    /// Its row of the table.
    pub component: &'static Component,
    /// Its group: the row's, or its pod's.
    pub stack: Stack,
    /// A name of KubeVirt's or CDI's that runs outside of any pod: anybody can take a name.
    pub outside_pods: bool,
}

/// Classifies all processes of a pass; the answer has one class for each, in their order.
pub fn classify(processes: &[ProcessSample], trust: Trust) -> Vec<Class> {
    let rows: Vec<_> = processes.iter().map(by_name).collect();
    let pods = pods(processes, &rows);
    processes.iter().zip(rows).map(|(process, row)| class(process, row, &pods, trust)).collect()
}

fn by_name(process: &ProcessSample) -> Option<&'static Component> {
    if process.kernel_thread {
        return Some(&KERNEL_THREADS);
    }
    let names = &process.names;
    let binary = |name: &Option<String>| name.as_deref().map(str::as_bytes).and_then(component::by_binary);
    binary(&names.exe).or_else(|| binary(&names.argv0)).or_else(|| component::by_comm(names.comm.as_bytes()))
}

/// The stack of each pod that holds a tracked component. A launcher outweighs what it starts; a pod with
/// virt-handler in it runs a libvirt daemon for a moment (its init container) and is KubeVirt's.
fn pods<'a>(
    processes: &'a [ProcessSample],
    rows: &[Option<&'static Component>],
) -> BTreeMap<&'a PodUid, Stack> {
    let mut pods = BTreeMap::new();
    for (process, row) in processes.iter().zip(rows) {
        let (Some(pod), Some(row)) = (&process.membership.pod, row) else { continue };
        if !row.stack.is_tracked() {
            continue;
        }
        let is_launcher = matches!(row.name, "virt-launcher" | "virt-launcher-monitor");
        // qemu-kvm alone does not make a launcher pod, but with `guest=` it does.
        let stack = match row.stack {
            Stack::VmPod if !is_launcher && process.vm.is_none() => continue,
            stack => stack,
        };
        let known = pods.entry(pod).or_insert(stack);
        if is_launcher {
            *known = Stack::VmPod;
        }
    }
    pods
}

fn class(
    process: &ProcessSample,
    row: Option<&'static Component>,
    pods: &BTreeMap<&PodUid, Stack>,
    trust: Trust,
) -> Class {
    let pod = process.membership.pod.as_ref();
    let pod_stack = pod.and_then(|pod| pods.get(pod)).copied();
    let is_emulator = row.is_some_and(|row| row.name == "qemu-kvm");
    let row = row.filter(|_| !is_emulator || process.vm.is_some() || pod_stack == Some(Stack::VmPod));
    if let Some(stack) = pod_stack {
        let component = match row {
            Some(row) => row,
            None if stack == Stack::VmPod => &SIDECAR,
            None => &OTHER,
        };
        return Class { component, stack, outside_pods: false };
    }
    let Some(row) = row else {
        return Class { component: &OTHER, stack: Stack::Other, outside_pods: false };
    };
    let outside_pods = row.stack.is_tracked() && pod.is_none();
    if outside_pods && trust == Trust::Pod {
        return Class { component: &OTHER, stack: Stack::Other, outside_pods };
    }
    Class { component: row, stack: row.stack, outside_pods }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::pid_cgroup::Membership;
    use crate::process::{ProcessCpu, ProcessId, ProcessNames};
    use crate::units::{Pid, StartTicks};
    use crate::vm::{VmArguments, VmName};

    fn process(comm: &str) -> ProcessSample {
        ProcessSample {
            id: ProcessId { pid: Pid(1), start: StartTicks(1) },
            parent: Pid(0),
            kernel_thread: false,
            names: ProcessNames { comm: comm.into(), exe: None, argv0: None },
            membership: Membership::default(),
            vm: None,
            cpu: ProcessCpu::default(),
            threads: 1,
            memory: None,
        }
    }

    fn in_pod(number: u8, mut process: ProcessSample) -> ProcessSample {
        let path = format!("0::/kubepods/pod{number:08}-1111-2222-3333-444444444444/x\n");
        process.membership = crate::parse::pid_cgroup::parse(path.as_bytes());
        process
    }

    fn exe(name: &str, comm: &str) -> ProcessSample {
        let mut process = process(comm);
        process.names.exe = Some(name.into());
        process
    }

    fn guest(mut process: ProcessSample) -> ProcessSample {
        let vm = VmName { namespace: "default".into(), name: "edge-vm".into() };
        process.vm = Some(Box::new(VmArguments { vm, uid: None, machine: None }));
        process
    }

    fn names(processes: &[ProcessSample]) -> Vec<(&'static str, Stack)> {
        classify(processes, Trust::Any).iter().map(|class| (class.component.name, class.stack)).collect()
    }

    #[test]
    fn the_binary_outweighs_argv_and_argv_outweighs_comm() {
        let mut process = exe("virt-handler", "virt-api");
        process.names.argv0 = Some("virt-operator".into());
        assert_eq!(names(&[process.clone()]), [("virt-handler", Stack::Kubevirt)]);
        process.names.exe = Some("unknown".into());
        assert_eq!(names(&[process.clone()]), [("virt-operator", Stack::Kubevirt)]);
        process.names.argv0 = None;
        assert_eq!(names(&[process]), [("virt-api", Stack::Kubevirt)]);
    }

    #[test]
    fn k3s_is_known_by_its_comm_since_its_binary_is_many() {
        assert_eq!(names(&[exe("k3s", "k3s-server")]), [("k3s-server", Stack::Kubernetes)]);
    }

    #[test]
    fn an_emulator_is_a_vm_only_with_a_guest_or_in_a_launcher_pod() {
        let alone = exe("qemu-system-x86_64", "qemu-system-x86");
        let converter = exe("qemu-img", "qemu-img");
        assert_eq!(
            names(&[alone.clone(), guest(alone.clone()), converter]),
            [("other", Stack::Other), ("qemu-kvm", Stack::VmPod), ("other", Stack::Other)]
        );
        let pod = [in_pod(1, exe("virt-launcher-monitor", "virt-launcher-m")), in_pod(1, alone)];
        assert_eq!(names(&pod)[1], ("qemu-kvm", Stack::VmPod));
    }

    #[test]
    fn everything_in_a_launcher_pod_is_the_vms() {
        let pod = [
            in_pod(1, exe("pause", "pause")),
            in_pod(1, exe("virt-launcher-monitor", "virt-launcher-m")),
            in_pod(1, exe("my-hook", "my-hook")),
            in_pod(2, exe("pause", "pause")),
        ];
        assert_eq!(
            names(&pod),
            [
                ("pause", Stack::VmPod),
                ("virt-launcher-monitor", Stack::VmPod),
                ("sidecar", Stack::VmPod),
                ("pause", Stack::Kubernetes),
            ]
        );
    }

    #[test]
    fn an_importer_pod_is_cdis_with_all_it_starts() {
        let pod = [in_pod(3, exe("cdi-importer", "cdi-importer")), in_pod(3, exe("qemu-img", "qemu-img"))];
        assert_eq!(names(&pod), [("cdi-importer", Stack::Cdi), ("other", Stack::Cdi)]);
    }

    #[test]
    fn virt_handlers_init_container_is_no_vm() {
        let pod = [in_pod(4, exe("virtqemud", "virtqemud")), in_pod(4, exe("virt-handler", "virt-handler"))];
        assert_eq!(names(&pod), [("virtqemud", Stack::Kubevirt), ("virt-handler", Stack::Kubevirt)]);
    }

    #[test]
    fn a_name_outside_of_pods_is_believed_or_not_but_always_told() {
        let processes = [exe("virt-handler", "virt-handler")];
        let any = classify(&processes, Trust::Any)[0];
        assert_eq!((any.component.name, any.outside_pods), ("virt-handler", true));
        let pod = classify(&processes, Trust::Pod)[0];
        assert_eq!((pod.component.name, pod.outside_pods), ("other", true));
        let inside = classify(&[in_pod(5, exe("virt-handler", "virt-handler"))], Trust::Pod)[0];
        assert_eq!((inside.component.name, inside.outside_pods), ("virt-handler", false));
    }
}
