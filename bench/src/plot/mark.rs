//! What a mark shows, for people who look closer and for programs.

use std::fmt;

/// A figure, and where the JSON report has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Value {
    /// In full precision.
    pub exact: f64,
    /// What it counts: `KiB`, `bytes`, `%`.
    pub unit: &'static str,
    /// JSON pointers into the report; the figure is the sum of what they lead to, with `-` before one that is taken off.
    /// None where it is not in it.
    pub json: Vec<String>,
}

impl Value {
    /// A figure that stands in one place.
    pub fn at(exact: f64, unit: &'static str, pointer: impl Into<String>) -> Value {
        Value::sum(exact, unit, vec![pointer.into()])
    }

    /// A figure that is the sum of several.
    pub fn sum(exact: f64, unit: &'static str, json: Vec<String>) -> Value {
        Value { exact, unit, json }
    }
}

/// As attributes of an element. What is no number has no value.
impl fmt::Display for Value {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.exact.is_finite() {
            return Ok(());
        }
        write!(out, " data-value=\"{}\" data-unit=\"{}\"", self.exact, self.unit)?;
        if !self.json.is_empty() {
            write!(out, " data-json=\"{}\"", self.json.join(" "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_written_as_it_is() {
        let value = Value::at(14.539908490086432, "%", "/node/0/percent/baseline");
        assert_eq!(
            value.to_string(),
            " data-value=\"14.539908490086432\" data-unit=\"%\" data-json=\"/node/0/percent/baseline\""
        );
        let sum = Value::sum(3.0, "KiB", vec!["/a/0".into(), "/a/1".into()]);
        assert_eq!(sum.to_string(), " data-value=\"3\" data-unit=\"KiB\" data-json=\"/a/0 /a/1\"");
        assert_eq!(Value::at(f64::NAN, "KiB", "/a").to_string(), "");
    }
}
