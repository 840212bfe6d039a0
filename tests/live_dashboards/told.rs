//! Exporters that say what a test wants: one that knows all that there is to know, one that falls silent.

use std::fmt::Write;
use std::net::SocketAddr;

use edgebench_exporter::exposition::{Format, write};
use edgebench_exporter::view::{View, example};
use edgebench_tests::fake_exporter::{Answer, FakeExporter};

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The node in [`example::node`], and its VMs.
pub(crate) const NODE: &str = "edge-node-1";
pub(crate) const VMS: &str = "edge-vm-0|edge-vm-1|edge-vm-2";

/// Says all that there is to say of a node with three VMs, every third one emulated or not.
pub(crate) fn all(has_emulated: bool) -> SocketAddr {
    let mut view = example::node(3);
    if !has_emulated {
        view.vms.retain(|vm| !matches!(vm.cpu, edgebench_exporter::view::VmCpu::Whole(_)));
    }
    let text = text(&view);
    serve((0..600).map(|scrape| Answer::ok(TEXT, advanced(&text, scrape))))
}

/// Answers a few times and never again.
pub(crate) fn soon_silent() -> SocketAddr {
    let mut view = example::node(0);
    view.endpoints.clear();
    let text = text(&view);
    let down = Answer::status("503 Service Unavailable");
    serve((0..8).map(|scrape| Answer::ok(TEXT, advanced(&text, scrape))).chain([down]))
}

fn serve(answers: impl Iterator<Item = Answer>) -> SocketAddr {
    let url = FakeExporter::new(answers).url();
    url.trim_start_matches("http://").parse().unwrap()
}

fn text(view: &View) -> String {
    let mut text = Vec::new();
    write(view, &[], Format::Text, &mut text);
    String::from_utf8(text).unwrap()
}

/// So many seconds later: counters have gone on, components have grown, the reading is one of now.
fn advanced(text: &str, seconds: u32) -> String {
    let mut advanced = String::with_capacity(text.len());
    for line in text.lines() {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let name = series.split('{').next().unwrap();
        let per_second = match name {
            _ if line.starts_with('#') => 0.0,
            "edgebench_component_anonymous_memory_bytes" => 4096.0,
            "edgebench_reading_timestamp_seconds" | "edgebench_collector_last_success_timestamp_seconds" => {
                1.0
            }
            // Half of its budget.
            "edgebench_pss_cpu_seconds_total" => 0.0005,
            name if name.ends_with("_total") => 0.25,
            _ => 0.0,
        };
        let _ = match value.parse::<f64>() {
            Ok(number) if per_second > 0.0 => {
                writeln!(advanced, "{series} {}", number + per_second * f64::from(seconds))
            }
            _ => writeln!(advanced, "{line}"),
        };
    }
    advanced
}
