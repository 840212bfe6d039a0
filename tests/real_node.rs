//! The real KubeVirt node of the fixtures, and a libvirt host: every process in its place, every VM known.
//!
//! The figures are written out here, as they were worked out by hand from the files of the fixtures.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

use std::collections::BTreeMap;

use edgebench::comparison::{Comparison, Side};
use edgebench::footprint::{Group, Proportion};
use edgebench::layout::{self, Style};
use edgebench::report::{Options, document};
use edgebench_sampler::classify::{Class, Trust, classify};
use edgebench_sampler::component::Stack::{self, Cdi, Kubernetes, Kubevirt, Other, VmPod};
use edgebench_sampler::process::{ProcessSample, Scratch};
use edgebench_sampler::vm::Accelerator;
use edgebench_sampler::{Bytes, BytesDelta, Pid, ProcFs, thread, vm_reading};
use edgebench_tests::phases::{PHASES, footprint, record};
use edgebench_tests::{Host, one_sample};

const POD: &str = "f626cce2-29b3-48e8-aa19-090cad4e2bf3";
const VMI: &str = "default/edge-vm, 7764d18d-957a-4449-b066-00d4e14c9721";

/// Pid, component, stack, the pod it is in, and the phase since which it runs. All that is in the pod is the
/// VMI's; the shim of that pod runs beside it.
#[rustfmt::skip]
const PROCESSES: [(u32, &str, Stack, Option<&str>, &str); 26] = [
    (    2, "kernel threads",          Other,      None,      "1-kubernetes"),
    (   14, "kernel threads",          Other,      None,      "1-kubernetes"),
    (   35, "kernel threads",          Other,      None,      "1-kubernetes"),
    (   45, "kernel threads",          Other,      None,      "1-kubernetes"),
    (11669, "etcd",                    Kubernetes, None,      "1-kubernetes"),
    (11677, "kube-apiserver",          Kubernetes, None,      "1-kubernetes"),
    (11707, "kube-controller-manager", Kubernetes, None,      "1-kubernetes"),
    (11708, "kube-scheduler",          Kubernetes, None,      "1-kubernetes"),
    (11712, "pause",                   Kubernetes, None,      "1-kubernetes"),
    (11737, "containerd",              Kubernetes, None,      "1-kubernetes"),
    (11772, "kubelet",                 Kubernetes, None,      "1-kubernetes"),
    (11986, "virt-operator",           Kubevirt,   None,      "3-cdi"),
    (12207, "virt-api",                Kubevirt,   None,      "3-cdi"),
    (12208, "virt-controller",         Kubevirt,   None,      "3-cdi"),
    (12379, "virt-handler",            Kubevirt,   None,      "3-cdi"),
    (12597, "cdi-operator",            Cdi,        None,      "3-cdi"),
    (12713, "cdi-apiserver",           Cdi,        None,      "3-cdi"),
    (12743, "cdi-controller",          Cdi,        None,      "3-cdi"),
    (12745, "cdi-uploadproxy",         Cdi,        None,      "3-cdi"),
    (13070, "containerd-shim",         Kubernetes, None,      "4-vm"),
    (13091, "pause",                   VmPod,      Some(POD), "4-vm"),
    (13123, "virt-tail",               VmPod,      Some(POD), "4-vm"),
    (13154, "virt-launcher-monitor",   VmPod,      Some(POD), "4-vm"),
    (13169, "virt-launcher",           VmPod,      Some(POD), "4-vm"),
    (13186, "virtqemud",               VmPod,      Some(POD), "4-vm"),
    (13247, "qemu-kvm",                VmPod,      Some(POD), "4-vm"),
];

#[test]
fn every_process_is_in_its_place() {
    for phase in PHASES {
        let host = Host::unpack(&format!("node-kubevirt-1.9/{phase}/t1"));
        let found = places(&host);
        let found: Vec<_> = found.iter().map(Place::as_row).collect();
        let expected: Vec<_> = PROCESSES
            .iter()
            .filter(|(.., since)| *since <= phase)
            .map(|(pid, component, stack, pod, _)| (*pid, *component, *stack, *pod, pod.map(|_| VMI)))
            .collect();
        assert_eq!(found, expected, "{phase}");
    }
}

#[test]
fn names_outside_of_pods_are_told_and_can_be_distrusted() {
    let vm = footprint("4-vm");
    let names: Vec<_> =
        PROCESSES.iter().filter(|p| matches!(p.2, Kubevirt | Cdi)).map(|p| p.1.to_owned()).collect();
    let mut told = vm.remarks.outside_pods.clone();
    told.sort_by_key(|name| names.iter().position(|other| other == name));
    assert_eq!(told, names);

    let strict = record("4-vm", None, None).footprint(Trust::Pod).unwrap();
    assert!(strict.stack(Kubevirt).chain(strict.stack(Cdi)).next().is_none());
    assert_eq!(strict.stack(VmPod).count(), 6, "the VM's pod is a real one");
}

#[test]
fn the_vm_costs_the_node_more_than_its_guest_holds() {
    let figures = footprint("4-vm");
    let [vm] = figures.vms.as_slice() else { panic!("one VM, found {:?}", figures.vms) };
    assert_eq!(format!("{}, {}", vm.full_name(), vm.uid.as_deref().unwrap()), VMI);
    assert_eq!((vm.namespace.as_str(), vm.name.as_str()), ("default", "edge-vm"));
    assert_eq!(vm.pod_uid.as_deref(), Some(POD));
    assert_eq!((vm.processes, vm.vcpus, vm.accelerator), (Some(6), Some(1), Some(Accelerator::Tcg)));

    let kib = |kib| Some(Bytes::from_kib(kib));
    assert_eq!(vm.guest_size, kib(512 << 10));
    assert_eq!(vm.guest_resident, kib(6_144), "the firmware alone has run");
    assert_eq!((vm.guest_proportional, vm.guest_shared), (kib(6_144), kib(0)));
    // PSS of the six processes - guest + their page tables.
    let pss = 688 + 8_406 + 8_499 + 58_150 + 20_224 + 46_495;
    let page_tables = 36 + 160 + 156 + 404 + 268 + 976;
    assert_eq!(vm.overhead, Some(BytesDelta::from_kib(pss - 6_144 + page_tables)));
    assert_eq!(vm.swap, Some(Bytes::ZERO));
    assert_eq!(
        (vm.cpu_guest_percent, vm.cpu_overhead_percent),
        (None, None),
        "emulation shows no guest time"
    );

    let compute = vm.compute.unwrap();
    assert_eq!(compute.working_set, Bytes(204_640_256 - 117_108_736), "usage - inactive file pages");
    assert_eq!(compute.limit, None);
    let comparison = Comparison::new(None, Side::new(vec![figures]).unwrap());
    let mut printed = Vec::new();
    layout::text(&document(&comparison, &Options::default()), &Style::plain(100), &mut printed).unwrap();
    let printed = String::from_utf8(printed).unwrap();
    let row = printed.lines().find(|line| line.trim_start().starts_with("default/edge-vm  ")).unwrap();
    let cells: Vec<_> = row.split_ascii_whitespace().collect();
    assert_eq!(cells, ["default/edge-vm", "512.0", "6.0", "135.1", "83.5", "(none)", "-", "-"]);
}

#[test]
fn the_vms_vcpu_is_one_of_its_threads() {
    let host = Host::unpack("node-kubevirt-1.9/4-vm/t1");
    let procfs = ProcFs::open(host.roots()).unwrap();
    let qemu = procfs.process(Pid(13247)).unwrap();
    let threads = thread::read(&qemu, &mut Scratch::default().buffer).unwrap();
    assert_eq!(threads.len(), 5);
    assert_eq!(threads[0].id, Pid(13247));
    let vcpus: Vec<_> = threads.iter().filter_map(|thread| thread.vcpu()).collect();
    assert_eq!(vcpus, [0]);
    assert!(threads.iter().all(|thread| thread.run_queue_wait.is_some()));
}

#[test]
fn a_libvirt_hosts_vm_is_known_outside_of_any_pod() {
    let host = Host::unpack("libvirt-host/t0");
    let places = places(&host);
    let vm = Some("default/edge-vm, no UID");
    assert_eq!(
        places.iter().map(Place::as_row).collect::<Vec<_>>(),
        [
            (49_333, "virtlogd", VmPod, None, None),
            (49_334, "libvirtd", VmPod, None, None),
            (49_453, "qemu-kvm", VmPod, None, vm),
        ]
    );

    // One moment, twice: the CPU stands still.
    let figures = one_sample::footprint(&host, |host| host);

    let vm = &figures.vms[0];
    assert_eq!(vm.full_name(), "default/edge-vm");
    assert_eq!((vm.guest_size, vm.pod_uid.as_deref()), (Some(Bytes::from_kib(512 << 10)), None));
    assert_eq!((vm.guest_resident, vm.overhead), (None, None), "no smaps: not known, and no zero");
    assert_eq!(figures.tax.memory_kib, None, "without the guest there is no overhead, so no tax");
    assert_eq!(figures.memory.parts.values().sum::<i64>(), figures.memory.used_kib);
    let unsplit = figures.memory.parts.iter().find(|(key, _)| key.group == Group::VmUnsplit).unwrap();
    assert_eq!(unsplit.0.name, "qemu-kvm");
    assert!(matches!(figures.components[0].proportional, Proportion::Exact(_)));
}

/// What was found of a process.
struct Place {
    pid: u32,
    component: &'static str,
    stack: Stack,
    pod: Option<String>,
    vmi: Option<String>,
}

impl Place {
    fn as_row(&self) -> (u32, &str, Stack, Option<&str>, Option<&str>) {
        (self.pid, self.component, self.stack, self.pod.as_deref(), self.vmi.as_deref())
    }
}

fn places(host: &Host) -> Vec<Place> {
    let procfs = ProcFs::open(host.roots()).unwrap();
    let mut scratch = Scratch::default();
    let pass = procfs.process_pass(&mut scratch).unwrap();
    let classes = classify(&pass.processes, Trust::Any);
    let mut denied = BTreeMap::new();
    let vms =
        vm_reading::read(&procfs, &pass.processes, &classes, true, &mut denied, &mut scratch.buffer).unwrap();
    let place = |(process, class): (&ProcessSample, &Class)| Place {
        pid: process.id.pid.0,
        component: class.component.name,
        stack: class.stack,
        pod: process.membership.pod.as_ref().map(|pod| pod.as_str().to_owned()),
        vmi: vms
            .iter()
            .find(|vm| vm.processes.contains(&process.id.pid))
            .map(|vm| format!("{}, {}", vm.vm, vm.uid.as_deref().unwrap_or("no UID"))),
    };
    let mut places: Vec<_> = pass.processes.iter().zip(&classes).map(place).collect();
    places.sort_by_key(|place| place.pid);
    places
}
