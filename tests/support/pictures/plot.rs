//! A plot: an SVG with an axis of values at the left and one of time below.

use std::fmt::Write;

use super::axis::{Axis, times};
use super::px;

/// What lies around the marks, in pixels.
const BELOW: f64 = 22.0;
const ABOVE: f64 = 6.0;
const RIGHT: f64 = 10.0;
/// Of a letter of a tick, the widest.
const LETTER: f64 = 6.6;

/// Where marks are drawn.
#[derive(Clone, Debug)]
pub(super) struct Plot {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
    from: f64,
    to: f64,
}

impl Plot {
    /// In so much room, with labels of at most so many letters at the left.
    pub(super) fn new([width, height]: [f64; 2], letters: usize, [from, to]: [f64; 2]) -> Plot {
        let left = letters as f64 * LETTER + 10.0;
        Plot { left, top: ABOVE, width: width - left - RIGHT, height: height - ABOVE - BELOW, from, to }
    }

    pub(super) fn x(&self, at: f64) -> f64 {
        self.left + (at - self.from) / (self.to - self.from) * self.width
    }

    /// Of a place from 0, below, to 1.
    pub(super) fn y(&self, share: f64) -> f64 {
        self.top + (1.0 - share) * self.height
    }

    /// The time axis.
    pub(super) fn time(&self, out: &mut String) {
        let below = self.top + self.height;
        for (at, text) in times(self.from, self.to, self.width) {
            let x = self.x(at);
            let _ = write!(out, "<path class=\"grid\" d=\"M{0} {1}V{2}\"/>", px(x), px(self.top), px(below));
            // At the ends there is no room for half of it.
            if (self.left - 6.0..self.left + self.width - 14.0).contains(&x) {
                let _ = write!(
                    out,
                    "<text class=\"tick middle\" x=\"{}\" y=\"{}\">{text}</text>",
                    px(x),
                    px(below + 16.0)
                );
            }
        }
    }

    /// The axis of values.
    pub(super) fn values(&self, axis: &Axis, out: &mut String) {
        for (at, text) in &axis.ticks {
            let y = self.y(axis.share(*at));
            let (left, right) = (self.left, self.left + self.width);
            let _ = write!(out, "<path class=\"grid\" d=\"M{} {}H{}\"/>", px(left), px(y), px(right));
            let _ = write!(
                out,
                "<text class=\"tick end\" x=\"{}\" y=\"{}\">{text}</text>",
                px(left - 8.0),
                px(y + 4.0)
            );
        }
    }
}

/// The letters of the longest of them.
pub(super) fn longest<'a>(texts: impl IntoIterator<Item = &'a str>) -> usize {
    texts.into_iter().map(|text| text.chars().count()).max().unwrap_or(0)
}

/// The element around marks.
pub(super) fn svg([width, height]: [f64; 2], marks: &str) -> String {
    format!("<svg width=\"{}\" height=\"{}\">{marks}</svg>", px(width), px(height))
}
