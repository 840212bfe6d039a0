//! The real node of the fixtures, a phase at a time, as captures.
//!
//! `t0` and `t1` of a phase are two readings of one node, so they make a capture of one sample. When it was
//! taken is in the heading and the first line of `sar-u.txt` (sar ran between the two), how long it took is
//! the difference of the two `proc/uptime`.

use std::fs;
use std::time::{Duration, SystemTime};

use edgebench::capture::CaptureFile;
use edgebench::cluster::Ask;
use edgebench::footprint::{Fold, Footprint};
use edgebench::measure::{Plan, Recorder};
use edgebench_sampler::ProcFs;
use edgebench_sampler::classify::Trust;

use crate::host::{Host, fixture};

/// The phases, in the order they were captured.
pub const PHASES: [&str; 3] = ["1-kubernetes", "3-cdi", "4-vm"];

/// The figures of a phase.
///
/// # Panics
/// If the fixture can't be read.
pub fn footprint(phase: &str) -> Footprint {
    record(phase, Some(phase), None).footprint(Trust::Any).expect("a capture with figures")
}

/// Records a phase, into `file` as well where one is given.
///
/// # Panics
/// If the fixture can't be read, or the file can't be written.
pub fn record(phase: &str, label: Option<&str>, file: Option<&mut CaptureFile>) -> Fold {
    record_asking(phase, label, file, None)
}

/// The figures of a phase, with what the cluster says.
///
/// # Panics
/// As [`footprint`].
pub fn footprint_asking(phase: &str, cluster: &dyn Ask) -> Footprint {
    record_asking(phase, Some(phase), None, Some(cluster))
        .footprint(Trust::Any)
        .expect("a capture with figures")
}

/// Records a phase, with what the cluster says where it is to be asked.
///
/// # Panics
/// As [`record`].
pub fn record_asking(
    phase: &str,
    label: Option<&str>,
    file: Option<&mut CaptureFile>,
    cluster: Option<&dyn Ask>,
) -> Fold {
    let host = Host::unpack(&format!("node-kubevirt-1.9/{phase}/t0"));
    let procfs = ProcFs::open(host.roots()).expect("a procfs");
    let plan = Plan {
        samples: 1,
        interval: between_the_readings(phase),
        label: label.map(str::to_owned),
        proportional: true,
        trust: Trust::Any,
    };
    let mut fold = Fold::new(&host.proc);
    let mut recorder = Recorder::new(&procfs, &plan, &mut fold, file).asking(cluster);
    recorder.start(started(phase)).expect("a header");
    recorder.reading(Duration::ZERO).expect("the first reading");
    recorder.before().expect("the processes at the start");
    host.step_to(&format!("node-kubevirt-1.9/{phase}/t1"));
    recorder.reading(plan.interval).expect("the second reading");
    recorder.end(false).expect("the processes at the end");
    fold
}

/// When the phase was captured, as sar said it (its clock was UTC).
fn started(phase: &str) -> SystemTime {
    let sar = read(phase, "sar-u.txt");
    let date = sar.split_ascii_whitespace().find(|word| word.starts_with("20")).expect("sar's date");
    let time = sar.lines().nth(2).and_then(|line| line.split(' ').next()).expect("sar's first time");
    humantime::parse_rfc3339(&format!("{date}T{time}Z")).expect("a moment")
}

/// How long lay between the two readings of a phase.
///
/// # Panics
/// If the fixture can't be read.
pub fn between_the_readings(phase: &str) -> Duration {
    let uptime = |step: &str| -> f64 {
        let archive = read(phase, &format!("{step}.ttar"));
        let mut lines = archive.lines().skip_while(|line| *line != "Path: proc/uptime").skip(2);
        lines.next().and_then(|line| line.split(' ').next()?.parse().ok()).expect("the uptime")
    };
    // The kernel counts it in hundredths of a second.
    Duration::from_millis(((uptime("t1") - uptime("t0")) * 100.0).round() as u64 * 10)
}

fn read(phase: &str, file: &str) -> String {
    let path = fixture(&format!("node-kubevirt-1.9/{phase}/{file}"));
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
