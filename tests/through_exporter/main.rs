//! `edgebench footprint --exporter`: the figures of a node through its exporter are those of a local run, as
//! far as the exporter's families carry them, and whatever else answers gets one clear error.
//!
//! The exporter of these tests is a server that answers with expositions built from a host's files.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

mod captures;
mod families;
mod figures;
mod refused;
mod tls;

use std::time::Duration;

use edgebench_tests::fake_exporter::exposition::{Exporter, Exposition};
use edgebench_tests::fake_exporter::{Answer, FakeExporter};
use edgebench_tests::{Host, phases};

/// When the first reading of these tests is taken, after the Unix epoch.
const START: Duration = Duration::from_millis(1_795_338_843_500);

/// What an exporter says of a phase of the real node, at its two time steps.
fn of_the_real_node(phase: &str) -> [Exposition; 2] {
    let host = Host::unpack(&format!("node-kubevirt-1.9/{phase}/t0"));
    let mut exporter = Exporter::on(&host);
    let before = exporter.says(START);
    host.step_to(&format!("node-kubevirt-1.9/{phase}/t1"));
    [before, exporter.says(START + phases::between_the_readings(phase))]
}

/// An exporter that says one after the other, and then the last again.
fn saying(expositions: &[Exposition]) -> FakeExporter {
    FakeExporter::new(expositions.iter().map(Answer::from))
}

/// Arguments of a measurement of one sample through `url`, with `more` of them.
fn footprint<'a>(url: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["footprint", "--samples", "1", "--interval", "10ms", "--exporter", url], more].concat()
}
