//! The text that an exporter serves, read back: both formats, as far as metrics without exemplars and
//! timestamps go (prometheus.io "Exposition formats", OpenMetrics 1.0).

use std::collections::BTreeMap;

/// An exposition.
#[derive(Clone, Debug, PartialEq)]
pub struct Exposition {
    /// As it was served.
    pub text: String,
    samples: Vec<Sample>,
}

/// A series: its name and its labels.
pub type Series = (String, BTreeMap<String, String>);

/// A line of it.
#[derive(Clone, Debug, PartialEq)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

impl Exposition {
    /// Reads it.
    ///
    /// # Panics
    /// If a line is neither a comment nor a sample.
    pub fn read(text: String) -> Exposition {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let samples =
            lines.map(|line| sample(line).unwrap_or_else(|| panic!("no sample: {line:?}"))).collect();
        Exposition { text, samples }
    }

    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// All series with their values.
    ///
    /// # Panics
    /// If one comes twice.
    pub fn series(&self) -> BTreeMap<Series, f64> {
        let mut all = BTreeMap::new();
        for Sample { name, labels, value } in &self.samples {
            let before = all.insert((name.clone(), labels.clone()), *value);
            assert_eq!(before, None, "{name} {labels:?} comes twice in\n{}", self.text);
        }
        all
    }

    /// The sum over the series of a name that have all of these labels; nothing where there is none.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let has = |sample: &&Sample| {
            sample.name == name
                && labels.iter().all(|(name, value)| sample.labels.get(*name).is_some_and(|own| own == value))
        };
        let found: Vec<_> = self.samples.iter().filter(has).map(|sample| sample.value).collect();
        (!found.is_empty()).then(|| found.iter().sum())
    }

    /// The same where it has to be there.
    ///
    /// # Panics
    /// If it is not.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.sum(name, labels).unwrap_or_else(|| panic!("no {name} {labels:?} in\n{}", self.text))
    }
}

fn sample(line: &str) -> Option<Sample> {
    let end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = BTreeMap::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while !rest.starts_with('}') {
            let (label, quoted) = rest.split_once("=\"")?;
            let (value, after) = unquoted(quoted)?;
            labels.insert(label.to_owned(), value);
            rest = after.strip_prefix(',').unwrap_or(after);
        }
        rest = &rest[1..];
    }
    Some(Sample { name: name.into(), labels, value: rest.strip_prefix(' ')?.parse().ok()? })
}

/// A label's value, and what follows its closing quote.
fn unquoted(quoted: &str) -> Option<(String, &str)> {
    let (mut value, mut chars) = (String::new(), quoted.chars());
    loop {
        match chars.next()? {
            '"' => return Some((value, chars.as_str())),
            '\\' => value.push(match chars.next()? {
                'n' => '\n',
                other => other,
            }),
            plain => value.push(plain),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_over_the_series_that_have_the_labels() {
        let text = "# TYPE a gauge\na{b=\"1\",c=\"x\\\"},\\n\"} 2\na{b=\"2\",c=\"\"} 3e2\nd -0.5\n# EOF\n";
        let exposition = Exposition::read(text.into());
        assert_eq!(exposition.len(), 3);
        assert_eq!(exposition.sum("a", &[]), Some(302.0));
        assert_eq!(exposition.sum("a", &[("c", "x\"},\n")]), Some(2.0));
        assert_eq!(exposition.sum("a", &[("c", "y")]), None);
        assert_eq!(exposition.value("d", &[]), -0.5);
    }
}
