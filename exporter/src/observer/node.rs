//! The node's own files, kept open.
//!
//! `/proc/stat` counts per CPU; a CPU that goes offline takes its row with it, and idle and iowait may step back
//! (Documentation/filesystems/proc.rst). The total of each mode is therefore the sum of the highest value that each
//! CPU has shown: it never decreases.

use std::collections::BTreeMap;

use edgebench_sampler::explain::node_parts;
use edgebench_sampler::node::{NodeReading, PressureReading};
use edgebench_sampler::parse::pressure::Pressure;
use edgebench_sampler::parse::stat::{CpuTimes, Stat};
use edgebench_sampler::parse::{meminfo, pressure, stat, zoneinfo};
use edgebench_sampler::procfs::{Buffer, KeptFile, ProcFs};
use edgebench_sampler::{Clock, Malformed, Nanos, ReadError, Reason, Ticks};

use super::counters::nanos;
use crate::view::{NodeCpu, NodeMemory, PressureTotals};

/// The files.
#[derive(Debug)]
pub(super) struct Node {
    stat: KeptFile,
    meminfo: KeptFile,
    zoneinfo: Option<KeptFile>,
    pressure: Vec<(&'static str, KeptFile)>,
    highest: BTreeMap<u32, CpuTimes>,
}

impl Node {
    /// Opens the files; those that a kernel may lack are left out.
    pub(super) fn open(procfs: &ProcFs) -> Result<Node, ReadError> {
        let pressure = [("cpu", c"pressure/cpu"), ("memory", c"pressure/memory"), ("io", c"pressure/io")];
        Ok(Node {
            stat: procfs.keep(c"stat")?,
            meminfo: procfs.keep(c"meminfo")?,
            zoneinfo: procfs.keep(c"zoneinfo").ok(),
            pressure: pressure
                .into_iter()
                .filter_map(|(resource, name)| Some((resource, procfs.keep(name).ok()?)))
                .collect(),
            highest: BTreeMap::new(),
        })
    }

    /// Reads `/proc/stat`.
    pub(super) fn stat(&self, procfs: &ProcFs, buffer: &mut Buffer) -> Result<Stat, ReadError> {
        read(procfs, c"stat", &self.stat, stat::parse, buffer)
    }

    /// CPU time by mode.
    pub(super) fn cpu(&mut self, stat: &Stat, clock: Clock) -> NodeCpu {
        for row in &stat.cpus {
            keep_highest(self.highest.entry(row.cpu).or_default(), &row.times);
        }
        let mut sum = CpuTimes::default();
        for times in self.highest.values() {
            for (sum, time) in fields_mut(&mut sum).into_iter().zip(fields(times)) {
                *sum += time;
            }
        }
        let less = |a: Ticks, b: Ticks| nanos(a.since(b).unwrap_or_default(), clock);
        let nanos = |ticks| nanos(ticks, clock);
        NodeCpu {
            user: less(sum.user, sum.guest),
            nice: less(sum.nice, sum.guest_nice),
            system: nanos(sum.system),
            iowait: nanos(sum.iowait),
            steal: nanos(sum.steal),
            irq: nanos(sum.irq),
            softirq: nanos(sum.softirq),
            guest: nanos(sum.guest),
            guest_nice: nanos(sum.guest_nice),
            idle: nanos(sum.idle),
        }
    }

    /// Memory and its parts.
    pub(super) fn memory(&self, procfs: &ProcFs, buffer: &mut Buffer) -> Result<NodeMemory, ReadError> {
        let memory = read(procfs, c"meminfo", &self.meminfo, meminfo::parse, buffer)?;
        let zones = match &self.zoneinfo {
            Some(file) => Some(read(procfs, c"zoneinfo", file, zoneinfo::parse, buffer)?),
            None => None,
        };
        let reading = NodeReading {
            at: 0,
            stat: Stat::default(),
            memory,
            per_cpu_free: zones.map(|zones| zones.pcp),
            paging: None,
            load: None,
            pressure: PressureReading::default(),
        };
        let parts = node_parts(&reading, procfs.clock().page_size);
        let m = &reading.memory;
        Ok(NodeMemory {
            total: m.total,
            used: parts.used,
            unavailable: m.available.map(|available| m.total.minus(available)),
            anonymous: parts.anonymous,
            hugetlb_used: parts.hugetlb,
            page_tables: parts.page_tables,
            kernel: parts.kernel,
            unexplained: parts.unexplained,
        })
    }

    /// Pressure, where the kernel has it and it is switched on.
    pub(super) fn pressure(
        &self,
        procfs: &ProcFs,
        buffer: &mut Buffer,
        totals: &mut Vec<PressureTotals>,
    ) -> Result<(), ReadError> {
        for (resource, file) in &self.pressure {
            let nanos = |usec: u64| Nanos(usec.saturating_mul(1000));
            let Pressure { some, full } = match read(procfs, c"pressure", file, pressure::parse, buffer) {
                Ok(pressure) => pressure,
                // Booted with `psi=0` the files are there and refuse to be read.
                Err(ReadError { reason: Reason::Io(_), .. }) => continue,
                Err(error) => return Err(error),
            };
            totals.push(PressureTotals {
                resource,
                waiting: nanos(some.total_usec),
                stalled: full.map(|full| nanos(full.total_usec)),
            });
        }
        Ok(())
    }
}

fn read<T>(
    procfs: &ProcFs,
    name: &std::ffi::CStr,
    file: &KeptFile,
    parse: fn(&[u8]) -> Result<T, Malformed>,
    buffer: &mut Buffer,
) -> Result<T, ReadError> {
    let failed = |reason| ReadError::new(procfs.path(name), reason);
    let text = file.read(buffer).map_err(failed)?;
    parse(text).map_err(|error| failed(Reason::Malformed(error)))
}

fn fields(times: &CpuTimes) -> [Ticks; 10] {
    let t = times;
    [t.user, t.nice, t.system, t.idle, t.iowait, t.irq, t.softirq, t.steal, t.guest, t.guest_nice]
}

fn fields_mut(times: &mut CpuTimes) -> [&mut Ticks; 10] {
    let CpuTimes { user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice } = times;
    [user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice]
}

fn keep_highest(highest: &mut CpuTimes, now: &CpuTimes) {
    for (highest, now) in fields_mut(highest).into_iter().zip(fields(now)) {
        *highest = (*highest).max(now);
    }
}

/// `btime` of `/proc/stat`: when the machine booted, in Unix time.
pub(super) fn boot_time(procfs: &ProcFs, buffer: &mut Buffer) -> Option<f64> {
    let text = procfs.file(c"stat", buffer).ok()?;
    let line = text.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"btime "))?;
    std::str::from_utf8(line).ok()?.trim().parse().ok()
}
