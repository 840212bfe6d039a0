//! Every figure as a row of one table (RFC 4180), for spreadsheets and data frames.
//!
//! `side,section,name,stack,figure,unit,baseline,capture,delta`: a figure that is not known is an empty field.
//! `side` is the name of the capture that is held against the baseline.

use std::io::{self, Write};

use crate::comparison::{Change, Comparison};
use crate::footprint::{ComponentRow, VmRow};

const HEADING: &str = "side,section,name,stack,figure,unit,baseline,capture,delta";

/// Writes the table.
///
/// # Errors
/// Where `out` can't be written.
pub fn csv(comparisons: &[Comparison], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{HEADING}")?;
    comparisons
        .iter()
        .try_for_each(|comparison| rows(comparison, Rows { side: &comparison.capture.name, out }))
}

fn rows(comparison: &Comparison, mut rows: Rows<'_>) -> io::Result<()> {
    for row in &comparison.node {
        rows.change("node", row.metric.name(), "", "used", "percent", &row.percent)?;
        if let Some(kib) = &row.kib {
            rows.change("node", row.metric.name(), "", "used", "KiB", kib)?;
        }
        if let Some((low, high)) = row.interval {
            rows.one("node", row.metric.name(), "", "interval_low", "points", low)?;
            rows.one("node", row.metric.name(), "", "interval_high", "points", high)?;
        }
    }
    let before = comparison.measured().map(|side| side.shown());
    let shown = comparison.capture.shown();
    for row in &shown.components {
        let earlier = before.and_then(|before| {
            before
                .components
                .iter()
                .find(|other| (&other.component, other.stack) == (&row.component, row.stack))
        });
        component(&mut rows, row, earlier, before.is_some())?;
    }
    for row in &shown.vms {
        vm(&mut rows, row)?;
    }
    for (section, explained, unit) in
        [("memory", &comparison.memory, "KiB"), ("cpu", &comparison.cpu, "points")]
    {
        for part in &explained.parts {
            let group = if explained.of_difference {
                part.key.group.name_of_change(part.amount)
            } else {
                part.key.group.name()
            };
            let change = if explained.of_difference {
                Change { baseline: None, capture: f64::NAN, delta: Some(part.amount) }
            } else {
                Change { baseline: None, capture: part.amount, delta: None }
            };
            rows.change(section, &part.key.name, "", group, unit, &change)?;
        }
    }
    Ok(())
}

fn component(
    rows: &mut Rows<'_>,
    row: &ComponentRow,
    earlier: Option<&ComponentRow>,
    compared: bool,
) -> io::Result<()> {
    type Figure = fn(&ComponentRow) -> Option<f64>;
    let figures: [(&str, &str, Figure); 6] = [
        ("processes", "", |row| Some(row.processes as f64)),
        ("resident", "bytes", |row| Some(row.resident.0 as f64)),
        ("resident", "percent", |row| Some(row.resident_percent)),
        ("proportional", "bytes", |row| row.proportional.bytes().map(|bytes| bytes.0 as f64)),
        ("swap", "bytes", |row| Some(row.swap.0 as f64)),
        ("cpu", "percent", |row| row.cpu_percent),
    ];
    for (figure, unit, of) in figures {
        let Some(now) = of(row) else { continue };
        // A component that was not there before used nothing.
        let then = compared.then(|| earlier.map_or(Some(0.0), of)).flatten();
        let change = Change { baseline: then, capture: now, delta: then.map(|then| now - then) };
        rows.change("process", &row.component, row.stack.name(), figure, unit, &change)?;
    }
    Ok(())
}

fn vm(rows: &mut Rows<'_>, row: &VmRow) -> io::Result<()> {
    let figures = [
        ("guest", "bytes", row.guest_size.map(|bytes| bytes.0 as f64)),
        ("guest_resident", "bytes", row.guest_resident.map(|bytes| bytes.0 as f64)),
        ("guest_proportional", "bytes", row.guest_proportional.map(|bytes| bytes.0 as f64)),
        ("overhead", "bytes", row.overhead.map(|bytes| bytes.0 as f64)),
        ("swap", "bytes", row.swap.map(|bytes| bytes.0 as f64)),
        ("pod_working_set", "bytes", row.compute.map(|figures| figures.working_set.0 as f64)),
        ("guest_cpu", "percent", row.cpu_guest_percent),
        ("overhead_cpu", "percent", row.cpu_overhead_percent),
    ];
    for (figure, unit, value) in figures {
        if let Some(value) = value {
            rows.one("vm", &row.full_name(), "vm-pod", figure, unit, value)?;
        }
    }
    Ok(())
}

struct Rows<'a> {
    side: &'a str,
    out: &'a mut dyn Write,
}

impl Rows<'_> {
    fn one(
        &mut self,
        section: &str,
        name: &str,
        stack: &str,
        figure: &str,
        unit: &str,
        value: f64,
    ) -> io::Result<()> {
        self.change(
            section,
            name,
            stack,
            figure,
            unit,
            &Change { baseline: None, capture: value, delta: None },
        )
    }

    fn change(
        &mut self,
        section: &str,
        name: &str,
        stack: &str,
        figure: &str,
        unit: &str,
        change: &Change,
    ) -> io::Result<()> {
        let number = |value: Option<f64>| {
            value.filter(|value| value.is_finite()).map(|value| value.to_string()).unwrap_or_default()
        };
        writeln!(
            self.out,
            "{},{},{},{},{},{},{},{},{}",
            field(self.side),
            section,
            field(name),
            stack,
            field(figure),
            unit,
            number(change.baseline),
            number(Some(change.capture)),
            number(change.delta)
        )
    }
}

/// A field that quotes, commas and line ends can't leave. A leading `=`, `+`, `-` or `@` would be a formula
/// to a spreadsheet, so such a name gets an apostrophe.
fn field(text: &str) -> String {
    let text = crate::layout::clean(text);
    let text = if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_in_its_field() {
        assert_eq!(field("virt-api"), "virt-api");
        assert_eq!(field("a,b"), "\"a,b\"");
        assert_eq!(field("say \"x\""), "\"say \"\"x\"\"\"");
        assert_eq!(field("=1+1"), "'=1+1");
        assert_eq!(field("two\nlines"), "two\\nlines");
    }
}
