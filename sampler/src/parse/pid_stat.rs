//! `/proc/PID/stat`: identity, CPU time and size of a process in one line.
//!
//! 52 columns (proc_pid_stat(5); `do_task_stat` in `fs/proc/array.c`). The second one is the comm, in
//! parentheses and **not escaped** (`proc_task_name(m, task, false)`), so it may hold blanks, parentheses,
//! newlines and bytes that are no UTF-8. No column after it holds a `)`: the last one ends the comm. Columns
//! 16, 17 and 44 are printed with a sign. Columns 43 and 44 came with Linux 2.6.24.

use super::scan::{Words, not_below_zero};
use crate::error::Malformed;
use crate::units::{Pages, Pid, StartTicks, Ticks};

/// The flag of a kernel thread (`PF_KTHREAD`, `include/linux/sched.h`).
const PF_KTHREAD: u32 = 0x0020_0000;

/// What is used of `/proc/PID/stat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PidStat<'a> {
    /// The process (column 1).
    pub pid: Pid,
    /// Its name (column 2), without the parentheses: any bytes, at most 15 of them, or 63 for a kernel
    /// thread.
    pub comm: &'a [u8],
    /// What it does (column 3): `R`, `S`, `D`, `Z` …
    pub state: u8,
    /// Its parent (column 4); 0 where there is none that we can see.
    pub parent: Pid,
    /// The kernel's flags (column 9), see `PF_*` in `include/linux/sched.h`.
    pub flags: u32,
    /// Page faults of all its threads that had to wait for I/O (column 12).
    pub major_faults: u64,
    /// Ticks in user mode, of all its threads, also those that ended (column 14); holds `guest` too.
    pub user: Ticks,
    /// Ticks in the kernel, likewise (column 15).
    pub system: Ticks,
    /// Ticks in user mode of children that ended and were waited for (column 16).
    pub children_user: Ticks,
    /// Ticks in the kernel of such children (column 17).
    pub children_system: Ticks,
    /// How many threads it has (column 20).
    pub threads: u32,
    /// When it started (column 22): with the pid, its identity.
    pub start: StartTicks,
    /// Pages in memory (column 24). Since Linux 6.2 an approximate sum over the CPUs (`get_mm_counter`),
    /// which `statm` and `status` can differ from a little.
    pub resident: Pages,
    /// Ticks as virtual CPUs (column 43); also in `user`. Zero where the kernel does not print them.
    pub guest: Ticks,
    /// Ticks as virtual CPUs of children (column 44). Zero where the kernel does not print them.
    pub children_guest: Ticks,
}

impl PidStat<'_> {
    /// Whether this is a thread of the kernel: it has no memory of its own and no command line.
    pub const fn is_kernel_thread(&self) -> bool {
        self.flags & PF_KTHREAD != 0
    }
}

/// Reads the text of `/proc/PID/stat`.
pub fn parse(text: &[u8]) -> Result<PidStat<'_>, Malformed> {
    let no_comm = || Malformed::new(1, "no comm in parentheses");
    let open = text.iter().position(|&byte| byte == b'(').ok_or_else(no_comm)?;
    let close = text.iter().rposition(|&byte| byte == b')').ok_or_else(no_comm)?;
    let pid = text.get(..open).ok_or_else(no_comm)?;
    let comm = text.get(open + 1..close).ok_or_else(no_comm)?;
    let rest = text.get(close + 1..).ok_or_else(no_comm)?;

    // A newline in the comm makes several lines of it, but it is one record: all errors are in line 1.
    let mut words = Words::of(1, rest);
    let pid = Pid(Words::of(1, pid).number("pid")?);
    let state = words.word("state")?.first().copied().unwrap_or(b'?');
    let parent = Pid(words.number("ppid")?);
    words.skip_words(4, "a column between ppid and flags")?;
    let flags = words.number("flags")?;
    words.skip_words(2, "a column between flags and majflt")?;
    let major_faults = words.number("majflt")?;
    words.skip_words(1, "cmajflt")?;
    let user = Ticks(words.number("utime")?);
    let system = Ticks(words.number("stime")?);
    let children_user = Ticks(not_below_zero(1, "cutime", words.word("cutime")?)?);
    let children_system = Ticks(not_below_zero(1, "cstime", words.word("cstime")?)?);
    words.skip_words(2, "a column between cstime and num_threads")?;
    let threads = words.number("num_threads")?;
    words.skip_words(1, "itrealvalue")?;
    let start = StartTicks(words.number("starttime")?);
    words.skip_words(1, "vsize")?;
    let resident = Pages(words.number("rss")?);
    // Columns 25 to 42 are left out; the 18th word from here is the last of them.
    words.nth(17);
    let guest = Ticks(words.number_or_zero("guest_time")?);
    let children_guest = words.next().map_or(Ok(0), |word| not_below_zero(1, "cguest_time", word))?;

    Ok(PidStat {
        pid,
        comm,
        state,
        parent,
        flags,
        major_faults,
        user,
        system,
        children_user,
        children_system,
        threads,
        start,
        resident,
        guest,
        children_guest: Ticks(children_guest),
    })
}

#[cfg(test)]
mod tests {
    use procfs_core::FromRead;
    use proptest::prelude::*;

    use super::*;

    /// qemu-kvm with a 512 MiB guest (TCG), Linux 6.18.
    const QEMU: &str = "49453 (qemu-kvm) S 1 49452 49452 0 -1 138412416 11192 0 0 0 45 13 0 0 30 10 5 0 113962 \
        2096951296 13410 18446744073709551615 94431655018496 94431660878933 140721661069280 0 0 0 268444224 4096 \
        16451 0 0 0 17 0 0 0 0 0 0 94431663991032 94431669195184 94431974883328 140721661076533 140721661079053 \
        140721661079053 140721661079508 0\n";

    /// kthreadd of a KubeVirt node, Linux 6.18.
    const KTHREADD: &str = "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 23 0 0 18446744073709551615 0 0 \
        0 0 0 0 0 2147483647 0 1 0 0 0 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

    /// Columns 3 to 52, each with its own number, so that one in the wrong field shows.
    const REST: &str = "R 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 \
        37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52\n";

    #[test]
    fn a_real_qemu_is_read() {
        let stat = parse(QEMU.as_bytes()).unwrap();
        assert_eq!(stat.pid, Pid(49453));
        assert_eq!(stat.comm, b"qemu-kvm");
        assert_eq!((stat.state, stat.parent, stat.threads), (b'S', Pid(1), 5));
        assert_eq!((stat.user, stat.system), (Ticks(45), Ticks(13)));
        assert_eq!(stat.start, StartTicks(113962));
        assert_eq!(stat.resident, Pages(13410));
        assert!(!stat.is_kernel_thread());
    }

    #[test]
    fn a_real_kernel_thread_is_one() {
        assert!(parse(KTHREADD.as_bytes()).unwrap().is_kernel_thread());
    }

    #[test]
    fn every_column_lands_in_its_field() {
        let text = format!("1 (two) {REST}");
        let expected = PidStat {
            pid: Pid(1),
            comm: b"two",
            state: b'R',
            parent: Pid(4),
            flags: 9,
            major_faults: 12,
            user: Ticks(14),
            system: Ticks(15),
            children_user: Ticks(16),
            children_system: Ticks(17),
            threads: 20,
            start: StartTicks(22),
            resident: Pages(24),
            guest: Ticks(43),
            children_guest: Ticks(44),
        };
        assert_eq!(parse(text.as_bytes()), Ok(expected));
    }

    #[test]
    fn a_hostile_comm_changes_no_field() {
        for comm in [
            ") R 1 (".as_bytes(),
            b"",
            b")",
            b"(",
            b"((",
            b"))",
            b") S 0 0 0 (x",
            b"a\nb) Z 1\n",
            b"\n",
            b" ",
            b"tab\there",
            b"\xff\xfe\x80",
            b"42 (systemd) S 1",
            b"a\nb) S \\(x\xff\t",
        ] {
            let text = [b"77 (".as_slice(), comm, b") ", REST.as_bytes()].concat();
            let stat = parse(&text).unwrap();
            assert_eq!(stat.comm, comm);
            assert_eq!(
                (stat.pid, stat.state, stat.parent, stat.start),
                (Pid(77), b'R', Pid(4), StartTicks(22))
            );
        }
    }

    #[test]
    fn times_that_the_kernel_prints_with_a_sign_are_never_below_zero() {
        let text = format!("1 (x) {REST}").replace(" 16 17 ", " -16 -1 ").replace(" 44 ", " -44 ");
        let stat = parse(text.as_bytes()).unwrap();
        assert_eq!([stat.children_user, stat.children_system, stat.children_guest], [Ticks::ZERO; 3]);
        assert_eq!(stat.threads, 20);
    }

    #[test]
    fn an_old_kernel_prints_no_guest_time() {
        let text = format!("1 (x) {}", REST.split(" 43 ").next().unwrap());
        let stat = parse(text.as_bytes()).unwrap();
        assert_eq!((stat.guest, stat.children_guest), (Ticks::ZERO, Ticks::ZERO));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, what) in [
            ("", "no comm in parentheses"),
            ("1 2 3", "no comm in parentheses"),
            (")1(", "no comm in parentheses"),
            ("(x) R 1", "pid is missing"),
            ("x (x) R 1", "pid is not a number: `x`"),
            ("1 (x)", "state is missing"),
            ("1 (x) R", "ppid is missing"),
            ("1 (x) R 1 2 3", "a column between ppid and flags is missing"),
            ("1 (x) R -1 2 3", "ppid is not a number: `-1`"),
        ] {
            assert_eq!(parse(text.as_bytes()).unwrap_err().what, what, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(text: Vec<u8>) {
            let _ = parse(&text);
        }

        #[test]
        fn columns_that_are_cut_or_wrong_do_not_panic(columns in r"[-0-9() ]{0,200}") {
            let _ = parse(format!("1 (x) S{columns}").as_bytes());
        }

        #[test]
        fn any_comm_is_read_back(comm: Vec<u8>) {
            let text = [b"1 (".as_slice(), &comm, b") ", REST.as_bytes()].concat();
            let stat = parse(&text).unwrap();
            prop_assert_eq!(stat.comm, comm.as_slice());
            prop_assert_eq!(stat.start, StartTicks(22));
        }
    }

    #[test]
    fn the_procfs_crate_reads_the_same() {
        for text in [QEMU, KTHREADD] {
            let ours = parse(text.as_bytes()).unwrap();
            let theirs = procfs_core::process::Stat::from_read(text.as_bytes()).unwrap();
            assert_eq!(ours.pid.0, theirs.pid as u32);
            assert_eq!(ours.comm, theirs.comm.as_bytes());
            assert_eq!(char::from(ours.state), theirs.state);
            assert_eq!(ours.parent.0, theirs.ppid as u32);
            assert_eq!(ours.flags, theirs.flags);
            assert_eq!(ours.major_faults, theirs.majflt);
            assert_eq!((ours.user.0, ours.system.0), (theirs.utime, theirs.stime));
            assert_eq!(ours.children_user.0, theirs.cutime as u64);
            assert_eq!(ours.children_system.0, theirs.cstime as u64);
            assert_eq!(ours.threads, theirs.num_threads as u32);
            assert_eq!(ours.start.0, theirs.starttime);
            assert_eq!(ours.resident.0, theirs.rss);
            assert_eq!(Some(ours.guest.0), theirs.guest_time);
            assert_eq!(Some(ours.children_guest.0), theirs.cguest_time.map(|ticks| ticks as u64));
        }
    }
}
