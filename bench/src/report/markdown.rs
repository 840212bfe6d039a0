//! Tables that paste as the source document's: its two first, in its units, then every block.
//!
//! The source document writes sizes with top's and sar's columns read as decimal: 1 MB = 1000 KiB of a
//! process, 1 GB = 10^9 bytes of a difference. Only here these units are used, so that its tables can be
//! held against ours.

use std::io::{self, Write};

use edgebench_sampler::Bytes;
use edgebench_sampler::component::{OF_THE_SOURCE_DOCUMENT, TABLE};

use super::Options;
use crate::comparison::{Comparison, Metric, NodeRow};
use crate::layout;

/// Writes the report.
///
/// # Errors
/// Where `out` can't be written.
pub fn markdown(comparison: &Comparison, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    if comparison.measured().is_some() && super::columns(comparison).0 == "NO KUBEVIRT" {
        node(comparison, out)?;
        writeln!(out)?;
    }
    if comparison.capture.has_kubevirt() {
        processes(comparison, out)?;
        writeln!(out)?;
    }
    layout::markdown(&super::document(comparison, options), out)
}

fn node(comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "| Metric     | No KubeVirt | KubeVirt | Delta |")?;
    writeln!(out, "| :---       | :----   | :--- | :--- |")?;
    for (name, metric) in [("CPU Used", Metric::CpuUsed), ("RAM Used", Metric::MemoryUsed)] {
        if let Some(row) = comparison.node_row(metric) {
            writeln!(out, "{}", node_line(name, row))?;
        }
    }
    Ok(())
}

fn node_line(name: &str, row: &NodeRow) -> String {
    let percent =
        |value: Option<f64>| value.map(|value| format!("{value:.2}%")).unwrap_or_else(|| "-".into());
    let size = row
        .kib
        .and_then(|kib| kib.delta)
        .map(|kib| format!(" ({:.2}GB)", kib * 1024.0 / 1e9))
        .unwrap_or_default();
    let delta = row.percent.delta.map(|delta| format!("{delta:+.2}%{size}")).unwrap_or_else(|| "-".into());
    let (before, after) = (percent(row.percent.baseline), percent(Some(row.percent.capture)));
    format!("| {name:<10} | {before:<7} | {after:<6} | {delta} |")
}

fn processes(comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "| Process | Memory |")?;
    writeln!(out, "| :---       | :----   |")?;
    let shown = comparison.capture.shown();
    for component in &TABLE[..OF_THE_SOURCE_DOCUMENT] {
        for row in shown.components.iter().filter(|row| row.known && row.component == component.name) {
            writeln!(
                out,
                "| {} | {:.1}% ({}) |",
                row.component,
                row.resident_percent,
                decimal(row.resident)
            )?;
        }
    }
    Ok(())
}

/// `144MB` as top's KiB column was read; `1.1g` of top is GiB, which the source writes as GB.
fn decimal(bytes: Bytes) -> String {
    let kib = bytes.kib() as f64;
    if kib >= 1e6 { format!("{:.1}GB", kib / 1048576.0) } else { format!("{:.0}MB", kib / 1000.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::Change;

    #[test]
    fn the_source_documents_rows_are_rebuilt() {
        let row = NodeRow {
            metric: Metric::MemoryUsed,
            percent: Change { baseline: Some(10.57), capture: 38.70, delta: Some(28.13) },
            kib: Some(Change { baseline: Some(0.0), capture: 0.0, delta: Some(2.34e9 / 1024.0) }),
            interval: None,
            verdict: None,
        };
        assert_eq!(node_line("RAM Used", &row), "| RAM Used   | 10.57%  | 38.70% | +28.13% (2.34GB) |");
        assert_eq!(decimal(Bytes::from_kib(144_212)), "144MB");
        assert_eq!(decimal(Bytes::from_kib(1_135_000)), "1.1GB");
    }
}
