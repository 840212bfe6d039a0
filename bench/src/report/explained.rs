//! Where it went: a total, and parts that sum to it as printed.

use edgebench_sampler::Bytes;

use super::Options;
use crate::comparison::{Baseline, Comparison, Explained, Metric, Part};
use crate::footprint::{Group, Node};
use crate::layout::figures::{bar, fixed, grouped, kib_signed, percent, signed, size, size_with_sign};
use crate::layout::rounding::{apportion, apportion_to};
use crate::layout::{Block, Cell, Table, Tone, left, right};

/// Parts below this share of RAM fold into "N more" of their group.
const SMALL_PERCENT_OF_MEMORY: f64 = 0.1;
/// Width of the longest bar.
const BAR: usize = 18;

/// The memory ledger.
pub(super) fn memory(comparison: &Comparison, options: &Options) -> Block {
    let explained = &comparison.memory;
    let mut block = Block::new(heading(comparison));
    let columns = [left("PART"), left("").flexible(), right("KiB"), right("SHARE"), left("").from(80)];
    let mut table = Table::new(columns);
    let small = comparison.capture.shown().node.memory_total.kib() as f64 * SMALL_PERCENT_OF_MEMORY / 100.0;
    let rows = folded(explained, if options.all { 0.0 } else { small });
    let amounts = apportion(&rows.iter().map(|row| row.amount).collect::<Vec<_>>(), 0);
    let total: f64 = amounts.iter().sum();
    let shares = shares(&amounts, total);
    let mut group = None;
    for ((row, amount), share) in rows.iter().zip(&amounts).zip(shares) {
        let name = name(explained, row.group);
        table.row([
            Cell::from(if group == Some(row.group) { "" } else { name }),
            Cell::from(row.name.as_str()),
            kib(*amount, explained.of_difference).into(),
            share.map(|share| percent(share, 1)).into(),
            Cell::from(bar(share.unwrap_or_default() / 100.0, BAR)).tone(Tone::Faint),
        ]);
        group = Some(row.group);
    }
    table.rule();
    let whole = if total == 0.0 { None } else { Some(percent(100.0, 1)) };
    table.row([
        Cell::from("total").tone(Tone::Strong),
        "".into(),
        Cell::from(kib(total, explained.of_difference)).tone(Tone::Strong),
        whole.into(),
        "= node table".into(),
    ]);
    let shared = comparison.capture.shown().memory.shared_guest_kib;
    if shared != 0 {
        table.row([
            Cell::from("outside of it"),
            "guest RAM in shared memory".into(),
            grouped(shared.unsigned_abs()).into(),
            "".into(),
            "in Cached".into(),
        ]);
    }
    block.table(table);
    block.line(available(comparison));
    block
}

/// RAM used (available) does not close: how much cache the kernel could give back is its estimate.
fn available(comparison: &Comparison) -> String {
    let shown = &comparison.capture.shown().node;
    let before = comparison.measured().map(|side| &side.shown().node);
    let mib = |figure: fn(&Node) -> Option<Bytes>| match (figure(shown), before.map(figure)) {
        (Some(shown), Some(Some(before))) => format!("{} MiB", signed(shown.minus(before).mib(), 1)),
        (Some(shown), None) => format!("{} MiB", fixed(shown.mib(), 1)),
        _ => "not known".to_owned(),
    };
    format!(
        "RAM used (available) is not closed: besides these parts it holds shared memory ({}), unreclaimable slab ({}), \
         and what the kernel would not give back of cache.",
        mib(|node| node.shared_memory),
        mib(|node| node.slab_unreclaimable),
    )
}

fn heading(comparison: &Comparison) -> String {
    let total = comparison.memory.total;
    match &comparison.baseline {
        Baseline::Measured(_) => {
            let (before, after) = super::columns(comparison);
            let bytes = (total * 1024.0) as i64;
            format!(
                "Where the {} of RAM went (KiB, formula: sar; {before} to {after})",
                size_with_sign(bytes)
            )
        }
        _ => {
            format!("Where the {} of RAM used is (KiB, formula: sar)", size((total.max(0.0) * 1024.0) as u64))
        }
    }
}

fn kib(amount: f64, with_sign: bool) -> String {
    let whole = amount as i64;
    match (with_sign, whole < 0) {
        (true, _) => kib_signed(whole),
        (false, true) => format!("-{}", grouped(whole.unsigned_abs())),
        (false, false) => grouped(whole.unsigned_abs()),
    }
}

/// Shares of the total, which sum to 100.0 as printed; nothing where there is no total.
fn shares(amounts: &[f64], total: f64) -> Vec<Option<f64>> {
    if total == 0.0 {
        return vec![None; amounts.len()];
    }
    let exact: Vec<_> = amounts.iter().map(|amount| amount * 100.0 / total).collect();
    apportion(&exact, 1).into_iter().map(Some).collect()
}

fn name(explained: &Explained, group: Group) -> &'static str {
    if explained.of_difference { group.name_of_change(explained.of(group)) } else { group.name() }
}

struct Row {
    group: Group,
    name: String,
    amount: f64,
}

/// Parts in the order of tables; the small ones of a group as one row at its end.
fn folded(explained: &Explained, small: f64) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for group in groups(&explained.parts) {
        let of_group = explained.parts.iter().filter(|part| part.key.group == group);
        let (kept, small): (Vec<_>, Vec<_>) =
            of_group.partition(|part| part.amount.abs() >= small || is_alone(part));
        rows.extend(kept.iter().map(|part| Row { group, name: part.key.name.clone(), amount: part.amount }));
        match small.as_slice() {
            [] => {}
            [one] => rows.push(Row { group, name: one.key.name.clone(), amount: one.amount }),
            many => rows.push(Row {
                group,
                name: format!("{} {}", many.len(), if kept.is_empty() { "parts" } else { "more" }),
                amount: many.iter().map(|part| part.amount).sum(),
            }),
        }
    }
    rows
}

/// A part that says something however small it is: what the reader came for, and what closes the sum.
fn is_alone(part: &Part) -> bool {
    !matches!(part.key.group, Group::Kubernetes | Group::Other | Group::Kernel | Group::Machine)
}

fn groups(parts: &[Part]) -> Vec<Group> {
    let mut groups: Vec<_> = parts.iter().map(|part| part.key.group).collect();
    groups.sort_unstable();
    groups.dedup();
    groups
}

/// The CPU ledger, by group.
pub(super) fn cpu(comparison: &Comparison) -> Block {
    let explained = &comparison.cpu;
    let shown = comparison.capture.shown();
    let tick = 100.0 / shown.cpu.interval_ticks.max(1) as f64;
    let total = cpu_total(comparison);
    let mut block = Block::new(if explained.of_difference {
        format!("Where the {} points of CPU went (of the whole node; 1 tick = {tick:.3})", signed(total, 2))
    } else {
        format!("Where the {} of CPU used went (of the whole node; 1 tick = {tick:.3})", percent(total, 2))
    });
    let mut amounts: Vec<(String, f64)> = Vec::new();
    for group in groups(&explained.parts) {
        for (name, amount) in cpu_parts(explained, group) {
            amounts.push((name, amount));
        }
    }
    let exact: Vec<_> = amounts.iter().map(|(_, amount)| *amount).collect();
    let rounded = apportion_to(&exact, total, 2);
    let sum: f64 = rounded.iter().sum();
    let mut words: Vec<_> = amounts
        .iter()
        .zip(&rounded)
        .filter(|((name, _), amount)| **amount != 0.0 || name == Group::Unexplained.name())
        .map(|((name, _), amount)| format!("{name} {}", signed(*amount, 2)))
        .collect();
    words.push(format!("= total {}", signed(sum, 2)));
    block.line(words.join("   "));
    block
}

/// The total, to the last bit as the node table has it from other figures: else it may be printed there rounded
/// the other way.
fn cpu_total(comparison: &Comparison) -> f64 {
    let total = comparison.cpu.total;
    let of_node = comparison.node_row(Metric::CpuUsed).and_then(|row| match comparison.cpu.of_difference {
        true => row.percent.delta,
        false => Some(row.percent.capture),
    });
    of_node.filter(|of_node| (of_node - total).abs() < 1e-9).unwrap_or(total)
}

/// The parts of a group that stand for themselves: each of the machine's and the kernel's, else the group.
fn cpu_parts(explained: &Explained, group: Group) -> Vec<(String, f64)> {
    match group {
        Group::Machine | Group::Kernel => explained
            .parts
            .iter()
            .filter(|part| part.key.group == group)
            .map(|part| (part.key.name.clone(), part.amount))
            .collect(),
        _ => {
            vec![(name(explained, group).to_owned(), explained.of(group))]
        }
    }
}
