//! The head of the page: what was measured, the answer, and the node's RAM as one bar.

use std::io::{self, Write};

use super::place::{Place, Which};
use crate::comparison::{Baseline, Comparison, Metric};
use crate::layout::figures::{fixed, percent, signed, size};
use crate::layout::{Block, Part, Tone, html};
use crate::plot::{Frame, Piece, Strip, Value};
use crate::report::{Options, summary};

const KIB: f64 = 1024.0;

/// Writes the answer: its first sentence large, the node as a bar, and then the rest of it.
pub(super) fn write(
    comparison: &Comparison,
    options: &Options,
    place: &Place,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut block = summary::block(comparison, options);
    // The answer is the heading.
    let lead = take_lead(&mut block).unwrap_or_else(|| "Summary".to_owned());
    super::open(place, "summary", lead.trim_end_matches(':'), out)?;
    strip(comparison, place, out)?;
    html::body(&block, &place.id("summary"), out)?;
    super::close(out)
}

/// Takes the first line if it is the answer.
fn take_lead(block: &mut Block) -> Option<String> {
    let Some(Part::Lines(lines)) = block.body.first_mut() else { return None };
    let first = lines.first().filter(|line| line.tone == Tone::Strong)?.text.clone();
    lines.remove(0);
    Some(first)
}

/// All of the node's RAM: what is used without KubeVirt, what comes with it, and the rest.
fn strip(comparison: &Comparison, place: &Place, out: &mut dyn Write) -> io::Result<()> {
    let Some(index) = comparison.node.iter().position(|row| row.metric == Metric::MemoryUsed) else {
        return Ok(());
    };
    let Some(kib) = comparison.node[index].kib else { return Ok(()) };
    let total = comparison.capture.shown().node.memory_total;
    let at = |field: &str| place.json(&format!("/node/{index}/kib/{field}"));
    let mark = if matches!(comparison.baseline, Baseline::Estimated) { "~" } else { "" };
    let mib = |kib: f64| format!("{} MiB", fixed(kib / KIB, 1));
    let (before, after) = super::names(comparison);
    let mut pieces = Vec::new();
    let mut said = Vec::new();
    let mut piece = |class: &'static str, value: Value, text: String, name: &str| {
        pieces.push(Piece { class, value, says: format!("{name}: {text}") });
        said.push((class, text, name.to_owned()));
    };
    match kib.baseline.zip(kib.delta) {
        Some((baseline, delta)) if delta >= 0.0 => {
            let name = format!("used, {before}");
            piece(
                "without",
                Value::at(baseline, "KiB", at("baseline")),
                format!("{mark}{}", mib(baseline)),
                &name,
            );
            let text = format!("{mark}{} MiB", signed(delta / KIB, 1));
            piece("kubevirt", Value::at(delta, "KiB", at("delta")), text, &format!("more, {after}"));
        }
        Some((_, delta)) => {
            piece(
                "kubevirt",
                Value::at(kib.capture, "KiB", at("capture")),
                mib(kib.capture),
                &format!("used, {after}"),
            );
            let freed = Value::sum(-delta, "KiB", vec![format!("-{}", at("delta"))]);
            piece("without hollow", freed, format!("{mark}{}", mib(-delta)), &format!("more, {before}"));
        }
        None => piece("kubevirt", Value::at(kib.capture, "KiB", at("capture")), mib(kib.capture), "used"),
    }
    let whole = total.kib() as f64;
    let free = whole - kib.capture.max(kib.baseline.unwrap_or_default());
    let all = place.of_shown(comparison, Which::Capture, "/node/memory_total");
    let frame = Frame {
        id: place.id("plot-node"),
        title: "RAM of the node".to_owned(),
        description: format!(
            "Of {}: {}.",
            size(total.0),
            said.iter().map(|(_, text, name)| format!("{name} {text}")).collect::<Vec<_>>().join(", ")
        ),
    };
    writeln!(out, "<figure class=\"node\">")?;
    Strip { whole, pieces }.write(&frame, out)?;
    writeln!(out, "<ul class=\"legend\">")?;
    for (class, text, name) in &said {
        writeln!(out, "<li class=\"{class}\"><b>{}</b> {}</li>", html::escaped(text), html::escaped(name))?;
    }
    let free = size((free.max(0.0) * KIB) as u64);
    writeln!(out, "<li class=\"free\"><b>{free}</b> free, cache and slab</li>")?;
    let share = percent(kib.capture * 100.0 / whole.max(1.0), 1);
    writeln!(
        out,
        "<li class=\"none\">of <b{}>{}</b> in all, {share} used by sar's formula</li>",
        Value::at(total.0 as f64, "bytes", all),
        size(total.0)
    )?;
    writeln!(out, "</ul>\n</figure>")
}
