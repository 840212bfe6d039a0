//! Plots as inline SVG, for a page that loads nothing and runs nothing.
//!
//! A plot is plain data and a function that writes it; it knows no measurement. Lengths along x are percentages, which
//! SVG takes for `x`, `width` and `cx` though not inside of a path (SVG 2, 8.5 and 9), and lengths along y are pixels:
//! so a plot is as wide as there is room, and its letters keep their size on a phone and on paper. What lies beside the
//! plot (labels, amounts) is drawn over its edge, into margins that the style sheet leaves.
//!
//! Every mark carries the figure that it shows, in full precision, as `data-value`, and in `data-json` where the JSON
//! report has it: JSON pointers (RFC 6901), several of which are a sum.

mod bars;
mod mark;
mod rings;
mod scale;
mod strip;
mod trace;
mod waterfall;

pub use bars::{Bar, BarRow, Bars};
pub use mark::Value;
pub use rings::{Ring, Rings};
pub use scale::Scale;
pub use strip::{Piece, Strip};
pub use trace::{Level, Line, MOST_POINTS, Traces};
pub use waterfall::{Step, Waterfall};

use std::io::{self, Write};

use crate::layout::html;

/// What a plot is called, and what it shows in a sentence for who can't see it.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// Its `id`, which no other element of the page has.
    pub id: String,
    /// Its name.
    pub title: String,
    /// What is to be seen.
    pub description: String,
}

impl Frame {
    /// Writes the element around what `marks` writes.
    fn write(
        &self,
        class: &str,
        height: f64,
        out: &mut dyn Write,
        marks: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let Frame { id, title, description } = self;
        writeln!(
            out,
            "<svg class=\"plot {class}\" id=\"{id}\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\" \
             width=\"100%\" height=\"{height}\">"
        )?;
        writeln!(out, "<title id=\"{id}-title\">{}</title>", html::escaped(title))?;
        writeln!(out, "<desc id=\"{id}-desc\">{}</desc>", html::escaped(description))?;
        marks(out)?;
        writeln!(out, "</svg>")
    }
}

/// A label that has little room: what is longer ends in `…`.
fn short(text: &str, most: usize) -> String {
    let text = crate::layout::clean(text);
    if text.chars().count() <= most {
        return text;
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// A length, with no more digits than a screen has.
fn length(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
