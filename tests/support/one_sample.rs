//! A built host, measured: its readings with a time step before each, and its processes at both ends.
//!
//! There is no clock in it: a sample is one second by what the host's files say.

use std::time::{Duration, SystemTime};

use edgebench::footprint::{Fold, Footprint};
use edgebench::measure::{MeasureError, Plan, Recorder};
use edgebench_sampler::ProcFs;
use edgebench_sampler::classify::Trust;

use crate::Host;

/// The figures of one sample, with `step` between its two readings.
///
/// # Panics
/// If the host can't be measured.
pub fn footprint(host: &Host, step: impl FnOnce(Host) -> Host) -> Footprint {
    measured(host, [step]).unwrap_or_else(|e| panic!("{e}"))
}

/// The figures of as many samples as there are steps.
///
/// # Errors
/// As for the program people run.
pub fn measured<S: FnOnce(Host) -> Host>(
    host: &Host,
    steps: impl IntoIterator<Item = S>,
) -> Result<Footprint, MeasureError> {
    let steps: Vec<S> = steps.into_iter().collect();
    let procfs = ProcFs::open(host.roots())?;
    let plan = Plan {
        samples: steps.len() as u64,
        interval: Duration::from_secs(1),
        label: None,
        proportional: true,
        trust: Trust::Any,
    };
    let mut fold = Fold::new(&host.proc);
    let mut recorder = Recorder::new(&procfs, &plan, &mut fold, None);
    recorder.start(SystemTime::UNIX_EPOCH)?;
    recorder.reading(Duration::ZERO)?;
    recorder.before()?;
    for (second, step) in (1..).zip(steps) {
        host.step(step);
        recorder.reading(Duration::from_secs(second))?;
    }
    recorder.end(false)?;
    Ok(fold.footprint(Trust::Any)?)
}
