//! Families of what is said inside of VMs.
//!
//! The guest's currency is not the node's: its MemTotal is less than what it was given (its kernel's own part is taken
//! off at boot), and memory that it has freed stays resident on the node until a balloon gives it back.

#![allow(missing_docs, reason = "the help of a family says what it is")]

use super::emit::Out;
use super::vmi::{LABELS, each, identity};
use super::{Family, Sink, Value};
use crate::view::View;
use crate::view::joined::{GuestMemory, ModuleFigures};

const BY_SOURCE: &[&str] = &["node", "namespace", "name", "source"];
const BY_MODULE: &[&str] = &["node", "namespace", "name", "module"];

pub static TARGET_UP: Family = Family::gauge(
    "edgebench_guest_target_up",
    &["node", "namespace", "name", "target"],
    "guest",
    "1 where the last scrape inside of the VM gave all, else 0.",
);
pub static USED: Family = Family::gauge(
    "edgebench_vmi_guest_memory_used_bytes",
    BY_SOURCE,
    "guest",
    "Memory that the guest uses by its own word, MemTotal - MemAvailable: balloon (by virt-handler), \
     node_exporter inside of it, iot_edge (the module host of edgeAgent).",
);
pub static TOTAL: Family = Family::gauge(
    "edgebench_vmi_guest_memory_total_bytes",
    BY_SOURCE,
    "guest",
    "Memory that the guest has by its own word, MemTotal: less than it was given by what its kernel took at boot.",
);
pub static REPORTED_AGE: Family = Family::gauge(
    "edgebench_vmi_guest_reported_age_seconds",
    BY_SOURCE,
    "guest",
    "Time since the source was asked; a balloon's figures are 10 s older at most, edgeAgent's five minutes.",
);
pub static CPU_SECONDS: Family = Family::counter(
    "edgebench_vmi_guest_cpu_seconds_total",
    LABELS,
    "guest",
    "CPU time of the guest by its own word, all modes but idle, iowait and steal: node_exporter's \
     node_cpu_seconds_total.",
);
pub static MODULE_MEMORY: Family = Family::gauge(
    "edgebench_guest_module_memory_bytes",
    BY_MODULE,
    "guest",
    "Memory of a module of IoT Edge by edgeAgent's word, its unit mended: edgeAgent_used_memory_bytes.",
);
pub static MODULE_CPU: Family = Family::gauge(
    "edgebench_guest_module_cpu_ratio",
    BY_MODULE,
    "guest",
    "Share of all CPUs of the guest that a module of IoT Edge used by edgeAgent's word: the median of \
     edgeAgent_used_cpu_percent.",
);
pub static MODULE_AGE: Family = Family::gauge(
    "edgebench_guest_module_age_seconds",
    BY_MODULE,
    "guest",
    "Time since edgeAgent was asked for the module's figures, which were up to five minutes old by then.",
);

pub(super) fn emit(view: &View, out: &mut Out<'_, impl Sink>) {
    out.family(&TARGET_UP);
    for target in &view.guest_targets {
        let values = [target.node.as_str(), &target.namespace, &target.name, target.kind];
        out.sample(&values, u64::from(target.up));
    }
    each_source(view, out, &USED, |memory| memory.used);
    each_source(view, out, &TOTAL, |memory| memory.total);
    each_source(view, out, &REPORTED_AGE, |memory| Some(memory.age));
    each(view, out, &CPU_SECONDS, |vm| vm.joined.guest_cpu);
    each_module(view, out, &MODULE_MEMORY, |module| module.memory);
    each_module(view, out, &MODULE_CPU, |module| module.cpu);
    each_module(view, out, &MODULE_AGE, |module| Some(module.age));
}

fn each_source<V: Into<Value>>(
    view: &View,
    out: &mut Out<'_, impl Sink>,
    family: &'static Family,
    figure: impl Fn(&GuestMemory) -> Option<V>,
) {
    out.family(family);
    for vm in &view.vms {
        let [node, namespace, name] = identity(vm);
        for memory in &vm.joined.guest {
            out.sample_if(&[node, namespace, name, memory.source], figure(memory));
        }
    }
}

fn each_module<V: Into<Value>>(
    view: &View,
    out: &mut Out<'_, impl Sink>,
    family: &'static Family,
    figure: impl Fn(&ModuleFigures) -> Option<V>,
) {
    out.family(family);
    for vm in &view.vms {
        let [node, namespace, name] = identity(vm);
        for module in &vm.joined.modules {
            out.sample_if(&[node, namespace, name, &module.module], figure(module));
        }
    }
}
