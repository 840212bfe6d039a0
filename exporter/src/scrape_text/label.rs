//! The labels of a sample: `{name="value",…}`. In a value `\\`, `\"` and `\n` stand for a backslash, a quote
//! and a line feed; in OpenMetrics any other character behind a backslash stands for both of them, and in
//! text 0.0.4 it is an error.

use std::borrow::Cow;

use super::Format;

/// The labels of a sample, which were checked when the sample was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Labels<'a> {
    /// What stands between the braces.
    pub(super) text: &'a str,
}

impl<'a> Iterator for Labels<'a> {
    type Item = (&'a str, Quoted<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        // Blanks that OpenMetrics does not allow are not there by now.
        let (name, value, rest) = label(blanks(self.text, Format::Text), Format::Text).ok()?;
        let rest = blanks(rest, Format::Text);
        self.text = rest.strip_prefix(',').unwrap_or(rest);
        Some((name, value))
    }
}

/// A label's value as it is written, without its quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoted<'a> {
    raw: &'a str,
}

impl<'a> Quoted<'a> {
    pub(super) fn new(raw: &'a str) -> Quoted<'a> {
        Quoted { raw }
    }

    fn escapes_nothing(self) -> bool {
        let mut bytes = self.raw.bytes();
        while let Some(byte) = bytes.next() {
            if byte == b'\\' && !matches!(bytes.next(), Some(b'\\' | b'"' | b'n')) {
                return true;
            }
        }
        false
    }

    /// What it stands for.
    pub fn text(self) -> Cow<'a, str> {
        if !self.raw.contains('\\') {
            return Cow::Borrowed(self.raw);
        }
        let mut text = String::with_capacity(self.raw.len());
        let mut chars = self.raw.chars();
        while let Some(c) = chars.next() {
            match (c, if c == '\\' { chars.next() } else { None }) {
                ('\\', Some('n')) => text.push('\n'),
                ('\\', Some(c @ ('\\' | '"'))) => text.push(c),
                ('\\', Some(c)) => text.extend(['\\', c]),
                (c, _) => text.push(c),
            }
        }
        Cow::Owned(text)
    }
}

/// Reads `{…}` if there is one; answers with the labels and what follows.
pub(super) fn labels(text: &str, format: Format) -> Result<(Labels<'_>, &str), String> {
    let Some(inside) = text.strip_prefix('{') else { return Ok((Labels::default(), text)) };
    let mut rest = blanks(inside, format);
    loop {
        // A comma behind the last label is text 0.0.4's alone; `{}` is everybody's.
        if let Some(behind) = rest.strip_prefix('}') {
            let labels = Labels { text: &inside[..inside.len() - rest.len()] };
            return match twice(labels) {
                Some(name) => Err(format!("the label {name} is there twice")),
                None => Ok((labels, behind)),
            };
        }
        let (name, value, behind) = label(rest, format)?;
        if format == Format::Text && value.escapes_nothing() {
            return Err(format!("a backslash in the label {name} that escapes nothing"));
        }
        let behind = blanks(behind, format);
        rest = match behind.strip_prefix(',') {
            Some(behind) => match (blanks(behind, format), format) {
                (behind, Format::OpenMetrics) if behind.starts_with('}') => {
                    return Err("a comma behind the last label".to_owned());
                }
                (behind, _) => behind,
            },
            None if behind.starts_with('}') => behind,
            None => return Err("the labels do not end: , or } is missing".to_owned()),
        };
    }
}

/// Up to this many labels each is compared with each: nearly all series have fewer.
const FEW: usize = 24;

fn twice(labels: Labels<'_>) -> Option<&str> {
    if labels.count() > FEW {
        // A hostile line of some KB holds thousands.
        let mut names: Vec<_> = labels.map(|(name, _)| name).collect();
        names.sort_unstable();
        return names.windows(2).find_map(|pair| (pair[0] == pair[1]).then_some(pair[0]));
    }
    let mut later = labels;
    while let Some((name, _)) = later.next() {
        let mut others = later;
        if others.any(|(other, _)| other == name) {
            return Some(name);
        }
    }
    None
}

/// Reads `name="value"`; answers with what follows.
fn label(text: &str, format: Format) -> Result<(&str, Quoted<'_>, &str), String> {
    let end = text.bytes().position(|byte| !is_name_byte(byte)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err("a label has no name, or one that is none".to_owned());
    }
    let rest =
        blanks(rest, format).strip_prefix('=').ok_or_else(|| format!("no = behind the label {name}"))?;
    let rest = blanks(rest, format).strip_prefix('"').ok_or_else(|| format!("no quote behind {name}="))?;
    let mut bytes = rest.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return Ok((name, Quoted::new(&rest[..at]), &rest[at + 1..])),
            // Whatever is behind a backslash is no end.
            b'\\' => {
                bytes.next();
            }
            _ => {}
        }
    }
    Err(format!("the value of the label {name} does not end"))
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Passes over blanks where the format has them between tokens.
pub(super) fn blanks(text: &str, format: Format) -> &str {
    match format {
        Format::Text => text.trim_start_matches([' ', '\t']),
        Format::OpenMetrics => text,
    }
}
