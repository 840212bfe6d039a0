//! Three sides or more: every one against the first.

use super::environment::minute;
use crate::comparison::{Comparison, Metric, Side};
use crate::footprint::Group;
use crate::layout::figures::{fixed, signed};
use crate::layout::rounding::apportion;
use crate::layout::{Block, Cell, Document, Table, left, right};
use crate::notes::{Note, notes};

/// `comparisons` have one baseline in common and are of different captures.
pub fn sides(comparisons: &[Comparison]) -> Document {
    let mut document = Document::new();
    let Some(baseline) = comparisons.first().and_then(Comparison::measured) else { return document };
    document.push(captures(baseline, comparisons));
    document.push(node(comparisons));
    document.push(parts(comparisons));
    let mut block = Block::new("Notes");
    let mut said: Vec<(Vec<String>, Note)> = Vec::new();
    for (index, comparison) in comparisons.iter().enumerate() {
        let side = letter(index + 1).to_string();
        for note in notes(comparison) {
            match said.iter_mut().find(|(_, other)| *other == note) {
                Some((sides, _)) => sides.push(side.clone()),
                None => said.push((vec![side.clone()], note)),
            }
        }
    }
    for (sides, note) in said {
        block.note(format!("{}: {note}", sides.join(", ")));
    }
    if !block.is_empty() {
        document.push(block);
    }
    document.push(between(comparisons));
    document
}

/// What a side is called; A is the baseline.
pub(super) fn letter(index: usize) -> char {
    char::from(b'A' + (index % 26) as u8)
}

fn captures(baseline: &Side, comparisons: &[Comparison]) -> Block {
    let mut block = Block::new(format!("{} sides, differences against A", comparisons.len() + 1));
    // Which side is which matters more than where it was taken.
    let mut table = Table::new([left(""), left(""), left(""), left("").flexible(), right("")]);
    let all = std::iter::once(baseline).chain(comparisons.iter().map(|comparison| &comparison.capture));
    for (index, side) in all.enumerate() {
        let shown = side.shown();
        let repeats = if side.captures.len() == 1 {
            String::new()
        } else {
            format!("{} captures of ", side.captures.len())
        };
        table.row([
            Cell::from(letter(index).to_string()),
            side.name.as_str().into(),
            minute(&shown.capture.started).into(),
            shown.hostname().into(),
            format!("{repeats}{} x {} s", shown.capture.samples, shown.capture.interval_seconds).into(),
        ]);
    }
    block.table(table);
    block
}

fn node(comparisons: &[Comparison]) -> Block {
    // Interval and verdict stand below the difference: beside it they would leave no room for a third side.
    let mut columns = vec![left("METRIC").flexible(), right("A")];
    for index in 1..=comparisons.len() {
        let side = letter(index);
        columns.extend([right(side.to_string()), right(format!("{side} - A"))]);
    }
    let mut table = Table::new(columns);
    for metric in Metric::ALL {
        let rows: Vec<_> = comparisons.iter().filter_map(|comparison| comparison.node_row(metric)).collect();
        let Some(first) = rows.first() else { continue };
        let mut cells = vec![
            Cell::from(format!("{} %", metric.name())),
            first.percent.baseline.map(|value| fixed(value, 2)).into(),
        ];
        let mut intervals = vec![Cell::from("  95 % (points)"), "".into()];
        let mut verdicts = vec![Cell::from("  verdict"), "".into()];
        for row in &rows {
            cells.push(fixed(row.percent.capture, 2).into());
            cells.push(row.percent.delta.map(|delta| signed(delta, 2)).into());
            let interval =
                row.interval.map(|(low, high)| format!("{} .. {}", signed(low, 2), signed(high, 2)));
            intervals.extend(["".into(), interval.into()]);
            verdicts.extend(["".into(), row.verdict.map(|verdict| verdict.name().to_owned()).into()]);
        }
        table.row(cells);
        if first.kib.is_some() {
            let mib = |kib: f64| fixed(kib / 1024.0, 1);
            let mut cells = vec![Cell::from("  MiB"), first.kib.and_then(|kib| kib.baseline).map(mib).into()];
            for row in &rows {
                cells.push(row.kib.map(|kib| mib(kib.capture)).into());
                cells.push(row.kib.and_then(|kib| kib.delta).map(|delta| signed(delta / 1024.0, 1)).into());
            }
            table.row(cells);
        }
        if rows.iter().any(|row| row.interval.is_some()) {
            table.row(intervals);
        }
        table.row(verdicts);
    }
    let mut block = Block::new("Node");
    block.table(table);
    block
}

/// The groups that make up a difference, in the order of the summary.
const LINES: [(&str, &[Group]); 8] = [
    ("guest RAM", &[Group::Guest]),
    ("VMs, unsplit", &[Group::VmUnsplit]),
    ("VM overhead", &[Group::VmOverhead]),
    ("control plane", &[Group::ControlPlane]),
    ("CDI", &[Group::Cdi]),
    ("Kubernetes grew", &[Group::Kubernetes]),
    (
        "kernel, other",
        &[Group::Edgebench, Group::Other, Group::NotInCapture, Group::Kernel, Group::DuringRun],
    ),
    ("unexplained", &[Group::Unexplained]),
];

fn parts(comparisons: &[Comparison]) -> Block {
    let mut columns = vec![left("PART")];
    columns.extend((1..=comparisons.len()).map(|index| right(format!("{} - A", letter(index)))));
    let mut table = Table::new(columns);
    let amounts: Vec<Vec<f64>> = comparisons
        .iter()
        .map(|comparison| {
            let of = |groups: &[Group]| {
                groups.iter().map(|group| comparison.memory.of(*group)).sum::<f64>() / 1024.0
            };
            apportion(&LINES.map(|(_, groups)| of(groups)), 1)
        })
        .collect();
    for (line, (name, _)) in LINES.iter().enumerate() {
        if amounts.iter().any(|side| side[line] != 0.0) {
            let cells = amounts.iter().map(|side| Cell::from(signed(side[line], 1)));
            table.row(std::iter::once(Cell::from(*name)).chain(cells));
        }
    }
    table.rule();
    let totals = amounts.iter().map(|side| Cell::from(signed(side.iter().sum(), 1)));
    table.row(std::iter::once(Cell::from("total")).chain(totals));
    let mut block = Block::new("Parts of the RAM difference (MiB, formula: sar)");
    block.table(table);
    block
}

/// How the other sides differ among each other.
fn between(comparisons: &[Comparison]) -> Block {
    let mut block = Block::new("Summary");
    for (index, pair) in comparisons.windows(2).enumerate() {
        let [one, other] = pair else { continue };
        let direct = Comparison::new(Some(one.capture.clone()), other.capture.clone());
        let (from, to) = (letter(index + 1), letter(index + 2));
        let words: Vec<_> = [Metric::MemoryUsed, Metric::CpuUsed]
            .iter()
            .filter_map(|metric| {
                let row = direct.node_row(*metric)?;
                let verdict = row.verdict?.name();
                let delta = match row.kib {
                    Some(kib) => format!("{} MiB", signed(kib.delta? / 1024.0, 1)),
                    None => format!("{} points", signed(row.percent.delta?, 2)),
                };
                Some(format!("{} {delta} ({verdict})", metric.name()))
            })
            .collect();
        block.line(format!("{to} against {from}: {}.", words.join(", ")));
    }
    block
}
