//! Reads a printed report back, as a reader with a pocket calculator does.
//!
//! Sums are checked in the digits that are printed, so numbers are whole counts of their last digit: 38.7 %
//! is 387 of a tenth. Rows are known by what they look like, not by their columns, for a narrow terminal
//! leaves columns out.

/// A number as printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    /// How many of its last digit it is.
    pub units: i64,
    /// How many digits stand behind its point.
    pub decimals: usize,
}

impl Number {
    /// `+1,234`, `-0.46`, `~12.5`; nothing for any other word.
    pub fn read(word: &str) -> Option<Number> {
        let word = word.trim_start_matches('~').trim_end_matches([',', ':', ';']);
        let (whole, part) = word.split_once('.').unwrap_or((word, ""));
        let is_number = |text: &str| text.chars().all(|c| c.is_ascii_digit());
        let digits = whole.trim_start_matches(['+', '-']).replace(',', "");
        if digits.is_empty() || !is_number(&digits) || !is_number(part) {
            return None;
        }
        let units: i64 = format!("{digits}{part}").parse().ok()?;
        Some(Number { units: if word.starts_with('-') { -units } else { units }, decimals: part.len() })
    }

    /// Its value.
    pub fn value(self) -> f64 {
        self.units as f64 / 10f64.powi(self.decimals as i32)
    }
}

/// A row with a number and, where there is one, its share of the total in percent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What stands before, beside or behind the numbers.
    pub name: String,
    /// The number.
    pub number: Number,
    /// The share.
    pub share: Option<Number>,
}

/// A total and the rows that are said to add up to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    /// The rows.
    pub rows: Vec<Row>,
    /// The total that is printed with them.
    pub total: Row,
}

impl Sum {
    /// Adds up what is printed.
    ///
    /// # Panics
    /// If that is not the total, or if the shares are not 100 %.
    pub fn check(&self, whose: &str) {
        assert!(!self.rows.is_empty() || self.total.number.units == 0, "{whose}: nothing makes up the total");
        let decimals: Vec<_> = self.rows.iter().map(|row| row.number.decimals).collect();
        assert_eq!(decimals, vec![self.total.number.decimals; decimals.len()], "{whose}: digits differ");
        let sum: i64 = self.rows.iter().map(|row| row.number.units).sum();
        assert_eq!(sum, self.total.number.units, "{whose}: {:#?}", self.rows);
        let shares: Option<Vec<Number>> = self.rows.iter().map(|row| row.share).collect();
        if let Some((shares, first)) = shares.as_ref().and_then(|shares| Some((shares, shares.first()?))) {
            let whole = 100 * 10i64.pow(first.decimals as u32);
            assert_eq!(shares.iter().map(|share| share.units).sum::<i64>(), whole, "{whose}: shares");
            assert!(self.total.share.is_none_or(|share| share.units == whole), "{whose}: the total's share");
        }
    }
}

/// Adds up everything a report says: where RAM and CPU went, the summary, the tax; and holds the totals
/// against the node table.
///
/// # Panics
/// If a sum is not the one that is printed.
pub fn check(text: &str, whose: &str) {
    let memory = memory(text);
    memory.check(&format!("{whose}: where the RAM went"));
    let cpu = cpu(text);
    cpu.check(&format!("{whose}: where the CPU went"));

    // "= node table": without KubeVirt, with it, and the difference; or this node alone.
    let sizes = node_sizes(text, "RAM used (sar)");
    let of_difference = text.contains(" of RAM went");
    let shown = sizes[if of_difference { 2 } else { sizes.len() / 2 }];
    let total = (memory.total.number.units as f64 / 1024.0 * 10.0).round_ties_even() as i64;
    assert_eq!(total, shown.units, "{whose}: the total is the node table's");
    let shown = node_row(text, "CPU used");
    assert!(shown.contains(&cpu.total.number), "{whose}: {:?} is not in the node table", cpu.total);

    if text.contains("KubeVirt tax") || text.contains("The capture takes") {
        let summary = summary(text);
        summary.check(&format!("{whose}: summary"));
        let in_gib = summary.total.number.decimals == 2;
        let difference = sizes[2].value() / if in_gib { 1024.0 } else { 1.0 };
        // MiB are the same MiB; GiB are rounded once more.
        let off = (summary.total.number.value() - difference).abs();
        let last_digit = if in_gib { 0.0051 } else { 1e-6 };
        assert!(off < last_digit, "{whose}: {:?} is not {difference} of the node table", summary.total);
    }
    if let Some(tax) = tax(text) {
        tax.check(&format!("{whose}: tax"));
    }
}

/// The lines of the block whose heading begins so, heading included, up to the next empty line.
///
/// # Panics
/// If there is none.
pub fn block<'a>(text: &'a str, heading: &str) -> Vec<&'a str> {
    let lines: Vec<_> = text
        .lines()
        .skip_while(|line| !line.starts_with(heading))
        .take_while(|line| !line.is_empty())
        .collect();
    assert!(!lines.is_empty(), "no block `{heading}` in:\n{text}");
    lines
}

/// The block "Where … of RAM went": its parts and its total, in KiB.
///
/// # Panics
/// If it is not there, or has no total.
pub fn memory(text: &str) -> Sum {
    let heading = text.lines().find(|line| line.starts_with("Where") && line.contains(" of RAM "));
    let lines = block(text, heading.expect("where the RAM went"));
    // The heading wraps; the columns' names do not.
    let body = lines.iter().skip_while(|line| !line.trim_start().starts_with("PART"));
    let mut rows: Vec<Row> = body.filter_map(|line| row_with_share(line)).collect();
    // What stands below the total is outside of it.
    let at = rows.iter().position(|row| row.name.starts_with("total")).expect("a total below the parts");
    rows.truncate(at + 1);
    let total = rows.remove(at);
    Sum { rows, total }
}

/// `control plane  virt-api  +154,752   19.0 %  ###`: the share is what stands before `%`, the number what
/// stands before that. Where the total is 0 there are no shares: `unexplained  +0  -`.
fn row_with_share(line: &str) -> Option<Row> {
    let words: Vec<_> = line.split_ascii_whitespace().collect();
    let percent = words.iter().position(|word| *word == "%");
    let at = match percent {
        Some(percent) => percent.checked_sub(2)?,
        None => words.iter().position(|word| word.starts_with(['+', '-']) && Number::read(word).is_some())?,
    };
    let number = Number::read(words.get(at)?)?;
    let behind = percent.map_or(at + 1, |percent| percent + 1);
    let name = [&words[..at], &words[behind..]].concat();
    Some(Row { name: name.join(" "), number, share: percent.and_then(|_| Number::read(words[at + 1])) })
}

/// The block "Where … of CPU went": its parts and its total, in points.
///
/// # Panics
/// If it is not there, or has no total.
pub fn cpu(text: &str) -> Sum {
    let heading = text.lines().find(|line| line.starts_with("Where") && line.contains(" of CPU "));
    let lines = block(text, heading.expect("where the CPU went"));
    // The heading wraps too: the parts begin behind its closing bracket.
    let body = lines.join(" ");
    let (_, body) = body.split_once(')').expect("the heading's bracket");
    let (mut rows, mut name) = (Vec::new(), Vec::new());
    for word in body.split_ascii_whitespace() {
        match Number::read(word).filter(|_| word.starts_with(['+', '-'])) {
            Some(number) => rows.push(Row { name: std::mem::take(&mut name).join(" "), number, share: None }),
            None => name.push(word),
        }
    }
    let total = rows.pop().filter(|row| row.name == "= total").expect("a total behind the parts");
    Sum { rows, total }
}

/// The lines of the summary below "KubeVirt takes …", whose size is their total.
///
/// # Panics
/// If they are not there.
pub fn summary(text: &str) -> Sum {
    let lines = block(text, "Summary");
    let (headline, lines) = lines[1..].split_first().expect("a headline");
    let less = headline.contains(" less than ");
    let mut total = size(headline).expect("a size in the headline");
    total.number.units *= if less { -1 } else { 1 };
    let rows = lines.iter().map_while(|line| {
        let row = size(line).filter(|row| row.name.is_empty() || !row.name.contains("tax"))?;
        let share = row_share(line);
        Some(Row { share, ..row })
    });
    Sum { rows: rows.collect(), total }
}

/// The parts of the difference of each side from the first, where there are three sides or more.
///
/// # Panics
/// If they are not there.
pub fn side_columns(text: &str) -> Vec<Sum> {
    let lines = block(text, "Parts of the RAM difference");
    let rows: Vec<_> = lines[2..].iter().map(|line| numbers(line)).filter(|row| !row.is_empty()).collect();
    let (total, parts) = rows.split_last().expect("a total below the parts");
    let row = |numbers: &[Number], at: usize| Row { name: String::new(), number: numbers[at], share: None };
    let column = |at| Sum { rows: parts.iter().map(|part| row(part, at)).collect(), total: row(total, at) };
    (0..total.len()).map(column).collect()
}

/// The two lines of the KubeVirt tax; nothing where it is not known.
pub fn tax(text: &str) -> Option<Sum> {
    let lines = block(text, "Summary").join(" ");
    let (_, lines) = lines.split_once("KubeVirt tax, guests left out: ")?;
    let (total, parts) = lines.split_once(" = ").expect("the parts of the tax");
    let rows = parts.split(" + ").filter_map(size).collect();
    Some(Sum { rows, total: size(total)? })
}

/// The first size of a line.
fn size(line: &str) -> Option<Row> {
    let words: Vec<_> = line.split_ascii_whitespace().collect();
    let unit = words.iter().position(|word| matches!(*word, "MiB" | "GiB"))?;
    let number = Number::read(words.get(unit.checked_sub(1)?)?)?;
    Some(Row { name: words[..unit - 1].join(" "), number, share: None })
}

fn row_share(line: &str) -> Option<Number> {
    let words: Vec<_> = line.split_ascii_whitespace().collect();
    let percent = words.iter().position(|word| *word == "%")?;
    Number::read(words.get(percent.checked_sub(1)?)?)
}

/// The numbers of a row of the node table, from left to right: percent of the sides, then the difference.
///
/// # Panics
/// If there is no such row.
pub fn node_row(text: &str, metric: &str) -> Vec<Number> {
    let lines = block(text, "Node");
    let row = lines.iter().find_map(|line| line.trim_start().strip_prefix(metric));
    numbers(row.unwrap_or_else(|| panic!("no row `{metric}`")))
}

/// The sizes of a metric in MiB, from left to right: in the row below it, or at its end where the node is
/// shown alone.
///
/// # Panics
/// If there are none.
pub fn node_sizes(text: &str, metric: &str) -> Vec<Number> {
    let lines = block(text, "Node");
    let rows = lines.iter().skip_while(|line| !line.trim_start().starts_with(metric));
    let sizes = rows.take(2).find(|line| line.contains(" MiB"));
    numbers(sizes.unwrap_or_else(|| panic!("no sizes for `{metric}`")))
}

fn numbers(line: &str) -> Vec<Number> {
    line.split_ascii_whitespace().filter_map(Number::read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_whole_in_its_last_digit() {
        let number = |word| Number::read(word).map(|number| (number.units, number.decimals));
        assert_eq!(number("+828,836"), Some((828_836, 0)));
        assert_eq!(number("-0.46"), Some((-46, 2)));
        assert_eq!(number("~12.5"), Some((125, 1)));
        assert_eq!(number("2,"), Some((2, 0)));
        for word in ["-", "..", "virt-api", "12.5.6", "0x1", "=", "512MiB", ""] {
            assert_eq!(number(word), None, "{word}");
        }
    }

    #[test]
    fn a_report_is_read_back() {
        let text = "Where the +0.5 MiB of RAM went (KiB, formula: sar; A to B)\n  \
              PART                            KiB    SHARE\n  \
              control plane  virt-handler  +1,024  200.0 %  ####\n  \
              unexplained                    -512 -100.0 %\n  \
              -------------------------------------------\n  \
              total                          +512  100.0 %  = node table\n\n\
            Where the -0.05 points of CPU went (of the whole\n\
            node; 1 tick = 0.051)\n  \
              waiting for I/O +0.05   stolen\n  -0.10   = total -0.05\n\n\
            Summary\n  \
              The capture takes 0.5 MiB (0.0 % of the node) less than the baseline:\n  \
              -1.5 MiB  KubeVirt and CDI  300 %  once per cluster\n   \
               1.0 MiB  Kubernetes grew  -200 %\n  \
              and 0.05 points of CPU less (0.1 % of one core).\n  \
              KubeVirt tax, guests left out: 1.1 MiB (0.0 % of the node's RAM)\n    \
              = 0.8 MiB once per cluster + 0.3 MiB on every node\n";
        memory(text).check("memory");
        cpu(text).check("CPU");
        summary(text).check("summary");
        tax(text).unwrap().check("tax");
        assert_eq!(cpu(text).rows[0].name, "waiting for I/O");
        assert_eq!(memory(text).rows[0].name, "control plane virt-handler ####");
        assert_eq!(summary(text).rows.len(), 2);
    }
}
