//! CPU and RAM used, sample by sample, with the averages that the node table holds.
//!
//! The interval of a comparison is that of the difference. It is drawn around the average with KubeVirt, from the average
//! without it: where the band reaches that line, noise alone may be the difference.

use std::io::{self, Write};

use super::place::{Place, Which};
use crate::comparison::{Baseline, Comparison, Metric, NodeRow, Side};
use crate::footprint::{Footprint, Samples};
use crate::layout::figures::{fixed, percent};
use crate::layout::{Table, html, left, right};
use crate::plot::{Frame, Level, Line, MOST_POINTS, Traces, Value};

/// What is drawn: the metric, its key in the JSON report, its samples.
type Series = (Metric, &'static str, fn(&Samples) -> &[f64]);

const SERIES: [Series; 2] = [
    (Metric::CpuUsed, "cpu_used_percent", |samples| &samples.cpu_used_percent),
    (Metric::MemoryUsed, "memory_used_percent", |samples| &samples.memory_used_percent),
];

/// Writes a plot for each metric, and the samples as a table.
pub(super) fn write(comparison: &Comparison, place: &Place, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<div class=\"pair\">")?;
    for series in SERIES {
        plot(comparison, place, series, out)?;
    }
    writeln!(out, "</div>")?;
    writeln!(out, "<details><summary>The samples</summary>")?;
    html::table(&table(comparison), "Samples", Some("percent of the node"), &place.id("samples"), out)?;
    writeln!(out, "</details>")
}

fn plot(comparison: &Comparison, place: &Place, series: Series, out: &mut dyn Write) -> io::Result<()> {
    let (metric, key, of) = series;
    let Some(row) = comparison.node_row(metric) else { return Ok(()) };
    let index = comparison.node.iter().position(|other| other.metric == metric).unwrap_or_default();
    let mut lines = Vec::new();
    for (which, side, class) in sides(comparison) {
        for (at, capture) in side.captures.iter().enumerate() {
            lines.push(Line {
                class,
                samples: of(&capture.series),
                json: place.of_capture(which, at, &format!("/series/{key}")),
                name: side.name.clone(),
            });
        }
    }
    let traces = Traces { lines, levels: levels(comparison, row, place, index), unit: " %" };
    let frame = Frame {
        id: place.id(&format!("plot-{}", key.replace('_', "-"))),
        title: format!("{}, sample by sample", metric.name()),
        description: description(comparison, row),
    };
    writeln!(out, "<figure><h{0}>{1}</h{0}>", place.level + 1, html::escaped(metric.name()))?;
    legend(comparison, row, out)?;
    traces.write(&frame, out)?;
    writeln!(out, "</figure>")
}

fn sides(comparison: &Comparison) -> Vec<(Which, &Side, &'static str)> {
    let before = comparison.measured().map(|side| (Which::Baseline, side, "without"));
    before.into_iter().chain([(Which::Capture, &comparison.capture, "kubevirt")]).collect()
}

fn levels(comparison: &Comparison, row: &NodeRow, place: &Place, index: usize) -> Vec<Level> {
    let at = |path: &str| place.json(&format!("/node/{index}/{path}"));
    let mut levels = Vec::new();
    let mark = if matches!(comparison.baseline, Baseline::Estimated) { "~" } else { "" };
    if let Some(baseline) = row.percent.baseline {
        levels.push(Level {
            class: "without",
            value: Value::at(baseline, "%", at("percent/baseline")),
            text: format!("{mark}{}", percent(baseline, 2)),
            band: None,
        });
    }
    let band = row.interval.map(|(low, high)| {
        let end = |points: f64, end: usize| {
            let mut json = vec![at(&format!("interval/{end}"))];
            json.extend(row.percent.baseline.map(|_| at("percent/baseline")));
            Value::sum(row.percent.baseline.unwrap_or_default() + points, "%", json)
        };
        (end(low, 0), end(high, 1))
    });
    levels.push(Level {
        class: "kubevirt",
        value: Value::at(row.percent.capture, "%", at("percent/capture")),
        text: percent(row.percent.capture, 2),
        band,
    });
    levels
}

fn legend(comparison: &Comparison, row: &NodeRow, out: &mut dyn Write) -> io::Result<()> {
    let (before, after) = super::names(comparison);
    writeln!(out, "<ul class=\"legend\">")?;
    if row.percent.baseline.is_some() {
        let dash = if comparison.measured().is_none() { " estimated" } else { "" };
        writeln!(out, "<li class=\"line hollow without{dash}\">{before}</li>")?;
    }
    writeln!(out, "<li class=\"line kubevirt\">{after}</li>")?;
    let band = match row.interval {
        Some(_) if row.percent.baseline.is_some() => "95 % interval of the difference",
        Some(_) => "95 % interval of the average",
        None if row.verdict.is_some() && comparison.measured().is_none() => "",
        None => "no interval: too few samples",
    };
    match (row.interval, band) {
        (_, "") => {}
        (Some(_), _) => writeln!(out, "<li class=\"band kubevirt\">{band}</li>")?,
        (None, _) => writeln!(out, "<li class=\"none\">{band}</li>")?,
    }
    writeln!(out, "</ul>")
}

fn description(comparison: &Comparison, row: &NodeRow) -> String {
    let (before, after) = super::names(comparison);
    let mut text = format!("{after}: {} on average", percent(row.percent.capture, 2));
    if let Some(baseline) = row.percent.baseline {
        text += &format!("; {before}: {}", percent(baseline, 2));
    }
    if let Some((low, high)) = row.interval {
        let what = if row.percent.baseline.is_some() { " of the difference" } else { "" };
        text += &format!("; 95 % interval{what}: {} to {}", fixed(low, 2), fixed(high, 2));
    }
    text += ". The samples stand in a table below.";
    text
}

/// The samples of the captures that are shown, or of so many neighbours the mean.
fn table(comparison: &Comparison) -> Table {
    let (before, after) = super::names(comparison);
    let mut columns = vec![left("SAMPLE")];
    let mut series: Vec<&[f64]> = Vec::new();
    for (metric, _, of) in SERIES {
        for (which, side, _) in sides(comparison) {
            let name = if which == Which::Baseline { before } else { after };
            columns.push(right(match comparison.measured() {
                Some(_) => format!("{} %, {name}", metric.name()),
                None => format!("{} %", metric.name()),
            }));
            let shown: &Footprint = side.shown();
            series.push(of(&shown.series));
        }
    }
    let longest = series.iter().map(|samples| samples.len()).max().unwrap_or_default();
    let width = longest.div_ceil(MOST_POINTS).max(1);
    let mut table = Table::new(columns);
    for from in (0..longest).step_by(width) {
        let last = (from + width).min(longest);
        let name = if width == 1 { last.to_string() } else { format!("{} to {last}", from + 1) };
        let cells = series.iter().map(|samples| {
            let chunk = samples.get(from..last.min(samples.len())).filter(|chunk| !chunk.is_empty());
            chunk.map(|chunk| fixed(chunk.iter().sum::<f64>() / chunk.len() as f64, 2)).unwrap_or_default()
        });
        table.row(std::iter::once(name).chain(cells));
    }
    table
}
