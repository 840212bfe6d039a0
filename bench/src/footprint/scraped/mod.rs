//! The footprint of a capture that was taken through an exporter.
//!
//! Node figures come out of the same functions as those of a local run (`edgebench_sampler::sysstat`), from
//! the sums that the exporter carries; components, VMs and both ledgers come from its families. CPU time of a
//! component is a difference of its totals, in which ended processes have their part.

mod components;
mod cpu;
mod memory;
mod vms;

use edgebench_sampler::parse::meminfo::MemInfo;
use edgebench_sampler::parse::stat::Stat;
use edgebench_sampler::sysstat::{CpuShares, CpuTicks, MemoryLine};
use edgebench_sampler::{Bytes, BytesDelta};
use serde::Serialize;

use super::{Capture, Footprint, MemoryAverages, Node, Remarks, Samples, tax};
use crate::capture::{End, Header};
use crate::cluster::ClusterRecord;
use crate::remote::scrape::{NodeMemory, NodeScrape, TICKS_PER_SECOND, Workload};

/// What is out of the ordinary about figures that came through an exporter.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ScrapeRemarks {
    /// Rows that the exporter had not read at its last reading, and how many seconds before.
    pub aged: Vec<(String, f64)>,
    /// Those of them whose CPU time over so short a run is not known.
    pub without_cpu: Vec<String>,
    /// Seconds since the oldest PSS or guest figure was read.
    pub proportional_age: Option<f64>,
    /// Rows with anonymous memory whose PSS the exporter does not give.
    pub without_proportional: Vec<String>,
    /// Names of KubeVirt's or CDI's that run outside of any pod: how many.
    pub names_outside_pods: u64,
}

/// `/proc/stat` as far as the sums over all CPUs go. Without a row for a CPU, `sysstat` takes the sums.
pub(super) fn stat(scrape: &NodeScrape) -> Stat {
    Stat { all: scrape.cpu.times(), ..Stat::default() }
}

/// `/proc/meminfo` as far as RAM used goes: what is not used stands as free, be it free, cache or slab. It
/// is only ever averaged and subtracted from the total again.
pub(super) fn meminfo(memory: &NodeMemory) -> MemInfo {
    let rest = |part: BytesDelta| {
        Bytes(u64::try_from(i128::from(memory.total.0) - i128::from(part.0)).unwrap_or_default())
    };
    MemInfo {
        total: memory.total,
        free: rest(memory.used),
        available: Some(rest(memory.unavailable)),
        ..MemInfo::default()
    }
}

/// What the figures are computed from.
pub(super) struct Input<'a> {
    pub(super) header: Header,
    pub(super) end: End,
    pub(super) cluster: Option<ClusterRecord>,
    pub(super) last: &'a NodeScrape,
    /// At the start, and at the end.
    pub(super) workloads: (&'a Workload, &'a Workload),
    pub(super) cpu: CpuShares,
    pub(super) ticks: CpuTicks,
    pub(super) memory: MemoryLine,
    pub(super) unavailable_kib: f64,
    pub(super) samples: Samples,
}

pub(super) fn footprint(input: Input<'_>) -> Footprint {
    let Input { header, end, last, workloads: (before, after), ticks, memory, mut samples, .. } = input;
    let total = last.memory.total;
    let seconds = last.at as f64 / 1e9;
    let rows = components::rows(before, after, seconds);
    let memory_ledger = memory::ledger(last, memory.used, &rows, after);
    let cpu_ledger = cpu::ledger(&ticks, &rows, before, after);
    let count = samples.cpu_used_percent.len();
    samples.cpu_resolution = 100.0 * count as f64 / ticks.interval.max(1) as f64;
    // The kernel's figures are in KiB.
    samples.memory_resolution = 100.0 / total.kib().max(1) as f64;
    let processes = |of_kernel: bool| {
        let rows = rows.iter().filter(|row| row.is_of_kernel() == of_kernel);
        rows.filter_map(|row| row.scrape.processes).sum::<u64>() as usize
    };
    // Every CPU that is online counts a second of some mode in a second.
    let cpus =
        (ticks.interval as f64 / TICKS_PER_SECOND as f64 / seconds.max(1e-3)).round().max(1.0) as usize;
    let with_proportional = || rows.iter().filter(|row| row.scrape.proportional.is_some());
    Footprint {
        tax: tax::tax(&memory_ledger, &cpu_ledger),
        capture: Capture {
            file: None,
            label: header.label,
            started: header.started,
            interval_seconds: header.interval_ms as f64 / 1000.0,
            samples: count,
            samples_asked: header.samples,
            version: header.version,
            proportional: with_proportional().next().is_some(),
            uid: None,
            interrupted: end.interrupted,
            clock: None,
            exporter: header.exporter,
        },
        host: header.host,
        node: Node {
            cpus,
            memory_total: total,
            swap_total: None,
            swap_used: None,
            shared_memory: None,
            slab_unreclaimable: None,
            hugetlb: last.memory.hugetlb_used + memory::hugetlb_free(&last.memory),
            processes: processes(false),
            kernel_threads: processes(true),
            cpu: input.cpu,
            cpu_used_percent: input.cpu.used(),
            memory: MemoryAverages::of_used_alone(&memory),
            memory_unavailable_kib: input.unavailable_kib,
            memory_unavailable_percent: input.unavailable_kib * 100.0 / total.kib().max(1) as f64,
        },
        series: samples,
        components: components::table(&rows, total, ticks.interval),
        vms: vms::rows(before, after, ticks.interval, input.cluster.as_ref()),
        memory: memory_ledger,
        cpu: cpu_ledger,
        remarks: Remarks {
            proportional_read: with_proportional().filter_map(|row| row.scrape.processes).sum::<u64>()
                as usize,
            scrape: Some(remarks(&rows, after)),
            ..Remarks::default()
        },
        cluster: input.cluster,
    }
}

fn remarks(rows: &[components::Row<'_>], after: &Workload) -> ScrapeRemarks {
    let aged = rows.iter().filter(|row| row.is_aged());
    let ages = rows.iter().filter_map(|row| row.scrape.proportional_age);
    let guest_ages = after.vms.iter().filter_map(|vm| vm.guest_age);
    let lacks = |row: &&components::Row<'_>| {
        row.scrape.proportional_anonymous.is_none()
            && row.scrape.anonymous.is_some_and(|bytes| bytes != Bytes::ZERO)
    };
    ScrapeRemarks {
        aged: aged.map(|row| (row.key.name.clone(), row.scrape.age.unwrap_or_default())).collect(),
        without_cpu: rows.iter().filter(|row| !row.is_of_run).map(|row| row.key.name.clone()).collect(),
        proportional_age: ages.chain(guest_ages).reduce(f64::max),
        without_proportional: rows.iter().filter(lacks).map(|row| row.key.name.clone()).collect(),
        names_outside_pods: after.names_outside_pods.unwrap_or_default(),
    }
}
