//! `/proc/PID/schedstat`: time on a CPU and time waiting for one.
//!
//! Three numbers (`proc_pid_schedstat` in `fs/proc/base.c`, CONFIG_SCHED_INFO;
//! Documentation/scheduler/sched-stats.rst): nanoseconds on a CPU, nanoseconds in a run queue, time slices. Of
//! **one thread**: under `/proc/PID` the main one, so a process is the sum over `/proc/PID/task/*`. All zero
//! where the kernel does not keep them.

use serde::{Deserialize, Serialize};

use super::scan::Words;
use crate::error::Malformed;
use crate::units::Nanos;

/// The content of one `schedstat`: totals of one thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchedStat {
    /// Nanoseconds on a CPU.
    pub on_cpu: Nanos,
    /// Nanoseconds ready to run, waiting for a CPU.
    pub run_queue_wait: Nanos,
    /// How often it was given a CPU.
    pub timeslices: u64,
}

/// Reads the text of `/proc/PID/schedstat` or `/proc/PID/task/TID/schedstat`.
pub fn parse(text: &[u8]) -> Result<SchedStat, Malformed> {
    let mut words = Words::of(1, text);
    Ok(SchedStat {
        on_cpu: Nanos(words.number("time on a CPU")?),
        run_queue_wait: Nanos(words.number("time in a run queue")?),
        timeslices: words.number("timeslices")?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_real_qemu_is_read() {
        let expected =
            SchedStat { on_cpu: Nanos(141_769_612), run_queue_wait: Nanos(755_227_811), timeslices: 1791 };
        assert_eq!(parse(b"141769612 755227811 1791\n"), Ok(expected));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(parse(b"").unwrap_err().to_string(), "line 1: time on a CPU is missing");
        assert_eq!(parse(b"1 2\n").unwrap_err().to_string(), "line 1: timeslices is missing");
        assert_eq!(
            parse(b"1 x 2\n").unwrap_err().to_string(),
            "line 1: time in a run queue is not a number: `x`"
        );
    }

    proptest! {
        #[test]
        fn no_bytes_panic(text: Vec<u8>) {
            let _ = parse(&text);
        }

        #[test]
        fn what_a_kernel_prints_is_read_back(on_cpu: u64, wait: u64, timeslices: u64) {
            let expected = SchedStat { on_cpu: Nanos(on_cpu), run_queue_wait: Nanos(wait), timeslices };
            prop_assert_eq!(parse(format!("{on_cpu} {wait} {timeslices}\n").as_bytes()), Ok(expected));
        }
    }
}
