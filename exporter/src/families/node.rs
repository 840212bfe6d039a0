//! Families of the node as a whole.
//!
//! CPU modes are sar's: the kernel counts guest time inside `user` and `nice` as well (proc_stat(5)), here
//! it is taken out, so that the modes add up to the time that passed. RAM used is sar's up to sysstat
//! 12.7.7, and the families that explain it add up to it: `used` = `anonymous` + `hugetlb_used` + Σ `kernel`
//! + `unexplained`.

#![allow(missing_docs, reason = "the help of a family says what it is")]

use edgebench_sampler::explain::KernelPart;

use super::emit::Out;
use super::{Family, Sink};
use crate::view::View;

pub static CPU_SECONDS: Family = Family::counter(
    "edgebench_node_cpu_seconds_total",
    &["mode"],
    "cpu",
    "CPU time of all CPUs by mode as sar names them, from /proc/stat; user and nice without guest time, so \
     that the modes add up to the time that passed.",
);
pub static MEMORY_TOTAL: Family = Family::gauge(
    "edgebench_node_memory_total_bytes",
    &[],
    "memory",
    "RAM that the kernel manages: MemTotal of /proc/meminfo.",
);
pub static MEMORY_USED: Family = Family::gauge(
    "edgebench_node_memory_used_bytes",
    &[],
    "memory",
    "RAM used as sar -r up to sysstat 12.7.7 counts it: MemTotal - MemFree - Buffers - Cached - Slab of \
     /proc/meminfo.",
);
pub static MEMORY_UNAVAILABLE: Family = Family::gauge(
    "edgebench_node_memory_unavailable_bytes",
    &[],
    "memory",
    "MemTotal - MemAvailable of /proc/meminfo: what free of procps 4.0.1 and sar of sysstat 12.7.8 call used.",
);
pub static MEMORY_ANONYMOUS: Family = Family::gauge(
    "edgebench_node_memory_anonymous_bytes",
    &[],
    "memory",
    "Part of RAM used: anonymous memory that processes map, AnonPages of /proc/meminfo.",
);
pub static MEMORY_HUGETLB_USED: Family = Family::gauge(
    "edgebench_node_memory_hugetlb_used_bytes",
    &[],
    "memory",
    "Part of RAM used: hugetlb pages handed out, Hugetlb less the free pages of the default size in \
     /proc/meminfo.",
);
pub static MEMORY_KERNEL: Family = Family::gauge(
    "edgebench_node_memory_kernel_bytes",
    &["kind"],
    "memory",
    "Parts of RAM used that belong to no process, from /proc/meminfo and, for the per-CPU free lists (pcp), \
     /proc/zoneinfo; the kinds do not overlap.",
);
pub static MEMORY_UNEXPLAINED: Family = Family::gauge(
    "edgebench_node_memory_unexplained_bytes",
    &[],
    "memory",
    "RAM used less its anonymous, hugetlb and kernel parts: what no counter of the kernel names; may be \
     negative.",
);
pub static PRESSURE_WAITING: Family = Family::counter(
    "edgebench_node_pressure_waiting_seconds_total",
    &["resource"],
    "pressure",
    "Time in which at least one task waited for the resource: total of the line some in \
     /proc/pressure/RESOURCE.",
);
pub static PRESSURE_STALLED: Family = Family::counter(
    "edgebench_node_pressure_stalled_seconds_total",
    &["resource"],
    "pressure",
    "Time in which all tasks that had work waited for the resource: total of the line full in \
     /proc/pressure/RESOURCE.",
);

pub(super) fn emit(view: &View, out: &mut Out<'_, impl Sink>) {
    if let Some(cpu) = &view.node_cpu {
        out.family(&CPU_SECONDS);
        for (mode, time) in [
            ("user", cpu.user),
            ("nice", cpu.nice),
            ("system", cpu.system),
            ("iowait", cpu.iowait),
            ("steal", cpu.steal),
            ("irq", cpu.irq),
            ("softirq", cpu.softirq),
            ("guest", cpu.guest),
            ("guest_nice", cpu.guest_nice),
            ("idle", cpu.idle),
        ] {
            out.sample(&[mode], time);
        }
    }
    if let Some(memory) = &view.node_memory {
        out.one(&MEMORY_TOTAL, memory.total);
        out.one(&MEMORY_USED, memory.used);
        out.one_if(&MEMORY_UNAVAILABLE, memory.unavailable);
        out.one(&MEMORY_ANONYMOUS, memory.anonymous);
        out.one(&MEMORY_HUGETLB_USED, memory.hugetlb_used);
        out.family(&MEMORY_KERNEL);
        out.sample(&["page_tables"], memory.page_tables);
        for (part, bytes) in &memory.kernel {
            out.sample(&[kind(*part)], *bytes);
        }
        out.one(&MEMORY_UNEXPLAINED, memory.unexplained);
    }
    out.family(&PRESSURE_WAITING);
    for totals in &view.pressure {
        out.sample(&[totals.resource], totals.waiting);
    }
    out.family(&PRESSURE_STALLED);
    for totals in &view.pressure {
        out.sample_if(&[totals.resource], totals.stalled);
    }
}

/// A part of the kernel's memory as a label value: the field of `/proc/meminfo` in snake case, where it is
/// one field.
fn kind(part: KernelPart) -> &'static str {
    match part {
        KernelPart::SecPageTables => "sec_page_tables",
        KernelPart::KernelStack => "kernel_stack",
        KernelPart::Percpu => "percpu",
        KernelPart::PerCpuFree => "pcp",
        KernelPart::HugetlbFree => "hugetlb_free",
        KernelPart::SwapCache => "swap_cache",
        KernelPart::Reclaimable => "reclaimable",
        KernelPart::Zswap => "zswap",
        KernelPart::Balloon => "balloon",
        KernelPart::Bounce => "bounce",
        KernelPart::WritebackTmp => "writeback_tmp",
    }
}
