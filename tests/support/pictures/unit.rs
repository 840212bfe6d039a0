//! Values as Grafana writes them (its `packages/grafana-data/src/valueFormats`): bytes in powers of 1024, seconds in the
//! unit that fits, shares in percent; three digits where nothing else is said, and none behind the point of a whole
//! number.

use std::fmt;

/// A value in words: its number, and what stands behind it, with the blank between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) number: String,
    pub(super) suffix: String,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.number, self.suffix)
    }
}

/// A value in a unit; `decimals` are the digits behind the point where they are set.
///
/// # Panics
/// If no panel had the unit so far.
pub(super) fn shown(unit: &str, value: f64, decimals: Option<usize>) -> Shown {
    let plain = |value: f64, suffix: &str| Shown { number: number(value, decimals), suffix: suffix.into() };
    let scaled = |factor: f64, suffixes: &[&str]| {
        let (value, step) = scaled(value, factor, suffixes.len());
        plain(value, suffixes[step])
    };
    match unit {
        "" | "none" => plain(value, ""),
        "short" => scaled(1000.0, &["", " K", " Mil", " Bil", " Tri"]),
        "bytes" => scaled(1024.0, &[" B", " KiB", " MiB", " GiB", " TiB", " PiB"]),
        "Bps" => scaled(1000.0, &[" B/s", " kB/s", " MB/s", " GB/s"]),
        "ops" => scaled(1000.0, &[" ops/s", "K ops/s", "M ops/s"]),
        "percentunit" => plain(value * 100.0, "%"),
        "bool_yes_no" => {
            Shown { number: if value == 0.0 { "No" } else { "Yes" }.into(), suffix: String::new() }
        }
        "s" => {
            let (value, suffix) = seconds(value);
            plain(value, suffix)
        }
        other => panic!("how is {other} written?"),
    }
}

/// The value in the largest unit that leaves something before the point.
fn scaled(value: f64, factor: f64, units: usize) -> (f64, usize) {
    let mut value = value;
    let mut step = 0;
    while value.abs() >= factor && step + 1 < units {
        value /= factor;
        step += 1;
    }
    (value, step)
}

fn seconds(value: f64) -> (f64, &'static str) {
    match value.abs() {
        0.0 => (value, " s"),
        size if size < 1e-6 => (value * 1e9, " ns"),
        size if size < 1e-3 => (value * 1e6, " µs"),
        size if size < 1.0 => (value * 1e3, " ms"),
        size if size < 60.0 => (value, " s"),
        size if size < 3600.0 => (value / 60.0, " mins"),
        size if size < 86_400.0 => (value / 3600.0, " hours"),
        size if size < 604_800.0 => (value / 86_400.0, " days"),
        size if size < 31_536_000.0 => (value / 604_800.0, " weeks"),
        _ => (value / 31_536_000.0, " years"),
    }
}

fn number(value: f64, decimals: Option<usize>) -> String {
    let digits = decimals.unwrap_or_else(|| match value {
        value if value % 1.0 == 0.0 => 0,
        value => (2.0 - value.abs().log10().floor()).clamp(0.0, 12.0) as usize,
    });
    let text = format!("{value:.digits$}");
    // Of a small negative number nothing may be left.
    if text.parse() == Ok(0.0_f64) { text.trim_start_matches('-').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(unit: &str, value: f64) -> String {
        shown(unit, value, None).to_string()
    }

    #[test]
    fn three_digits_are_enough_and_whole_numbers_have_no_point() {
        assert_eq!(text("none", 3.0), "3");
        assert_eq!(text("none", 1234.5678), "1235");
        assert_eq!(text("short", 0.034_567), "0.0346");
        assert_eq!(text("short", 1.0), "1");
        assert_eq!(text("short", 12_345.0), "12.3 K");
        assert_eq!(text("none", 0.0), "0");
    }

    #[test]
    fn bytes_are_in_powers_of_1024_and_rates_of_them_in_powers_of_1000() {
        assert_eq!(text("bytes", 512.0), "512 B");
        assert_eq!(text("bytes", 809.4 * 1_048_576.0), "809 MiB");
        assert_eq!(text("bytes", 1.5 * 1_073_741_824.0), "1.50 GiB");
        assert_eq!(text("bytes", -2_097_152.0), "-2 MiB");
        assert_eq!(text("Bps", 12_345.0), "12.3 kB/s");
    }

    #[test]
    fn time_is_in_the_unit_that_fits() {
        assert_eq!(text("s", 0.000_25), "250 µs");
        assert_eq!(text("s", 0.0025), "2.50 ms");
        assert_eq!(text("s", 42.0), "42 s");
        assert_eq!(text("s", 90.0), "1.50 mins");
        assert_eq!(text("s", 7200.0), "2 hours");
        assert_eq!(text("s", 864_000.0), "1.43 weeks");
    }

    #[test]
    fn shares_are_in_percent_and_truth_in_words() {
        assert_eq!(text("percentunit", 0.0813), "8.13%");
        assert_eq!(text("percentunit", 1.0), "100%");
        assert_eq!(text("bool_yes_no", 1.0), "Yes");
        assert_eq!(text("bool_yes_no", 0.0), "No");
        assert_eq!(text("ops", 1500.0), "1.50K ops/s");
    }

    #[test]
    fn digits_that_are_set_are_kept() {
        assert_eq!(shown("short", 0.5, Some(3)).to_string(), "0.500");
        assert_eq!(shown("none", -0.0001, Some(1)).to_string(), "0.0");
    }
}
