//! Where RAM and CPU went: a waterfall, and the ledger behind it.

use std::io::{self, Write};

use super::place::Place;
use super::{class_of, details};
use crate::comparison::{Comparison, Explained};
use crate::footprint::Group;
use crate::layout::figures::{fixed, signed};
use crate::layout::{Cell, Table, Tone, html, left, right};
use crate::plot::{Frame, Step, Value, Waterfall};
use crate::report::Options;
use crate::report::explained::{self, Share};

/// Parts of a group that are named when it is pointed at.
const NAMED: usize = 12;

/// Writes the memory ledger.
pub(super) fn memory(
    comparison: &Comparison,
    options: &Options,
    place: &Place,
    out: &mut dyn Write,
) -> io::Result<()> {
    let block = explained::memory(comparison, options);
    let heading = block.heading.as_deref().unwrap_or_default();
    super::open(place, "memory", html::heading(heading).0, out)?;
    let ledger = Ledger {
        explained: &comparison.memory,
        key: "memory",
        unit: "MiB",
        counts: "KiB",
        scale: 1024.0,
        decimals: 1,
    };
    let shares = explained::memory_groups(comparison);
    ledger.plot(&shares, comparison.memory.total, heading, place, out)?;
    details("Every part, in KiB", |out| html::body(&block, &place.id("memory"), out), out)?;
    super::close(out)
}

/// Writes the CPU ledger.
pub(super) fn cpu(comparison: &Comparison, place: &Place, out: &mut dyn Write) -> io::Result<()> {
    let heading = explained::cpu_heading(comparison);
    super::open(place, "cpu", html::heading(&heading).0, out)?;
    let unit = if comparison.cpu.of_difference { "pt" } else { "%" };
    let ledger =
        Ledger { explained: &comparison.cpu, key: "cpu", unit, counts: unit, scale: 1.0, decimals: 2 };
    let shares = explained::cpu_parts(comparison);
    ledger.plot(&shares, comparison.cpu.total, &heading, place, out)?;
    let table = ledger.table(&shares);
    details(
        "The same as a table",
        |out| html::table(&table, "CPU by group", html::heading(&heading).1, &place.id("cpu-table"), out),
        out,
    )?;
    super::close(out)
}

/// A ledger, and the unit that it is drawn in.
struct Ledger<'a> {
    explained: &'a Explained,
    /// Its key in the JSON report.
    key: &'static str,
    unit: &'static str,
    /// What the report counts in.
    counts: &'static str,
    scale: f64,
    decimals: u32,
}

impl Ledger<'_> {
    fn plot(
        &self,
        shares: &[Share],
        total: f64,
        heading: &str,
        place: &Place,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let waterfall = Waterfall {
            steps: shares
                .iter()
                .filter(|share| share.is_printed())
                .map(|share| self.step(share, place))
                .collect(),
            total: Step {
                name: "total".to_owned(),
                class: "total",
                value: Value::at(total, self.counts, place.json(&format!("/{}/total", self.key))),
                text: self.amount(shares.iter().map(|share| share.printed).sum()),
                says: format!("total: {} {}", self.amount(total / self.scale), self.unit),
            },
        };
        let said: Vec<_> = shares
            .iter()
            .filter(|share| share.is_printed())
            .map(|share| format!("{} {}", share.name, self.amount(share.printed)))
            .collect();
        let frame = Frame {
            id: place.id(&format!("plot-{}", self.key)),
            title: html::heading(heading).0.to_owned(),
            description: format!(
                "Each bar begins where the one above it ends, and the last is their sum. In {}: {}.",
                self.unit,
                said.join(", ")
            ),
        };
        writeln!(out, "<figure><p class=\"unit\">{}</p>", self.unit)?;
        waterfall.write(&frame, out)?;
        writeln!(out, "</figure>")
    }

    fn step(&self, share: &Share, place: &Place) -> Step {
        let pointers = share.parts.iter().map(|at| place.json(&format!("/{}/parts/{at}/amount", self.key)));
        Step {
            name: share.name.clone(),
            class: class_of(share.group),
            value: Value::sum(share.exact, self.counts, pointers.collect()),
            text: self.amount(share.printed),
            says: self.says(share),
        }
    }

    fn says(&self, share: &Share) -> String {
        let mut text = format!("{}: {} {}", share.name, self.amount(share.printed), self.unit);
        let parts = share.parts.iter().filter_map(|at| self.explained.parts.get(*at));
        let named: Vec<_> = parts
            .filter(|part| !part.key.name.is_empty() && part.key.name != share.name)
            .map(|part| {
                format!("{} {}", crate::layout::clean(&part.key.name), self.amount(part.amount / self.scale))
            })
            .collect();
        if !named.is_empty() {
            text += &format!(" = {}", named[..named.len().min(NAMED)].join(", "));
        }
        if named.len() > NAMED {
            text += &format!(" and {} more", named.len() - NAMED);
        }
        text
    }

    fn amount(&self, value: f64) -> String {
        if self.explained.of_difference { signed(value, self.decimals) } else { fixed(value, self.decimals) }
    }

    fn table(&self, shares: &[Share]) -> Table {
        let mut table = Table::new([left("PART"), right(self.unit)]);
        for share in shares.iter().filter(|share| share.is_printed() || share.group == Group::Unexplained) {
            table.row([Cell::from(share.name.as_str()), self.amount(share.printed).into()]);
        }
        table.rule();
        let sum = shares.iter().map(|share| share.printed).sum();
        table.row([Cell::from("total").tone(Tone::Strong), Cell::from(self.amount(sum)).tone(Tone::Strong)]);
        table
    }
}
