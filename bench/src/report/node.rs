//! The node table: CPU and RAM without KubeVirt and with it.

use crate::comparison::{Baseline, Change, Comparison, Judgement, NodeRow};
use crate::layout::figures::{fixed, percent, points, signed};
use crate::layout::{Block, Cell, Table, Tone, left, right};

/// The table of the source document, with interval and verdict.
pub(super) fn block(comparison: &Comparison) -> Block {
    let mut block = Block::new("Node");
    block.table(match &comparison.baseline {
        Baseline::Nothing => alone(comparison),
        _ => two_sides(comparison),
    });
    block.line("sar: sysstat 11.7.4 to 12.7.7, as in the source document; available: free, newer sysstat");
    block
}

fn two_sides(comparison: &Comparison) -> Table {
    let (before, after) = super::columns(comparison);
    let estimated = matches!(comparison.baseline, Baseline::Estimated);
    let mark = if estimated { "~" } else { "" };
    let mut table = Table::new([
        left("METRIC"),
        right(before),
        right(after),
        right(format!("{mark}DELTA")),
        right("95 % INTERVAL").from(90),
        right("VERDICT"),
    ]);
    for row in &comparison.node {
        let verdict = row.verdict.map(verdict).unwrap_or_else(|| "-".into());
        table.row([
            Cell::from(row.metric.name()),
            row.percent.baseline.map(|value| percent(value, 2)).into(),
            percent(row.percent.capture, 2).into(),
            row.percent.delta.map(|value| format!("{mark}{}", points(value, 2))).into(),
            interval(row).into(),
            verdict,
        ]);
        if let Some(kib) = &row.kib {
            table.row(sizes(kib, mark));
        }
    }
    table
}

fn sizes(kib: &Change, mark: &str) -> [Cell; 6] {
    let mib = |kib: f64| format!("{} MiB", fixed(kib / 1024.0, 1));
    [
        "".into(),
        kib.baseline.map(mib).into(),
        mib(kib.capture).into(),
        kib.delta.map(|delta| format!("{mark}{} MiB", signed(delta / 1024.0, 1))).into(),
        "".into(),
        "".into(),
    ]
}

fn interval(row: &NodeRow) -> Option<String> {
    row.interval.map(|(low, high)| format!("{} .. {}", signed(low, 2), points(high, 2)))
}

fn verdict(judgement: Judgement) -> Cell {
    let tone = match judgement {
        Judgement::Real => Tone::Good,
        Judgement::WithinNoise => Tone::Plain,
        Judgement::TooFewSamples | Judgement::Estimate => Tone::Faint,
    };
    Cell::from(judgement.name()).tone(tone)
}

fn alone(comparison: &Comparison) -> Table {
    let mut table = Table::new([left("METRIC"), right("THIS NODE"), right("95 % INTERVAL"), right("SIZE")]);
    for row in &comparison.node {
        let interval = row.interval.map(|(low, high)| format!("{} .. {}", fixed(low, 2), percent(high, 2)));
        let size = row.kib.map(|kib| format!("{} MiB", fixed(kib.capture / 1024.0, 1)));
        table.row([
            Cell::from(row.metric.name()),
            percent(row.percent.capture, 2).into(),
            interval.into(),
            size.unwrap_or_default().into(),
        ]);
    }
    table
}
