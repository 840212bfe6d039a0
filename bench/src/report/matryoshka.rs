//! The matryoshka as a tree: each ring with those inside of it (`ring`).

use super::ring::{self, Ring};
use crate::comparison::Comparison;
use crate::layout::figures::fixed;
use crate::layout::rounding::{apportion_to, rounded};
use crate::layout::{Block, Cell, Line, Table, Tone, left, right};

/// VMs that are opened; the others are one ring.
pub(super) const OPENED: usize = 3;
/// Width of the longest bar.
const BAR: usize = 20;
/// What the border means.
pub(super) const BORDER: &str = "Down to guest RAM the node counts. Below the border the guest does, by its own word and at \
                                 another time: cache, free is what is left of what the node holds.";

/// The view; nothing where there is no VM whose rings are known.
pub(super) fn block(comparison: &Comparison, all: bool) -> Option<Block> {
    let shown = comparison.capture.shown();
    let node = ring::node(shown, if all { usize::MAX } else { OPENED })?;
    let mut block = Block::new("The matryoshka (MiB, formula: sar)");
    let mut table =
        Table::new([left("RING").flexible(), right("MiB"), left("").from(80), left("").from(100)]);
    let whole = node.mib;
    let (mut rows, mut has_border) = (Vec::new(), false);
    rows_of(&node, rounded(whole, 1), "", "", &mut rows);
    for row in rows {
        let Some(mib) = row.mib else {
            has_border = true;
            // A remark on a row is indented by itself.
            let text = row.name.strip_prefix("  ").unwrap_or(&row.name).to_owned();
            table.span(Line::new(text).tone(Tone::Strong));
            continue;
        };
        let share = if whole > 0.0 { mib / whole } else { 0.0 };
        table.row([
            Cell::from(row.name),
            Cell::from(fixed(mib, 1)),
            Cell::bar(share, BAR),
            Cell::from(row.remark).tone(Tone::Faint),
        ]);
    }
    block.table(table);
    if has_border {
        block.line(BORDER);
    }
    for vm in &shown.vms {
        if let Some(line) = ring::sentence(vm) {
            block.line(line);
        }
    }
    Some(block)
}

struct Row {
    name: String,
    /// Nothing at a border.
    mib: Option<f64>,
    remark: String,
}

/// The row of a ring and those inside of it. `mib` is what is printed for it: its parts add up to that.
fn rows_of(ring: &Ring, mib: f64, lead: &str, indent: &str, rows: &mut Vec<Row>) {
    rows.push(Row { name: format!("{lead}{}", ring.name), mib: Some(mib), remark: ring.remark.clone() });
    if let Some(border) = &ring.border {
        let name = format!("{indent}==== {border} ====");
        rows.push(Row { name, mib: None, remark: String::new() });
    }
    for (at, (inner, mib)) in ring.inside.iter().zip(printed(ring, mib)).enumerate() {
        let last = at + 1 == ring.inside.len();
        let (branch, rest) = if last { ("`- ", "   ") } else { ("|- ", "|  ") };
        rows_of(inner, mib, &format!("{indent}{branch}"), &format!("{indent}{rest}"), rows);
    }
}

/// What is printed for the rings inside of one for which `mib` is printed.
pub(super) fn printed(ring: &Ring, mib: f64) -> Vec<f64> {
    let sizes: Vec<_> = ring.inside.iter().map(|ring| ring.mib).collect();
    apportion_to(&sizes, mib, 1)
}
