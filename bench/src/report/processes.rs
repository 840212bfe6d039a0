//! The process table: the source document's rows first, in its order, then every other component.

use edgebench_sampler::Bytes;
use edgebench_sampler::component::{OF_THE_SOURCE_DOCUMENT, Stack};

use super::Options;
use crate::comparison::{Baseline, Comparison};
use crate::footprint::{ComponentRow, Footprint, Proportion};
use crate::layout::figures::fixed;
use crate::layout::{Block, Cell, Row, Table, Tone, left, right};

/// Without KubeVirt the largest few are shown by name.
const LARGEST: usize = 10;
/// A row below both of these says nothing by itself.
const SMALL_PERCENT_OF_MEMORY: f64 = 0.1;
const SMALL_PERCENT_OF_CPU: f64 = 0.05;

/// The table.
pub(super) fn block(comparison: &Comparison, options: &Options) -> Block {
    let shown = comparison.capture.shown();
    let nothing = matches!(comparison.baseline, Baseline::Nothing);
    let mut block = Block::new(if nothing && !options.all {
        format!(
            "Processes: the {LARGEST} largest by {}, by name (--all for the rest)",
            if shown.has_proportional() { "PSS" } else { "RES" }
        )
    } else {
        "Processes (at the last sample; CPU over all of them: 100 % = the whole node)".to_owned()
    });
    let mut columns = vec![
        left("COMPONENT").flexible(),
        left("STACK").from(90),
        right("PROCS"),
        right("RES MiB"),
        right("%MEM"),
        right("PSS MiB"),
        right("CPU %"),
    ];
    let swapped = shown.components.iter().any(|row| row.swap != Bytes::ZERO);
    if swapped {
        columns.insert(6, right("SWAP MiB"));
    }
    let mut table = Table::new(columns);
    let rows = if nothing { by_size(shown) } else { shown.components.iter().collect() };
    let of_document = |row: &ComponentRow| row.known && row.order < OF_THE_SOURCE_DOCUMENT;
    let kept = |index: usize, row: &ComponentRow| {
        options.all
            || row.kernel_threads
            || row.stack == Stack::Edgebench
            || if nothing { index < LARGEST } else { of_document(row) || is_worth_a_row(row) }
    };
    let (kept, folded): (Vec<_>, Vec<_>) =
        rows.into_iter().enumerate().partition(|(index, row)| kept(*index, row));
    let mut kept: Vec<_> = kept.into_iter().map(|(_, row)| row).collect();
    // Kernel threads and edgebench stand last: they are nobody's.
    kept.sort_by_key(|row| (row.kernel_threads, row.stack == Stack::Edgebench));
    let mut ruled = !kept.first().is_some_and(|row| of_document(row));
    let folded: Vec<_> = folded.into_iter().map(|(_, row)| row).collect();
    let mut more = fold(&folded);
    for row in kept {
        if !ruled && !of_document(row) {
            table.rule();
            ruled = true;
        }
        if row.stack == Stack::Edgebench || row.kernel_threads {
            table.rows.extend(more.take().map(|row| cells(&row, swapped)));
        }
        table.rows.push(cells(row, swapped));
    }
    table.rows.extend(more.map(|row| cells(&row, swapped)));
    block.table(table);
    block.line("RES counts shared pages once for each process: do not add it up. PSS may be added.");
    if let Some(age) = shown.components.iter().filter_map(|row| row.age_seconds).reduce(f64::max) {
        block.line(format!(
            "~ rows that the exporter reads at a slow cadence: up to {} s old at the last sample.",
            fixed(age, 0)
        ));
    }
    if shown.components.iter().any(|row| matches!(row.proportional, Proportion::Estimate(_))) {
        block.line("~ PSS of processes below 1 MiB is not read: their anonymous memory stands in.");
    }
    block
}

fn by_size(shown: &Footprint) -> Vec<&ComponentRow> {
    let mut rows: Vec<_> = shown.components.iter().collect();
    rows.sort_by_key(|row| std::cmp::Reverse((row.proportional.bytes(), row.resident)));
    rows
}

fn is_worth_a_row(row: &ComponentRow) -> bool {
    // Every component of KubeVirt's and its VMs' is worth a row; others are when they weigh something.
    (row.known && row.stack.is_tracked())
        || row.resident_percent >= SMALL_PERCENT_OF_MEMORY
        || row.cpu_percent.is_none_or(|share| share >= SMALL_PERCENT_OF_CPU)
}

/// What the folded rows are together; nothing where there is none.
fn fold(rows: &[&ComponentRow]) -> Option<ComponentRow> {
    let (first, others) = rows.split_first()?;
    if others.is_empty() {
        return Some((*first).clone());
    }
    let mut sum =
        ComponentRow { component: format!("{} more", rows.len()), known: false, ..(*first).clone() };
    for row in others {
        sum.processes += row.processes;
        sum.resident += row.resident;
        sum.resident_percent += row.resident_percent;
        sum.proportional = sum.proportional.and(row.proportional);
        sum.swap += row.swap;
        sum.cpu_percent = sum.cpu_percent.zip(row.cpu_percent).map(|(sum, share)| sum + share);
        sum.age_seconds = sum.age_seconds.into_iter().chain(row.age_seconds).reduce(f64::max);
        if row.stack != sum.stack {
            sum.stack = Stack::Other;
        }
    }
    Some(sum)
}

fn cells(row: &ComponentRow, swapped: bool) -> Row {
    // Threads of the kernel have no memory of their own, and neither has what is gone.
    let memory = |figure: String| {
        if row.kernel_threads || row.processes == 0 { Cell::from("-") } else { figure.into() }
    };
    let mark = if row.age_seconds.is_some() { "~" } else { "" };
    let stack = if row.kernel_threads { "" } else { row.stack.name() };
    let mut cells = vec![
        Cell::from(row.component.as_str()),
        Cell::from(stack).tone(Tone::Faint),
        row.processes.to_string().into(),
        memory(format!("{mark}{}", fixed(row.resident.mib(), 1))),
        memory(format!("{mark}{}", fixed(row.resident_percent, 1))),
        memory(proportional(row.proportional)),
        row.cpu_percent.map(|share| format!("{mark}{}", fixed(share, 2))).into(),
    ];
    if swapped {
        cells.insert(6, memory(format!("{mark}{}", fixed(row.swap.mib(), 1))));
    }
    Row::Cells(cells)
}

fn proportional(proportion: Proportion) -> String {
    match proportion {
        Proportion::Exact(bytes) => fixed(bytes.mib(), 1),
        Proportion::Estimate(bytes) => format!("~{}", fixed(bytes.mib(), 1)),
        Proportion::Unknown => "-".to_owned(),
    }
}
