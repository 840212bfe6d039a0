//! The matryoshka: the node down to its VMs, and each VM by itself, which would be too small to see beside the node.

use std::io::{self, Write};

use super::class_of;
use super::place::{Place, Which};
use crate::comparison::Comparison;
use crate::layout::figures::fixed;
use crate::layout::rounding::rounded;
use crate::layout::{Cell, Line, Table, Tone, html, left, right};
use crate::plot::{self, Frame, Rings, Value};
use crate::report::Options;
use crate::report::matryoshka::{BORDER, OPENED, printed};
use crate::report::ring::{self, Ring};

/// Writes it; nothing where there is no VM whose rings are known.
pub(super) fn write(
    comparison: &Comparison,
    options: &Options,
    place: &Place,
    out: &mut dyn Write,
) -> io::Result<()> {
    let shown = comparison.capture.shown();
    let Some(node) = ring::node(shown, if options.all { usize::MAX } else { OPENED }) else { return Ok(()) };
    super::open(place, "matryoshka", "The matryoshka: what the node pays, ring by ring", out)?;
    let draw = Draw { comparison, place };
    let mib = rounded(node.mib, 1);
    let outer = draw.ring(&node, mib, 3);
    let remark = &node.remark;
    draw.figure("matryoshka-node", "The node", &format!("RAM used by sar's formula, {remark}"), outer, out)?;
    for (at, (pod, mib)) in draw.pods(&node, mib).into_iter().enumerate() {
        let title = format!("{}: {} MiB", crate::layout::clean(&pod.name), fixed(mib, 1));
        draw.figure(
            &format!("matryoshka-vm-{at}"),
            &title,
            "on a scale of its own",
            draw.ring(pod, mib, usize::MAX),
            out,
        )?;
    }
    if has_border(&node) {
        html::lines(&[Line::new(BORDER)], out)?;
    }
    let sentences: Vec<_> = shown.vms.iter().filter_map(ring::sentence).map(Line::from).collect();
    html::lines(&sentences, out)?;
    let mut table = Table::new([left("RING"), right("MiB"), left("")]);
    rows(&node, mib, 0, &mut table);
    super::details(
        "Every ring, in MiB",
        |out| html::table(&table, "Rings", Some("MiB, formula: sar"), &place.id("rings"), out),
        out,
    )?;
    super::close(out)
}

fn has_border(ring: &Ring) -> bool {
    ring.border.is_some() || ring.inside.iter().any(has_border)
}

/// Steps in with each ring: spaces at the start of a cell are what it is a part of.
fn rows(ring: &Ring, mib: f64, depth: usize, table: &mut Table) {
    let name = format!("{}{}", "  ".repeat(depth), crate::layout::clean(&ring.name));
    table.row([Cell::from(name), fixed(mib, 1).into(), Cell::from(ring.remark.as_str()).tone(Tone::Faint)]);
    if let Some(border) = &ring.border {
        table.span(Line::new(format!("border: {border}")).tone(Tone::Strong));
    }
    for (inner, mib) in ring.inside.iter().zip(printed(ring, mib)) {
        rows(inner, mib, depth + 1, table);
    }
}

struct Draw<'a> {
    comparison: &'a Comparison,
    place: &'a Place,
}

impl Draw<'_> {
    fn figure(
        &self,
        id: &str,
        title: &str,
        remark: &str,
        ring: plot::Ring,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let said: Vec<_> = ring.inside.iter().map(|inner| format!("{} {}", inner.name, inner.text)).collect();
        let frame = Frame {
            id: self.place.id(id),
            title: title.to_owned(),
            description: format!(
                "Rings inside of rings, in MiB: {} {} holds {}. The table below has every ring.",
                ring.name,
                ring.text,
                said.join(", ")
            ),
        };
        writeln!(
            out,
            "<figure><h{0}>{1} <small>{2}</small></h{0}><p class=\"unit\">MiB</p>",
            self.place.level + 1,
            html::escaped(title),
            html::escaped(remark)
        )?;
        Rings { ring }.write(&frame, out)?;
        writeln!(out, "</figure>")
    }

    /// A ring, and `levels` of those inside of it.
    fn ring(&self, ring: &Ring, mib: f64, levels: usize) -> plot::Ring {
        let pointers = ring.json.iter().map(|pointer| match pointer.strip_prefix('-') {
            Some(path) => format!("-{}", self.place.of_shown(self.comparison, Which::Capture, path)),
            None => self.place.of_shown(self.comparison, Which::Capture, pointer),
        });
        let remark = if ring.remark.is_empty() { String::new() } else { format!(": {}", ring.remark) };
        let inside: Vec<_> = match levels {
            0 => Vec::new(),
            _ => ring
                .inside
                .iter()
                .zip(printed(ring, mib))
                .map(|(inner, mib)| self.ring(inner, mib, levels - 1))
                .collect(),
        };
        plot::Ring {
            name: ring.name.clone(),
            class: ring.group.map_or("total", class_of),
            size: ring.mib,
            value: Value::sum(ring.mib * ring.unit.per_mib(), ring.unit.name(), pointers.collect()),
            text: fixed(mib, 1),
            says: format!("{} {} MiB{remark}", crate::layout::clean(&ring.name), fixed(mib, 1)),
            border: ring.border.clone().filter(|_| levels > 0),
            inside,
        }
    }

    /// The VMs that are opened, with what is printed for them.
    fn pods<'r>(&self, node: &'r Ring, mib: f64) -> Vec<(&'r Ring, f64)> {
        let mut level = vec![(node, mib)];
        // The last ring of the node is KubeVirt, and the last of that its pods.
        for _ in 0..2 {
            level = level
                .into_iter()
                .filter_map(|(ring, mib)| ring.inside.last().zip(printed(ring, mib).last().copied()))
                .collect();
        }
        let pods = level.into_iter().flat_map(|(ring, mib)| ring.inside.iter().zip(printed(ring, mib)));
        pods.filter(|(pod, _)| !pod.inside.is_empty()).collect()
    }
}
