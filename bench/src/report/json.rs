//! The report for machines: full precision, with the samples behind every average.

use std::io::{self, Write};

use serde::Serialize;

use crate::comparison::Comparison;
use crate::notes::notes;

/// Version of the report's shape. It grows when a field changes its meaning or goes.
pub const SCHEMA: &str = "edgebench.report.v1";

#[derive(Serialize)]
struct Report<'a> {
    schema: &'static str,
    version: &'static str,
    #[serde(flatten)]
    comparison: &'a Comparison,
    notes: Vec<String>,
}

/// Writes one JSON object; of several captures an array of them.
///
/// # Errors
/// Where `out` can't be written.
pub fn json(comparisons: &[Comparison], out: &mut dyn Write) -> io::Result<()> {
    let reports: Vec<_> = comparisons.iter().map(report).collect();
    match reports.as_slice() {
        [one] => serde_json::to_writer_pretty(&mut *out, one)?,
        many => serde_json::to_writer_pretty(&mut *out, many)?,
    }
    writeln!(out)
}

fn report(comparison: &Comparison) -> Report<'_> {
    Report {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        comparison,
        notes: notes(comparison).iter().map(ToString::to_string).collect(),
    }
}
