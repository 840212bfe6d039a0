//! Measuring: readings of this node, a sample at a time.
//!
//! Readings are due at start + k × interval, as sar's are, so that a late one does not shift the next. The
//! node is read N + 1 times, processes twice: their CPU time after the first reading, all of them after the
//! last. `smaps_rollup` and guest RAM are read once, at the very end, when nothing is timed any more.

use std::time::{Duration, Instant, SystemTime};

use edgebench_sampler::classify::{Trust, classify};
use edgebench_sampler::component::Stack;
use edgebench_sampler::process::{Denied, ProcessPass, Scratch};
use edgebench_sampler::{ProcFs, ReadError, proportional, vm_reading};
use thiserror::Error;

use crate::capture::{CaptureError, CaptureFile, End, Header, Record, SCHEMA, Sink};
use crate::footprint::Fold;
use crate::interrupt::Interrupt;
use crate::progress::Progress;

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
    /// The capture could not be saved.
    #[error(transparent)]
    Capture(#[from] CaptureError),
}

/// The records go to the figures, and to a file where one is wanted.
struct Sinks<'a> {
    fold: &'a mut Fold,
    file: Option<&'a mut CaptureFile>,
}

impl Sink for Sinks<'_> {
    fn record(&mut self, record: Record) -> Result<(), CaptureError> {
        match &mut self.file {
            Some(file) => {
                file.append(&record)?;
                self.fold.record(record)
            }
            None => self.fold.record(record),
        }
    }
}

/// Measures this node into `fold`, and into `file` where one is given. Answers whether it was stopped early.
///
/// # Errors
/// Where the node's own files can't be read or are malformed, or the file can't be written.
pub fn measure(
    procfs: &ProcFs,
    plan: &Plan,
    fold: &mut Fold,
    file: Option<&mut CaptureFile>,
    interrupt: &Interrupt,
    progress: &mut Progress,
) -> Result<bool, MeasureError> {
    let mut scratch = Scratch::default();
    let mut sinks = Sinks { fold, file };
    sinks.record(Record::Header(Box::new(header(procfs, plan, &mut scratch))))?;

    let start = Instant::now();
    let mut interrupted = false;
    let mut readings = 0;
    for sample in 0..=plan.samples {
        let due = start + plan.interval.saturating_mul(u32::try_from(sample).unwrap_or(u32::MAX));
        // Once stopped, one more reading is taken if there is no sample yet.
        if !interrupted && interrupt.wait_until(due) {
            interrupted = true;
        }
        if interrupted && readings > 1 {
            break;
        }
        let at = start.elapsed().as_nanos() as u64;
        let reading = procfs.node_reading(at, &mut scratch.buffer)?;
        sinks.record(Record::Reading(Box::new(reading)))?;
        readings += 1;
        if sample == 0 {
            sinks.record(Record::Before(procfs.cpu_pass(&mut scratch)?))?;
        }
        progress.sample(sample, sinks.fold.latest());
    }
    progress.finish();
    let pass = procfs.process_pass(&mut scratch)?;
    let (processes, denied) = end(procfs, plan, pass, &mut sinks, &mut scratch)?;
    sinks.record(Record::End(End { interrupted, denied, readings, processes }))?;
    Ok(interrupted)
}

fn header(procfs: &ProcFs, plan: &Plan, scratch: &mut Scratch) -> Header {
    Header {
        edgebench_capture: SCHEMA,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        label: plan.label.clone(),
        started: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        interval_ms: u64::try_from(plan.interval.as_millis()).unwrap_or(u64::MAX),
        samples: plan.samples,
        proportional: plan.proportional,
        uid: Some(ProcFs::user_id()),
        clock: procfs.clock(),
        host: procfs.host(&mut scratch.buffer),
    }
}

/// Reads what is read once, and hands over the processes and the VMs.
fn end(
    procfs: &ProcFs,
    plan: &Plan,
    pass: ProcessPass,
    sinks: &mut Sinks<'_>,
    scratch: &mut Scratch,
) -> Result<(u64, Denied), MeasureError> {
    let ProcessPass { mut processes, mut denied } = pass;
    let classes = classify(&processes, plan.trust);
    if plan.proportional {
        let matters = |stack: Stack| stack.is_tracked() || stack == Stack::Edgebench;
        proportional::read(
            procfs,
            &mut processes,
            |index, process| {
                matters(classes[index].stack)
                    || process
                        .memory
                        .is_some_and(|memory| memory.anonymous > proportional::SMALL || memory.hugetlb.0 > 0)
            },
            &mut denied,
            &mut scratch.buffer,
        )?;
    }
    let vms =
        vm_reading::read(procfs, &processes, &classes, plan.proportional, &mut denied, &mut scratch.buffer)?;
    let count = processes.len() as u64;
    for process in processes {
        sinks.record(Record::Process(Box::new(process)))?;
    }
    for vm in vms {
        sinks.record(Record::Vm(Box::new(vm)))?;
    }
    Ok((count, denied))
}
