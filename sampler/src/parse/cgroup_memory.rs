//! Memory of a cgroup: usage, limit, `memory.stat`, OOM kills; v1 and v2.
//!
//! | what | v2 | v1 |
//! |---|---|---|
//! | usage | `memory.current` | `memory.usage_in_bytes` |
//! | limit | `memory.max`: bytes or `max` | `memory.limit_in_bytes`: bytes, no limit is a huge number |
//! | `memory.stat` | the cgroup and those below: `anon`, `file` … | the same with `total_` before the name |
//! | OOM kills | `oom_kill` in `memory.events` | `oom_kill` in `memory.oom_control`, Linux 4.13 |
//!
//! Sources: Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst; `mm/memcontrol.c`,
//! `mm/memcontrol-v1.c`. v1's "no limit" is PAGE_COUNTER_MAX pages (`include/linux/page_counter.h`), LONG_MAX
//! rounded down to a page: 0x7fff_ffff_ffff_f000 with pages of 4 KiB, …_0000 with 64 KiB. v1's `rss` is
//! anonymous memory alone, not a resident set, and its `cache` is v2's `file`; both hold shared memory in the
//! latter. `total_shmem` came with Linux 4.12.

use serde::{Deserialize, Serialize};

use super::scan::{Lines, Words};
use crate::error::Malformed;
use crate::units::Bytes;

/// v1's "no limit" for the largest pages there are; no machine has that much memory.
const NO_LIMIT_V1: Bytes = Bytes(0x7fff_ffff_ffff_0000);

/// What is used of `memory.stat`: the cgroup with all below it, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryStat {
    /// Page cache that was not used lately: what the kubelet leaves out of the working set.
    pub inactive_file: Bytes,
    /// Memory that no file backs.
    pub anon: Bytes,
    /// Page cache, with shared memory.
    pub file: Bytes,
    /// Shared memory and tmpfs; also inside `file`.
    pub shmem: Bytes,
}

/// The number in a file that holds one number of bytes: `memory.current`, `memory.usage_in_bytes` and others.
pub fn parse_bytes_file(text: &[u8]) -> Result<Bytes, Malformed> {
    Words::of(1, text).number("the number of bytes").map(Bytes)
}

/// The limit in `memory.max` or `memory.limit_in_bytes`; nothing where there is no limit.
pub fn parse_limit(text: &[u8]) -> Result<Option<Bytes>, Malformed> {
    if text.trim_ascii() == b"max" {
        return Ok(None);
    }
    let limit = parse_bytes_file(text)?;
    Ok(Some(limit).filter(|&limit| limit < NO_LIMIT_V1))
}

/// Reads the text of v1's `memory.stat`.
pub fn parse_stat_v1(text: &[u8]) -> Result<MemoryStat, Malformed> {
    parse_stat(text, ["total_inactive_file", "total_rss", "total_cache", "total_shmem"])
}

/// Reads the text of v2's `memory.stat`.
pub fn parse_stat_v2(text: &[u8]) -> Result<MemoryStat, Malformed> {
    parse_stat(text, ["inactive_file", "anon", "file", "shmem"])
}

/// How many processes were OOM-killed, from `memory.events` (v2) or `memory.oom_control` (v1); nothing where
/// the kernel does not count them.
pub fn parse_oom_kills(text: &[u8]) -> Result<Option<u64>, Malformed> {
    let entry =
        Lines::of_some(text)?.filter_map(|line| line.entry(b' ')).find(|entry| entry.key == b"oom_kill");
    entry.map(|entry| entry.number()).transpose()
}

/// `keys`: inactive_file, anon, file, shmem.
fn parse_stat(text: &[u8], keys: [&str; 4]) -> Result<MemoryStat, Malformed> {
    let mut values = [None; 4];
    let mut lines = Lines::of_some(text)?;
    for entry in lines.by_ref().filter_map(|line| line.entry(b' ')) {
        for (key, value) in keys.iter().zip(&mut values) {
            if entry.key == key.as_bytes() {
                *value = Some(Bytes(entry.number()?));
            }
        }
    }
    let [inactive_file, anon, file, shmem] = values;
    let [inactive_file_key, anon_key, file_key, shmem_key] = keys;
    Ok(MemoryStat {
        inactive_file: inactive_file.ok_or_else(|| lines.missing(inactive_file_key))?,
        anon: anon.ok_or_else(|| lines.missing(anon_key))?,
        file: file.ok_or_else(|| lines.missing(file_key))?,
        shmem: shmem.ok_or_else(|| lines.missing(shmem_key))?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `memory.stat` of the compute container of a virt-launcher pod: v1, Linux 6.18.
    const STAT_V1: &str = "\
cache 146366464
rss 52908032
rss_huge 12582912
shmem 0
mapped_file 83906560
dirty 16384
writeback 0
workingset_refault_anon 0
workingset_refault_file 41171
swap 0
swapcached 0
pgpgin 80694
pgpgout 38384
pgfault 62939
pgmajfault 172
inactive_anon 52891648
active_anon 16384
inactive_file 117108736
active_file 29257728
unevictable 0
hierarchical_memory_limit 25276502016
hierarchical_memsw_limit 9223372036854771712
total_cache 146366464
total_rss 52908032
total_rss_huge 12582912
total_shmem 0
total_mapped_file 83906560
total_dirty 16384
total_writeback 0
total_workingset_refault_anon 0
total_workingset_refault_file 41171
total_swap 0
total_swapcached 0
total_pgpgin 80694
total_pgpgout 38384
total_pgfault 62939
total_pgmajfault 172
total_inactive_anon 52891648
total_active_anon 16384
total_inactive_file 117108736
total_active_file 29257728
total_unevictable 0
";

    const STAT_V2: &str = "\
anon 57421824
file 83456000
kernel 4431872
kernel_stack 1114112
pagetables 1245184
sec_pagetables 0
percpu 1440
sock 0
vmalloc 0
shmem 4096
file_mapped 54099968
file_dirty 0
anon_thp 12582912
file_thp 0
shmem_thp 0
inactive_anon 57344000
active_anon 81920
inactive_file 46800896
active_file 36651008
unevictable 0
slab_reclaimable 1409336
";

    #[test]
    fn a_usage_is_one_number() {
        assert_eq!(parse_bytes_file(b"1093632\n"), Ok(Bytes(1_093_632)));
        assert_eq!(parse_bytes_file(b"").unwrap_err().to_string(), "line 1: the number of bytes is missing");
        assert!(parse_bytes_file(b"max\n").is_err(), "a usage has no `max`");
    }

    #[test]
    fn a_limit_may_not_be_there() {
        for (text, limit) in [
            ("max\n", None),
            ("536870912\n", Some(Bytes(536_870_912))),
            ("0\n", Some(Bytes::ZERO)),
            // v1 without a limit, with pages of 4, 16 and 64 KiB.
            ("9223372036854771712\n", None),
            ("9223372036854759424\n", None),
            ("9223372036854710272\n", None),
            ("18446744073709551615\n", None),
            // Far more than any machine has, but a limit.
            ("9223372036854710271\n", Some(Bytes(9_223_372_036_854_710_271))),
        ] {
            assert_eq!(parse_limit(text.as_bytes()), Ok(limit), "{text}");
        }
        for text in ["", "maximum\n", "-1\n"] {
            assert!(parse_limit(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn v1_is_read_with_the_cgroups_below() {
        let stat = parse_stat_v1(STAT_V1.as_bytes()).unwrap();
        let line = |key: &str| {
            let line = STAT_V1.lines().find(|line| line.split(' ').next() == Some(key)).unwrap();
            Bytes(line.split(' ').nth(1).unwrap().parse().unwrap())
        };
        assert_eq!(stat.inactive_file, line("total_inactive_file"));
        assert_eq!(stat.anon, line("total_rss"));
        assert_eq!(stat.file, line("total_cache"));
        assert_eq!(stat.shmem, line("total_shmem"));
    }

    #[test]
    fn v1_of_the_cgroup_alone_is_not_taken_for_the_whole() {
        let text = "cache 1\nrss 2\nshmem 3\ninactive_file 4\n\
            total_cache 10\ntotal_rss 20\ntotal_shmem 30\ntotal_inactive_file 40\n";
        let whole =
            MemoryStat { inactive_file: Bytes(40), anon: Bytes(20), file: Bytes(10), shmem: Bytes(30) };
        assert_eq!(parse_stat_v1(text.as_bytes()), Ok(whole));
        assert!(parse_stat_v2(text.as_bytes()).is_err(), "v1 is no v2");
    }

    #[test]
    fn v2_is_read() {
        let expected = MemoryStat {
            inactive_file: Bytes(46_800_896),
            anon: Bytes(57_421_824),
            file: Bytes(83_456_000),
            shmem: Bytes(4096),
        };
        assert_eq!(parse_stat_v2(STAT_V2.as_bytes()), Ok(expected));
        let wrong = parse_stat_v1(STAT_V2.as_bytes()).unwrap_err();
        assert_eq!(wrong.what, "no line `total_inactive_file` up to the end");
    }

    #[test]
    fn oom_kills_are_those_of_processes() {
        let events = b"low 0\nhigh 0\nmax 3\noom 2\noom_kill 1\noom_group_kill 7\n";
        assert_eq!(parse_oom_kills(events), Ok(Some(1)));
        let control = b"oom_kill_disable 0\nunder_oom 0\noom_kill 4\n";
        assert_eq!(parse_oom_kills(control), Ok(Some(4)));
        assert_eq!(parse_oom_kills(b"oom_kill_disable 0\nunder_oom 0\n"), Ok(None), "before Linux 4.13");
        assert!(parse_oom_kills(b"oom_kill x\n").is_err());
        assert!(parse_oom_kills(b"").is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(text: Vec<u8>) {
            let _ = (parse_bytes_file(&text), parse_limit(&text), parse_oom_kills(&text));
            let _ = (parse_stat_v1(&text), parse_stat_v2(&text));
        }

        #[test]
        fn text_like_it_does_not_panic(
            text in "(total_rss|anon|file|shmem|oom_kill|max| |[0-9]{1,21}|\n){0,40}",
        ) {
            let _ = (parse_limit(text.as_bytes()), parse_oom_kills(text.as_bytes()));
            let _ = (parse_stat_v1(text.as_bytes()), parse_stat_v2(text.as_bytes()));
        }

        #[test]
        fn what_a_kernel_prints_is_read_back(inactive_file: u64, anon: u64, file: u64, shmem: u64) {
            let text = format!("anon {anon}\nfile {file}\nshmem {shmem}\ninactive_file {inactive_file}\n");
            let expected = MemoryStat {
                inactive_file: Bytes(inactive_file),
                anon: Bytes(anon),
                file: Bytes(file),
                shmem: Bytes(shmem),
            };
            prop_assert_eq!(parse_stat_v2(text.as_bytes()), Ok(expected));
        }
    }
}
