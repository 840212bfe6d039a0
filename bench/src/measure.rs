//! Measuring: readings of a node, a sample at a time.
//!
//! Readings are due at start + k × interval, as sar's are, so that a late one does not shift the next. The
//! node is read N + 1 times, processes twice: their CPU time after the first reading, all of them after the
//! last. `smaps_rollup` and guest RAM are read once, at the very end, when nothing is timed any more.

use std::time::{Duration, Instant, SystemTime};

use edgebench_sampler::classify::{Trust, classify};
use edgebench_sampler::component::Stack;
use edgebench_sampler::process::{ProcessMemory, ProcessPass, Scratch};
use edgebench_sampler::{Bytes, ProcFs, ReadError, proportional, vm_reading};
use thiserror::Error;

use crate::capture::{CLUSTER_SCHEMA, CaptureError, CaptureFile, End, Header, Record, SCHEMA, Sink};
use crate::cluster::{Ask, ClusterRecord};
use crate::footprint::Fold;
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::remote::RemoteError;

/// What to measure.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Samples: readings after the first.
    pub samples: u64,
    /// Time between two readings.
    pub interval: Duration,
    /// Name of the side that this capture belongs to.
    pub label: Option<String>,
    /// Whether to read PSS and guest RAM.
    pub proportional: bool,
    /// Which names are believed.
    pub trust: Trust,
}

/// A measurement that failed.
#[derive(Debug, Error)]
pub enum MeasureError {
    /// A file of the node.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// An exporter.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// A record that does not belong in the figures.
    #[error(transparent)]
    Capture(#[from] CaptureError),
}

/// Takes the readings of one capture, in this order: [`start`](Recorder::start), [`reading`](Recorder::reading)
/// for the start and for each sample, [`before`](Recorder::before) after the first, [`end`](Recorder::end).
///
/// It has no clock, so that a test can step through hosts of its own.
pub struct Recorder<'a> {
    procfs: &'a ProcFs,
    plan: &'a Plan,
    fold: &'a mut Fold,
    file: Option<&'a mut CaptureFile>,
    scratch: Scratch,
    cluster: Option<&'a dyn Ask>,
    readings: u64,
    records: u64,
}

impl<'a> Recorder<'a> {
    /// Records go to the figures in `fold`, and to `file` where one is wanted.
    pub fn new(
        procfs: &'a ProcFs,
        plan: &'a Plan,
        fold: &'a mut Fold,
        file: Option<&'a mut CaptureFile>,
    ) -> Recorder<'a> {
        let scratch = Scratch::default();
        Recorder { procfs, plan, fold, file, scratch, cluster: None, readings: 0, records: 0 }
    }

    /// Asks the cluster too, once all is read.
    #[must_use]
    pub fn asking(self, cluster: Option<&'a dyn Ask>) -> Recorder<'a> {
        Recorder { cluster, ..self }
    }

    /// Says what is going to be measured, and on which machine; `started` is the wall clock.
    ///
    /// # Errors
    /// Where the figures can't take it.
    pub fn start(&mut self, started: SystemTime) -> Result<(), MeasureError> {
        let header = Header {
            edgebench_capture: if self.cluster.is_some() { CLUSTER_SCHEMA } else { SCHEMA },
            version: env!("CARGO_PKG_VERSION").to_owned(),
            label: self.plan.label.clone(),
            started: humantime::format_rfc3339_seconds(started).to_string(),
            interval_ms: u64::try_from(self.plan.interval.as_millis()).unwrap_or(u64::MAX),
            samples: self.plan.samples,
            proportional: self.plan.proportional,
            uid: Some(ProcFs::user_id()),
            clock: Some(self.procfs.clock()),
            host: self.procfs.host(&mut self.scratch.buffer),
            exporter: None,
        };
        self.record(Record::Header(Box::new(header)))
    }

    /// Reads the node; `at` is the time since the first reading.
    ///
    /// # Errors
    /// Where the node can't be read.
    pub fn reading(&mut self, at: Duration) -> Result<(), MeasureError> {
        let at = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX);
        let reading = self.procfs.node_reading(at, &mut self.scratch.buffer)?;
        self.readings += 1;
        self.record(Record::Reading(Box::new(reading)))
    }

    /// Reads the CPU time of all processes, from which that of the run is counted.
    ///
    /// # Errors
    /// Where the processes can't be read.
    pub fn before(&mut self) -> Result<(), MeasureError> {
        let readings = self.procfs.cpu_pass(&mut self.scratch)?;
        self.record(Record::Before(readings))
    }

    /// Readings taken so far.
    pub fn readings(&self) -> u64 {
        self.readings
    }

    /// CPU used and RAM used of the last sample, in percent.
    pub fn latest(&self) -> Option<(f64, f64)> {
        self.fold.latest()
    }

    /// Reads all processes, and once what is dear to read: `smaps_rollup`, guest RAM, the pods' cgroups.
    ///
    /// # Errors
    /// Where the processes can't be read.
    pub fn end(mut self, interrupted: bool) -> Result<(), MeasureError> {
        let ProcessPass { mut processes, mut denied } = self.procfs.process_pass(&mut self.scratch)?;
        let classes = classify(&processes, self.plan.trust);
        let buffer = &mut self.scratch.buffer;
        if self.plan.proportional {
            let matters = |stack: Stack| stack.is_tracked() || stack == Stack::Edgebench;
            let holds_much = |memory: ProcessMemory| {
                memory.anonymous > proportional::SMALL || memory.hugetlb != Bytes::ZERO
            };
            proportional::read(
                self.procfs,
                &mut processes,
                |index, process| matters(classes[index].stack) || process.memory.is_some_and(holds_much),
                &mut denied,
                buffer,
            )?;
        }
        let guests = self.plan.proportional;
        let vms = vm_reading::read(self.procfs, &processes, &classes, guests, &mut denied, buffer)?;
        // Asked as soon as the processes are read: the two are to be of one moment.
        let cluster = self.cluster.map(|cluster| {
            let asked = cluster.ask();
            let host = self.procfs.host(&mut self.scratch.buffer).hostname.unwrap_or_default();
            ClusterRecord::new(
                asked.node.as_deref().unwrap_or(&host),
                &vms,
                &asked.tables(),
                asked.unknown.clone(),
            )
        });
        let count = processes.len() as u64;
        for process in processes {
            self.record(Record::Process(Box::new(process)))?;
        }
        for vm in vms {
            self.record(Record::Vm(Box::new(vm)))?;
        }
        if let Some(cluster) = cluster {
            self.record(Record::Cluster(Box::new(cluster)))?;
        }
        let (readings, lines) = (self.readings, Some(self.records));
        self.record(Record::End(End { interrupted, denied, readings, processes: count, lines }))
    }

    fn record(&mut self, record: Record) -> Result<(), MeasureError> {
        self.records += 1;
        if let Some(file) = &mut self.file {
            file.append(&record);
        }
        Ok(self.fold.record(record)?)
    }
}

/// Where the readings of a measurement come from: this node, or an exporter.
pub trait Readings {
    /// Says what is going to be measured; `started` is the wall clock.
    ///
    /// # Errors
    /// Where the figures can't take it.
    fn start(&mut self, started: SystemTime) -> Result<(), MeasureError>;

    /// Takes the next reading; `at` is the time since the first.
    ///
    /// # Errors
    /// Where there is none.
    fn reading(&mut self, at: Duration) -> Result<(), MeasureError>;

    /// Takes down, after the first reading, from where CPU time is counted.
    ///
    /// # Errors
    /// Where that can't be read.
    fn before(&mut self) -> Result<(), MeasureError>;

    /// Readings taken so far.
    fn taken(&self) -> u64;

    /// CPU used and RAM used of the last sample, in percent.
    fn latest(&self) -> Option<(f64, f64)>;

    /// Ends the capture.
    ///
    /// # Errors
    /// Where what belongs to its end can't be read.
    fn end(self, interrupted: bool) -> Result<(), MeasureError>;
}

impl Readings for Recorder<'_> {
    fn start(&mut self, started: SystemTime) -> Result<(), MeasureError> {
        self.start(started)
    }

    fn reading(&mut self, at: Duration) -> Result<(), MeasureError> {
        self.reading(at)
    }

    fn before(&mut self) -> Result<(), MeasureError> {
        self.before()
    }

    fn taken(&self) -> u64 {
        self.readings()
    }

    fn latest(&self) -> Option<(f64, f64)> {
        self.latest()
    }

    fn end(self, interrupted: bool) -> Result<(), MeasureError> {
        self.end(interrupted)
    }
}

/// A run that was stopped at once is this long all the same: ten ticks of each CPU.
const SHORTEST_RUN: Duration = Duration::from_millis(100);

/// Takes all the readings that `plan` wants. Answers whether it was stopped early.
///
/// # Errors
/// Where a reading can't be taken. What can't be saved is said by
/// [`CaptureFile::finish`].
pub fn measure(
    mut recorder: impl Readings,
    plan: &Plan,
    interrupt: &Interrupt,
    progress: &mut Progress,
) -> Result<bool, MeasureError> {
    recorder.start(SystemTime::now())?;
    let (samples, interval) = (plan.samples, plan.interval);
    let start = Instant::now();
    let mut due = start;
    let mut interrupted = false;
    for sample in 0..=samples {
        // Once stopped, one more reading is taken if there is no sample yet.
        interrupted = interrupted || interrupt.wait_until(due);
        if interrupted && recorder.taken() > 1 {
            break;
        }
        if interrupted && sample > 0 {
            // Without a tick between two readings sar's rules make 100 % of nothing.
            std::thread::sleep(SHORTEST_RUN.saturating_sub(start.elapsed()));
        }
        recorder.reading(start.elapsed())?;
        if sample == 0 {
            recorder.before()?;
        }
        progress.sample(sample, recorder.latest());
        due += interval;
    }
    progress.finish();
    recorder.end(interrupted)?;
    Ok(interrupted)
}
