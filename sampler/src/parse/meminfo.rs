//! `/proc/meminfo`: where the kernel says the memory is.
//!
//! `Key: value kB` lines (`fs/proc/meminfo.c`, described in Documentation/filesystems/proc.rst); "kB" is KiB.
//! The lines that `sar` forms its RAM used from (MemTotal, MemFree, Buffers, Cached, Slab) are as old as
//! Linux 2.6 and have to be there. Others came later or need a kernel option, and then "absent" must not turn
//! into "zero": MemAvailable 3.14, Hugetlb 4.16, Percpu 4.19, KReclaimable 4.20, Zswap and Zswapped 5.19
//! (CONFIG_ZSWAP), SecPageTables 6.1, Balloon (2025, in 6.18); AnonHugePages needs
//! CONFIG_TRANSPARENT_HUGEPAGE.

use serde::{Deserialize, Serialize};

use super::scan::Lines;
use crate::error::Malformed;
use crate::units::Bytes;

/// What is used of `/proc/meminfo`. In bytes, but for the two counts of huge pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemInfo {
    /// `MemTotal`: memory that the kernel manages.
    pub total: Bytes,
    /// `MemFree`: in the free lists of the zones. Not in it: pages in per-CPU free lists.
    pub free: Bytes,
    /// `Buffers`: page cache of block devices.
    pub buffers: Bytes,
    /// `Cached`: page cache of files, with `Shmem` and without `Buffers` and `SwapCached`.
    pub cached: Bytes,
    /// `Slab`: kernel objects, `SReclaimable` + `SUnreclaim`.
    pub slab: Bytes,
    /// `MemAvailable`: the kernel's estimate of what can be had without swapping.
    pub available: Option<Bytes>,
    /// `SwapCached`: in memory and in swap at once.
    pub swap_cached: Bytes,
    /// `Active`.
    pub active: Bytes,
    /// `Inactive`.
    pub inactive: Bytes,
    /// `Active(anon)`.
    pub active_anon: Bytes,
    /// `Inactive(anon)`.
    pub inactive_anon: Bytes,
    /// `Unevictable`.
    pub unevictable: Bytes,
    /// `Mlocked`.
    pub mlocked: Bytes,
    /// `SwapTotal`.
    pub swap_total: Bytes,
    /// `SwapFree`.
    pub swap_free: Bytes,
    /// `Dirty`: waits to be written to disk.
    pub dirty: Bytes,
    /// `AnonPages`: memory of processes that no file backs.
    pub anon_pages: Bytes,
    /// `Mapped`: page cache that processes have mapped.
    pub mapped: Bytes,
    /// `Shmem`: tmpfs and shared memory; also inside `Cached`.
    pub shmem: Bytes,
    /// `SReclaimable`: the part of `Slab` that can be given back.
    pub s_reclaimable: Bytes,
    /// `SUnreclaim`: the part of `Slab` that cannot.
    pub s_unreclaim: Bytes,
    /// `KernelStack`.
    pub kernel_stack: Bytes,
    /// `PageTables`: page tables of processes.
    pub page_tables: Bytes,
    /// `Bounce`: bounce buffers of block devices.
    pub bounce: Bytes,
    /// `WritebackTmp`: FUSE's buffers for writeback.
    pub writeback_tmp: Bytes,
    /// `Committed_AS`: what processes could come to use.
    pub committed_as: Bytes,
    /// `KReclaimable`: `SReclaimable` and other kernel memory that can be given back.
    pub k_reclaimable: Option<Bytes>,
    /// `SecPageTables`: page tables of KVM guests and IOMMUs.
    pub sec_page_tables: Option<Bytes>,
    /// `Percpu`: the kernel's per-CPU objects.
    pub percpu: Option<Bytes>,
    /// `Zswap`: memory that the compressed swap cache takes.
    pub zswap: Option<Bytes>,
    /// `Zswapped`: what it holds, before compression.
    pub zswapped: Option<Bytes>,
    /// `Balloon`: taken out of this machine by a balloon driver.
    pub balloon: Option<Bytes>,
    /// `Hugetlb`: the huge page pools of all sizes, free pages too.
    pub hugetlb: Option<Bytes>,
    /// `AnonHugePages`: the part of `AnonPages` in transparent huge pages.
    pub anon_huge_pages: Option<Bytes>,
    /// `HugePages_Total`: a number of pages of `huge_page_size` (the default size only).
    pub huge_pages_total: u64,
    /// `HugePages_Free`: how many of them nobody uses.
    pub huge_pages_free: u64,
    /// `Hugepagesize`: the default size of a huge page.
    pub huge_page_size: Bytes,
}

/// Reads the text of `/proc/meminfo`.
pub fn parse(text: &[u8]) -> Result<MemInfo, Malformed> {
    let (mut total, mut free, mut buffers, mut cached, mut slab) = (None, None, None, None, None);
    let mut info = MemInfo::default();
    let mut lines = Lines::of_whole(text)?;
    for entry in lines.by_ref().filter_map(|line| line.entry(b':')) {
        match entry.key {
            b"MemTotal" => total = Some(entry.kib()?),
            b"MemFree" => free = Some(entry.kib()?),
            b"MemAvailable" => info.available = Some(entry.kib()?),
            b"Buffers" => buffers = Some(entry.kib()?),
            b"Cached" => cached = Some(entry.kib()?),
            b"SwapCached" => info.swap_cached = entry.kib()?,
            b"Active" => info.active = entry.kib()?,
            b"Inactive" => info.inactive = entry.kib()?,
            b"Active(anon)" => info.active_anon = entry.kib()?,
            b"Inactive(anon)" => info.inactive_anon = entry.kib()?,
            b"Unevictable" => info.unevictable = entry.kib()?,
            b"Mlocked" => info.mlocked = entry.kib()?,
            b"SwapTotal" => info.swap_total = entry.kib()?,
            b"SwapFree" => info.swap_free = entry.kib()?,
            b"Zswap" => info.zswap = Some(entry.kib()?),
            b"Zswapped" => info.zswapped = Some(entry.kib()?),
            b"Dirty" => info.dirty = entry.kib()?,
            b"AnonPages" => info.anon_pages = entry.kib()?,
            b"Mapped" => info.mapped = entry.kib()?,
            b"Shmem" => info.shmem = entry.kib()?,
            b"KReclaimable" => info.k_reclaimable = Some(entry.kib()?),
            b"Slab" => slab = Some(entry.kib()?),
            b"SReclaimable" => info.s_reclaimable = entry.kib()?,
            b"SUnreclaim" => info.s_unreclaim = entry.kib()?,
            b"KernelStack" => info.kernel_stack = entry.kib()?,
            b"PageTables" => info.page_tables = entry.kib()?,
            b"SecPageTables" => info.sec_page_tables = Some(entry.kib()?),
            b"Bounce" => info.bounce = entry.kib()?,
            b"WritebackTmp" => info.writeback_tmp = entry.kib()?,
            b"Committed_AS" => info.committed_as = entry.kib()?,
            b"Percpu" => info.percpu = Some(entry.kib()?),
            b"AnonHugePages" => info.anon_huge_pages = Some(entry.kib()?),
            b"Balloon" => info.balloon = Some(entry.kib()?),
            b"HugePages_Total" => info.huge_pages_total = entry.number()?,
            b"HugePages_Free" => info.huge_pages_free = entry.number()?,
            b"Hugepagesize" => info.huge_page_size = entry.kib()?,
            b"Hugetlb" => info.hugetlb = Some(entry.kib()?),
            _ => {}
        }
    }
    info.total = total.ok_or_else(|| lines.missing("MemTotal"))?;
    info.free = free.ok_or_else(|| lines.missing("MemFree"))?;
    info.buffers = buffers.ok_or_else(|| lines.missing("Buffers"))?;
    info.cached = cached.ok_or_else(|| lines.missing("Cached"))?;
    info.slab = slab.ok_or_else(|| lines.missing("Slab"))?;
    Ok(info)
}

#[cfg(test)]
mod tests {
    use procfs_core::FromRead;
    use proptest::prelude::*;

    use super::*;

    /// A KubeVirt node with 24 GiB, Linux 6.18.
    const NODE: &str = "\
MemTotal:       24684084 kB
MemFree:        21495108 kB
MemAvailable:   22788352 kB
Buffers:            2804 kB
Cached:          1097124 kB
SwapCached:            0 kB
Active:           109676 kB
Inactive:        2382744 kB
Active(anon):       1612 kB
Inactive(anon):  1399928 kB
Active(file):     108064 kB
Inactive(file):   982816 kB
Unevictable:       11380 kB
Mlocked:           10464 kB
SwapTotal:             0 kB
SwapFree:              0 kB
Zswap:                 0 kB
Zswapped:              0 kB
Dirty:              7308 kB
Writeback:             0 kB
AnonPages:       1404116 kB
Mapped:           715388 kB
Shmem:              8872 kB
KReclaimable:     531192 kB
Slab:             580476 kB
SReclaimable:     531192 kB
SUnreclaim:        49284 kB
KernelStack:        3084 kB
PageTables:         8252 kB
SecPageTables:         0 kB
NFS_Unstable:          0 kB
Bounce:                0 kB
WritebackTmp:          0 kB
CommitLimit:    12342040 kB
Committed_AS:    2643128 kB
VmallocTotal:   34359738367 kB
VmallocUsed:       15884 kB
VmallocChunk:          0 kB
Percpu:             1336 kB
AnonHugePages:         0 kB
ShmemHugePages:        0 kB
ShmemPmdMapped:        0 kB
FileHugePages:     92160 kB
FilePmdMapped:      8192 kB
Balloon:               0 kB
HugePages_Total:       0
HugePages_Free:        0
HugePages_Rsvd:        0
HugePages_Surp:        0
Hugepagesize:       2048 kB
Hugetlb:               0 kB
DirectMap4k:       28672 kB
DirectMap2M:     2068480 kB
DirectMap1G:    25165824 kB
";

    /// The least a kernel prints that this is good for.
    const LEAST: &str = "MemTotal: 5 kB\nMemFree: 4 kB\nBuffers: 3 kB\nCached: 2 kB\nSlab: 1 kB\n";

    fn without(key: &str) -> String {
        NODE.split_inclusive('\n').filter(|line| !line.starts_with(&format!("{key}:"))).collect()
    }

    #[test]
    fn a_real_node_is_read() {
        let info = parse(NODE.as_bytes()).unwrap();
        assert_eq!(info.total, Bytes::from_kib(24_684_084));
        assert_eq!(info.free, Bytes::from_kib(21_495_108));
        assert_eq!(info.buffers, Bytes::from_kib(2804));
        assert_eq!(info.cached, Bytes::from_kib(1_097_124));
        assert_eq!(info.slab, Bytes::from_kib(580_476));
        assert_eq!(info.available, Some(Bytes::from_kib(22_788_352)));
        assert_eq!(info.anon_pages, Bytes::from_kib(1_404_116));
        assert_eq!(info.percpu, Some(Bytes::from_kib(1336)));
        assert_eq!(info.balloon, Some(Bytes::ZERO));
        assert_eq!(info.huge_page_size, Bytes::from_kib(2048));
    }

    #[test]
    fn a_key_is_a_whole_word() {
        let info = parse(NODE.as_bytes()).unwrap();
        assert_eq!(info.active, Bytes::from_kib(109_676), "not Active(anon), not Active(file)");
        assert_eq!(info.active_anon, Bytes::from_kib(1612));
        assert_eq!(info.inactive, Bytes::from_kib(2_382_744));
        assert_eq!(info.inactive_anon, Bytes::from_kib(1_399_928));
        assert_eq!(info.cached, Bytes::from_kib(1_097_124), "not SwapCached");
    }

    #[test]
    fn huge_pages_are_counted_and_their_size_is_not() {
        let text = format!(
            "{LEAST}HugePages_Total:     512\nHugePages_Free:      12\nHugepagesize:       2048 kB\n"
        );
        let info = parse(text.as_bytes()).unwrap();
        assert_eq!((info.huge_pages_total, info.huge_pages_free), (512, 12));
        assert_eq!(info.huge_page_size, Bytes::from_kib(2048));
    }

    #[test]
    fn what_a_kernel_does_not_print_is_absent_not_zero() {
        let info = parse(LEAST.as_bytes()).unwrap();
        let absent = [
            info.available,
            info.k_reclaimable,
            info.sec_page_tables,
            info.percpu,
            info.zswap,
            info.zswapped,
            info.balloon,
            info.hugetlb,
            info.anon_huge_pages,
        ];
        assert_eq!(absent, [None; 9]);
        assert_eq!(info.slab, Bytes::from_kib(1));
    }

    #[test]
    fn a_line_that_sar_needs_is_missed_by_name() {
        for key in ["MemTotal", "MemFree", "Buffers", "Cached", "Slab"] {
            let wrong = parse(without(key).as_bytes()).unwrap_err();
            assert_eq!(wrong.what, format!("no line `{key}` up to the end"));
        }
        assert!(parse(without("MemAvailable").as_bytes()).is_ok());
    }

    #[test]
    fn a_text_cut_short_is_refused() {
        for end in 0..NODE.len() {
            let wrong = parse(&NODE.as_bytes()[..end]);
            assert!(wrong.is_err() || NODE[..end].ends_with('\n'), "cut at {end}");
        }
        let wrong = parse(b"MemTotal:       2468").unwrap_err();
        assert_eq!(wrong.to_string(), "line 1: cut short: the last line has no newline");
    }

    #[test]
    fn a_value_that_is_no_amount_is_refused() {
        for value in ["x kB", "1 MB", "1", "-1 kB", "", "1.5 kB", "99999999999999999999 kB"] {
            let text = LEAST.replace("3 kB", value);
            let wrong = parse(text.as_bytes()).unwrap_err();
            assert_eq!(wrong.line, 3, "{value}");
            assert!(wrong.what.starts_with("Buffers is "), "{wrong}");
        }
    }

    #[test]
    fn the_procfs_crate_reads_the_same() {
        let ours = parse(NODE.as_bytes()).unwrap();
        let theirs = procfs_core::Meminfo::from_read(NODE.as_bytes()).unwrap();
        let pairs = [
            (ours.total, theirs.mem_total),
            (ours.free, theirs.mem_free),
            (ours.buffers, theirs.buffers),
            (ours.cached, theirs.cached),
            (ours.slab, theirs.slab),
            (ours.swap_cached, theirs.swap_cached),
            (ours.active, theirs.active),
            (ours.inactive, theirs.inactive),
            (ours.swap_total, theirs.swap_total),
            (ours.swap_free, theirs.swap_free),
            (ours.dirty, theirs.dirty),
            (ours.mapped, theirs.mapped),
            (ours.committed_as, theirs.committed_as),
        ];
        for (ours, theirs) in pairs {
            assert_eq!(ours, Bytes(theirs));
        }
        let pairs = [
            (Some(ours.active_anon), theirs.active_anon),
            (Some(ours.inactive_anon), theirs.inactive_anon),
            (Some(ours.unevictable), theirs.unevictable),
            (Some(ours.mlocked), theirs.mlocked),
            (Some(ours.anon_pages), theirs.anon_pages),
            (Some(ours.shmem), theirs.shmem),
            (Some(ours.s_reclaimable), theirs.s_reclaimable),
            (Some(ours.s_unreclaim), theirs.s_unreclaim),
            (Some(ours.kernel_stack), theirs.kernel_stack),
            (Some(ours.page_tables), theirs.page_tables),
            (Some(ours.bounce), theirs.bounce),
            (Some(ours.writeback_tmp), theirs.writeback_tmp),
            (Some(ours.huge_page_size), theirs.hugepagesize),
            (ours.available, theirs.mem_available),
            (ours.k_reclaimable, theirs.k_reclaimable),
            (ours.sec_page_tables, theirs.secondary_page_tables),
            (ours.percpu, theirs.per_cpu),
            (ours.zswap, theirs.z_swap),
            (ours.zswapped, theirs.z_swapped),
            (ours.anon_huge_pages, theirs.anon_hugepages),
        ];
        for (ours, theirs) in pairs {
            assert_eq!(ours, theirs.map(Bytes));
        }
        assert_eq!(Some(ours.huge_pages_total), theirs.hugepages_total);
        assert_eq!(Some(ours.huge_pages_free), theirs.hugepages_free);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(text: Vec<u8>) {
            let _ = parse(&text);
        }

        #[test]
        fn text_like_it_does_not_panic(
            text in "(MemTotal|MemFree|Buffers|Cached|Slab|:| kB|[0-9]{1,21}|\n| ){0,80}",
        ) {
            let _ = parse(text.as_bytes());
        }

        #[test]
        fn what_a_kernel_prints_is_read_back(
            total in 0..1u64 << 54, free in 0..1u64 << 54, slab in 0..1u64 << 54,
            percpu in prop::option::of(0..1u64 << 54),
        ) {
            let mut text = format!(
                "MemTotal: {total:8} kB\nMemFree: {free:8} kB\nBuffers: 0 kB\nCached: 0 kB\nSlab: {slab:8} kB\n"
            );
            if let Some(percpu) = percpu {
                text += &format!("Percpu: {percpu:8} kB\n");
            }
            let info = parse(text.as_bytes()).unwrap();
            prop_assert_eq!([info.total.kib(), info.free.kib(), info.slab.kib()], [total, free, slab]);
            prop_assert_eq!(info.percpu.map(Bytes::kib), percpu);
        }
    }
}
