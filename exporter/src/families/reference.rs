//! `METRICS.md`: the table of families as people read it, by the switch that takes them away.
//!
//! A test compares the file with this text; `UPDATE_GOLDEN=1` rewrites it.

use std::fmt::Write;

use super::collectors::{COLLECTORS, Collector};
use super::{Family, Kind, table};

const HEAD: &str = "\
# Metrics of edgebench-exporter

Generated from the table of families (`exporter/src/families`); `UPDATE_GOLDEN=1 cargo test -p edgebench-exporter`
rewrites it, a test compares it.

* A figure that could not be read is absent, never 0. A sum with a part that could not be read is absent too.
* Counters do not decrease while the exporter runs, also when processes end.
* Families of type info are gauges of value 1 in the text format 0.0.4; in OpenMetrics the names of counters and
  infos lose `_total` and `_info` in the metadata.
* The VM families have KubeVirt's join keys as labels. Scrape them with `honor_labels: true` and a target label
  `node`, else `namespace` becomes `exported_namespace` and no join finds anything.
";

/// The text of `METRICS.md`.
pub fn reference() -> String {
    let mut text = HEAD.to_owned();
    for collector in COLLECTORS {
        // Writing to a String does not fail.
        let _ = section(collector, &mut text);
    }
    text
}

fn section(collector: &Collector, text: &mut String) -> std::fmt::Result {
    writeln!(text, "\n## {}\n", collector.name)?;
    match collector.is_optional() {
        true => {
            write!(text, "Reads {}. `--no-collector.{}` takes these away.", collector.reads, collector.name)?
        }
        false => write!(text, "Reads {}. Always there.", collector.reads)?,
    }
    match collector.also_lost {
        "" => writeln!(text)?,
        also_lost => writeln!(text, " {also_lost}")?,
    }
    writeln!(text, "\n| name | type | unit | labels | |\n|---|---|---|---|---|")?;
    for family in table::all().filter(|family| family.collector == collector.name) {
        row(family, text)?;
    }
    Ok(())
}

fn row(family: &Family, text: &mut String) -> std::fmt::Result {
    let kind = match family.kind {
        Kind::Gauge => "gauge",
        Kind::Counter => "counter",
        Kind::Info => "info",
    };
    let unit = family.unit().unwrap_or_default();
    let labels: Vec<_> = family.labels.iter().map(|label| format!("`{label}`")).collect();
    let help = family.help.replace('|', "\\|");
    writeln!(text, "| `{}` | {kind} | {unit} | {} | {help} |", family.name, labels.join(", "))
}

#[cfg(test)]
mod tests {
    use std::{env, fs};

    use super::*;

    #[test]
    fn metrics_md_is_what_the_table_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/METRICS.md");
        if env::var_os("UPDATE_GOLDEN").is_some_and(|value| !value.is_empty() && value != "0") {
            fs::write(path, reference()).unwrap();
            return;
        }
        let file = fs::read_to_string(path).unwrap_or_else(|e| panic!("{path}: {e}"));
        for (number, (file, table)) in file.lines().zip(reference().lines()).enumerate() {
            assert_eq!(file, table, "METRICS.md, line {}; UPDATE_GOLDEN=1 rewrites it", number + 1);
        }
        assert_eq!(file.lines().count(), reference().lines().count(), "lines of METRICS.md");
    }

    #[test]
    fn every_family_stands_in_the_reference_once() {
        let text = reference();
        for family in table::all() {
            assert_eq!(text.matches(&format!("| `{}` |", family.name)).count(), 1, "{}", family.name);
        }
    }
}
