//! Where it went: a total, and parts that sum to it as printed.

use edgebench_sampler::Bytes;

use super::Options;
use crate::comparison::{Baseline, Comparison, Explained, Metric, Part};
use crate::footprint::{Group, Node};
use crate::layout::figures::{fixed, grouped, kib_signed, percent, signed, size, size_with_sign};
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
            Cell::bar(share.unwrap_or_default() / 100.0, BAR),
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
    let mut block = Block::new(cpu_heading(comparison));
    let parts = cpu_parts(comparison);
    let mut words: Vec<_> = parts
        .iter()
        .filter(|part| part.is_printed())
        .map(|part| format!("{} {}", part.name, signed(part.printed, 2)))
        .collect();
    let sum: f64 = parts.iter().map(|part| part.printed).sum();
    words.push(format!("= total {}", signed(sum, 2)));
    block.line(words.join("   "));
    block
}

/// What the CPU ledger is of.
pub(super) fn cpu_heading(comparison: &Comparison) -> String {
    let shown = comparison.capture.shown();
    let tick = 100.0 / shown.cpu.interval_ticks.max(1) as f64;
    let total = cpu_total(comparison);
    if comparison.cpu.of_difference {
        format!("Where the {} points of CPU went (of the whole node; 1 tick = {tick:.3})", signed(total, 2))
    } else {
        format!("Where the {} of CPU used went (of the whole node; 1 tick = {tick:.3})", percent(total, 2))
    }
}

/// A part that stands for itself in a ledger by group.
#[derive(Clone, Debug)]
pub(super) struct Share {
    /// What it is for.
    pub(super) group: Group,
    /// As people read it.
    pub(super) name: String,
    /// In the ledger's unit.
    pub(super) exact: f64,
    /// Rounded, so that all of them add up to the total as printed.
    pub(super) printed: f64,
    /// The parts it is the sum of, as positions in the ledger.
    pub(super) parts: Vec<usize>,
}

impl Share {
    /// Whether it says anything: what rounds to nothing does not, but for what closes the sum.
    pub(super) fn is_printed(&self) -> bool {
        self.printed != 0.0 || self.group == Group::Unexplained
    }
}

/// The parts of CPU used, in points: each of the machine's and the kernel's, else the group.
pub(super) fn cpu_parts(comparison: &Comparison) -> Vec<Share> {
    let apart = |group| matches!(group, Group::Machine | Group::Kernel);
    let mut shares = shares_of(&comparison.cpu, apart);
    let exact: Vec<_> = shares.iter().map(|share| share.exact).collect();
    for (share, printed) in shares.iter_mut().zip(apportion_to(&exact, cpu_total(comparison), 2)) {
        share.printed = printed;
    }
    shares
}

/// The groups of RAM used, in MiB.
pub(super) fn memory_groups(comparison: &Comparison) -> Vec<Share> {
    let mut shares = shares_of(&comparison.memory, |_| false);
    let mib: Vec<_> = shares.iter().map(|share| share.exact / 1024.0).collect();
    for (share, printed) in shares.iter_mut().zip(apportion(&mib, 1)) {
        share.printed = printed;
    }
    shares
}

fn shares_of(explained: &Explained, apart: impl Fn(Group) -> bool) -> Vec<Share> {
    let mut shares = Vec::new();
    for group in groups(&explained.parts) {
        let of_group = || explained.parts.iter().enumerate().filter(|(_, part)| part.key.group == group);
        let share = |name: &str, exact: f64, parts: Vec<usize>| Share {
            group,
            name: name.to_owned(),
            exact,
            printed: exact,
            parts,
        };
        if apart(group) {
            shares.extend(of_group().map(|(at, part)| share(&part.key.name, part.amount, vec![at])));
        } else {
            let parts = of_group().map(|(at, _)| at).collect();
            shares.push(share(name(explained, group), explained.of(group), parts));
        }
    }
    shares
}

/// The total, to the last bit as the node table has it from other figures: else it may be printed there rounded
/// the other way.
pub(super) fn cpu_total(comparison: &Comparison) -> f64 {
    let total = comparison.cpu.total;
    let of_node = comparison.node_row(Metric::CpuUsed).and_then(|row| match comparison.cpu.of_difference {
        true => row.percent.delta,
        false => Some(row.percent.capture),
    });
    of_node.filter(|of_node| (of_node - total).abs() < 1e-9).unwrap_or(total)
}
