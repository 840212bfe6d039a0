//! From the records of a capture to its figures, a record at a time.
//!
//! Readings of the node are folded as they come, so a run of a day takes no more memory than one of ten
//! seconds but for three numbers a sample. Processes are kept until the end: what one is for depends on
//! the others of its pod.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use edgebench_sampler::classify::{Trust, classify};
use edgebench_sampler::component::KERNEL_THREADS;
use edgebench_sampler::explain;
use edgebench_sampler::interval;
use edgebench_sampler::node::NodeReading;
use edgebench_sampler::parse::meminfo::MemInfo;
use edgebench_sampler::parse::stat::Stat;
use edgebench_sampler::process::{CpuReading, ProcessSample, Proportional};
use edgebench_sampler::sysstat::{CpuAverage, MemoryAverage, memory_unavailable_kib, memory_used_kib};
use edgebench_sampler::vm_reading::VmReading;
use edgebench_sampler::{Bytes, Ticks};
use serde::ser::{SerializeSeq, Serializer};

use super::{
    Capture, Footprint, Node, PartKey, Remarks, Samples, components, cpu_ledger, memory_ledger, scraped, tax,
    vms,
};
use crate::capture::{self, CaptureError, End, Header, Record, Sink};
use crate::cluster::ClusterRecord;
use crate::remote::scrape::{NodeScrape, Workload};

/// Takes in the records of one capture.
pub struct Fold {
    source: PathBuf,
    header: Option<Header>,
    cpu: CpuAverage,
    memory: MemoryAverage,
    samples: Samples,
    readings: usize,
    last: Option<NodeReading>,
    last_scrape: Option<NodeScrape>,
    /// At the start, and at the end.
    workloads: Vec<Workload>,
    before: Vec<CpuReading>,
    processes: Vec<ProcessSample>,
    vms: Vec<VmReading>,
    cluster: Option<ClusterRecord>,
    end: Option<End>,
}

impl Sink for Fold {
    fn record(&mut self, record: Record) -> Result<(), CaptureError> {
        match record {
            Record::Header(header) => self.header = Some(*header),
            Record::Reading(reading) => {
                self.sample(&reading.stat, &reading.memory);
                self.last = Some(*reading);
            }
            Record::Scrape(scrape) => {
                self.sample(&scraped::stat(&scrape), &scraped::meminfo(&scrape.memory));
                self.last_scrape = Some(*scrape);
            }
            Record::Workload(workload) => self.workloads.push(*workload),
            Record::Before(readings) => {
                self.before = readings;
                self.before.sort_unstable_by_key(|reading| reading.id);
            }
            Record::Process(process) => self.processes.push(*process),
            Record::Vm(vm) => self.vms.push(*vm),
            Record::Cluster(cluster) => self.cluster = Some(*cluster),
            Record::End(end) => self.end = Some(end),
        }
        Ok(())
    }
}

impl Fold {
    /// For the capture that `source` names: a file, or where the readings come from.
    pub fn new(source: &Path) -> Fold {
        Fold {
            source: source.to_path_buf(),
            header: None,
            cpu: CpuAverage::default(),
            memory: MemoryAverage::default(),
            samples: Samples::default(),
            readings: 0,
            last: None,
            last_scrape: None,
            workloads: Vec::new(),
            before: Vec::new(),
            processes: Vec::new(),
            vms: Vec::new(),
            cluster: None,
            end: None,
        }
    }

    /// Reads a saved capture.
    ///
    /// # Errors
    /// As [`capture::read`], and where the capture holds less than two readings.
    pub fn file(path: &Path, trust: Trust) -> Result<Footprint, CaptureError> {
        let mut fold = Fold::new(path);
        capture::read(path, &mut fold)?;
        let mut footprint = fold.footprint(trust)?;
        footprint.capture.file = path.file_name().map(|name| name.to_string_lossy().into_owned());
        Ok(footprint)
    }

    /// CPU used and RAM used of the last sample, in percent: for a progress line.
    pub fn latest(&self) -> Option<(f64, f64)> {
        self.samples.cpu_used_percent.last().copied().zip(self.samples.memory_used_percent.last().copied())
    }

    fn sample(&mut self, stat: &Stat, memory: &MemInfo) {
        let shares = self.cpu.push(stat);
        self.readings += 1;
        // The first reading is where the run starts; sar averages those after it.
        if let Some(shares) = shares {
            self.memory.push(memory);
            let percent = |kib: i64| {
                if memory.total.0 == 0 { 0.0 } else { kib as f64 * 100.0 / memory.total.kib() as f64 }
            };
            self.samples.cpu_used_percent.push(shares.used());
            self.samples.memory_used_percent.push(percent(memory_used_kib(memory)));
            self.samples.memory_unavailable_percent.push(percent(memory_unavailable_kib(memory)));
        }
    }

    /// The figures.
    ///
    /// # Errors
    /// Where the capture has no header or less than two readings.
    pub fn footprint(mut self, trust: Trust) -> Result<Footprint, CaptureError> {
        let incomplete =
            |what: &str| CaptureError { path: self.source.clone(), line: None, what: what.to_owned() };
        let header = self.header.take().ok_or_else(|| incomplete("the capture has no header"))?;
        let too_short = "the capture has no sample: it takes two readings of the node to make one";
        let (cpu, ticks, memory) = match (self.cpu.average(), self.cpu.ticks(), self.memory.average()) {
            (Some(cpu), Some(ticks), Some(memory)) => (cpu, ticks, memory),
            _ => return Err(incomplete(too_short)),
        };
        let end = self.end.take().unwrap_or_default();
        if header.exporter.is_some() {
            let (last, workloads) = match (&self.last_scrape, self.workloads.as_slice(), &self.last) {
                (Some(last), [before, after], None) => (last, (before, after)),
                _ => return Err(incomplete("the capture does not hold what one through an exporter has to")),
            };
            return Ok(scraped::footprint(scraped::Input {
                header,
                end,
                last,
                workloads,
                cpu,
                ticks,
                memory,
                unavailable_kib: self.memory.unavailable_kib().unwrap_or_default(),
                samples: self.samples,
                cluster: self.cluster,
            }));
        }
        let (last, clock) = match (self.last.take(), header.clock, self.last_scrape) {
            (Some(last), Some(clock), None) => (last, clock),
            _ => return Err(incomplete("the capture does not hold what one of a local run has to")),
        };
        let total = last.memory.total;
        let node_ticks = Ticks(ticks.interval);
        let classes = classify(&self.processes, trust);
        let interval = interval::between(&self.before, &self.processes);
        let proportional = header.proportional;

        let components = components::rows(&components::Input {
            processes: &self.processes,
            classes: &classes,
            used: &interval.used,
            proportional,
            memory_total: total,
            node_ticks,
        });
        let vms = vms::rows(&vms::Input {
            vms: &self.vms,
            processes: &self.processes,
            classes: &classes,
            used: &interval.used,
            proportional,
            node_ticks,
            cluster: self.cluster.as_ref(),
        });
        let memory_ledger = memory_ledger::ledger(&memory_ledger::Input {
            last: &last,
            average_used_kib: memory.used,
            page_size: clock.page_size,
            processes: &self.processes,
            classes: &classes,
            vms: &self.vms,
        });
        let cpu_ledger = cpu_ledger::ledger(&ticks, &self.processes, &classes, &interval);

        let samples = self.samples.cpu_used_percent.len();
        self.samples.cpu_resolution = 100.0 * samples as f64 / ticks.interval.max(1) as f64;
        self.samples.memory_resolution = 100.0 * clock.page_size.0 as f64 / total.0.max(1) as f64;
        let kernel_threads = classes.iter().filter(|class| *class.component == KERNEL_THREADS).count();
        let unavailable = self.memory.unavailable_kib().unwrap_or_default();
        let mut outside_pods: Vec<_> = self
            .processes
            .iter()
            .zip(&classes)
            .filter(|(_, class)| class.outside_pods)
            .map(|(process, _)| process.names.exe.as_ref().unwrap_or(&process.names.comm).clone())
            .collect();
        outside_pods.sort_unstable();
        outside_pods.dedup();
        let charges: Vec<_> = self.processes.iter().filter_map(|process| process.memory.as_ref()).collect();
        let denied = charges.iter().filter(|memory| memory.proportional == Proportional::Denied).count();
        let read = charges.iter().filter(|memory| explain::charge(memory).proportional).count();
        Ok(Footprint {
            tax: tax::tax(&memory_ledger, &cpu_ledger),
            capture: Capture {
                file: None,
                label: header.label,
                started: header.started,
                interval_seconds: header.interval_ms as f64 / 1000.0,
                samples,
                samples_asked: header.samples,
                version: header.version,
                proportional,
                uid: header.uid,
                interrupted: end.interrupted,
                clock: header.clock,
                exporter: None,
            },
            host: header.host,
            node: Node {
                cpus: last.stat.cpus.len().max(1),
                memory_total: total,
                swap_total: Some(last.memory.swap_total),
                swap_used: Some(last.memory.swap_total.saturating_sub(last.memory.swap_free)),
                shared_memory: Some(last.memory.shmem),
                slab_unreclaimable: Some(last.memory.s_unreclaim),
                hugetlb: last.memory.hugetlb.unwrap_or(Bytes(
                    last.memory.huge_pages_total.saturating_mul(last.memory.huge_page_size.0),
                )),
                processes: self.processes.len() - kernel_threads,
                kernel_threads,
                cpu,
                cpu_used_percent: cpu.used(),
                memory: memory.into(),
                memory_unavailable_kib: unavailable,
                memory_unavailable_percent: unavailable * 100.0 / total.kib().max(1) as f64,
            },
            series: self.samples,
            components,
            vms,
            memory: memory_ledger,
            cpu: cpu_ledger,
            remarks: Remarks {
                denied: end.denied,
                outside_pods,
                resident_for_proportional: denied,
                proportional_read: read,
                counter_resets: interval.resets,
                scrape: None,
            },
            cluster: self.cluster,
        })
    }
}

/// A ledger's parts as a list of objects: JSON has no keys of two parts.
pub(super) fn as_list<S: Serializer>(
    parts: &BTreeMap<PartKey, i64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    #[derive(serde::Serialize)]
    struct Part<'a> {
        #[serde(flatten)]
        key: &'a PartKey,
        amount: i64,
    }
    let mut list = serializer.serialize_seq(Some(parts.len()))?;
    for (key, amount) in parts {
        list.serialize_element(&Part { key, amount: *amount })?;
    }
    list.end()
}
