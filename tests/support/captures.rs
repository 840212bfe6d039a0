//! Captures of hosts, as the files that `edgebench footprint --save` writes: without its clock, so that a
//! capture of an hour takes no longer than its readings, and the same host gives the same bytes.

use std::path::Path;
use std::time::{Duration, SystemTime};

use edgebench::capture::CaptureFile;
use edgebench::footprint::Fold;
use edgebench::measure::{Plan, Recorder};
use edgebench_sampler::ProcFs;
use edgebench_sampler::classify::Trust;

use crate::Host;

/// What is captured, beside the host.
#[derive(Clone, Debug)]
pub struct Run<'a> {
    /// Samples: readings after the first.
    pub samples: u64,
    /// Time between two readings, as the capture says it.
    pub interval: Duration,
    /// Name of the side that the capture belongs to.
    pub label: Option<&'a str>,
    /// When it began.
    pub started: SystemTime,
}

impl Default for Run<'_> {
    /// Three samples a second apart, at 09:14:03 on some day.
    fn default() -> Self {
        let started = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_338_843);
        Run { samples: 3, interval: Duration::from_secs(1), label: None, started }
    }
}

impl Run<'_> {
    /// Writes the capture of `host` to `path`; `step` makes the host the one of reading 1, 2 and so on.
    pub fn save(&self, host: &Host, path: &Path, mut step: impl FnMut(&Host, u64)) {
        let plan = Plan {
            samples: self.samples,
            interval: self.interval,
            label: self.label.map(str::to_owned),
            proportional: true,
            trust: Trust::Any,
        };
        let procfs = ProcFs::open(host.roots()).expect("the host's procfs");
        let mut file = CaptureFile::create(path).expect("a file for the capture");
        let mut fold = Fold::new(&host.proc);
        let mut recorder = Recorder::new(&procfs, &plan, &mut fold, Some(&mut file));
        recorder.start(self.started).expect("the header");
        recorder.reading(Duration::ZERO).expect("the first reading");
        recorder.before().expect("the processes at the start");
        for sample in 1..=self.samples {
            step(host, sample);
            let at = self.interval * u32::try_from(sample).expect("a number of samples");
            recorder.reading(at).expect("a reading");
        }
        recorder.end(false).expect("the processes at the end");
        file.finish().expect("the capture is complete");
    }
}

/// Writes the capture of a phase of the real node: ten seconds between the two time steps of
/// `tests/fixtures/node-kubevirt-1.9`.
pub fn of_the_real_node(phase: &str, path: &Path) {
    let run = Run { samples: 1, interval: Duration::from_secs(10), ..Run::default() };
    let host = Host::unpack(&format!("node-kubevirt-1.9/{phase}/t0"));
    run.save(&host, path, |host, _| host.step_to(&format!("node-kubevirt-1.9/{phase}/t1")));
}
