//! Rings inside of rings, lying down: each is as wide as what it holds and encloses what is inside of it.

use std::io::{self, Write};

use super::{Frame, Value, length, short};
use crate::layout::html;

const ROW: f64 = 26.0;
const BAR: f64 = 16.0;
const NAME: usize = 22;
/// What a ring stands away from the one around it, above and below.
const SHELL: f64 = 3.0;
/// The narrowest ring that is seen, in percent of the width.
const SEEN: f64 = 0.25;

/// A ring and those inside of it, which fill it.
#[derive(Clone, Debug, Default)]
pub struct Ring {
    /// Written before it.
    pub name: String,
    /// The class that gives it its colour.
    pub class: &'static str,
    /// What it holds, as it is drawn.
    pub size: f64,
    /// The same as a figure of the report.
    pub value: Value,
    /// Written beside it.
    pub text: String,
    /// What it says when it is pointed at.
    pub says: String,
    /// Inside of it another counts: who, and when.
    pub border: Option<String>,
    /// From the left.
    pub inside: Vec<Ring>,
}

/// A ring that is as wide as the plot.
#[derive(Clone, Debug)]
pub struct Rings {
    /// The outermost.
    pub ring: Ring,
}

/// A row of the plot.
struct Row<'a> {
    ring: &'a Ring,
    depth: usize,
    /// Percent of the width, from the left.
    from: f64,
    width: f64,
    top: f64,
    /// Where the last row of what is inside of it ends.
    bottom: f64,
    /// How many levels there are inside of it.
    levels: usize,
}

impl Rings {
    /// Writes them.
    ///
    /// # Errors
    /// Where `out` can't be written.
    pub fn write(&self, frame: &Frame, out: &mut dyn Write) -> io::Result<()> {
        let mut rows = Vec::new();
        let whole = self.ring.size.max(f64::MIN_POSITIVE);
        let height = rows_of(&self.ring, 0, 0.0, 100.0 / whole, 4.0, &mut rows).0;
        frame.write("rings", height + 6.0, out, |out| {
            for row in rows.iter().filter(|row| !row.ring.inside.is_empty()) {
                shell(row, out)?;
            }
            for row in &rows {
                bar(row, out)?;
            }
            Ok(())
        })
    }
}

/// Appends the rows of `ring` and of what is inside of it. Answers where they end, and how deep they go.
fn rows_of<'a>(
    ring: &'a Ring,
    depth: usize,
    from: f64,
    scale: f64,
    top: f64,
    rows: &mut Vec<Row<'a>>,
) -> (f64, usize) {
    let width = ring.size.max(0.0) * scale;
    let at = rows.len();
    rows.push(Row { ring, depth, from, width, top, bottom: 0.0, levels: 0 });
    let mut bottom = top + ROW;
    if ring.border.is_some() {
        bottom += ROW - 4.0;
    }
    let (mut left, mut levels) = (from, 0);
    for inner in &ring.inside {
        let (end, deep) = rows_of(inner, depth + 1, left, scale, bottom, rows);
        left += inner.size.max(0.0) * scale;
        bottom = end;
        levels = levels.max(deep + 1);
    }
    if !ring.inside.is_empty() {
        bottom += SHELL;
    }
    rows[at].bottom = bottom;
    rows[at].levels = levels;
    (bottom, levels)
}

/// The outline around all that is inside of a ring.
fn shell(row: &Row<'_>, out: &mut dyn Write) -> io::Result<()> {
    let class = if row.ring.border.is_some() { "shell border" } else { "shell" };
    let top = row.top + (ROW - BAR) / 2.0 - SHELL;
    writeln!(
        out,
        "<rect class=\"{class} {}\" x=\"{}%\" y=\"{top}\" width=\"{}%\" height=\"{}\" rx=\"4\"/>",
        row.ring.class,
        length(row.from),
        length(row.width.max(SEEN)),
        length(row.bottom - top - 1.0),
    )
}

fn bar(row: &Row<'_>, out: &mut dyn Write) -> io::Result<()> {
    let Row { ring, depth, from, width, top, .. } = row;
    let baseline = top + ROW / 2.0 + 4.0;
    writeln!(
        out,
        "<text class=\"name\" x=\"{}\" y=\"{baseline}\">{}</text>",
        // Names stand at the left of the margin and step in with their ring.
        *depth as f64 * 9.0 - 152.0,
        html::escaped(&short(&ring.name, NAME - depth))
    )?;
    writeln!(
        out,
        "<rect class=\"mark {}\" x=\"{}%\" y=\"{}\" width=\"{}%\" height=\"{BAR}\" rx=\"2\"{}><title>{}</title></rect>",
        ring.class,
        length(*from),
        top + (ROW - BAR) / 2.0,
        length(width.max(SEEN)),
        ring.value,
        html::escaped(&ring.says),
    )?;
    writeln!(out, "<text class=\"amount\" x=\"100%\" y=\"{baseline}\">{}</text>", html::escaped(&ring.text))?;
    let Some(border) = &ring.border else { return Ok(()) };
    let y = top + ROW + 6.0;
    writeln!(out, "<line class=\"border\" x1=\"-152\" x2=\"100%\" y1=\"{y}\" y2=\"{y}\"/>")?;
    writeln!(
        out,
        "<text class=\"border\" x=\"-152\" y=\"{}\">{}</text>",
        y + 13.0,
        html::escaped(&short(border, 60))
    )
}
