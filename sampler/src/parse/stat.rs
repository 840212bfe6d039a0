//! `/proc/stat`: what the CPUs did since boot.
//!
//! In clock ticks (`fs/proc/stat.c`, `show_stat`): a line `cpu` with the sum over all CPUs the machine may have,
//! then a line `cpuN` for each that is online; a CPU that goes offline takes its line with it. `guest` is also
//! inside `user`, and `guest_nice` inside `nice` (`account_guest_time` in `kernel/sched/cputime.c`). The columns
//! grew: steal is the 8th (Linux 2.6.11), guest the 9th (2.6.24), guest_nice the 10th (2.6.33).
//! Documentation/filesystems/proc.rst warns that idle and iowait may step back: what to do about that is for
//! those who form differences.

use serde::{Deserialize, Serialize};

use super::scan::{Lines, Words, number};
use crate::error::Malformed;
use crate::units::Ticks;

/// Ticks of one CPU, or of all, by what it did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuTimes {
    /// Ticks in user mode; holds `guest` too.
    pub user: Ticks,
    /// Ticks in user mode at lowered priority; holds `guest_nice` too.
    pub nice: Ticks,
    /// Ticks in the kernel.
    pub system: Ticks,
    /// Ticks without work.
    pub idle: Ticks,
    /// Ticks without work while a task that last ran here waits for I/O.
    pub iowait: Ticks,
    /// Ticks in hardware interrupts.
    pub irq: Ticks,
    /// Ticks in soft interrupts.
    pub softirq: Ticks,
    /// Ticks that a hypervisor gave to others.
    pub steal: Ticks,
    /// Ticks as a virtual CPU; zero where the kernel does not print them.
    pub guest: Ticks,
    /// Ticks as a virtual CPU at lowered priority; zero where the kernel does not print them.
    pub guest_nice: Ticks,
}

/// The line of one CPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuRow {
    /// The kernel's number of the CPU: `cpu3` is 3.
    pub cpu: u32,
    /// What it did.
    pub times: CpuTimes,
}

/// What is used of `/proc/stat`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stat {
    /// The line `cpu`: all CPUs together, those that are offline too.
    pub all: CpuTimes,
    /// The lines `cpuN` as they stand in the file: only CPUs that are online have one.
    pub cpus: Vec<CpuRow>,
    /// Processes and threads created since boot (the line `processes`); 0 where there is no such line.
    pub forks: u64,
    /// Context switches since boot (the line `ctxt`); 0 where there is no such line.
    pub context_switches: u64,
    /// When the machine booted, in seconds of Unix time (the line `btime`); 0 where there is no such line.
    pub boot_time: u64,
}

/// Reads the text of `/proc/stat`.
pub fn parse(text: &[u8]) -> Result<Stat, Malformed> {
    let mut all = None;
    let mut stat = Stat::default();
    let mut highest = None;
    let mut lines = Lines::of_whole(text)?;
    let mut ends_in_a_row = None;
    for line in lines.by_ref() {
        ends_in_a_row = line.text.starts_with(b"cpu").then_some(line.number);
        // The first letter is enough to pass over `intr` and `softirq`, whose lines are most of the file.
        if !matches!(line.text.first(), Some(b'c' | b'b' | b'p')) {
            continue;
        }
        let mut words = line.words();
        match words.next() {
            Some(b"cpu") => all = Some(times(&mut words)?),
            Some(b"processes") => stat.forks = words.number("processes")?,
            Some(b"ctxt") => stat.context_switches = words.number("ctxt")?,
            Some(b"btime") => stat.boot_time = words.number("btime")?,
            Some(key) => {
                let Some(cpu) = key.strip_prefix(b"cpu") else { continue };
                if !cpu.first().is_some_and(u8::is_ascii_digit) {
                    continue;
                }
                let cpu = number(line.number, "CPU number", cpu)?;
                // The kernel prints them in rising order, so the search is for the odd file only.
                if highest.is_some_and(|highest| cpu <= highest) && stat.cpus.iter().any(|row| row.cpu == cpu)
                {
                    return Err(Malformed::new(line.number, format!("cpu{cpu} is there twice")));
                }
                highest = highest.max(Some(cpu));
                stat.cpus.push(CpuRow { cpu, times: times(&mut words)? });
            }
            None => {}
        }
    }
    stat.all = all.ok_or_else(|| lines.missing("cpu"))?;
    // A CPU without a row is offline, so rows that were cut off would go unnoticed; `intr` follows them always.
    match ends_in_a_row {
        Some(line) => Err(Malformed::new(line, "cut short: nothing follows the CPU rows")),
        None => Ok(stat),
    }
}

fn times(words: &mut Words<'_>) -> Result<CpuTimes, Malformed> {
    Ok(CpuTimes {
        user: Ticks(words.number("user")?),
        nice: Ticks(words.number("nice")?),
        system: Ticks(words.number("system")?),
        idle: Ticks(words.number("idle")?),
        iowait: Ticks(words.number("iowait")?),
        irq: Ticks(words.number("irq")?),
        softirq: Ticks(words.number("softirq")?),
        steal: Ticks(words.number("steal")?),
        guest: Ticks(words.number_or_zero("guest")?),
        guest_nice: Ticks(words.number_or_zero("guest_nice")?),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A KubeVirt node with two CPUs, Linux 6.18; `intr` cut.
    const NODE: &str = "\
cpu  83866 307148 94825 749814 3668 0 2052 452 0 0
cpu0 41587 150841 46628 379822 931 0 674 237 0 0
cpu1 42279 156306 48197 369992 2737 0 1377 215 0 0
intr 12250147 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 1 1 14
ctxt 31614566
btime 1795326162
processes 175762
procs_running 1
procs_blocked 0
softirq 2889841 0 405329 74 641330 561364 0 762 527469 750 752763
";

    #[test]
    fn rows_that_were_cut_off_are_not_taken_for_offline_cpus() {
        let wrong = parse(b"cpu 1 2 3 4 5 6 7 8\ncpu0 1 2 3 4 5 6 7 8\n").unwrap_err();
        assert_eq!(wrong.to_string(), "line 2: cut short: nothing follows the CPU rows");
    }

    #[test]
    fn a_real_node_is_read() {
        let stat = parse(NODE.as_bytes()).unwrap();
        assert_eq!(stat.all.user, Ticks(83866));
        assert_eq!(stat.all.steal, Ticks(452));
        assert_eq!(stat.cpus.iter().map(|row| row.cpu).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(stat.cpus[1].times.iowait, Ticks(2737));
        assert_eq!((stat.forks, stat.context_switches, stat.boot_time), (175762, 31614566, 1795326162));
    }

    #[test]
    fn every_column_lands_in_its_field() {
        let times = parse(b"cpu 1 2 3 4 5 6 7 8 9 10\nctxt 1\n").unwrap().all;
        let CpuTimes { user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice } = times;
        let columns = [user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice];
        assert_eq!(columns.map(|ticks| ticks.0), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    }

    #[test]
    fn an_old_kernel_has_no_guest_columns_and_a_new_one_may_add_some() {
        let old = parse(b"cpu 1 2 3 4 5 6 7 8\nctxt 1\n").unwrap();
        assert_eq!((old.all.guest, old.all.guest_nice), (Ticks::ZERO, Ticks::ZERO));
        let new = parse(b"cpu 1 2 3 4 5 6 7 8 9 10 eleven\nctxt 1\n").unwrap();
        assert_eq!(new.all.guest_nice, Ticks(10));
    }

    #[test]
    fn fewer_than_eight_columns_are_refused() {
        assert_eq!(parse(b"cpu 1 2 3 4 5 6 7\n").unwrap_err().to_string(), "line 1: steal is missing");
    }

    #[test]
    fn cpus_that_are_offline_leave_a_gap() {
        let stat =
            parse(b"cpu 1 2 3 4 5 6 7 8\ncpu0 1 2 3 4 5 6 7 8\ncpu3 1 2 3 4 5 6 7 8\nintr 1\n").unwrap();
        assert_eq!(stat.cpus.iter().map(|row| row.cpu).collect::<Vec<_>>(), [0, 3]);
        assert_eq!((stat.forks, stat.context_switches, stat.boot_time), (0, 0, 0));
    }

    #[test]
    fn a_cpu_twice_is_refused() {
        let text = b"cpu 1 2 3 4 5 6 7 8\ncpu2 1 2 3 4 5 6 7 8\ncpu0 1 2 3 4 5 6 7 8\ncpu2 1 2 3 4 5 6 7 8\n";
        assert_eq!(parse(text).unwrap_err().to_string(), "line 4: cpu2 is there twice");
    }

    #[test]
    fn the_line_of_all_cpus_has_to_be_there() {
        let wrong = parse(b"cpu0 1 2 3 4 5 6 7 8\nbtime 1\n").unwrap_err();
        assert_eq!(wrong.to_string(), "line 2: no line `cpu` up to the end");
    }

    #[test]
    fn a_text_cut_short_is_refused_wherever_it_was_cut() {
        for end in 0..NODE.len() {
            let text = &NODE.as_bytes()[..end];
            let last = text.trim_ascii_end().rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
            let whole = text.ends_with(b"\n") && !last.starts_with(b"cpu");
            assert_eq!(parse(text).is_ok(), whole, "cut at {end}");
        }
        let wrong = parse(b"cpu 1 2 3 4 5 6 7 8\nbtime 17953").unwrap_err();
        assert_eq!(wrong.to_string(), "line 2: cut short: the last line has no newline");
    }

    #[test]
    fn an_error_names_line_and_column() {
        let wrong = parse(b"cpu 1 2 3 4 5 6 7 8\ncpu0 1 2 -3 4 5 6 7 8\n").unwrap_err();
        assert_eq!(wrong.to_string(), "line 2: system is not a number: `-3`");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(text: Vec<u8>) {
            let _ = parse(&text);
        }

        #[test]
        fn text_like_it_does_not_panic(text in "(cpu[0-9]{0,3}|intr|btime|ctxt| [0-9]{1,22}|\n){0,80}") {
            let _ = parse(text.as_bytes());
        }

        #[test]
        fn what_a_kernel_prints_is_read_back(rows: Vec<[u64; 10]>, btime: u64) {
            let columns = |row: &[u64; 10]| row.map(|ticks| ticks.to_string()).join(" ");
            let mut text = format!("cpu  {}\n", columns(&[7; 10]));
            for (cpu, row) in rows.iter().enumerate() {
                text += &format!("cpu{cpu} {}\n", columns(row));
            }
            text += &format!("intr 5 0 0 1\nctxt 3\nbtime {btime}\nprocesses 4\n");
            let stat = parse(text.as_bytes()).unwrap();
            prop_assert_eq!(stat.boot_time, btime);
            prop_assert_eq!(stat.cpus.len(), rows.len());
            for (row, printed) in stat.cpus.iter().zip(&rows) {
                let CpuTimes { user, steal, guest_nice, .. } = row.times;
                prop_assert_eq!([user.0, steal.0, guest_nice.0], [printed[0], printed[7], printed[9]]);
            }
        }
    }
}
