//! `/proc/PID/status`: what of a process' memory is whose, and what it may do.
//!
//! `Key:\tvalue` lines (`proc_pid_status` in `fs/proc/array.c`, described in
//! Documentation/filesystems/proc.rst). The `Vm*`, `Rss*` and `HugetlbPages` lines are there only while the
//! process has memory of its own: not for a kernel thread, not for a zombie. RssAnon, RssFile and RssShmem
//! came with Linux 4.5, HugetlbPages with 4.4. A user chooses the value of `Name:`; the kernel escapes
//! newlines and backslashes in it (`proc_task_name(m, p, true)`), so it cannot forge a line of its own.
//! `CapEff` is hexadecimal.

use serde::{Deserialize, Serialize};

use super::scan::{Lines, number};
use crate::error::Malformed;
use crate::units::Bytes;

/// What is used of `/proc/PID/status`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PidStatus {
    /// The real user.
    pub uid: u32,
    /// How many threads it has.
    pub threads: u32,
    /// `RssAnon`: resident memory that no file backs, in bytes.
    pub rss_anon: Option<Bytes>,
    /// `RssFile`: resident pages of files, in bytes.
    pub rss_file: Option<Bytes>,
    /// `RssShmem`: resident shared memory (tmpfs, memfd, shared anonymous), in bytes.
    pub rss_shmem: Option<Bytes>,
    /// `VmPTE`: its page tables, in bytes. They are in none of the three above.
    pub page_tables: Option<Bytes>,
    /// `VmSwap`: anonymous memory in swap, in bytes; shared memory in swap is not in it.
    pub swap: Option<Bytes>,
    /// `HugetlbPages`: huge pages of hugetlbfs, in bytes. They are in none of the others.
    pub hugetlb: Option<Bytes>,
    /// How often it gave the CPU away (of the main thread only).
    pub voluntary_switches: u64,
    /// How often the CPU was taken away (of the main thread only).
    pub involuntary_switches: u64,
    /// `CapEff`: the effective capabilities, bit N is capability N of `linux/capability.h`.
    pub effective_capabilities: u64,
}

/// Reads the text of `/proc/PID/status`.
pub fn parse(text: &[u8]) -> Result<PidStatus, Malformed> {
    let (mut uid, mut threads, mut voluntary, mut involuntary, mut capabilities) =
        (None, None, None, None, None);
    let mut status = PidStatus::default();
    let mut lines = Lines::of_some(text)?;
    for line in lines.by_ref() {
        // Of the sixty lines most are passed over by their first letter.
        if !matches!(line.text.first(), Some(b'U' | b'R' | b'V' | b'H' | b'T' | b'C' | b'v' | b'n')) {
            continue;
        }
        let Some(entry) = line.entry(b':') else { continue };
        match entry.key {
            b"Uid" => {
                // Real, effective, saved, file system.
                let real = entry.value.split(u8::is_ascii_whitespace).next().unwrap_or_default();
                uid = Some(number(line.number, "Uid", real)?);
            }
            b"RssAnon" => status.rss_anon = Some(entry.kib()?),
            b"RssFile" => status.rss_file = Some(entry.kib()?),
            b"RssShmem" => status.rss_shmem = Some(entry.kib()?),
            b"VmPTE" => status.page_tables = Some(entry.kib()?),
            b"VmSwap" => status.swap = Some(entry.kib()?),
            b"HugetlbPages" => status.hugetlb = Some(entry.kib()?),
            b"Threads" => threads = Some(entry.number()?),
            b"CapEff" => capabilities = Some(entry.hexadecimal()?),
            b"voluntary_ctxt_switches" => voluntary = Some(entry.number()?),
            b"nonvoluntary_ctxt_switches" => involuntary = Some(entry.number()?),
            _ => {}
        }
    }
    status.uid = uid.ok_or_else(|| lines.missing("Uid"))?;
    status.threads = threads.ok_or_else(|| lines.missing("Threads"))?;
    status.effective_capabilities = capabilities.ok_or_else(|| lines.missing("CapEff"))?;
    status.voluntary_switches = voluntary.ok_or_else(|| lines.missing("voluntary_ctxt_switches"))?;
    status.involuntary_switches = involuntary.ok_or_else(|| lines.missing("nonvoluntary_ctxt_switches"))?;
    Ok(status)
}

/// Whether the process of this `status` ignores the ends of its children: then the kernel reaps them itself, and adds
/// their time to nobody's (`do_notify_parent` in `kernel/signal.c`).
pub fn ignores_children(text: &[u8]) -> bool {
    /// SIGCHLD but on Alpha, MIPS and SPARC.
    const SIGCHLD: u32 = 17;
    let mut lines = text.split(|&byte| byte == b'\n');
    let ignored = lines.find_map(|line| line.strip_prefix(b"SigIgn:")).map(<[u8]>::trim_ascii);
    let mask = ignored.and_then(|mask| u64::from_str_radix(std::str::from_utf8(mask).ok()?, 16).ok());
    mask.is_some_and(|mask| mask >> (SIGCHLD - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use procfs_core::FromRead;
    use proptest::prelude::*;

    use super::*;

    /// qemu-kvm with a 512 MiB guest, Linux 6.18; three long lines left out.
    const QEMU: &str = "\
Name:	qemu-kvm
Umask:	0002
State:	S (sleeping)
Tgid:	49453
Ngid:	0
Pid:	49453
PPid:	1
TracerPid:	0
Uid:	0	0	0	0
Gid:	0	0	0	0
FDSize:	64
Groups:	0 
NStgid:	49453
NSpid:	49453
NSpgid:	49452
NSsid:	49452
Kthread:	0
VmPeak:	 2113340 kB
VmSize:	 2047804 kB
VmLck:	       0 kB
VmPin:	       0 kB
VmHWM:	   61364 kB
VmRSS:	   53624 kB
RssAnon:	   30760 kB
RssFile:	   22864 kB
RssShmem:	       0 kB
VmData:	 1688120 kB
VmStk:	     132 kB
VmExe:	    5724 kB
VmLib:	   14608 kB
VmPTE:	     312 kB
VmSwap:	       0 kB
HugetlbPages:	       0 kB
CoreDumping:	0
THP_enabled:	1
untag_mask:	0xffffffffffffffff
Threads:	5
SigQ:	0/96365
SigPnd:	0000000000000000
ShdPnd:	0000000000000000
SigBlk:	0000000010002240
SigIgn:	0000000000001000
SigCgt:	0000000100004043
CapInh:	0000000000000000
CapPrm:	000001fffeffffff
CapEff:	000001fffeffffff
CapBnd:	000001fffeffffff
CapAmb:	0000000000000000
NoNewPrivs:	1
Seccomp:	2
Seccomp_filters:	1
Cpus_allowed:	3
Cpus_allowed_list:	0-1
Mems_allowed_list:	0
voluntary_ctxt_switches:	1363
nonvoluntary_ctxt_switches:	427
";

    /// kthreadd of a KubeVirt node, likewise.
    const KTHREADD: &str = "\
Name:	kthreadd
Umask:	0022
State:	S (sleeping)
Tgid:	2
Ngid:	0
Pid:	2
PPid:	0
TracerPid:	0
Uid:	0	0	0	0
Gid:	0	0	0	0
FDSize:	64
Groups:	 
NStgid:	2
NSpid:	2
NSpgid:	0
NSsid:	0
Kthread:	1
Threads:	1
SigQ:	1/96365
SigPnd:	0000000000000000
ShdPnd:	0000000000000000
SigBlk:	0000000000000000
SigIgn:	ffffffffffffffff
SigCgt:	0000000000000000
CapInh:	0000000000000000
CapPrm:	000001ffffffffff
CapEff:	000001ffffffffff
CapBnd:	000001ffffffffff
CapAmb:	0000000000000000
NoNewPrivs:	0
Seccomp:	0
Seccomp_filters:	0
Cpus_allowed:	3
Cpus_allowed_list:	0-1
Mems_allowed_list:	0
voluntary_ctxt_switches:	101
nonvoluntary_ctxt_switches:	0
";

    /// The least a kernel prints that this is good for.
    const LEAST: &str = "Uid:\t107\t1\t2\t3\nThreads:\t4\nCapEff:\t0000000000000400\n\
        voluntary_ctxt_switches:\t5\nnonvoluntary_ctxt_switches:\t6\n";

    #[test]
    fn who_ignores_sigchld_has_its_bit_set() {
        assert!(!ignores_children(QEMU.as_bytes()), "SIGPIPE");
        assert!(ignores_children(b"Name:\tsh\nSigIgn:\t0000000000010000\nSigCgt:\t0\n"));
        assert!(ignores_children(b"SigIgn:\tffffffffffffffff\n"), "kthreadd");
        assert!(!ignores_children(b""));
        assert!(!ignores_children(b"SigIgn:\t\xff\n"));
    }

    #[test]
    fn a_real_qemu_is_read() {
        let expected = PidStatus {
            uid: 0,
            threads: 5,
            rss_anon: Some(Bytes::from_kib(30760)),
            rss_file: Some(Bytes::from_kib(22864)),
            rss_shmem: Some(Bytes::ZERO),
            page_tables: Some(Bytes::from_kib(312)),
            swap: Some(Bytes::ZERO),
            hugetlb: Some(Bytes::ZERO),
            voluntary_switches: 1363,
            involuntary_switches: 427,
            effective_capabilities: 0x0000_01ff_feff_ffff,
        };
        assert_eq!(parse(QEMU.as_bytes()), Ok(expected));
    }

    #[test]
    fn a_kernel_thread_has_no_memory_of_its_own() {
        let status = parse(KTHREADD.as_bytes()).unwrap();
        let memory = [
            status.rss_anon,
            status.rss_file,
            status.rss_shmem,
            status.page_tables,
            status.swap,
            status.hugetlb,
        ];
        assert_eq!(memory, [None; 6]);
        assert_eq!((status.threads, status.voluntary_switches), (1, 101));
    }

    #[test]
    fn the_user_is_the_real_one_and_capabilities_are_hexadecimal() {
        let status = parse(LEAST.as_bytes()).unwrap();
        assert_eq!(status.uid, 107);
        assert_eq!(status.effective_capabilities, 1 << 10);
        assert_eq!((status.voluntary_switches, status.involuntary_switches), (5, 6));
    }

    #[test]
    fn a_name_that_looks_like_lines_is_a_name() {
        // As Linux 6.18 prints the comm "a\nUid: 7\\\xff\t".
        let text = [b"Name:\ta\\nUid: 7\\\\\xff\t\n".as_slice(), LEAST.as_bytes()].concat();
        assert_eq!(parse(&text).unwrap().uid, 107);
        let text = format!("Name:\tRssAnon: 1 kB\n{LEAST}");
        assert_eq!(parse(text.as_bytes()).unwrap().rss_anon, None);
    }

    #[test]
    fn only_a_line_that_starts_with_the_key_counts() {
        let text = format!("{LEAST} RssAnon:\t1 kB\nXRssAnon:\t1 kB\nRssAnonX:\t1 kB\nRssAnon\n");
        assert_eq!(parse(text.as_bytes()).unwrap().rss_anon, None);
    }

    #[test]
    fn what_has_to_be_there_is_missed_by_name() {
        for key in ["Uid", "Threads", "CapEff", "voluntary_ctxt_switches", "nonvoluntary_ctxt_switches"] {
            let text: String =
                LEAST.split_inclusive('\n').filter(|line| !line.starts_with(&format!("{key}:"))).collect();
            assert_eq!(parse(text.as_bytes()).unwrap_err().what, format!("no line `{key}` up to the end"));
        }
        assert_eq!(parse(b"").unwrap_err().to_string(), "line 1: the file is empty");
    }

    #[test]
    fn an_error_names_line_and_key() {
        let text = LEAST.replace("\t4\n", "\tfour\n");
        assert_eq!(
            parse(text.as_bytes()).unwrap_err().to_string(),
            "line 2: Threads is not a number: `four`"
        );
        let text = LEAST.replace("0000000000000400", "10000000000000000");
        assert_eq!(
            parse(text.as_bytes()).unwrap_err().to_string(),
            "line 3: CapEff is too large a number: `10000000000000000`"
        );
        let text = LEAST.replace("Uid:\t107", "Uid:\t4294967296");
        assert_eq!(
            parse(text.as_bytes()).unwrap_err().to_string(),
            "line 1: Uid is too large a number: `4294967296`"
        );
    }

    #[test]
    fn the_procfs_crate_reads_the_same() {
        for text in [QEMU, KTHREADD] {
            let ours = parse(text.as_bytes()).unwrap();
            let theirs = procfs_core::process::Status::from_read(text.as_bytes()).unwrap();
            let bytes = |kib: Option<u64>| kib.map(Bytes::from_kib);
            assert_eq!(ours.uid, theirs.ruid);
            assert_eq!(u64::from(ours.threads), theirs.threads);
            assert_eq!(ours.rss_anon, bytes(theirs.rssanon));
            assert_eq!(ours.rss_file, bytes(theirs.rssfile));
            assert_eq!(ours.rss_shmem, bytes(theirs.rssshmem));
            assert_eq!(ours.page_tables, bytes(theirs.vmpte));
            assert_eq!(ours.swap, bytes(theirs.vmswap));
            assert_eq!(ours.hugetlb, bytes(theirs.hugetlbpages));
            assert_eq!(Some(ours.voluntary_switches), theirs.voluntary_ctxt_switches);
            assert_eq!(Some(ours.involuntary_switches), theirs.nonvoluntary_ctxt_switches);
            assert_eq!(ours.effective_capabilities, theirs.capeff);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(text: Vec<u8>) {
            let _ = parse(&text);
        }

        #[test]
        fn text_like_it_does_not_panic(
            text in "(Uid|RssAnon|CapEff|Threads|VmPTE|:\t| kB|[0-9a-f]{1,21}|\n| ){0,80}",
        ) {
            let _ = parse(text.as_bytes());
        }

        #[test]
        fn what_a_kernel_prints_is_read_back(
            uid: u32, threads: u32, rss in 0..1u64 << 54, capabilities: u64, voluntary: u64, involuntary: u64,
        ) {
            let text = format!(
                "Name:\tx\nUid:\t{uid}\t0\t0\t0\nRssAnon:\t{rss:8} kB\nThreads:\t{threads}\n\
                CapEff:\t{capabilities:016x}\nvoluntary_ctxt_switches:\t{voluntary}\n\
                nonvoluntary_ctxt_switches:\t{involuntary}\n"
            );
            let status = parse(text.as_bytes()).unwrap();
            prop_assert_eq!((status.uid, status.threads), (uid, threads));
            prop_assert_eq!(status.rss_anon, Some(Bytes::from_kib(rss)));
            prop_assert_eq!(status.effective_capabilities, capabilities);
            prop_assert_eq!((status.voluntary_switches, status.involuntary_switches), (voluntary, involuntary));
        }
    }
}
