//! Components with and without KubeVirt: memory and CPU side by side, in the order of the process table.

use std::collections::BTreeMap;
use std::io::{self, Write};

use edgebench_sampler::Bytes;
use edgebench_sampler::component::Stack;

use super::place::{Place, Which};
use crate::comparison::Comparison;
use crate::footprint::{ComponentRow, Footprint, Group};
use crate::layout::figures::fixed;
use crate::layout::html;
use crate::plot::{Bar, BarRow, Bars, Frame, Value};
use crate::report::Options;

/// Rows of a plot; the smallest of the rest fold into one.
const MOST_ROWS: usize = 24;
/// Without KubeVirt the largest few are shown.
const LARGEST: usize = 10;

/// A component on both sides.
struct Pair<'a> {
    name: &'a str,
    stack: Stack,
    known: bool,
    kernel_threads: bool,
    before: Option<(usize, &'a ComponentRow)>,
    after: Option<(usize, &'a ComponentRow)>,
}

/// What is drawn of a component.
struct Figure {
    id: &'static str,
    title: String,
    unit: &'static str,
    decimals: u32,
    /// In the JSON report, below the component.
    json: &'static str,
    /// As the JSON report has it.
    exact: fn(&ComponentRow) -> Option<f64>,
    /// What the report counts in.
    counts: &'static str,
    /// How many of its unit are one of `unit`.
    scale: f64,
}

/// Writes both plots.
pub(super) fn write(
    comparison: &Comparison,
    options: &Options,
    place: &Place,
    out: &mut dyn Write,
) -> io::Result<()> {
    let shown = comparison.capture.shown();
    let sides = comparison.measured().map(|side| side.shown()).into_iter().chain([shown]);
    // Only PSS may be added up and compared; where it was not read on both sides RES is what there is.
    let memory = if sides.clone().all(Footprint::has_proportional) {
        Figure {
            id: "components-memory",
            title: "Memory (PSS)".to_owned(),
            unit: "MiB",
            decimals: 1,
            json: "/proportional/bytes",
            exact: |row| row.proportional.bytes().map(|bytes| bytes.0 as f64),
            counts: "bytes",
            scale: 1048576.0,
        }
    } else {
        Figure {
            id: "components-memory",
            title: "Memory (RES; shared pages count once for each process)".to_owned(),
            unit: "MiB",
            decimals: 1,
            json: "/resident",
            exact: |row| Some(row.resident.0 as f64),
            counts: "bytes",
            scale: 1048576.0,
        }
    };
    let cpu = Figure {
        id: "components-cpu",
        title: "CPU (100 % = the whole node)".to_owned(),
        unit: "%",
        decimals: 2,
        json: "/cpu_percent",
        exact: |row| row.cpu_percent,
        counts: "%",
        scale: 1.0,
    };
    let pairs = pairs(comparison, options);
    super::sides_legend(comparison, out)?;
    writeln!(out, "<div class=\"pair\">")?;
    for figure in [memory, cpu] {
        figure.write(comparison, &pairs, place, out)?;
    }
    writeln!(out, "</div>")
}

/// All components of both sides in the order of tables, those to draw first, then those to fold.
fn pairs<'a>(comparison: &'a Comparison, options: &Options) -> (Vec<Pair<'a>>, Vec<Pair<'a>>) {
    let mut rows: BTreeMap<_, Pair<'a>> = BTreeMap::new();
    let before = comparison.measured().map(|side| side.shown());
    let shown = comparison.capture.shown();
    let sides = before.map(|side| (Which::Baseline, side)).into_iter().chain([(Which::Capture, shown)]);
    for (which, side) in sides {
        for (at, row) in side.components.iter().enumerate() {
            let pair = rows.entry((row.order, row.component.as_str(), row.stack)).or_insert(Pair {
                name: &row.component,
                stack: row.stack,
                known: row.known,
                kernel_threads: row.kernel_threads,
                before: None,
                after: None,
            });
            match which {
                Which::Baseline => pair.before = Some((at, row)),
                Which::Capture => pair.after = Some((at, row)),
            }
        }
    }
    let mut pairs: Vec<_> = rows.into_values().collect();
    if options.all {
        return (pairs, Vec::new());
    }
    // The largest are kept, in their order; what KubeVirt consists of is kept before all others.
    let most = if shown.has_kubevirt() || before.is_some() { MOST_ROWS } else { LARGEST };
    let mut by_size: Vec<_> =
        pairs.iter().map(|pair| (!pair.is_kubevirts(), std::cmp::Reverse(pair.size()))).collect();
    by_size.sort();
    let last = by_size.get(most.saturating_sub(1)).copied();
    let mut left = most;
    let mut folded = Vec::new();
    let mut kept = Vec::new();
    for pair in pairs.drain(..) {
        let rank = (!pair.is_kubevirts(), std::cmp::Reverse(pair.size()));
        if last.is_none_or(|last| rank <= last) && left > 0 {
            left -= 1;
            kept.push(pair);
        } else {
            folded.push(pair);
        }
    }
    (kept, folded)
}

impl Pair<'_> {
    fn is_kubevirts(&self) -> bool {
        self.known && self.stack.is_tracked()
    }

    /// To tell large from small, whether or not PSS was read.
    fn size(&self) -> Bytes {
        let sizes = self.before.into_iter().chain(self.after).map(|(_, row)| row.resident);
        sizes.max().unwrap_or_default()
    }

    fn class(&self) -> &'static str {
        if self.kernel_threads { "kernel" } else { super::class_of(Group::of(self.stack)) }
    }
}

impl Figure {
    fn write(
        &self,
        comparison: &Comparison,
        (kept, folded): &(Vec<Pair<'_>>, Vec<Pair<'_>>),
        place: &Place,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let is_memory = self.unit == "MiB";
        let compared = comparison.measured().is_some();
        let drawn = |pair: &&Pair<'_>| !(is_memory && pair.kernel_threads);
        let mut rows: Vec<BarRow> = kept
            .iter()
            .filter(drawn)
            .map(|pair| {
                // A name that runs in two stacks is told apart by them.
                let is_twice = kept.iter().filter(|other| other.name == pair.name).count() > 1;
                let name = if is_twice {
                    format!("{} {}", pair.name, pair.stack.name())
                } else {
                    pair.name.to_owned()
                };
                self.row(&name, pair.class(), std::slice::from_ref(pair), comparison, place)
            })
            .collect();
        let rest: Vec<_> = folded.iter().filter(drawn).collect();
        if let [_, ..] = rest.as_slice() {
            let name = format!("{} more", rest.len());
            rows.push(self.row(&name, "other", &rest, comparison, place));
        }
        let largest = rows.iter().max_by(|a, b| longest(a).total_cmp(&longest(b)));
        let frame = Frame {
            id: place.id(self.id),
            title: format!("{} of components", self.title),
            description: format!(
                "{} rows{}, the largest {}. The process table below has every figure.",
                rows.len(),
                if compared { ", each without and with" } else { "" },
                largest.map(|row| crate::layout::clean(&row.name)).unwrap_or_default(),
            ),
        };
        writeln!(out, "<figure><h{0}>{1}</h{0}>", place.level + 1, html::escaped(&self.title))?;
        writeln!(out, "<p class=\"unit\">{}</p>", self.unit)?;
        Bars { rows }.write(&frame, out)?;
        writeln!(out, "</figure>")
    }

    /// The bars of one component, or of several together.
    fn row<'a>(
        &self,
        name: &str,
        class: &str,
        pairs: &[impl std::borrow::Borrow<Pair<'a>>],
        comparison: &Comparison,
        place: &Place,
    ) -> BarRow {
        let (before, after) = super::names(comparison);
        let mut bars = Vec::new();
        let mut bar = |which: Which, side: &str| {
            let rows = pairs.iter().filter_map(|pair| match which {
                Which::Baseline => pair.borrow().before,
                Which::Capture => pair.borrow().after,
            });
            // What is not there has no bar.
            let mut rows = rows.peekable();
            if rows.peek().is_none() {
                return;
            }
            // A sum with a part that could not be read is none.
            let found: Option<Vec<_>> = rows.map(|(at, row)| Some((at, (self.exact)(row)?))).collect();
            let exact = found.as_ref().map(|rows| rows.iter().map(|(_, exact)| exact).sum::<f64>());
            let json = found.unwrap_or_default().into_iter();
            let json = json
                .map(|(at, _)| place.of_shown(comparison, which, &format!("/components/{at}{}", self.json)));
            let text = exact.map_or_else(|| "-".to_owned(), |exact| fixed(exact / self.scale, self.decimals));
            let hollow = if which == Which::Baseline { " hollow" } else { "" };
            bars.push(Bar {
                class: format!("{class}{hollow}"),
                value: Value::sum(exact.unwrap_or(f64::NAN), self.counts, json.collect()),
                says: format!("{}, {side}: {text} {}", crate::layout::clean(name), self.unit),
                text,
            });
        };
        if comparison.measured().is_some() {
            bar(Which::Baseline, before);
        }
        bar(Which::Capture, after);
        BarRow { name: name.to_owned(), bars }
    }
}

fn longest(row: &BarRow) -> f64 {
    row.bars.iter().map(|bar| bar.value.exact).filter(|exact| exact.is_finite()).fold(0.0, f64::max)
}
