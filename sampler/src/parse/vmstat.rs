//! `/proc/vmstat`: paging events since boot.
//!
//! `name value` lines (`mm/vmstat.c`, `vmstat_text`). The event counters are there with
//! CONFIG_VM_EVENT_COUNTERS, which only CONFIG_EXPERT can turn off; `oom_kill` since Linux 4.13. All of them
//! are sums over the CPUs taken without a lock.

use serde::{Deserialize, Serialize};

use super::scan::Lines;
use crate::error::Malformed;

/// What is used of `/proc/vmstat`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VmStat {
    /// Page faults that had to wait for I/O.
    pub pgmajfault: u64,
    /// Pages read from swap.
    pub pswpin: u64,
    /// Pages written to swap.
    pub pswpout: u64,
    /// Processes that the OOM killer ended; absent before Linux 4.13.
    pub oom_kill: Option<u64>,
}

/// Reads the text of `/proc/vmstat`.
pub fn parse(text: &[u8]) -> Result<VmStat, Malformed> {
    let (mut pgmajfault, mut pswpin, mut pswpout, mut oom_kill) = (None, None, None, None);
    let mut lines = Lines::of_some(text)?;
    for entry in lines.by_ref().filter_map(|line| line.entry(b' ')) {
        match entry.key {
            b"pgmajfault" => pgmajfault = Some(entry.number()?),
            b"pswpin" => pswpin = Some(entry.number()?),
            b"pswpout" => pswpout = Some(entry.number()?),
            b"oom_kill" => oom_kill = Some(entry.number()?),
            _ => {}
        }
    }
    Ok(VmStat {
        pgmajfault: pgmajfault.ok_or_else(|| lines.missing("pgmajfault"))?,
        pswpin: pswpin.ok_or_else(|| lines.missing("pswpin"))?,
        pswpout: pswpout.ok_or_else(|| lines.missing("pswpout"))?,
        oom_kill,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Lines of a KubeVirt node, Linux 6.18.
    const NODE: &str = "\
nr_free_pages 5374087
pswpin 3
pswpout 12
pgfault 21083170
pgmajfault 56081
drop_pagecache 0
oom_kill 1
";

    #[test]
    fn a_real_node_is_read() {
        let expected = VmStat { pgmajfault: 56081, pswpin: 3, pswpout: 12, oom_kill: Some(1) };
        assert_eq!(parse(NODE.as_bytes()), Ok(expected));
    }

    #[test]
    fn an_old_kernel_does_not_count_oom_kills() {
        let text = NODE.replace("oom_kill 1\n", "");
        assert_eq!(parse(text.as_bytes()).unwrap().oom_kill, None);
    }

    #[test]
    fn a_counter_that_is_not_there_is_no_zero() {
        let text = NODE.replace("pgmajfault 56081\n", "");
        assert_eq!(
            parse(text.as_bytes()).unwrap_err().to_string(),
            "line 6: no line `pgmajfault` up to the end"
        );
        assert_eq!(parse(b"").unwrap_err().to_string(), "line 1: the file is empty");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(text: Vec<u8>) {
            let _ = parse(&text);
        }

        #[test]
        fn what_a_kernel_prints_is_read_back(pgmajfault: u64, pswpin: u64, pswpout: u64, oom_kill: u64) {
            let text = format!(
                "a 1\npswpin {pswpin}\npswpout {pswpout}\npgmajfault {pgmajfault}\noom_kill {oom_kill}\n"
            );
            let oom_kill = Some(oom_kill);
            prop_assert_eq!(parse(text.as_bytes()), Ok(VmStat { pgmajfault, pswpin, pswpout, oom_kill }));
        }
    }
}
