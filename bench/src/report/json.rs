//! The report for machines: full precision, with the samples behind every average.

use std::io::{self, Write};

use serde::Serialize;

use crate::comparison::Comparison;
use crate::layout::is_shown;
use crate::notes::notes;

/// Version of the report's shape. It grows when a field changes its meaning or goes.
pub const SCHEMA: &str = "edgebench.report.v1";

#[derive(Serialize)]
struct Report<'a> {
    schema: &'static str,
    version: &'static str,
    #[serde(flatten)]
    comparison: &'a Comparison,
    notes: Vec<String>,
}

/// Writes one JSON object, or an array of them where several captures are held against one baseline.
///
/// # Errors
/// Where `out` can't be written.
pub fn json(comparisons: &[Comparison], out: &mut dyn Write) -> io::Result<()> {
    let report = |comparison| Report {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        comparison,
        notes: notes(comparison).iter().map(ToString::to_string).collect(),
    };
    match comparisons {
        [one] => serde_json::to_writer_pretty(Visible(out), &report(one))?,
        several => {
            let reports: Vec<_> = several.iter().map(report).collect();
            serde_json::to_writer_pretty(Visible(out), &reports)?;
        }
    }
    writeln!(out)
}

/// JSON need not escape what moves a cursor (U+009B) or turns the reading order round (U+202E); a terminal
/// that shows the report needs it to. Outside of ASCII there is nothing in JSON but the text of strings, and
/// the serializer writes no character in two pieces.
struct Visible<'a>(&'a mut dyn Write);

impl Write for Visible<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let may_pass = |c: char| c.is_ascii_control() && c != '\x7f' || is_shown(c);
        match std::str::from_utf8(bytes) {
            Ok(text) if !text.chars().all(may_pass) => {
                for c in text.chars() {
                    if may_pass(c) {
                        write!(self.0, "{c}")?;
                    } else {
                        for unit in c.encode_utf16(&mut [0; 2]) {
                            write!(self.0, "\\u{unit:04x}")?;
                        }
                    }
                }
            }
            _ => self.0.write_all(bytes)?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_the_same_and_safe_to_show() {
        let name = "\u{9b}2J \u{202e}txt\u{e0001} \x1b[31m \x7f café 虚";
        let mut out = Vec::new();
        serde_json::to_writer(Visible(&mut out), name).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, r#""\u009b2J \u202etxt\udb40\udc01 \u001b[31m \u007f café 虚""#);
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), name);
    }
}
