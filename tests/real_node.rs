//! The real KubeVirt node of the fixtures: every process in its place, every difference closed to the KiB.

#![allow(clippy::unwrap_used, reason = "a test program")]

use std::time::{Duration, SystemTime};

use edgebench::comparison::{Comparison, Side};
use edgebench::footprint::{Fold, Footprint, Group};
use edgebench::measure::{Plan, Recorder};
use edgebench_sampler::ProcFs;
use edgebench_sampler::classify::Trust;
use edgebench_tests::Host;

/// Ten seconds of one phase, from its files alone.
fn footprint(phase: &str) -> Footprint {
    let host = Host::unpack(&format!("node-kubevirt-1.9/{phase}/t0"));
    let procfs = ProcFs::open(host.roots()).unwrap();
    let plan = Plan {
        samples: 1,
        interval: Duration::from_secs(10),
        label: Some(phase.to_owned()),
        proportional: true,
        trust: Trust::Any,
    };
    let mut fold = Fold::new(&host.proc);
    let mut recorder = Recorder::new(&procfs, &plan, &mut fold, None);
    recorder.start(SystemTime::UNIX_EPOCH).unwrap();
    recorder.reading(Duration::ZERO).unwrap();
    recorder.before().unwrap();
    host.step_to(&format!("node-kubevirt-1.9/{phase}/t1"));
    recorder.reading(plan.interval).unwrap();
    recorder.end(false).unwrap();
    fold.footprint(Trust::Any).unwrap()
}

fn difference(before: &str, after: &str) -> Comparison {
    Comparison::new(Side::new(vec![footprint(before)]), Side::new(vec![footprint(after)]).unwrap())
}

#[test]
fn show() {
    for (a, b) in [("1-kubernetes", "3-cdi"), ("3-cdi", "4-vm"), ("1-kubernetes", "4-vm")] {
        let comparison = difference(a, b);
        let document =
            edgebench::report::document(&comparison, &edgebench::report::Options { all: true, saved: None });
        let mut out = Vec::new();
        edgebench::layout::text(&document, &edgebench::layout::Style::plain(100), &mut out).unwrap();
        println!("{}", String::from_utf8(out).unwrap());
        let _ = Group::Guest;
    }
}
