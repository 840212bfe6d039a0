//! CPU time of a cgroup: `cpu.stat` (v2) and `cpuacct.usage` (v1).
//!
//! v2 prints microseconds, `usage_usec N` among other lines, in every cgroup, with the cpu controller or
//! without (Documentation/admin-guide/cgroup-v2.rst, "CPU Interface Files"). v1 prints nanoseconds, one
//! number (Documentation/admin-guide/cgroup-v1/cpuacct.rst). Both hold the time of the cgroups below and of
//! processes that ended.

use super::scan::{Lines, Words};
use crate::error::Malformed;
use crate::units::Nanos;

/// The CPU time in the text of v2's `cpu.stat`.
pub fn parse_cpu_stat_v2(text: &[u8]) -> Result<Nanos, Malformed> {
    let mut lines = Lines::of_some(text)?;
    for line in lines.by_ref() {
        let Some(entry) = line.entry(b' ') else { continue };
        if entry.key == b"usage_usec" {
            let microseconds: u64 = entry.number()?;
            let too_large = || Malformed::new(line.number, "usage_usec is too large for nanoseconds");
            return microseconds.checked_mul(1000).map(Nanos).ok_or_else(too_large);
        }
    }
    Err(lines.missing("usage_usec"))
}

/// The CPU time in the text of v1's `cpuacct.usage`.
pub fn parse_cpuacct_usage_v1(text: &[u8]) -> Result<Nanos, Malformed> {
    Words::of(1, text).number("cpuacct.usage").map(Nanos)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CPU_STAT: &str = "\
usage_usec 83724561
user_usec 51200034
system_usec 32524527
nice_usec 0
core_sched.force_idle_usec 0
nr_periods 0
nr_throttled 0
throttled_usec 0
";

    #[test]
    fn v2_counts_microseconds() {
        assert_eq!(parse_cpu_stat_v2(CPU_STAT.as_bytes()), Ok(Nanos(83_724_561_000)));
    }

    #[test]
    fn v1_counts_nanoseconds() {
        assert_eq!(parse_cpuacct_usage_v1(b"83724561000\n"), Ok(Nanos(83_724_561_000)));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let wrong = parse_cpu_stat_v2(b"user_usec 1\n").unwrap_err();
        assert_eq!(wrong.to_string(), "line 1: no line `usage_usec` up to the end");
        assert!(
            parse_cpu_stat_v2(b"usage_usec 18446744073709551615\n").is_err(),
            "not a number of nanoseconds"
        );
        assert!(parse_cpu_stat_v2(b"").is_err());
        assert_eq!(parse_cpuacct_usage_v1(b"").unwrap_err().to_string(), "line 1: cpuacct.usage is missing");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(text: Vec<u8>) {
            let _ = (parse_cpu_stat_v2(&text), parse_cpuacct_usage_v1(&text));
        }
    }
}
