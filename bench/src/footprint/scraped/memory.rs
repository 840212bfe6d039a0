//! Where RAM used is, from the families of an exporter.
//!
//! A component is charged with its Pss_Anon (RssAnon where the exporter has none) and its page tables. Hugetlb
//! pages are not split by component there, so but for those of guests they stand in one part.
//!
//! What kind of memory a guest's RAM is in, no family says. It is told from qemu's own figures: private memory
//! is in its RssAnon, shared memory in its RES alone, hugetlb pages in neither (proc(5)). Guest RAM is most of
//! any qemu, so half of it is enough to tell.

use std::collections::BTreeMap;

use edgebench_sampler::explain::KernelPart;
use edgebench_sampler::{Bytes, BytesDelta};

use super::components::Row;
use crate::footprint::memory_ledger::MemoryLedger;
use crate::footprint::part::{Group, PartKey};
use crate::remote::names;
use crate::remote::scrape::{NodeMemory, NodeScrape, VmScrape, Workload};

/// Kinds of kernel memory as the exporter calls them.
const KINDS: [(&str, KernelPart); 11] = [
    ("sec_page_tables", KernelPart::SecPageTables),
    ("kernel_stack", KernelPart::KernelStack),
    ("percpu", KernelPart::Percpu),
    ("pcp", KernelPart::PerCpuFree),
    (HUGETLB_FREE, KernelPart::HugetlbFree),
    ("swap_cache", KernelPart::SwapCache),
    ("reclaimable", KernelPart::Reclaimable),
    ("zswap", KernelPart::Zswap),
    ("balloon", KernelPart::Balloon),
    ("bounce", KernelPart::Bounce),
    ("writeback_tmp", KernelPart::WritebackTmp),
];
const HUGETLB_FREE: &str = "hugetlb_free";

/// Hugetlb pages that are not handed out.
pub(super) fn hugetlb_free(memory: &NodeMemory) -> Bytes {
    let free = memory.kernel.get(HUGETLB_FREE).copied().unwrap_or_default();
    Bytes(u64::try_from(free.0).unwrap_or_default())
}

/// What a guest's RAM is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Backing {
    /// Private memory, part of `AnonPages`.
    Anonymous,
    /// A memfd, part of `Cached` and so outside of RAM used.
    Shared,
    /// Hugetlb pages.
    Huge,
}

pub(super) fn backing(vm: &VmScrape) -> Option<Backing> {
    let half = vm.guest_resident?.0 / 2;
    let qemu = vm.components.get(names::EMULATOR)?;
    Some(if qemu.anonymous?.0 >= half {
        Backing::Anonymous
    } else if qemu.resident?.0 >= half {
        Backing::Shared
    } else {
        Backing::Huge
    })
}

pub(super) fn ledger(
    last: &NodeScrape,
    average_used_kib: f64,
    rows: &[Row<'_>],
    after: &Workload,
) -> MemoryLedger {
    let node = &last.memory;
    let mut parts: BTreeMap<PartKey, BytesDelta> = BTreeMap::new();
    let mut add = |key: PartKey, bytes: BytesDelta| *parts.entry(key).or_default() += bytes;
    let is_unsplit = after.vms.iter().any(|vm| vm.guest_size.is_some() && guest(vm).is_none());
    let (mut anonymous, mut page_tables) = (Bytes::ZERO, Bytes::ZERO);
    let mut emulator = PartKey::whole(Group::Unexplained);
    for row in rows {
        let held = row.scrape.proportional_anonymous.or(row.scrape.anonymous).unwrap_or_default();
        let tables = row.scrape.page_tables.unwrap_or_default();
        anonymous += held;
        page_tables += tables;
        let group = match row.is_emulator() && is_unsplit {
            true => Group::VmUnsplit,
            false => Group::of(row.key.stack),
        };
        let key = PartKey::new(group, row.key.order, row.key.name.clone());
        if row.is_emulator() {
            emulator = key.clone();
        }
        add(key, (held + tables).signed());
    }
    let hugetlb = PartKey::new(Group::Kernel, 1, "hugetlb pool, rest");
    let mut shared = Bytes::ZERO;
    for (order, vm) in after.vms.iter().enumerate() {
        let Some((bytes, backing)) = guest(vm) else { continue };
        let from = match backing {
            Backing::Anonymous => emulator.clone(),
            Backing::Huge => hugetlb.clone(),
            Backing::Shared => {
                shared += bytes;
                continue;
            }
        };
        add(PartKey::new(Group::Guest, order, vm.vm.to_string()), bytes.signed());
        add(from, -bytes.signed());
    }
    add(PartKey::whole(Group::NotInCapture), node.anonymous.minus(anonymous));
    add(hugetlb.clone(), node.hugetlb_used.signed());
    let mut named = node.anonymous.signed() + node.hugetlb_used.signed();
    for (kind, bytes) in &node.kernel {
        named += *bytes;
        match (kind.as_str(), KINDS.iter().find(|(name, _)| name == kind)) {
            (names::PAGE_TABLES, _) => {
                add(PartKey::new(Group::Kernel, 0, "page tables, rest"), *bytes - page_tables.signed());
            }
            (_, Some((_, part))) => {
                add(PartKey::new(Group::Kernel, 2 + *part as usize, part.name()), *bytes);
            }
            // A newer exporter's.
            (kind, None) => add(PartKey::new(Group::Kernel, 2 + KINDS.len(), kind), *bytes),
        }
    }
    if !node.kernel.contains_key(names::PAGE_TABLES) {
        add(PartKey::new(Group::Kernel, 0, "page tables, rest"), -page_tables.signed());
    }
    add(PartKey::whole(Group::Unexplained), node.used - named);
    MemoryLedger::closed(average_used_kib, node.used, parts, shared)
}

fn guest(vm: &VmScrape) -> Option<(Bytes, Backing)> {
    vm.guest_proportional.zip(backing(vm))
}

#[cfg(test)]
mod tests {
    use edgebench_sampler::component::Stack;
    use edgebench_sampler::vm::VmName;

    use super::super::components;
    use super::*;
    use crate::remote::scrape::{ComponentScrape, CpuByMode, VmComponent};

    const MIB: u64 = 1 << 20;

    fn mib(mib: u64) -> Bytes {
        Bytes(mib * MIB)
    }

    /// A VM whose qemu holds so much anonymous and so much resident memory, in MiB.
    fn vm(guest: Option<u64>, anonymous: u64, resident: u64) -> VmScrape {
        let qemu = VmComponent { anonymous: Some(mib(anonymous)), resident: Some(mib(resident)) };
        VmScrape {
            vm: VmName { namespace: "default".into(), name: "edge-vm".into() },
            guest_size: Some(mib(1024)),
            guest_resident: guest.map(mib),
            guest_proportional: guest.map(mib),
            components: [(names::EMULATOR.to_owned(), qemu)].into(),
            ..VmScrape::default()
        }
    }

    #[test]
    fn what_a_guest_is_in_shows_in_its_qemu() {
        for (anonymous, resident, expected) in [
            (960, 1000, Backing::Anonymous),
            // The guest gave memory back since it was read.
            (700, 740, Backing::Anonymous),
            (60, 1000, Backing::Shared),
            (60, 100, Backing::Huge),
        ] {
            assert_eq!(
                backing(&vm(Some(900), anonymous, resident)),
                Some(expected),
                "{anonymous} {resident}"
            );
        }
        assert_eq!(backing(&vm(None, 960, 1000)), None);
    }

    /// The parts, in MiB, of a node with this VM and nothing else, which uses 1,100 MiB.
    fn parts(vm: VmScrape, anonymous: u64, hugetlb: u64) -> (Vec<(Group, String, i64)>, i64) {
        let qemu = ComponentScrape {
            component: names::EMULATOR.into(),
            stack: Stack::VmPod,
            cpu: CpuByMode::default(),
            processes: Some(1),
            threads: None,
            resident: None,
            anonymous: vm.components[names::EMULATOR].anonymous,
            swap: None,
            page_tables: Some(mib(2)),
            proportional: None,
            proportional_anonymous: None,
            proportional_age: None,
            age: None,
        };
        let after = Workload { components: vec![qemu], vms: vec![vm], names_outside_pods: None };
        let memory = NodeMemory {
            total: mib(4096),
            used: mib(1100).signed(),
            anonymous: mib(anonymous),
            hugetlb_used: mib(hugetlb),
            kernel: [("page_tables", 3), ("kernel_stack", 5), ("a_kind_of_the_future", 7)]
                .map(|(kind, size)| (kind.to_owned(), mib(size).signed()))
                .into(),
            ..NodeMemory::default()
        };
        let last = NodeScrape { memory, ..NodeScrape::default() };
        let rows = components::rows(&Workload::default(), &after, 10.0);
        let ledger = ledger(&last, 1100.0 * 1024.0, &rows, &after);
        assert_eq!(ledger.parts.values().sum::<i64>(), 1100 * 1024);
        let parts = ledger.parts.into_iter().map(|(key, kib)| (key.group, key.name, kib / 1024)).collect();
        (parts, ledger.shared_guest_kib / 1024)
    }

    fn part(group: Group, name: &str, mib: i64) -> (Group, String, i64) {
        (group, name.to_owned(), mib)
    }

    #[test]
    fn a_guest_in_private_memory_is_taken_out_of_its_qemu() {
        let (parts, shared) = parts(vm(Some(900), 960, 1000), 1000, 0);
        let expected = [
            part(Group::Guest, "default/edge-vm", 900),
            part(Group::VmOverhead, "qemu-kvm", 960 + 2 - 900),
            part(Group::NotInCapture, "", 40),
            part(Group::Kernel, "page tables, rest", 1),
            part(Group::Kernel, "kernel stacks", 5),
            part(Group::Kernel, "a_kind_of_the_future", 7),
            part(Group::Unexplained, "", 1100 - 1000 - 3 - 5 - 7),
        ];
        assert_eq!((parts.as_slice(), shared), (expected.as_slice(), 0));
    }

    #[test]
    fn a_guest_in_hugetlb_pages_is_taken_out_of_the_pool() {
        let (parts, shared) = parts(vm(Some(900), 60, 100), 100, 960);
        assert!(parts.contains(&part(Group::Guest, "default/edge-vm", 900)), "{parts:?}");
        assert!(parts.contains(&part(Group::VmOverhead, "qemu-kvm", 62)), "{parts:?}");
        assert!(parts.contains(&part(Group::Kernel, "hugetlb pool, rest", 60)), "{parts:?}");
        assert_eq!(shared, 0);
    }

    #[test]
    fn a_guest_in_shared_memory_is_outside_of_ram_used() {
        let (parts, shared) = parts(vm(Some(900), 60, 1000), 100, 0);
        assert!(parts.iter().all(|(group, ..)| *group != Group::Guest), "{parts:?}");
        assert!(parts.contains(&part(Group::VmOverhead, "qemu-kvm", 62)), "{parts:?}");
        assert_eq!(shared, 900);
    }

    #[test]
    fn a_guest_that_is_not_known_leaves_its_qemu_unsplit() {
        let (parts, _) = parts(vm(None, 960, 1000), 1000, 0);
        assert!(parts.contains(&part(Group::VmUnsplit, "qemu-kvm", 962)), "{parts:?}");
    }
}
