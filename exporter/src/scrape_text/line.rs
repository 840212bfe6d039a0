//! A line of a text.

use super::Format;
use super::label::{Labels, Quoted, blanks, labels};
use super::number::Number;

/// What a line says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Line<'a> {
    /// `# TYPE`
    Type {
        /// Of which family.
        family: &'a str,
        /// What its values are.
        kind: Kind,
    },
    /// `# HELP`
    Help {
        /// Of which family.
        family: &'a str,
        /// What it is.
        text: Quoted<'a>,
    },
    /// `# UNIT`, of OpenMetrics.
    Unit {
        /// Of which family.
        family: &'a str,
        /// Its unit.
        unit: &'a str,
    },
    /// A value.
    Sample(Sample<'a>),
}

/// What the values of a family are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Goes up only.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts in buckets.
    Histogram,
    /// Counts in buckets, which go up and down.
    GaugeHistogram,
    /// Quantiles.
    Summary,
    /// States that are on or off.
    StateSet,
    /// Labels that say something.
    Info,
    /// Not said.
    Unknown,
}

impl Kind {
    fn parse(text: &str, format: Format) -> Option<Kind> {
        Some(match (text, format) {
            ("counter", _) => Kind::Counter,
            ("gauge", _) => Kind::Gauge,
            ("histogram", _) => Kind::Histogram,
            ("summary", _) => Kind::Summary,
            ("untyped", Format::Text) | ("unknown", Format::OpenMetrics) => Kind::Unknown,
            ("gaugehistogram", Format::OpenMetrics) => Kind::GaugeHistogram,
            ("stateset", Format::OpenMetrics) => Kind::StateSet,
            ("info", Format::OpenMetrics) => Kind::Info,
            _ => return None,
        })
    }
}

/// A value of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample<'a> {
    /// The name, with `_total`, `_bucket` and whatever else belongs to it.
    pub name: &'a str,
    /// The labels.
    pub labels: Labels<'a>,
    /// The value.
    pub value: Number<'a>,
    /// When it was so, where that is said: in milliseconds in text 0.0.4, in seconds in OpenMetrics.
    pub timestamp: Option<Number<'a>>,
}

impl<'a> Sample<'a> {
    /// The label of this name.
    pub fn label(&self, name: &str) -> Option<Quoted<'a>> {
        let mut labels = self.labels;
        labels.find_map(|(label, value)| (label == name).then_some(value))
    }
}

/// Reads a line; nothing for one that says nothing.
pub(super) fn parse(line: &str, format: Format) -> Result<Option<Line<'_>>, String> {
    let line = blanks(line, format);
    match (line.as_bytes().first(), format) {
        (None, Format::Text) => Ok(None),
        (None, Format::OpenMetrics) => Err("an empty line".to_owned()),
        (Some(b'#'), _) => described(line, format),
        _ => sample(line, format).map(|sample| Some(Line::Sample(sample))),
    }
}

fn described(line: &str, format: Format) -> Result<Option<Line<'_>>, String> {
    let (word, rest) = match format {
        Format::Text => token(blanks(&line[1..], format), format),
        Format::OpenMetrics => token(line.strip_prefix("# ").unwrap_or_default(), format),
    };
    if !matches!((word, format), ("HELP" | "TYPE", _) | ("UNIT", Format::OpenMetrics)) {
        return match format {
            Format::Text => Ok(None),
            Format::OpenMetrics => Err("a comment that is none of HELP, TYPE, UNIT, EOF".to_owned()),
        };
    }
    let rest = separated(rest, format).ok_or_else(|| format!("{word} names no family"))?;
    let (family, rest) = name(rest).ok_or_else(|| format!("{word} names no family"))?;
    let said = separated(rest, format);
    let described = match word {
        // There need not be a text.
        "HELP" if rest.is_empty() || said.is_some() => {
            Line::Help { family, text: Quoted::new(said.unwrap_or_default()) }
        }
        "TYPE" => {
            let said = said.map(|text| if format == Format::Text { text.trim_end() } else { text });
            let kind = said.and_then(|text| Kind::parse(text, format));
            Line::Type { family, kind: kind.ok_or_else(|| format!("{family} is of no known type"))? }
        }
        "UNIT" => Line::Unit { family, unit: said.unwrap_or_default() },
        _ => return Err(format!("{word} names no family")),
    };
    Ok(Some(described))
}

fn sample(line: &str, format: Format) -> Result<Sample<'_>, String> {
    let (name, rest) = name(line).ok_or("a sample without a name, or with one that is none")?;
    let before = blanks(rest, format);
    let (labels, rest) = match before.starts_with('{') {
        true => labels(before, format).map_err(|what| format!("{name}: {what}"))?,
        false => (Labels::default(), rest),
    };
    // A blank behind a brace is text 0.0.4's to leave out.
    let value = match (separated(rest, format), format) {
        (Some(value), _) => value,
        (None, Format::Text) if before.starts_with('{') => rest,
        _ => return Err(format!("{name} has no value")),
    };
    let (value, rest) =
        number(value, format).ok_or_else(|| format!("{name} has a value that is no number"))?;
    let (timestamp, rest) =
        timestamp(rest, format).ok_or_else(|| format!("{name} has a timestamp that is none"))?;
    let rest = match (rest.strip_prefix(" # "), format) {
        (Some(exemplar), Format::OpenMetrics) => {
            behind_exemplar(exemplar).ok_or_else(|| format!("{name} has an exemplar that is none"))?
        }
        _ => blanks(rest, format),
    };
    match rest {
        "" => Ok(Sample { name, labels, value, timestamp }),
        _ => Err(format!("{name} has something behind its value")),
    }
}

fn timestamp(text: &str, format: Format) -> Option<(Option<Number<'_>>, &str)> {
    let is_next = |text: &str| text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'));
    match separated(text, format).filter(|text| is_next(text)) {
        None => Some((None, text)),
        Some(text) => {
            let (number, rest) = number(text, format)?;
            let is_whole = number.text().parse::<i64>().is_ok();
            let is_time = if format == Format::Text { is_whole } else { number.real().is_finite() };
            is_time.then_some((Some(number), rest))
        }
    }
}

/// `{…} value [timestamp]`; answers with what follows.
fn behind_exemplar(text: &str) -> Option<&str> {
    let format = Format::OpenMetrics;
    let (_, rest) = text.starts_with('{').then(|| labels(text, format).ok())??;
    let (_, rest) = number(separated(rest, format)?, format)?;
    timestamp(rest, format).map(|(_, rest)| rest)
}

/// What follows the blank or blanks that stand between two tokens.
fn separated(text: &str, format: Format) -> Option<&str> {
    match format {
        Format::Text => text.starts_with([' ', '\t']).then(|| blanks(text, format)),
        Format::OpenMetrics => text.strip_prefix(' '),
    }
}

fn name(text: &str) -> Option<(&str, &str)> {
    let is_name_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':');
    let end = text.bytes().position(|byte| !is_name_byte(byte)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    (!name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit())).then_some((name, rest))
}

fn number(text: &str, format: Format) -> Option<(Number<'_>, &str)> {
    let (token, rest) = token(text, format);
    Number::parse(token).map(|number| (number, rest))
}

fn token(text: &str, format: Format) -> (&str, &str) {
    let is_end = |byte: u8| byte == b' ' || format == Format::Text && byte == b'\t';
    text.split_at(text.bytes().position(is_end).unwrap_or(text.len()))
}
