//! A reader of both text formats, strict and slow: what the writer's tests hold it against.

use std::collections::BTreeMap;

/// A series and its value, as written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: String,
}

/// All samples of an exposition, in order.
///
/// # Panics
/// If a line is neither a sample nor a comment, and if a label comes twice.
pub(crate) fn read(text: &str) -> Vec<Sample> {
    // Not `lines()`: that takes a carriage return for a part of the line's end.
    let lines = text.strip_suffix('\n').expect("the last line ends").split('\n');
    lines.filter(|line| !line.starts_with("# ")).map(sample).collect()
}

fn sample(line: &str) -> Sample {
    let end = line.find(['{', ' ']).unwrap_or_else(|| panic!("no sample: {line:?}"));
    let (name, mut rest) = line.split_at(end);
    let mut labels = BTreeMap::new();
    while let Some(from) = rest.strip_prefix(if labels.is_empty() { '{' } else { ',' }) {
        let (label, quoted) = from.split_once("=\"").unwrap_or_else(|| panic!("no label: {line:?}"));
        let (value, after) = label_value(quoted);
        assert_eq!(labels.insert(label.to_owned(), value), None, "a label twice: {line:?}");
        rest = after;
    }
    if !labels.is_empty() {
        rest = rest.strip_prefix('}').unwrap_or_else(|| panic!("labels without an end: {line:?}"));
    }
    let value = rest.strip_prefix(' ').unwrap_or_else(|| panic!("no value: {line:?}"));
    assert!(value.parse::<f64>().is_ok(), "no number: {line:?}");
    Sample { name: name.to_owned(), labels, value: value.to_owned() }
}

/// A value up to its closing quote, and what comes after that.
fn label_value(quoted: &str) -> (String, &str) {
    let (mut value, mut chars) = (String::new(), quoted.chars());
    loop {
        match chars.next().unwrap_or_else(|| panic!("no closing quote: {quoted:?}")) {
            '"' => return (value, chars.as_str()),
            '\\' => value.push(match chars.next() {
                Some('n') => '\n',
                Some(escaped @ ('\\' | '"')) => escaped,
                other => panic!("no escape: {other:?} in {quoted:?}"),
            }),
            plain => value.push(plain),
        }
    }
}
