//! `/proc/pressure/{cpu,memory,io}`: how long tasks waited for a resource.
//!
//! Pressure stall information, Linux 4.20 with CONFIG_PSI (Documentation/accounting/psi.rst,
//! `psi_show` in `kernel/sched/psi.c`). `some`: at least one task waited; `full`: all of them did, so nothing
//! was done. `full` of `cpu` came with Linux 5.13, and is zero for the whole machine. Booted with `psi=0`,
//! the files are not there or refuse to be read.

use serde::{Deserialize, Serialize};

use super::scan::{Line, Lines, fraction, halves, number};
use crate::error::Malformed;

/// One line: shares of time, in percent, and the total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stall {
    /// Percent of the last 10 seconds.
    pub avg10: f64,
    /// Percent of the last 60 seconds.
    pub avg60: f64,
    /// Percent of the last 300 seconds.
    pub avg300: f64,
    /// Microseconds since boot.
    pub total_usec: u64,
}

/// One of the files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pressure {
    /// At least one task waited.
    pub some: Stall,
    /// No task ran, all waited; absent for `cpu` before Linux 5.13.
    pub full: Option<Stall>,
}

/// Reads the text of one of the files.
pub fn parse(text: &[u8]) -> Result<Pressure, Malformed> {
    let (mut some, mut full) = (None, None);
    let mut lines = Lines::of_some(text)?;
    for line in lines.by_ref() {
        match line.words().next() {
            Some(b"some") => some = Some(stall(line)?),
            Some(b"full") => full = Some(stall(line)?),
            _ => {}
        }
    }
    Ok(Pressure { some: some.ok_or_else(|| lines.missing("some"))?, full })
}

fn stall(line: Line<'_>) -> Result<Stall, Malformed> {
    let (mut avg10, mut avg60, mut avg300, mut total) = (None, None, None, None);
    for word in line.words() {
        match halves(word, b'=') {
            Some((b"avg10", value)) => avg10 = Some(fraction(line.number, "avg10", value)?),
            Some((b"avg60", value)) => avg60 = Some(fraction(line.number, "avg60", value)?),
            Some((b"avg300", value)) => avg300 = Some(fraction(line.number, "avg300", value)?),
            Some((b"total", value)) => total = Some(number(line.number, "total", value)?),
            _ => {}
        }
    }
    let missing = |what| Malformed::new(line.number, format!("{what} is missing"));
    Ok(Stall {
        avg10: avg10.ok_or_else(|| missing("avg10"))?,
        avg60: avg60.ok_or_else(|| missing("avg60"))?,
        avg300: avg300.ok_or_else(|| missing("avg300"))?,
        total_usec: total.ok_or_else(|| missing("total"))?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `/proc/pressure/io` of a KubeVirt node, Linux 6.18.
    const IO: &str = "\
some avg10=0.14 avg60=0.35 avg300=0.19 total=45424000
full avg10=0.08 avg60=0.28 avg300=0.15 total=22287554
";

    #[test]
    fn a_real_node_is_read() {
        let pressure = parse(IO.as_bytes()).unwrap();
        assert_eq!(pressure.some, Stall { avg10: 0.14, avg60: 0.35, avg300: 0.19, total_usec: 45_424_000 });
        assert_eq!(pressure.full.unwrap().total_usec, 22_287_554);
    }

    #[test]
    fn before_linux_5_13_cpu_has_no_full_line() {
        let pressure = parse(b"some avg10=7.99 avg60=9.86 avg300=4.37 total=1578100650\n").unwrap();
        assert_eq!(pressure.full, None);
    }

    #[test]
    fn what_is_missing_is_named() {
        let wrong = parse(b"full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n").unwrap_err();
        assert_eq!(wrong.to_string(), "line 1: no line `some` up to the end");
        let wrong = parse(b"some avg10=0.00 avg60=0.00 avg300=0.00\n").unwrap_err();
        assert_eq!(wrong.to_string(), "line 1: total is missing");
        let wrong = parse(b"some avg10=nan avg60=0.00 avg300=0.00 total=0\n").unwrap_err();
        assert_eq!(wrong.to_string(), "line 1: avg10 is not a number: `nan`");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(text: Vec<u8>) {
            let _ = parse(&text);
        }

        #[test]
        fn text_like_it_does_not_panic(
            text in "(some|full| avg10=| avg60=| avg300=| total=|[0-9.]{1,25}|=|\n){0,60}",
        ) {
            let _ = parse(text.as_bytes());
        }

        #[test]
        fn what_a_kernel_prints_is_read_back(hundredths in 0..=10_000u32, total: u64) {
            let average = format!("{}.{:02}", hundredths / 100, hundredths % 100);
            let text = format!("some avg10={average} avg60={average} avg300={average} total={total}\n");
            let some = parse(text.as_bytes()).unwrap().some;
            prop_assert_eq!(some.total_usec, total);
            prop_assert_eq!(some.avg300, f64::from(hundredths) / 100.0);
        }
    }
}
