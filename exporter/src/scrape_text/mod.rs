//! What a Prometheus endpoint answers with, line by line and without copies.
//!
//! Two text formats are in use, and they differ in small things:
//!
//! * text 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats): blanks and tabs between tokens as
//!   one likes, empty lines and comments anywhere, timestamps in whole milliseconds, and a line feed behind
//!   the last line;
//! * OpenMetrics 1.0 (prometheus.io/docs/specs/om/open_metrics_spec): one blank between tokens, no empty
//!   lines and no free comments, `# UNIT`, timestamps in seconds, an exemplar behind a sample, and `# EOF` as
//!   the last line, without which the text was cut short.
//!
//! Names are those of the classic rules (`[a-zA-Z_:][a-zA-Z0-9_:]*`): a server sends others only to those
//! who ask for them (`escaping=allow-utf-8`). Nothing is kept between lines, so which families are there
//! twice, or what a family's samples must look like, is for the reader of the lines.
//!
//! [`lines`] reads a text that is there as a whole; [`Arriving`] one that comes in pieces, of which little is wanted.
//!
//! ```
//! use edgebench_exporter::scrape_text::{Format, Line, lines};
//!
//! let text = b"# TYPE up gauge\nup{job=\"a \\\"b\\\"\"} 1\n";
//! for line in lines(text, Format::Text)? {
//!     if let Line::Sample(sample) = line? {
//!         assert_eq!(sample.name, "up");
//!         assert_eq!(sample.label("job").unwrap().text(), "a \"b\"");
//!         assert_eq!(sample.value.real(), 1.0);
//!     }
//! }
//! # Ok::<(), edgebench_sampler::Malformed>(())
//! ```

mod arriving;
mod label;
mod line;
mod number;

pub use arriving::{Arriving, Bounds, Objection, Read, Refusal, Wants};
pub use label::{Labels, Quoted};
pub use line::{Kind, Line, Sample};
pub use number::Number;

use edgebench_sampler::Malformed;

/// Which of the two formats a text is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Text 0.0.4.
    Text,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Format {
    /// What to ask a server for: OpenMetrics, whose end can be told from a cut.
    pub const ACCEPT: &str = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";

    /// The format that a `Content-Type` names; nothing where it is none of the two. A server that says
    /// `text/plain` alone means text 0.0.4, as does one that says nothing.
    pub fn of_content_type(value: Option<&str>) -> Option<Format> {
        let Some(value) = value else { return Some(Format::Text) };
        match value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "application/openmetrics-text" => Some(Format::OpenMetrics),
            "text/plain" => Some(Format::Text),
            _ => None,
        }
    }
}

/// The lines of `text`: what a family is, and samples. Comments are passed over.
///
/// # Errors
/// Where the text is no UTF-8, as both formats are; the error names the line.
pub fn lines(text: &[u8], format: Format) -> Result<Lines<'_>, Malformed> {
    let text = std::str::from_utf8(text).map_err(|error| {
        let line = text[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        Malformed::new(line, "bytes that are no UTF-8")
    })?;
    Ok(Lines { rest: text, format, number: 0, ended: false })
}

/// Lines of a text. After one that is malformed there are no more.
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    rest: &'a str,
    format: Format,
    number: usize,
    /// `# EOF` was there, or an error.
    ended: bool,
}

impl Lines<'_> {
    /// The number of the line that [`next`](Iterator::next) gave last, from 1.
    pub fn number(&self) -> usize {
        self.number
    }

    fn fail(&mut self, what: impl Into<String>) -> Malformed {
        self.ended = true;
        self.rest = "";
        Malformed::new(self.number, what)
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Result<Line<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.ended && self.rest.is_empty() {
                return None;
            }
            self.number += 1;
            if self.ended {
                return Some(Err(self.fail("there is more behind # EOF")));
            }
            let Some((line, rest)) = self.rest.split_once('\n') else {
                return match (self.rest, self.format) {
                    ("", Format::Text) => None,
                    ("# EOF", Format::OpenMetrics) => {
                        (self.rest, self.ended) = ("", true);
                        None
                    }
                    ("", Format::OpenMetrics) => Some(Err(self.fail("the text is cut short: no # EOF"))),
                    _ => Some(Err(self.fail("the text is cut short: no line feed at its end"))),
                };
            };
            self.rest = rest;
            if self.format == Format::OpenMetrics && line == "# EOF" {
                self.ended = true;
                continue;
            }
            match line::parse(line, self.format) {
                Ok(Some(line)) => return Some(Ok(line)),
                Ok(None) => {}
                Err(what) => return Some(Err(self.fail(what))),
            }
        }
    }
}

#[cfg(test)]
mod tests;
