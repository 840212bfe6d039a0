//! Families of the exporter itself: how it finds processes, what proportional memory costs, how each step
//! does, which build it is, and what it uses.
//!
//! The `process_` names are those that Prometheus' client libraries have in common
//! (prometheus.io/docs/instrumenting/writing_clientlibs, "Process metrics"), so they have no prefix.

#![allow(missing_docs, reason = "the help of a family says what it is")]

use super::emit::Out;
use super::{Family, Sink};
use crate::version;
use crate::view::View;

pub static READING_TIMESTAMP: Family = Family::gauge(
    "edgebench_reading_timestamp_seconds",
    &[],
    "exporter",
    "Unix time at which the reading behind this scrape was taken: scrapes at about the same time share one.",
);
pub static DISCOVERY_INFO: Family = Family::info(
    "edgebench_discovery_info",
    &["mode"],
    "exporter",
    "How new processes are found: list (of /proc at each scrape) or events (of the kernel's process \
     connector).",
);
pub static DISCOVERY_PROCESSES: Family = Family::gauge(
    "edgebench_discovery_processes",
    &[],
    "exporter",
    "Processes of the node when they were last counted: numeric directories of /proc.",
);
pub static DISCOVERY_LISTINGS: Family = Family::counter(
    "edgebench_discovery_listings_total",
    &[],
    "exporter",
    "Times that all of /proc was listed; in between only what is newer is.",
);
pub static DISCOVERY_LOOKS: Family = Family::counter(
    "edgebench_discovery_looks_total",
    &[],
    "exporter",
    "Times that a process was looked at to learn what it is, from its exe, cmdline, comm and cgroup.",
);
pub static DISCOVERY_NAMES_OUTSIDE_PODS: Family = Family::gauge(
    "edgebench_discovery_names_outside_pods",
    &[],
    "exporter",
    "Processes with a name of KubeVirt's or CDI's whose cgroup is no pod's: on a node of a cluster somebody \
     may have taken the name.",
);
pub static PSS_BUDGET: Family = Family::gauge(
    "edgebench_pss_budget_ratio",
    &[],
    "pss",
    "Share of one core that reading proportional memory may use: --pss.budget.",
);
pub static PSS_CPU_SECONDS: Family = Family::counter(
    "edgebench_pss_cpu_seconds_total",
    &[],
    "pss",
    "CPU time that reading proportional memory took: CLOCK_THREAD_CPUTIME_ID of its thread.",
);
pub static PSS_READS: Family = Family::counter(
    "edgebench_pss_reads_total",
    &["file"],
    "pss",
    "Files of /proc/PID read for proportional memory.",
);
pub static PSS_SKIPS: Family = Family::counter(
    "edgebench_pss_skips_total",
    &["reason"],
    "pss",
    "Processes whose turn had come but whose proportional memory was not read: budget (it is spent), size \
     (too large to be read so soon again), denied.",
);
pub static COLLECTOR_SUCCESS: Family = Family::gauge(
    "edgebench_collector_success",
    &["collector"],
    "exporter",
    "1 where the collector's last reading succeeded, 0 where it failed.",
);
pub static COLLECTOR_DURATION: Family = Family::gauge(
    "edgebench_collector_duration_seconds",
    &["collector"],
    "exporter",
    "Time that the collector's last reading took; of endpoints and guests the slowest, which no scrape waits for.",
);
pub static COLLECTOR_ERRORS: Family = Family::counter(
    "edgebench_collector_errors_total",
    &["collector", "reason"],
    "exporter",
    "What the collector could not read, by reason; a process that vanished is no error.",
);
pub static COLLECTOR_LAST_SUCCESS: Family = Family::gauge(
    "edgebench_collector_last_success_timestamp_seconds",
    &["collector"],
    "exporter",
    "Unix time of the collector's last reading that succeeded.",
);
pub static BUILD_INFO: Family = Family::info(
    "edgebench_build_info",
    &["version", "revision", "arch", "libc"],
    "exporter",
    "The running build: version of the crate, commit where the builder named one, architecture and C library.",
);
pub static PROCESS_CPU_SECONDS: Family = Family::counter(
    "process_cpu_seconds_total",
    &[],
    "exporter",
    "CPU time of the exporter: utime and stime of /proc/self/stat.",
);
pub static PROCESS_RESIDENT: Family = Family::gauge(
    "process_resident_memory_bytes",
    &[],
    "exporter",
    "RES of the exporter: resident of /proc/self/statm.",
);
pub static PROCESS_VIRTUAL: Family = Family::gauge(
    "process_virtual_memory_bytes",
    &[],
    "exporter",
    "Address space of the exporter: size of /proc/self/statm.",
);
pub static PROCESS_OPEN_FDS: Family = Family::gauge(
    "process_open_fds",
    &[],
    "exporter",
    "Open file descriptors of the exporter: entries of /proc/self/fd.",
);
pub static PROCESS_MAX_FDS: Family = Family::gauge(
    "process_max_fds",
    &[],
    "exporter",
    "File descriptors that the exporter may open: its RLIMIT_NOFILE.",
);
pub static PROCESS_START_TIME: Family = Family::gauge(
    "process_start_time_seconds",
    &[],
    "exporter",
    "Unix time at which the exporter started: starttime of /proc/self/stat after the boot time in /proc/stat.",
);
pub static PROCESS_THREADS: Family = Family::gauge(
    "process_threads",
    &[],
    "exporter",
    "Threads of the exporter: num_threads of /proc/self/stat.",
);

pub(super) fn emit(view: &View, out: &mut Out<'_, impl Sink>) {
    out.one(&READING_TIMESTAMP, view.taken);
    discovery(view, out);
    pss(view, out);
    collectors(view, out);
    out.family(&BUILD_INFO);
    out.sample(&[version::VERSION, version::REVISION, version::ARCHITECTURE, version::LIBC], 1);
    let own = &view.own;
    out.one(&PROCESS_CPU_SECONDS, own.cpu);
    out.one(&PROCESS_RESIDENT, own.resident);
    out.one(&PROCESS_VIRTUAL, own.virtual_memory);
    out.one_if(&PROCESS_OPEN_FDS, own.open_fds);
    out.one_if(&PROCESS_MAX_FDS, own.max_fds);
    out.one(&PROCESS_START_TIME, own.start_time);
    out.one(&PROCESS_THREADS, own.threads);
}

fn discovery(view: &View, out: &mut Out<'_, impl Sink>) {
    let discovery = &view.discovery;
    if discovery.mode.is_empty() {
        // No process was looked for: every collector that needs one is off.
        return;
    }
    out.family(&DISCOVERY_INFO);
    out.sample(&[discovery.mode], 1);
    out.one(&DISCOVERY_PROCESSES, discovery.processes);
    out.one(&DISCOVERY_LISTINGS, discovery.listings);
    out.one(&DISCOVERY_LOOKS, discovery.looks);
    out.one(&DISCOVERY_NAMES_OUTSIDE_PODS, discovery.names_outside_pods);
}

fn pss(view: &View, out: &mut Out<'_, impl Sink>) {
    let Some(cost) = &view.pss else { return };
    out.one(&PSS_BUDGET, cost.budget);
    out.one(&PSS_CPU_SECONDS, cost.cpu);
    out.family(&PSS_READS);
    for (file, reads) in &cost.reads {
        out.sample(&[file], *reads);
    }
    out.family(&PSS_SKIPS);
    for (reason, skips) in &cost.skips {
        out.sample(&[reason], *skips);
    }
}

fn collectors(view: &View, out: &mut Out<'_, impl Sink>) {
    out.family(&COLLECTOR_SUCCESS);
    for health in &view.collectors {
        out.sample(&[health.collector], u64::from(health.success));
    }
    out.family(&COLLECTOR_DURATION);
    for health in &view.collectors {
        out.sample_if(&[health.collector], health.duration);
    }
    out.family(&COLLECTOR_ERRORS);
    for health in &view.collectors {
        for (reason, errors) in &health.errors {
            out.sample(&[health.collector, reason], *errors);
        }
    }
    out.family(&COLLECTOR_LAST_SUCCESS);
    for health in &view.collectors {
        out.sample_if(&[health.collector], health.last_success);
    }
}
