//! A total that is reached step by step: each bar begins where the one above it ends.

use std::io::{self, Write};

use super::{Frame, Scale, Value, length, short};
use crate::layout::html;

const ROW: f64 = 26.0;
const BAR: f64 = 16.0;
const NAME: usize = 21;
/// The narrowest bar that is seen, in percent of the width.
const SEEN: f64 = 0.25;

/// A step.
#[derive(Clone, Debug)]
pub struct Step {
    /// Written before it.
    pub name: String,
    /// The class that gives it its colour.
    pub class: &'static str,
    /// How far it goes; to the left where it is negative.
    pub value: Value,
    /// Written beside it.
    pub text: String,
    /// What it says when it is pointed at.
    pub says: String,
}

/// Steps, and where they lead.
#[derive(Clone, Debug)]
pub struct Waterfall {
    /// From top to bottom.
    pub steps: Vec<Step>,
    /// The last row, from zero to their sum.
    pub total: Step,
}

impl Waterfall {
    /// Writes it.
    ///
    /// # Errors
    /// Where `out` can't be written.
    pub fn write(&self, frame: &Frame, out: &mut dyn Write) -> io::Result<()> {
        let ends: Vec<f64> = self
            .steps
            .iter()
            .scan(0.0, |sum, step| {
                *sum += step.value.exact;
                Some(*sum)
            })
            .collect();
        let total = self.total.value.exact;
        let scale = Scale::tight(ends.iter().copied().chain([total]));
        let height = (self.steps.len() + 1) as f64 * ROW + 4.0;
        frame.write("waterfall", height, out, |out| {
            let zero = length(scale.percent(0.0));
            writeln!(out, "<line class=\"axis\" x1=\"{zero}%\" x2=\"{zero}%\" y1=\"0\" y2=\"{height}\"/>")?;
            let mut from = 0.0;
            for (at, (step, end)) in self.steps.iter().zip(&ends).enumerate() {
                let top = at as f64 * ROW;
                let x = length(scale.percent(*end));
                // Down to the next bar, which begins here.
                writeln!(
                    out,
                    "<line class=\"thread\" x1=\"{x}%\" x2=\"{x}%\" y1=\"{}\" y2=\"{}\"/>",
                    top + (ROW - BAR) / 2.0,
                    top + ROW + (ROW + BAR) / 2.0
                )?;
                step.write(&scale, from, *end, top, out)?;
                from = *end;
            }
            let top = height - ROW;
            writeln!(out, "<line class=\"rule\" x1=\"-152\" x2=\"100%\" y1=\"{0}\" y2=\"{0}\"/>", top - 1.0)?;
            self.total.write(&scale, 0.0, total, top, out)
        })
    }
}

impl Step {
    fn write(&self, scale: &Scale, from: f64, to: f64, top: f64, out: &mut dyn Write) -> io::Result<()> {
        let (from, to) = (scale.percent(from), scale.percent(to));
        let baseline = top + ROW / 2.0 + 4.0;
        writeln!(
            out,
            "<text class=\"name\" x=\"-8\" y=\"{baseline}\">{}</text>",
            html::escaped(&short(&self.name, NAME))
        )?;
        writeln!(
            out,
            "<rect class=\"mark {}\" x=\"{}%\" y=\"{}\" width=\"{}%\" height=\"{BAR}\"{}><title>{}</title></rect>",
            self.class,
            length(from.min(to)),
            top + (ROW - BAR) / 2.0,
            length((from - to).abs().max(SEEN)),
            self.value,
            html::escaped(&self.says),
        )?;
        writeln!(
            out,
            "<text class=\"amount\" x=\"100%\" y=\"{baseline}\">{}</text>",
            html::escaped(&self.text)
        )
    }
}
