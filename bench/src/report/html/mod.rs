//! The report as one page: for people who would rather look than read.
//!
//! The page is a file that is sent by mail and opened from a disk, and in it are names that anybody may have chosen. So it
//! loads nothing and runs nothing: style and plots are inside, there is no script, and a Content Security Policy has the
//! browser refuse both all the same (W3C CSP Level 3, 3.3: as a `meta` element it holds from there on, so it comes before
//! everything that it is to hold for).
//!
//! Its tables are the blocks of the text report, but for the order: on a screen the answer comes last, where it stays, on a
//! page it comes first. Every mark of a plot says where the JSON report has its figure (`plot`).

mod components;
mod ledger;
mod matryoshka;
mod overview;
mod palette;
mod place;
mod samples;

use std::io::{self, Write};

use place::Place;

use super::{Options, columns, environment, node, processes, sides, vms};
use crate::comparison::{Baseline, Comparison};
use crate::footprint::Group;
use crate::layout::{Block, Part, html as layout};
use crate::notes::notes;

const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";
const STYLE: &str = include_str!("style.css");

/// Writes the page.
///
/// # Errors
/// Where `out` can't be written.
pub fn html(comparisons: &[Comparison], options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let Some(last) = comparisons.last() else { return Ok(()) };
    head(last, out)?;
    match comparisons {
        [one] => {
            header(one, &sections(one), &Place::alone(), out)?;
            writeln!(out, "<main>")?;
            body(one, options, &Place::alone(), out)?;
        }
        several => of_several(several, options, out)?,
    }
    let version = env!("CARGO_PKG_VERSION");
    writeln!(out, "</main>\n<footer>")?;
    writeln!(
        out,
        "<p>Written by edgebench {version}. This page loads nothing and runs nothing. Every mark carries its figure in full \
         precision (<code>data-value</code>) and where the same report has it as JSON (<code>data-json</code>, <code>edgebench … \
         --format json</code>).</p>"
    )?;
    writeln!(out, "</footer>\n</body>\n</html>")
}

fn head(comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    let shown = comparison.capture.shown();
    let title = format!("edgebench: {}, {}", shown.hostname(), environment::time(&shown.capture.started));
    writeln!(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
    writeln!(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">")?;
    writeln!(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
    writeln!(out, "<meta name=\"color-scheme\" content=\"light dark\">")?;
    writeln!(out, "<meta name=\"referrer\" content=\"no-referrer\">")?;
    // Else a browser asks the server for one.
    writeln!(out, "<link rel=\"icon\" href=\"data:,\">")?;
    writeln!(out, "<title>{}</title>", layout::escaped(&title))?;
    writeln!(out, "<style>\n{}{STYLE}</style>\n</head>\n<body>", palette::css())
}

/// A section of the page: its id, and its name in the line that leads to it.
type Section = (&'static str, &'static str);

fn sections(comparison: &Comparison) -> Vec<Section> {
    let shown = comparison.capture.shown();
    let mut sections = vec![
        ("summary", "Summary"),
        ("node", "Node"),
        ("memory", "RAM"),
        ("cpu", "CPU"),
        ("processes", "Processes"),
    ];
    if !shown.vms.is_empty() {
        sections.push(("vms", "VMs"));
    }
    if shown.vms.iter().any(|vm| vm.rings.is_some()) {
        sections.push(("matryoshka", "Matryoshka"));
    }
    if !notes(comparison).is_empty() {
        sections.push(("notes", "Notes"));
    }
    sections.push(("environment", "Environment"));
    sections
}

fn header(
    comparison: &Comparison,
    sections: &[Section],
    place: &Place,
    out: &mut dyn Write,
) -> io::Result<()> {
    let shown = comparison.capture.shown();
    writeln!(out, "<header>\n<p class=\"kicker\">edgebench: footprint</p>")?;
    writeln!(out, "<h1>{}</h1>", layout::escaped(shown.hostname()))?;
    title_lines(comparison, out)?;
    navigation(sections, place, out)?;
    writeln!(out, "</header>")
}

/// The lines of the report's title, but for what the page says above them: the program and the node.
fn title_lines(comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    let title = environment::title(comparison);
    let lines = title.body.iter().filter_map(|part| match part {
        Part::Lines(lines) => Some(lines),
        _ => None,
    });
    for line in lines.flatten() {
        let words = line.text.split("   ").map(|words| layout::prose(words).to_string());
        let words: Vec<_> = words.skip(if line.text.starts_with("edgebench ") { 2 } else { 0 }).collect();
        writeln!(out, "<p class=\"meta\">{}</p>", words.join(" <span aria-hidden=\"true\">·</span> "))?;
    }
    Ok(())
}

fn navigation(sections: &[Section], place: &Place, out: &mut dyn Write) -> io::Result<()> {
    let name = if place.id.is_empty() { "Sections".to_owned() } else { format!("Sections of {}", place.id) };
    writeln!(out, "<nav aria-label=\"{}\"><ul>", layout::escaped(name.trim_end_matches('-')))?;
    for (id, name) in sections {
        writeln!(out, "<li><a href=\"#{}\">{name}</a></li>", place.id(id))?;
    }
    writeln!(out, "</ul></nav>")
}

/// All that there is to say of one comparison.
fn body(comparison: &Comparison, options: &Options, place: &Place, out: &mut dyn Write) -> io::Result<()> {
    overview::write(comparison, options, place, out)?;

    let block = node::block(comparison);
    open(place, "node", "Node", out)?;
    layout::body(&block, &place.id("node"), out)?;
    samples::write(comparison, place, out)?;
    close(out)?;

    ledger::memory(comparison, options, place, out)?;
    ledger::cpu(comparison, place, out)?;

    let block = processes::block(comparison, options);
    open(place, "processes", layout::heading(block.heading.as_deref().unwrap_or_default()).0, out)?;
    components::write(comparison, options, place, out)?;
    layout::body(&block, &place.id("processes"), out)?;
    close(out)?;

    if let Some(block) = vms::block(comparison) {
        section(&block, place, "vms", out)?;
    }
    matryoshka::write(comparison, options, place, out)?;
    let notes = notes(comparison);
    if !notes.is_empty() {
        let mut block = Block::new("Notes: what to know before believing it");
        for note in &notes {
            block.note(note.to_string());
        }
        section(&block, place, "notes", out)?;
    }
    section(&environment::block(comparison), place, "environment", out)
}

/// Three sides or more: what they have in common, then each against the first.
fn of_several(comparisons: &[Comparison], options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let alone = Place::alone();
    writeln!(out, "<header>\n<p class=\"kicker\">edgebench: comparison</p>")?;
    let names: Vec<_> = comparisons.iter().map(|one| crate::layout::clean(&one.capture.name)).collect();
    let baseline = comparisons.first().and_then(Comparison::measured).map_or("", |side| &side.name);
    writeln!(out, "<h1>{} sides against {}</h1>", names.len(), layout::escaped(baseline))?;
    writeln!(out, "<nav aria-label=\"Sides\"><ul>")?;
    let letter = |at: usize| super::sides::letter(at + 1);
    for (at, name) in names.iter().enumerate() {
        let place = Place::one_of_many(at);
        writeln!(
            out,
            "<li><a href=\"#{}\">{}: {}</a></li>",
            place.id("all"),
            letter(at),
            layout::escaped(name)
        )?;
    }
    writeln!(out, "</ul></nav>\n</header>\n<main>")?;
    for (at, block) in sides(comparisons).blocks.iter().enumerate() {
        section(block, &alone, &format!("overview-{at}"), out)?;
    }
    for (at, comparison) in comparisons.iter().enumerate() {
        let place = Place::one_of_many(at);
        writeln!(out, "<article id=\"{}\">", place.id("all"))?;
        writeln!(out, "<h2>{} against A: {}</h2>", letter(at), layout::escaped(&comparison.capture.name))?;
        title_lines(comparison, out)?;
        navigation(&sections(comparison), &place, out)?;
        body(comparison, options, &place, out)?;
        writeln!(out, "</article>")?;
    }
    Ok(())
}

/// A block of the text report as a section.
fn section(block: &Block, place: &Place, id: &str, out: &mut dyn Write) -> io::Result<()> {
    open(place, id, layout::heading(block.heading.as_deref().unwrap_or_default()).0, out)?;
    layout::body(block, &place.id(id), out)?;
    close(out)
}

fn open(place: &Place, id: &str, heading: &str, out: &mut dyn Write) -> io::Result<()> {
    let id = place.id(id);
    writeln!(out, "<section id=\"{id}\" aria-labelledby=\"{id}-heading\">")?;
    writeln!(out, "<h{0} id=\"{id}-heading\">{1}</h{0}>", place.level, layout::escaped(heading))
}

fn close(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "</section>")
}

/// What stands behind a plot, for who wants it.
fn details(
    summary: &str,
    inside: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "<details><summary>{}</summary>", layout::escaped(summary))?;
    inside(out)?;
    writeln!(out, "</details>")
}

/// The two sides as a legend calls them.
fn names(comparison: &Comparison) -> (&'static str, &'static str) {
    match columns(comparison) {
        ("BASELINE", _) => ("baseline", "capture"),
        ("NO KUBEVIRT", _) => ("no KubeVirt", "KubeVirt"),
        (_, "KUBEVIRT") => ("no KubeVirt (estimated)", "KubeVirt"),
        _ => ("", "this node"),
    }
}

/// Which bars are of which side, where there are two.
fn sides_legend(comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    if !matches!(comparison.baseline, Baseline::Measured(_)) {
        return Ok(());
    }
    let (before, after) = names(comparison);
    writeln!(
        out,
        "<ul class=\"legend\"><li class=\"hollow total\">{before}</li><li class=\"total\">{after}</li></ul>"
    )
}

/// The class that gives a group its colour, the same in every plot.
fn class_of(group: Group) -> &'static str {
    match group {
        Group::Guest => "guest",
        Group::VmOverhead | Group::VmUnsplit => "vm",
        Group::ControlPlane => "kubevirt",
        Group::Cdi => "cdi",
        Group::Kubernetes => "kubernetes",
        Group::Edgebench => "edgebench",
        Group::Other | Group::Ended => "other",
        Group::Kernel => "kernel",
        Group::Machine => "machine",
        Group::NotInCapture | Group::DuringRun | Group::Unexplained => "unexplained",
    }
}
