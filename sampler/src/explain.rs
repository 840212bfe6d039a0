//! Where RAM used goes, in the currency of sar's formula, so that the parts sum to it exactly.
//!
//! RAM used = MemTotal − MemFree − Buffers − Cached − Slab. What the kernel takes out of MemFree and puts
//! into none of the other three is, by its own counters (`fs/proc/meminfo.c`, `mm/show_mem.c`):
//!
//! * `AnonPages` (NR_ANON_MAPPED), which processes hold as anonymous memory;
//! * page tables, kernel stacks, per-CPU data, the hugetlb pool, whether used or free;
//! * pages in the swap cache that no process maps: `Cached` leaves the swap cache out;
//! * reclaimable kernel memory outside of slab (KReclaimable − SReclaimable), zswap, balloon, bounce buffers;
//! * pages in per-CPU free lists, which MemFree does not count (`/proc/zoneinfo`).
//!
//! `VmallocUsed` overlaps with several of these and is left out. What is left after all of them is
//! *unexplained*, and may be negative.

use serde::{Deserialize, Serialize};

use crate::node::NodeReading;
use crate::process::{ProcessMemory, Proportional};
use crate::sysstat::memory_used_kib;
use crate::units::{Bytes, BytesDelta};

/// A part of RAM used that belongs to the kernel rather than to processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KernelPart {
    /// `SecPageTables`: page tables of KVM and IOMMUs (Linux ≥ 6.0).
    SecPageTables,
    /// `KernelStack`
    KernelStack,
    /// `Percpu` (Linux ≥ 4.21)
    Percpu,
    /// Pages in per-CPU free lists.
    PerCpuFree,
    /// Hugetlb pages that are reserved but not handed out.
    HugetlbFree,
    /// Pages in the swap cache that no process maps.
    SwapCache,
    /// KReclaimable − SReclaimable: ION, GPU shrinkers (Linux ≥ 4.20).
    Reclaimable,
    /// `Zswap`: the compressed pool (Linux ≥ 5.19).
    Zswap,
    /// `Balloon`: given back to a hypervisor (Linux ≥ 6.17).
    Balloon,
    /// `Bounce`
    Bounce,
    /// `WritebackTmp`: FUSE.
    WritebackTmp,
}

impl KernelPart {
    /// How many there are.
    const COUNT: usize = KernelPart::WritebackTmp as usize + 1;

    /// As people read it.
    pub fn name(self) -> &'static str {
        match self {
            KernelPart::SecPageTables => "secondary page tables",
            KernelPart::KernelStack => "kernel stacks",
            KernelPart::Percpu => "per-CPU data",
            KernelPart::PerCpuFree => "per-CPU free lists",
            KernelPart::HugetlbFree => "hugetlb pool, free",
            KernelPart::SwapCache => "swap cache, unmapped",
            KernelPart::Reclaimable => "reclaimable, no slab",
            KernelPart::Zswap => "zswap",
            KernelPart::Balloon => "balloon",
            KernelPart::Bounce => "bounce buffers",
            KernelPart::WritebackTmp => "FUSE writeback",
        }
    }
}

/// RAM used, taken apart as far as the node's own files go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeParts {
    /// MemTotal − MemFree − Buffers − Cached − Slab.
    pub used: BytesDelta,
    /// `AnonPages`: to be split over processes.
    pub anonymous: Bytes,
    /// `PageTables`: to be split over processes.
    pub page_tables: Bytes,
    /// Hugetlb pages in use: to be split over processes.
    pub hugetlb: Bytes,
    /// What belongs to no process.
    pub kernel: Vec<(KernelPart, BytesDelta)>,
    /// What none of these holds.
    pub unexplained: BytesDelta,
}

/// Takes RAM used of one reading apart.
pub fn node_parts(reading: &NodeReading, page_size: Bytes) -> NodeParts {
    let m = &reading.memory;
    let hugetlb_free = Bytes(m.huge_pages_free.saturating_mul(m.huge_page_size.0));
    // `Hugetlb` covers pools of every page size (Linux ≥ 4.12); without it the default pool stands in.
    let hugetlb_total = m.hugetlb.unwrap_or(Bytes(m.huge_pages_total.saturating_mul(m.huge_page_size.0)));
    let hugetlb = hugetlb_total.saturating_sub(hugetlb_free);
    let mut kernel = Vec::with_capacity(KernelPart::COUNT);
    kernel.extend([
        (KernelPart::KernelStack, m.kernel_stack.signed()),
        (KernelPart::HugetlbFree, hugetlb_total.saturating_sub(hugetlb).signed()),
        (KernelPart::SwapCache, unmapped_swap_cache(reading).signed()),
        (KernelPart::Bounce, m.bounce.signed()),
        (KernelPart::WritebackTmp, m.writeback_tmp.signed()),
    ]);
    let present = [
        (KernelPart::SecPageTables, m.sec_page_tables),
        (KernelPart::Percpu, m.percpu),
        (KernelPart::Zswap, m.zswap),
        (KernelPart::Balloon, m.balloon),
        (KernelPart::PerCpuFree, reading.per_cpu_free.map(|pages| Bytes::from_pages(pages, page_size))),
    ];
    kernel.extend(present.into_iter().filter_map(|(part, bytes)| Some((part, bytes?.signed()))));
    if let Some(reclaimable) = m.k_reclaimable {
        kernel.push((KernelPart::Reclaimable, reclaimable.minus(m.s_reclaimable)));
    }
    kernel.sort_unstable_by_key(|(part, _)| *part);
    let used = BytesDelta::from_kib(memory_used_kib(m));
    let named: BytesDelta =
        [m.anon_pages, m.page_tables, hugetlb].iter().map(|bytes| bytes.signed()).sum::<BytesDelta>()
            + kernel.iter().map(|(_, bytes)| *bytes).sum();
    NodeParts {
        used,
        anonymous: m.anon_pages,
        page_tables: m.page_tables,
        hugetlb,
        kernel,
        unexplained: used - named,
    }
}

/// Pages of the swap cache that are in no page table: the anonymous lists hold them beside mapped anonymous
/// memory and shared memory, so what these two leave over is unmapped, at most the swap cache itself.
fn unmapped_swap_cache(reading: &NodeReading) -> Bytes {
    let m = &reading.memory;
    if m.swap_cached == Bytes::ZERO {
        return Bytes::ZERO;
    }
    let listed = m.active_anon + m.inactive_anon + m.unevictable;
    listed.saturating_sub(m.anon_pages + m.shmem).min(m.swap_cached)
}

/// What RAM used holds for one process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// Its part of `AnonPages`.
    pub anonymous: Bytes,
    /// Its part of `PageTables`.
    pub page_tables: Bytes,
    /// Its part of the hugetlb pool.
    pub hugetlb: Bytes,
    /// Whether `anonymous` is proportional (Pss_Anon) rather than resident (RssAnon), which counts a page
    /// shared after a fork, or by KSM, once for each process.
    pub proportional: bool,
}

impl Charge {
    /// All of it.
    pub fn total(&self) -> Bytes {
        self.anonymous + self.page_tables + self.hugetlb
    }
}

/// What RAM used holds for a process with this memory.
pub fn charge(memory: &ProcessMemory) -> Charge {
    let (anonymous, hugetlb, proportional) = match &memory.proportional {
        Proportional::Read { rollup, hugetlb } => match rollup.pss_anon {
            Some(anonymous) => (anonymous, *hugetlb, true),
            None => (memory.anonymous, *hugetlb, false),
        },
        _ => (memory.anonymous, memory.hugetlb, false),
    };
    Charge { anonymous, page_tables: memory.page_tables, hugetlb, proportional }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::PressureReading;
    use crate::parse::meminfo::MemInfo;
    use crate::units::Pages;

    fn reading(memory: MemInfo, pcp: u64) -> NodeReading {
        NodeReading {
            at: 0,
            stat: crate::parse::stat::parse(b"cpu  0 0 0 0 0 0 0 0 0 0\nctxt 0\n").unwrap(),
            memory,
            per_cpu_free: Some(Pages(pcp)),
            paging: None,
            load: None,
            pressure: PressureReading::default(),
        }
    }

    fn kib(kib: u64) -> Bytes {
        Bytes::from_kib(kib)
    }

    fn sum(parts: &NodeParts) -> BytesDelta {
        parts.anonymous.signed()
            + parts.page_tables.signed()
            + parts.hugetlb.signed()
            + parts.kernel.iter().map(|(_, bytes)| *bytes).sum()
            + parts.unexplained
    }

    #[test]
    fn the_parts_sum_to_what_is_used() {
        let memory = MemInfo {
            total: kib(100_000),
            free: kib(40_000),
            cached: kib(20_000),
            anon_pages: kib(30_000),
            page_tables: kib(500),
            kernel_stack: kib(300),
            huge_pages_total: 2,
            huge_pages_free: 1,
            huge_page_size: kib(2048),
            hugetlb: Some(kib(4096)),
            percpu: Some(kib(100)),
            k_reclaimable: Some(kib(50)),
            s_reclaimable: kib(60),
            ..MemInfo::default()
        };
        let parts = node_parts(&reading(memory, 25), kib(4));
        assert_eq!(parts.used, BytesDelta::from_kib(40_000));
        assert_eq!(parts.hugetlb, kib(2048));
        assert!(parts.kernel.contains(&(KernelPart::PerCpuFree, BytesDelta::from_kib(100))));
        assert!(parts.kernel.contains(&(KernelPart::Reclaimable, BytesDelta::from_kib(-10))));
        assert_eq!(
            parts.unexplained,
            BytesDelta::from_kib(40_000 - 30_000 - 500 - 300 - 4096 - 100 - 100 + 10)
        );
        assert_eq!(sum(&parts), parts.used);
    }

    #[test]
    fn the_swap_cache_counts_only_where_nobody_maps_it() {
        let memory = MemInfo {
            anon_pages: kib(1000),
            shmem: kib(100),
            active_anon: kib(800),
            inactive_anon: kib(350),
            swap_cached: kib(400),
            ..MemInfo::default()
        };
        let parts = node_parts(&reading(memory, 0), kib(4));
        assert!(parts.kernel.contains(&(KernelPart::SwapCache, BytesDelta::from_kib(50))));
    }

    #[test]
    fn a_process_is_charged_what_it_shares_in_proportion_where_that_can_be_read() {
        let mut memory =
            ProcessMemory { anonymous: kib(900), page_tables: kib(8), ..ProcessMemory::default() };
        assert_eq!((charge(&memory).total(), charge(&memory).proportional), (kib(908), false));
        let rollup =
            crate::parse::pid_smaps_rollup::SmapsRollup { pss_anon: Some(kib(300)), ..Default::default() };
        memory.proportional = Proportional::Read { rollup, hugetlb: kib(2048) };
        assert_eq!((charge(&memory).total(), charge(&memory).proportional), (kib(300 + 8 + 2048), true));
    }
}
