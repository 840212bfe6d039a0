//! One bar for a whole, and pieces that fill it from the left: all of a node's RAM.

use std::io::{self, Write};

use super::{Frame, Value, length};
use crate::layout::html;

const HEIGHT: f64 = 34.0;
/// A piece below this share is not seen; it is drawn as wide as this.
const SEEN: f64 = 0.15;

/// A piece of the whole.
#[derive(Clone, Debug)]
pub struct Piece {
    /// The class that gives it its colour.
    pub class: &'static str,
    /// How much of it there is.
    pub value: Value,
    /// What it says when it is pointed at.
    pub says: String,
}

/// A whole and its pieces.
#[derive(Clone, Debug)]
pub struct Strip {
    /// All there is.
    pub whole: f64,
    /// From the left.
    pub pieces: Vec<Piece>,
}

impl Strip {
    /// Writes it.
    ///
    /// # Errors
    /// Where `out` can't be written.
    pub fn write(&self, frame: &Frame, out: &mut dyn Write) -> io::Result<()> {
        frame.write("strip", HEIGHT, out, |out| {
            writeln!(out, "<rect class=\"whole\" width=\"100%\" height=\"{HEIGHT}\" rx=\"3\"/>")?;
            let mut at = 0.0;
            for piece in &self.pieces {
                let share = piece.value.exact.max(0.0) * 100.0 / self.whole.max(f64::MIN_POSITIVE);
                let width = share.max(SEEN).min(100.0 - at);
                writeln!(
                    out,
                    "<rect class=\"mark {}\" x=\"{}%\" width=\"{}%\" height=\"{HEIGHT}\"{}><title>{}</title></rect>",
                    piece.class,
                    length(at),
                    length(width),
                    piece.value,
                    html::escaped(&piece.says),
                )?;
                at += width;
            }
            Ok(())
        })
    }
}
