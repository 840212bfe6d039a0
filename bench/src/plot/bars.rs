//! Rows of bars that begin at one edge: what components take, without and with.

use std::io::{self, Write};

use super::{Frame, Scale, Value, length, short};
use crate::layout::html;

/// Height of a bar, and of the gap below a row.
const BAR: f64 = 11.0;
const GAP: f64 = 10.0;
/// Characters of a name that there is room for.
const NAME: usize = 23;
/// The narrowest bar that is seen, in percent of the width.
const SEEN: f64 = 0.25;

/// A bar.
#[derive(Clone, Debug)]
pub struct Bar {
    /// Classes that give it its look.
    pub class: String,
    /// Its length.
    pub value: Value,
    /// Written at its end.
    pub text: String,
    /// What it says when it is pointed at.
    pub says: String,
}

/// Bars of one name.
#[derive(Clone, Debug)]
pub struct BarRow {
    /// Written before them.
    pub name: String,
    /// From top to bottom.
    pub bars: Vec<Bar>,
}

/// Rows on one scale.
#[derive(Clone, Debug, Default)]
pub struct Bars {
    /// From top to bottom.
    pub rows: Vec<BarRow>,
}

impl Bars {
    /// Writes them.
    ///
    /// # Errors
    /// Where `out` can't be written.
    pub fn write(&self, frame: &Frame, out: &mut dyn Write) -> io::Result<()> {
        let bars = || self.rows.iter().flat_map(|row| &row.bars);
        let scale = Scale::tight(bars().map(|bar| bar.value.exact));
        let height: f64 = self.rows.iter().map(height).sum();
        frame.write("bars", height, out, |out| {
            let zero = length(scale.percent(0.0));
            writeln!(out, "<line class=\"axis\" x1=\"{zero}%\" x2=\"{zero}%\" y1=\"0\" y2=\"{height}\"/>")?;
            let mut top = 0.0;
            for row in &self.rows {
                let middle = top + (height_of_bars(row) / 2.0) + 4.0;
                writeln!(
                    out,
                    "<text class=\"name\" x=\"-8\" y=\"{middle}\">{}</text>",
                    html::escaped(&short(&row.name, NAME))
                )?;
                for (at, bar) in row.bars.iter().enumerate() {
                    bar.write(&scale, top + at as f64 * BAR, out)?;
                }
                top += self::height(row);
            }
            Ok(())
        })
    }
}

fn height_of_bars(row: &BarRow) -> f64 {
    row.bars.len().max(1) as f64 * BAR
}

fn height(row: &BarRow) -> f64 {
    height_of_bars(row) + GAP
}

impl Bar {
    fn write(&self, scale: &Scale, top: f64, out: &mut dyn Write) -> io::Result<()> {
        let (zero, end) = (scale.percent(0.0), scale.percent(self.value.exact));
        let (left, right) = (zero.min(end), zero.max(end));
        writeln!(
            out,
            "<rect class=\"mark {}\" x=\"{}%\" y=\"{}\" width=\"{}%\" height=\"{}\"{}><title>{}</title></rect>",
            self.class,
            length(left),
            top + 0.5,
            length((right - left).max(SEEN)),
            BAR - 1.0,
            self.value,
            html::escaped(&self.says),
        )?;
        writeln!(
            out,
            "<text class=\"amount {}\" x=\"{}%\" dx=\"6\" y=\"{}\">{}</text>",
            self.class,
            length(right.max(SEEN)),
            top + 9.5,
            html::escaped(&self.text)
        )
    }
}
