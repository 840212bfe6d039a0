//! The `Average:` lines as sysstat 12.6 prints them: `sar 1 N`, then `sar -r 1 N`.
//!
//! Columns are 9 wide behind a blank, after a first field of 11; sizes and percentages are C's `%.0f` and
//! `%.2f`, which round the exact binary value, ties to even, as Rust's formatter does.

use std::io::{self, Write};

use edgebench_sampler::sysstat::CpuShares;

use crate::comparison::Comparison;
use crate::footprint::MemoryAverages;

/// Writes the lines of every capture, and before them those of a measured baseline.
///
/// # Errors
/// Where `out` can't be written.
pub fn sar(comparisons: &[Comparison], out: &mut dyn Write) -> io::Result<()> {
    let baseline = comparisons.first().and_then(Comparison::measured);
    let sides = baseline.into_iter().chain(comparisons.iter().map(|comparison| &comparison.capture));
    for (index, footprint) in sides.flat_map(|side| &side.captures).enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        writeln!(out, "{}", cpu_heading())?;
        writeln!(out, "{}", cpu_line(&footprint.node.cpu))?;
        writeln!(out)?;
        writeln!(out, "{}", memory_heading())?;
        writeln!(out, "{}", memory_line(&footprint.node.memory))?;
    }
    Ok(())
}

fn heading(names: &[&str]) -> String {
    let columns: String = names.iter().map(|name| format!("{name:>10}")).collect();
    format!("{:<11}{columns}", "")
}

fn cpu_heading() -> String {
    format!(
        "{:<11}     CPU{}",
        "",
        &heading(&["%user", "%nice", "%system", "%iowait", "%steal", "%idle"])[11..]
    )
}

fn cpu_line(cpu: &CpuShares) -> String {
    let shares = [cpu.user, cpu.nice, cpu.system, cpu.iowait, cpu.steal, cpu.idle];
    let columns: String = shares.iter().map(|share| format!(" {share:9.2}")).collect();
    format!("{:<11}     all{columns}", "Average:")
}

fn memory_heading() -> String {
    heading(&[
        "kbmemfree",
        "kbavail",
        "kbmemused",
        "%memused",
        "kbbuffers",
        "kbcached",
        "kbcommit",
        "%commit",
        "kbactive",
        "kbinact",
        "kbdirty",
    ])
}

/// What an exporter does not carry is a `-`.
fn memory_line(m: &MemoryAverages) -> String {
    let column = |text: Option<String>| format!(" {:>9}", text.unwrap_or_else(|| "-".to_owned()));
    let size = |kib: Option<f64>| column(kib.map(|kib| format!("{kib:.0}")));
    let share = |percent: Option<f64>| column(percent.map(|percent| format!("{percent:.2}")));
    let columns = [
        size(m.free),
        size(m.available),
        size(Some(m.used)),
        share(Some(m.used_percent)),
        size(m.buffers),
        size(m.cached),
        size(m.committed),
        share(m.committed_percent),
        size(m.active),
        size(m.inactive),
        size(m.dirty),
    ];
    format!("{:<11}{}", "Average:", columns.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_are_those_of_sar() {
        let cpu = CpuShares { user: 8.11, nice: 0.0, system: 2.92, iowait: 0.1, steal: 0.0, idle: 88.87 };
        assert_eq!(
            cpu_line(&cpu),
            "Average:        all      8.11      0.00      2.92      0.10      0.00     88.87"
        );
        let memory = MemoryAverages {
            free: Some(21_386_889.0),
            available: Some(22_774_767.0),
            used: 1_521_312.0,
            used_percent: 6.163,
            buffers: Some(3496.0),
            cached: Some(1_187_751.0),
            committed: Some(5_054_567.0),
            committed_percent: Some(20.477),
            active: Some(154_925.0),
            inactive: Some(2_437_462.0),
            dirty: Some(9331.0),
        };
        assert_eq!(
            memory_line(&memory),
            "Average:     21386889  22774767   1521312      6.16      3496   1187751   5054567     20.48    154925   \
             2437462      9331"
        );
    }

    #[test]
    fn what_is_not_known_is_no_zero() {
        let memory = MemoryAverages { used: 1_521_312.0, used_percent: 6.163, ..MemoryAverages::default() };
        assert_eq!(
            memory_line(&memory).split_whitespace().collect::<Vec<_>>(),
            ["Average:", "-", "-", "1521312", "6.16", "-", "-", "-", "-", "-", "-", "-"]
        );
    }

    #[test]
    fn ties_round_to_even_as_in_c() {
        assert_eq!(format!("{:.0} {:.0} {:.0} {:.2}", 0.5, 1.5, 2.5, 0.125), "0 2 2 0.12");
    }
}
