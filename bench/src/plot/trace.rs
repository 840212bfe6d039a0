//! Samples in the order they were taken, their averages, and how sure these are.
//!
//! A capture may hold 86,400 samples. No screen has that many columns, so above [`MOST_POINTS`] neighbours are drawn as
//! their mean.

use std::io::{self, Write};

use super::{Frame, Scale, Value, length};
use crate::layout::figures::fixed;
use crate::layout::html;

/// The most points of a line.
pub const MOST_POINTS: usize = 480;
/// Up to here every sample gets a dot of its own.
const MOST_DOTS: usize = 60;
/// Room for the plot, above it and below it.
const HEIGHT: f64 = 150.0;
const ABOVE: f64 = 10.0;
const BELOW: f64 = 24.0;
/// Letters are about as high as this.
const LETTER: f64 = 15.0;

/// A series of samples.
#[derive(Clone, Debug)]
pub struct Line<'a> {
    /// The class that gives it its look.
    pub class: &'static str,
    /// Its samples.
    pub samples: &'a [f64],
    /// Pointer to them in the JSON report.
    pub json: String,
    /// What it is called.
    pub name: String,
}

/// An average.
#[derive(Clone, Debug)]
pub struct Level {
    /// The class that gives it its look.
    pub class: &'static str,
    /// Where it is.
    pub value: Value,
    /// Written at it.
    pub text: String,
    /// The interval around it, where one is claimed.
    pub band: Option<(Value, Value)>,
}

/// Series on one scale.
#[derive(Clone, Debug)]
pub struct Traces<'a> {
    /// The later over the earlier.
    pub lines: Vec<Line<'a>>,
    /// At most one for each side.
    pub levels: Vec<Level>,
    /// Written after a tick.
    pub unit: &'static str,
}

impl Traces<'_> {
    /// Writes them.
    ///
    /// # Errors
    /// Where `out` can't be written.
    pub fn write(&self, frame: &Frame, out: &mut dyn Write) -> io::Result<()> {
        let bands = self.levels.iter().filter_map(|level| level.band.as_ref());
        let figures = self.lines.iter().flat_map(|line| line.samples.iter().copied());
        let figures = figures
            .chain(self.levels.iter().map(|level| level.value.exact))
            .chain(bands.flat_map(|(low, high)| [low.exact, high.exact]));
        let scale = Scale::of(figures, 3);
        let longest = self.lines.iter().map(|line| line.samples.len()).max().unwrap_or_default();
        frame.write("traces", ABOVE + HEIGHT + BELOW, out, |out| {
            self.axes(&scale, longest, out)?;
            for level in &self.levels {
                band(level, &scale, out)?;
            }
            for line in &self.lines {
                line.write(&scale, longest, self.unit, out)?;
            }
            self.averages(&scale, out)
        })
    }

    fn axes(&self, scale: &Scale, longest: usize, out: &mut dyn Write) -> io::Result<()> {
        for tick in scale.ticks() {
            let y = length(down(scale, tick));
            let class = if tick == 0.0 { "axis" } else { "grid" };
            writeln!(out, "<line class=\"{class}\" x1=\"0\" x2=\"100%\" y1=\"{y}\" y2=\"{y}\"/>")?;
            writeln!(
                out,
                "<text class=\"tick\" x=\"-8\" y=\"{}\">{}{}</text>",
                length(down(scale, tick) + 4.0),
                fixed(tick, scale.decimals()),
                self.unit
            )?;
        }
        let bottom = ABOVE + HEIGHT + LETTER + 4.0;
        let ends = [(1, "start"), (longest, "end")];
        for (sample, anchor) in
            ends.into_iter().filter(|(sample, _)| *sample > 0).skip(usize::from(longest == 1))
        {
            let x = length(across(sample - 1, longest));
            let word = if sample == 1 { "sample " } else { "" };
            let anchor = if longest == 1 { "middle" } else { anchor };
            writeln!(
                out,
                "<text class=\"sample\" x=\"{x}%\" y=\"{bottom}\" text-anchor=\"{anchor}\">{word}{sample}</text>"
            )?;
        }
        Ok(())
    }

    /// Lines across, and their names beside them.
    fn averages(&self, scale: &Scale, out: &mut dyn Write) -> io::Result<()> {
        let places: Vec<_> = self.levels.iter().map(|level| down(scale, level.value.exact)).collect();
        let labels = apart(&places);
        for ((level, y), label) in self.levels.iter().zip(&places).zip(labels) {
            writeln!(
                out,
                "<line class=\"mark level {}\" x1=\"0\" x2=\"100%\" y1=\"{y}\" y2=\"{y}\"{}/>",
                level.class,
                level.value,
                y = length(*y),
            )?;
            writeln!(
                out,
                "<text class=\"average {}\" x=\"100%\" dx=\"8\" y=\"{}\">{}</text>",
                level.class,
                length(label + 4.0),
                html::escaped(&level.text)
            )?;
        }
        Ok(())
    }
}

/// Places of labels that do not touch, as near as can be to where they should be. There are two at most.
fn apart(places: &[f64]) -> Vec<f64> {
    match places {
        [one, other] if (one - other).abs() < LETTER => {
            let (middle, half) = ((one + other) / 2.0, LETTER / 2.0);
            if one < other { vec![middle - half, middle + half] } else { vec![middle + half, middle - half] }
        }
        _ => places.to_vec(),
    }
}

fn band(level: &Level, scale: &Scale, out: &mut dyn Write) -> io::Result<()> {
    let Some((low, high)) = &level.band else { return Ok(()) };
    let (top, bottom) = (down(scale, high.exact), down(scale, low.exact));
    writeln!(
        out,
        "<rect class=\"band {}\" x=\"0\" width=\"100%\" y=\"{}\" height=\"{}\"><title>95 % interval</title></rect>",
        level.class,
        length(top),
        length((bottom - top).max(1.0))
    )?;
    for (end, y) in [(low, bottom), (high, top)] {
        let y = length(y);
        writeln!(
            out,
            "<line class=\"mark end {}\" x1=\"0\" x2=\"100%\" y1=\"{y}\" y2=\"{y}\"{end}/>",
            level.class
        )?;
    }
    Ok(())
}

impl Line<'_> {
    fn write(&self, scale: &Scale, longest: usize, unit: &str, out: &mut dyn Write) -> io::Result<()> {
        let width = self.samples.len().div_ceil(MOST_POINTS).max(1);
        let means: Vec<(f64, f64)> = self
            .samples
            .chunks(width)
            .enumerate()
            .map(|(at, chunk)| {
                let place = at as f64 * width as f64 + (chunk.len() - 1) as f64 / 2.0;
                (place, chunk.iter().sum::<f64>() / chunk.len() as f64)
            })
            .collect();
        self.path(&means, width, scale, longest, out)?;
        if self.samples.len() > MOST_DOTS {
            return Ok(());
        }
        let radius = if longest > 20 { 2.5 } else { 4.0 };
        for (at, value) in self.samples.iter().enumerate() {
            writeln!(
                out,
                "<circle class=\"mark dot {}\" cx=\"{}%\" cy=\"{}\" r=\"{radius}\"{}><title>{}</title></circle>",
                self.class,
                length(across(at, longest)),
                length(down(scale, *value)),
                Value::at(*value, "%", format!("{}/{at}", self.json)),
                html::escaped(&format!("{}, sample {}: {}{unit}", self.name, at + 1, fixed(*value, 2))),
            )?;
        }
        Ok(())
    }

    /// The line itself, through the `means` of `width` samples each; one alone makes none.
    fn path(
        &self,
        means: &[(f64, f64)],
        width: usize,
        scale: &Scale,
        longest: usize,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        if means.len() < 2 {
            return Ok(());
        }
        // A path has no percentages, so it is drawn in a square that is stretched.
        writeln!(
            out,
            "<svg y=\"{ABOVE}\" width=\"100%\" height=\"{HEIGHT}\" viewBox=\"0 0 100 {HEIGHT}\" \
             preserveAspectRatio=\"none\">"
        )?;
        let points: Vec<_> = means
            .iter()
            .map(|(place, value)| {
                let x = (place + 0.5) * 100.0 / longest.max(1) as f64;
                format!("{},{}", length(x), length(down(scale, *value) - ABOVE))
            })
            .collect();
        let values: Vec<_> = means.iter().map(|(_, value)| value.to_string()).collect();
        writeln!(
            out,
            "<polyline class=\"mark line {}\" points=\"{}\" data-json=\"{}\" data-values=\"{}\" \
             data-each=\"{width}\"/>\n</svg>",
            self.class,
            points.join(" "),
            self.json,
            values.join(" "),
        )
    }
}

/// The middle of a sample's column, in percent.
fn across(sample: usize, longest: usize) -> f64 {
    (sample as f64 + 0.5) * 100.0 / longest.max(1) as f64
}

fn down(scale: &Scale, value: f64) -> f64 {
    ABOVE + (1.0 - scale.share(value)) * HEIGHT
}
