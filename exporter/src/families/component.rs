//! Families of what processes are for.
//!
//! Every process of the node is in exactly one component, so a sum over components is the sum over
//! processes. RES counts a shared page once for each process that maps it (proc_pid_statm(5)): its sum over
//! several processes is more than they occupy, which is why the proportional families stand beside it.
//! Totals of CPU time go on with what processes that ended had used; the totals of threads, faults and I/O
//! do so as far as their processes were read.

#![allow(missing_docs, reason = "the help of a family says what it is")]

use super::emit::Out;
use super::{Family, Sink, Value};
use crate::view::{ComponentNow, View};

const LABELS: &[&str] = &["component", "stack"];

pub static PROCESSES: Family = Family::gauge(
    "edgebench_component_processes",
    LABELS,
    "component",
    "Processes of the component: directories of /proc that are a process.",
);
pub static THREADS: Family = Family::gauge(
    "edgebench_component_threads",
    LABELS,
    "component",
    "Threads of the component's processes: num_threads of /proc/PID/stat.",
);
pub static OPEN_FDS: Family = Family::gauge(
    "edgebench_component_open_fds",
    LABELS,
    "io",
    "Open file descriptors of the component's processes: entries of /proc/PID/fd.",
);
pub static OLDEST_START: Family = Family::gauge(
    "edgebench_component_oldest_start_time_seconds",
    LABELS,
    "component",
    "Unix time at which the component's oldest process started: starttime of /proc/PID/stat after the boot \
     time in /proc/stat.",
);
pub static RESIDENT: Family = Family::gauge(
    "edgebench_component_resident_memory_bytes",
    LABELS,
    "component",
    "RES of the component's processes, as top shows it: resident of /proc/PID/statm; a shared page counts \
     once for each process.",
);
pub static ANONYMOUS: Family = Family::gauge(
    "edgebench_component_anonymous_memory_bytes",
    LABELS,
    "component",
    "Anonymous memory of the component's processes: RssAnon of /proc/PID/status.",
);
pub static SWAP: Family = Family::gauge(
    "edgebench_component_swap_bytes",
    LABELS,
    "component",
    "Anonymous memory of the component's processes that is swapped out: VmSwap of /proc/PID/status.",
);
pub static PAGE_TABLES: Family = Family::gauge(
    "edgebench_component_page_tables_bytes",
    LABELS,
    "component",
    "Page tables of the component's processes: VmPTE of /proc/PID/status.",
);
pub static PROPORTIONAL: Family = Family::gauge(
    "edgebench_component_proportional_memory_bytes",
    LABELS,
    "pss",
    "PSS of the component's processes and their share of hugetlb pages, as last read from \
     /proc/PID/smaps_rollup; adds up over components without counting a page twice.",
);
pub static PROPORTIONAL_ANONYMOUS: Family = Family::gauge(
    "edgebench_component_proportional_anonymous_memory_bytes",
    LABELS,
    "pss",
    "Anonymous part of PSS of the component's processes: Pss_Anon, as last read from /proc/PID/smaps_rollup.",
);
pub static PROPORTIONAL_AGE: Family = Family::gauge(
    "edgebench_component_proportional_memory_age_seconds",
    LABELS,
    "pss",
    "Time since the oldest part of the component's proportional memory was read.",
);
pub static AGE: Family = Family::gauge(
    "edgebench_component_age_seconds",
    LABELS,
    "component",
    "Time since the oldest figure of the component, proportional memory aside, was read; 0 where every \
     scrape reads it.",
);
pub static CPU_SECONDS: Family = Family::counter(
    "edgebench_component_cpu_seconds_total",
    &["component", "stack", "mode"],
    "component",
    "CPU time of the component, its ended processes included: utime without guest_time, stime, and \
     guest_time of /proc/PID/stat.",
);
pub static RUN_QUEUE_WAIT: Family = Family::counter(
    "edgebench_component_run_queue_wait_seconds_total",
    LABELS,
    "thread",
    "Time that threads of the component were ready to run but had no CPU: the second field of \
     /proc/PID/task/TID/schedstat.",
);
pub static CONTEXT_SWITCHES: Family = Family::counter(
    "edgebench_component_context_switches_total",
    LABELS,
    "thread",
    "Times that a thread of the component was put on a CPU: the third field of /proc/PID/task/TID/schedstat.",
);
pub static MAJOR_FAULTS: Family = Family::counter(
    "edgebench_component_major_page_faults_total",
    LABELS,
    "component",
    "Page faults of the component that had to wait for storage: majflt of /proc/PID/stat.",
);
pub static READ: Family = Family::counter(
    "edgebench_component_read_bytes_total",
    LABELS,
    "io",
    "Bytes that the component caused to be fetched from storage: read_bytes of /proc/PID/io.",
);
pub static WRITTEN: Family = Family::counter(
    "edgebench_component_written_bytes_total",
    LABELS,
    "io",
    "Bytes that the component caused to be sent to storage: write_bytes of /proc/PID/io.",
);

pub(super) fn emit(view: &View, out: &mut Out<'_, impl Sink>) {
    each(view, out, &PROCESSES, |now| Some(now.processes));
    each(view, out, &THREADS, |now| Some(now.threads));
    each(view, out, &OPEN_FDS, |now| now.open_fds);
    each(view, out, &OLDEST_START, |now| now.oldest_start);
    each(view, out, &RESIDENT, |now| Some(now.resident));
    each(view, out, &ANONYMOUS, |now| Some(now.anonymous));
    each(view, out, &SWAP, |now| Some(now.swap));
    each(view, out, &PAGE_TABLES, |now| Some(now.page_tables));
    each(view, out, &PROPORTIONAL, |now| now.proportional.map(|read| read.pss));
    each(view, out, &PROPORTIONAL_ANONYMOUS, |now| now.proportional.and_then(|read| read.anonymous));
    each(view, out, &PROPORTIONAL_AGE, |now| now.proportional.map(|read| read.age));
    each(view, out, &AGE, |now| Some(now.age));
    out.family(&CPU_SECONDS);
    for row in &view.components {
        for (mode, time) in [("user", row.cpu.user), ("system", row.cpu.system), ("guest", row.cpu.guest)] {
            out.sample(&[row.component, row.stack.name(), mode], time);
        }
    }
    each(view, out, &RUN_QUEUE_WAIT, |now| now.run_queue_wait);
    each(view, out, &CONTEXT_SWITCHES, |now| now.context_switches);
    each(view, out, &MAJOR_FAULTS, |now| Some(now.major_faults));
    each(view, out, &READ, |now| now.read);
    each(view, out, &WRITTEN, |now| now.written);
}

/// One sample for each component that has the figure.
fn each<V: Into<Value>>(
    view: &View,
    out: &mut Out<'_, impl Sink>,
    family: &'static Family,
    figure: impl Fn(&ComponentNow) -> Option<V>,
) {
    out.family(family);
    for row in &view.components {
        out.sample_if(&[row.component, row.stack.name()], row.now.as_ref().and_then(&figure));
    }
}
