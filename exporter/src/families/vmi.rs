//! Families of VMs.
//!
//! Their labels are KubeVirt's join keys: `node`, `namespace`, `name` (the labels of `kubevirt_vmi_*`). A
//! pod's figures cover all of its processes; the cgroup figures those of its container `compute`, which is
//! what the kubelet holds against request and limit.

#![allow(missing_docs, reason = "the help of a family says what it is")]

use super::emit::Out;
use super::{Family, Sink, Value};
use crate::exposition::number::Digits;
use crate::view::joined::JoinedVm;
use crate::view::{View, VmComponent, VmCpu, VmFigures};

pub(super) const LABELS: &[&str] = &["node", "namespace", "name"];
const BY_COMPONENT: &[&str] = &["node", "namespace", "name", "component"];
const BY_VCPU: &[&str] = &["node", "namespace", "name", "vcpu"];

pub static INFO: Family = Family::info(
    "edgebench_vmi_info",
    &["node", "namespace", "name", "uid", "vmi_pod", "pod_uid", "phase", "launcher_version"],
    "vmi",
    "A VMI that runs on this node, or a libvirt domain (without namespace): its identity from the command \
     lines of virt-launcher-monitor and qemu, the UID of its pod from /proc/PID/cgroup; vmi_pod, phase and \
     launcher_version (the tag of its image) from the Kubernetes API, where it is joined.",
);
pub static PODS: Family = Family::gauge(
    "edgebench_vmi_pods",
    LABELS,
    "vmi",
    "Pods on this node that run a VMI of this name: 2 while it migrates within the node, and then all \
     figures are those of the newest.",
);
pub static VCPUS: Family = Family::gauge(
    "edgebench_vmi_vcpus",
    LABELS,
    "vmi",
    "vCPUs that the VM was started with: -smp in the command line of qemu.",
);
pub static GUEST_SIZE: Family = Family::gauge(
    "edgebench_vmi_guest_memory_size_bytes",
    LABELS,
    "vmi",
    "RAM that the guest was given: the memory backends in the command line of qemu.",
);
pub static GUEST_RESIDENT: Family = Family::gauge(
    "edgebench_vmi_guest_memory_resident_bytes",
    LABELS,
    "pss",
    "Guest RAM that is in memory of the node, hugetlb pages included: Rss of the mappings that back it, as \
     last read from /proc/PID/smaps.",
);
pub static GUEST_PROPORTIONAL: Family = Family::gauge(
    "edgebench_vmi_guest_memory_proportional_bytes",
    LABELS,
    "pss",
    "Guest RAM by PSS, hugetlb pages included: Pss of the mappings that back it, as last read from \
     /proc/PID/smaps; below resident where pages are merged or shared with another pod.",
);
pub static GUEST_AGE: Family = Family::gauge(
    "edgebench_vmi_guest_memory_age_seconds",
    LABELS,
    "pss",
    "Time since the guest's resident and proportional memory were read.",
);
pub static POD_PROPORTIONAL: Family = Family::gauge(
    "edgebench_vmi_pod_proportional_memory_bytes",
    LABELS,
    "pss",
    "PSS of all processes of the VM's pod and their share of hugetlb pages, as last read from \
     /proc/PID/smaps_rollup.",
);
pub static OVERHEAD: Family = Family::gauge(
    "edgebench_vmi_memory_overhead_bytes",
    LABELS,
    "pss",
    "What the node pays for the VM beyond its guest: proportional memory of the pod - proportional memory of \
     the guest + VmPTE of the pod's processes.",
);
pub static POD_WORKING_SET: Family = Family::gauge(
    "edgebench_vmi_pod_working_set_bytes",
    LABELS,
    "cgroup",
    "Working set of the container compute, as kubectl top pod shows it: memory.current - inactive_file of \
     its cgroup.",
);
pub static POD_LIMIT: Family = Family::gauge(
    "edgebench_vmi_pod_memory_limit_bytes",
    LABELS,
    "cgroup",
    "Memory limit of the container compute: memory.max (v1: memory.limit_in_bytes) of its cgroup; absent \
     where there is no limit.",
);
pub static POD_OOM_KILLS: Family = Family::counter(
    "edgebench_vmi_pod_oom_kills_total",
    LABELS,
    "cgroup",
    "Processes of the container compute that the kernel killed for want of memory: oom_kill of memory.events \
     (v1: memory.oom_control) of its cgroup.",
);
pub static COMPONENT_RESIDENT: Family = Family::gauge(
    "edgebench_vmi_component_resident_memory_bytes",
    BY_COMPONENT,
    "vmi",
    "RES of the processes of one component in the VM's pod: resident of /proc/PID/statm; a shared page \
     counts once for each process.",
);
pub static COMPONENT_ANONYMOUS: Family = Family::gauge(
    "edgebench_vmi_component_anonymous_memory_bytes",
    BY_COMPONENT,
    "vmi",
    "Anonymous memory of the processes of one component in the VM's pod: RssAnon of /proc/PID/status.",
);
pub static COMPONENT_PROPORTIONAL: Family = Family::gauge(
    "edgebench_vmi_component_proportional_memory_bytes",
    BY_COMPONENT,
    "pss",
    "PSS of the processes of one component in the VM's pod, as last read from /proc/PID/smaps_rollup; qemu's \
     holds the guest.",
);
pub static CPU_SECONDS: Family = Family::counter(
    "edgebench_vmi_cpu_seconds_total",
    &["node", "namespace", "name", "mode"],
    "vmi",
    "CPU time of the VM's pod: guest is guest_time of /proc/PID/stat, overhead the rest of utime and stime; \
     unsplit, alone, where emulation hides the guest's time.",
);
pub static VCPU_SECONDS: Family = Family::counter(
    "edgebench_vmi_vcpu_seconds_total",
    BY_VCPU,
    "thread",
    "CPU time of the thread that runs the vCPU, guest time included: the first field of \
     /proc/PID/task/TID/schedstat.",
);
pub static VCPU_RUN_QUEUE_WAIT: Family = Family::counter(
    "edgebench_vmi_vcpu_run_queue_wait_seconds_total",
    BY_VCPU,
    "thread",
    "Time that the thread of the vCPU was ready to run but had no CPU, which the guest sees as steal: the \
     second field of /proc/PID/task/TID/schedstat.",
);

pub(super) fn emit(view: &View, out: &mut Out<'_, impl Sink>) {
    out.family(&INFO);
    for vm in &view.vms {
        let [node, namespace, name] = identity(vm);
        let (uid, pod_uid) = (or_empty(&vm.uid), or_empty(&vm.pod_uid));
        let JoinedVm { pod, phase, launcher_version, .. } = &vm.joined;
        let (pod, phase, version) = (or_empty(pod), or_empty(phase), or_empty(launcher_version));
        out.sample(&[node, namespace, name, uid, pod, pod_uid, phase, version], 1);
    }
    each(view, out, &PODS, |vm| Some(vm.pods));
    each(view, out, &VCPUS, |vm| vm.vcpus);
    each(view, out, &GUEST_SIZE, |vm| vm.guest_size);
    each(view, out, &GUEST_RESIDENT, |vm| vm.guest.map(|guest| guest.resident));
    each(view, out, &GUEST_PROPORTIONAL, |vm| vm.guest.map(|guest| guest.proportional));
    each(view, out, &GUEST_AGE, |vm| vm.guest.map(|guest| guest.age));
    each(view, out, &POD_PROPORTIONAL, |vm| vm.pod_proportional);
    each(view, out, &OVERHEAD, |vm| vm.overhead);
    each(view, out, &POD_WORKING_SET, |vm| vm.working_set);
    each(view, out, &POD_LIMIT, |vm| vm.limit);
    each(view, out, &POD_OOM_KILLS, |vm| vm.oom_kills);
    each_component(view, out, &COMPONENT_RESIDENT, |part| Some(part.resident));
    each_component(view, out, &COMPONENT_ANONYMOUS, |part| Some(part.anonymous));
    each_component(view, out, &COMPONENT_PROPORTIONAL, |part| part.proportional);
    cpu(view, out);
    vcpus(view, out);
}

fn cpu(view: &View, out: &mut Out<'_, impl Sink>) {
    out.family(&CPU_SECONDS);
    for vm in &view.vms {
        let [node, namespace, name] = identity(vm);
        match vm.cpu {
            VmCpu::Split { guest, overhead } => {
                out.sample(&[node, namespace, name, "guest"], guest);
                out.sample(&[node, namespace, name, "overhead"], overhead);
            }
            VmCpu::Whole(whole) => out.sample(&[node, namespace, name, "unsplit"], whole),
        }
    }
}

fn vcpus(view: &View, out: &mut Out<'_, impl Sink>) {
    let threads = || view.vms.iter().flat_map(|vm| vm.vcpu_threads.iter().map(move |thread| (vm, thread)));
    out.family(&VCPU_SECONDS);
    for (vm, thread) in threads() {
        let [node, namespace, name] = identity(vm);
        out.sample(&[node, namespace, name, Digits::of(thread.vcpu.into()).as_str()], thread.cpu);
    }
    out.family(&VCPU_RUN_QUEUE_WAIT);
    for (vm, thread) in threads() {
        let [node, namespace, name] = identity(vm);
        let vcpu = Digits::of(thread.vcpu.into());
        out.sample_if(&[node, namespace, name, vcpu.as_str()], thread.run_queue_wait);
    }
}

/// One sample for each VM that has the figure.
pub(super) fn each<V: Into<Value>>(
    view: &View,
    out: &mut Out<'_, impl Sink>,
    family: &'static Family,
    figure: impl Fn(&VmFigures) -> Option<V>,
) {
    out.family(family);
    for vm in &view.vms {
        out.sample_if(&identity(vm), figure(vm));
    }
}

/// One sample for each component of each VM that has the figure.
fn each_component<V: Into<Value>>(
    view: &View,
    out: &mut Out<'_, impl Sink>,
    family: &'static Family,
    figure: impl Fn(&VmComponent) -> Option<V>,
) {
    out.family(family);
    for vm in &view.vms {
        let [node, namespace, name] = identity(vm);
        for part in &vm.components {
            out.sample_if(&[node, namespace, name, part.component], figure(part));
        }
    }
}

pub(super) fn identity(vm: &VmFigures) -> [&str; 3] {
    [&vm.node, &vm.namespace, &vm.name]
}

/// An absent label and an empty one are the same to Prometheus.
fn or_empty(label: &Option<String>) -> &str {
    label.as_deref().unwrap_or_default()
}
