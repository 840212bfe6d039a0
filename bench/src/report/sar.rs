//! The `Average:` lines as sysstat 12.6 prints them: `sar 1 N`, then `sar -r 1 N`.
//!
//! Columns are 9 wide behind a blank, after a first field of 11; sizes and percentages are C's `%.0f` and
//! `%.2f`, which round the exact binary value, ties to even, as Rust's formatter does.

use std::io::{self, Write};

use edgebench_sampler::sysstat::{CpuShares, MemoryLine};

use crate::comparison::Comparison;

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

fn memory_line(m: &MemoryLine) -> String {
    let size = |kib: f64| format!(" {kib:9.0}");
    let share = |percent: f64| format!(" {percent:9.2}");
    let columns = [
        size(m.free),
        size(m.available),
        size(m.used),
        share(m.used_percent),
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
        let memory = MemoryLine {
            free: 21_386_889.0,
            available: 22_774_767.0,
            used: 1_521_312.0,
            used_percent: 6.163,
            buffers: 3496.0,
            cached: 1_187_751.0,
            committed: 5_054_567.0,
            committed_percent: 20.477,
            active: 154_925.0,
            inactive: 2_437_462.0,
            dirty: 9331.0,
        };
        assert_eq!(
            memory_line(&memory),
            "Average:     21386889  22774767   1521312      6.16      3496   1187751   5054567     20.48    154925   \
             2437462      9331"
        );
    }

    #[test]
    fn ties_round_to_even_as_in_c() {
        assert_eq!(format!("{:.0} {:.0} {:.0} {:.2}", 0.5, 1.5, 2.5, 0.125), "0 2 2 0.12");
    }
}
