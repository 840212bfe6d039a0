//! Guest RAM in each way that qemu can hold it: private, shared with virtiofsd, in huge pages, in swap.
//!
//! Every figure is known, for the mappings are the test's own. A VM's overhead is the same in all of them:
//! what its three processes hold for themselves, and their page tables.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

mod pod;
mod served;

use edgebench::comparison::{Comparison, Side};
use edgebench::footprint::{Footprint, Group, VmRow};
use edgebench::notes::notes;
use edgebench_tests::Host;
use edgebench_tests::one_sample::footprint;

use pod::{GUEST, LAUNCHER, Mapping, PAGE_TABLES, Pod, QEMU, VIRTIOFSD};

/// A VM whose guest was found costs this beyond it.
const OVERHEAD: u64 = QEMU + LAUNCHER + VIRTIOFSD + 3 * PAGE_TABLES;

/// Nothing here is below zero.
fn positive(kib: i64) -> u64 {
    kib.try_into().unwrap_or_else(|_| panic!("{kib} KiB"))
}

/// What of RAM used belongs to no kernel, in KiB.
fn parts(footprint: &Footprint) -> Vec<(Group, &str, u64)> {
    let parts = footprint.memory.parts.iter().filter(|(key, _)| key.group != Group::Kernel);
    parts.map(|(key, kib)| (key.group, key.name.as_str(), positive(*kib))).collect()
}

/// The parts of a VM whose guest takes so much of RAM used.
fn split(guest: u64) -> Vec<(Group, &'static str, u64)> {
    let guest = (guest > 0).then_some((Group::Guest, "default/edge-vm", guest));
    let overhead = [
        (Group::VmOverhead, "qemu-kvm", QEMU + PAGE_TABLES),
        (Group::VmOverhead, "virt-launcher-monitor", LAUNCHER + PAGE_TABLES),
        (Group::VmOverhead, "virtiofsd", VIRTIOFSD + PAGE_TABLES),
        (Group::Unexplained, "", 0),
    ];
    guest.into_iter().chain(overhead).collect()
}

/// Guest size, resident, proportional, shared memory and overhead, in KiB.
fn figures(vm: &VmRow) -> [Option<u64>; 5] {
    let overhead = vm.overhead.map(|bytes| positive(bytes.kib()));
    let guest = [vm.guest_size, vm.guest_resident, vm.guest_proportional, vm.guest_shared];
    let [size, resident, proportional, shared] = guest.map(|bytes| bytes.map(|bytes| bytes.kib()));
    [size, resident, proportional, shared, overhead]
}

fn measured(host: &Host) -> Footprint {
    let footprint = footprint(host, |h| h);
    assert_eq!(footprint.vms.len(), 1);
    assert_eq!(footprint.vms[0].processes, Some(3));
    assert_eq!(footprint.memory.parts.values().sum::<i64>(), footprint.memory.used_kib);
    footprint
}

fn notes_on(footprint: Footprint) -> String {
    let comparison = Comparison::new(None, Side::new(vec![footprint]).unwrap());
    notes(&comparison).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_private_guest_is_anonymous_memory_of_qemu() {
    let pod = Pod {
        backend: "memory-backend-ram",
        qemu: vec![Mapping::anonymous(GUEST, 700_000)],
        virtiofsd: vec![],
    };
    let footprint = measured(&pod.node(0, 0, 0));
    assert_eq!(
        figures(&footprint.vms[0]),
        [Some(GUEST), Some(700_000), Some(700_000), Some(0), Some(OVERHEAD)]
    );
    assert_eq!(parts(&footprint), split(700_000));
    assert_eq!(footprint.tax.memory_kib, Some(OVERHEAD as i64));
    assert!(!notes_on(footprint).contains("shared memory"));
}

#[test]
fn a_mapping_that_the_kernel_split_is_one_guest() {
    let piece = |size, touched| Mapping::anonymous(size, touched);
    let pod = Pod {
        backend: "memory-backend-ram",
        qemu: vec![piece(GUEST / 4, 200_000), piece(GUEST / 2, 300_000), piece(GUEST / 4, 0)],
        virtiofsd: vec![],
    };
    let footprint = measured(&pod.node(0, 0, 0));
    assert_eq!(footprint.vms[0].guest_resident.unwrap().kib(), 500_000);
    assert_eq!(parts(&footprint), split(500_000));
}

#[test]
fn a_code_buffer_of_the_guests_size_is_no_guest() {
    // TCG's lies before the guest, holds more than it, and is executable.
    let buffer = Mapping { permissions: "rwxp", ..Mapping::anonymous(GUEST, 400_000) };
    let pod = Pod {
        backend: "memory-backend-ram",
        qemu: vec![buffer, Mapping::anonymous(GUEST, 100_000)],
        virtiofsd: vec![],
    };
    let footprint = measured(&pod.node(0, 0, 0));
    assert_eq!(footprint.vms[0].guest_resident.unwrap().kib(), 100_000);
    assert_eq!(footprint.vms[0].overhead.unwrap().kib(), (OVERHEAD + 400_000) as i64);
}

#[test]
fn shared_guest_ram_is_resident_once_and_outside_of_ram_used_by_sar() {
    // qemu has touched 700,000 KiB, virtiofsd 600,000 of these: each has half of what both map.
    let pod = Pod {
        backend: "memory-backend-memfd",
        qemu: vec![Mapping::memfd(GUEST, 77, 700_000, 400_000)],
        virtiofsd: vec![Mapping::memfd(GUEST, 77, 600_000, 300_000)],
    };
    let footprint = measured(&pod.node(700_000, 0, 0));
    assert_eq!(
        figures(&footprint.vms[0]),
        [Some(GUEST), Some(700_000), Some(700_000), Some(700_000), Some(OVERHEAD)]
    );
    assert_eq!(parts(&footprint), split(0), "the kernel counts it as cache");
    assert_eq!(footprint.memory.shared_guest_kib, 700_000);
    assert_eq!(footprint.tax.memory_kib, Some(OVERHEAD as i64));
    let notes = notes_on(footprint);
    assert!(notes.contains("of the guest RAM of default/edge-vm is shared memory"), "{notes}");
    assert!(notes.contains("outside of RAM used (sar)"), "{notes}");
}

#[test]
fn another_file_of_the_guests_size_is_no_guest() {
    let pod = Pod {
        backend: "memory-backend-memfd",
        qemu: vec![Mapping::memfd(GUEST, 77, 700_000, 700_000)],
        virtiofsd: vec![Mapping::memfd(GUEST, 78, 5_000, 5_000)],
    };
    let footprint = measured(&pod.node(705_000, 0, 0));
    assert_eq!(
        figures(&footprint.vms[0]),
        [Some(GUEST), Some(700_000), Some(700_000), Some(700_000), Some(OVERHEAD + 5_000)]
    );
}

#[test]
fn a_private_mapping_of_a_file_is_anonymous_memory_once_it_is_written() {
    // share=off: the pages are copies, which AnonPages holds.
    let mapping = Mapping { inode: 77, ..Mapping::anonymous(GUEST, 700_000) };
    let pod = Pod { backend: "memory-backend-file", qemu: vec![mapping], virtiofsd: vec![] };
    let footprint = measured(&pod.node(0, 0, 0));
    assert_eq!(
        figures(&footprint.vms[0]),
        [Some(GUEST), Some(700_000), Some(700_000), Some(0), Some(OVERHEAD)]
    );
    assert_eq!(parts(&footprint), split(700_000));
    assert!(!notes_on(footprint).contains("shared memory"));
}

#[test]
fn a_guest_in_huge_pages_is_resident_and_inside_of_ram_used() {
    let pod = Pod {
        backend: "memory-backend-memfd",
        qemu: vec![Mapping::huge(GUEST, 77, GUEST, 0)],
        virtiofsd: vec![],
    };
    let footprint = measured(&pod.node(0, GUEST + 204_800, 204_800));
    assert_eq!(figures(&footprint.vms[0]), [Some(GUEST), Some(GUEST), Some(GUEST), Some(0), Some(OVERHEAD)]);
    assert_eq!(parts(&footprint), split(GUEST));
    let pool = |name: &str| {
        let mut parts = footprint.memory.parts.iter().filter(|(key, _)| key.name == name);
        parts.next().map(|(_, kib)| *kib)
    };
    assert_eq!(pool("hugetlb pool, free"), Some(204_800));
    assert_eq!(pool("hugetlb pool, rest"), None, "a line that would be zero");
}

#[test]
fn huge_pages_that_virtiofsd_maps_too_are_the_guests_in_both() {
    let pod = Pod {
        backend: "memory-backend-memfd",
        qemu: vec![Mapping::huge(GUEST, 77, 0, GUEST)],
        virtiofsd: vec![Mapping::huge(GUEST, 77, 0, GUEST)],
    };
    let footprint = measured(&pod.node(0, GUEST, 0));
    assert_eq!(figures(&footprint.vms[0]), [Some(GUEST), Some(GUEST), Some(GUEST), Some(0), Some(OVERHEAD)]);
    assert_eq!(parts(&footprint), split(GUEST), "no process is charged with the guest");
}

#[test]
fn a_guest_in_swap_is_no_ram_and_shown() {
    let pod = Pod {
        backend: "memory-backend-ram",
        qemu: vec![Mapping::anonymous(GUEST, 500_000).swapped(200_000)],
        virtiofsd: vec![],
    };
    let footprint = measured(&pod.node(0, 0, 0));
    assert_eq!(footprint.vms[0].guest_resident.unwrap().kib(), 500_000);
    assert_eq!(footprint.vms[0].swap.unwrap().kib(), 200_000);
    assert_eq!(parts(&footprint), split(500_000));
}

#[test]
fn a_shared_guest_in_swap_is_shown_though_no_process_owns_it() {
    // Both show all of it that is in swap; VmSwap of neither does.
    let pod = Pod {
        backend: "memory-backend-memfd",
        qemu: vec![Mapping::memfd(GUEST, 77, 500_000, 250_000).swapped(200_000)],
        virtiofsd: vec![Mapping::memfd(GUEST, 77, 500_000, 250_000).swapped(200_000)],
    };
    let footprint = measured(&pod.node(500_000, 0, 0));
    assert_eq!(footprint.vms[0].guest_resident.unwrap().kib(), 500_000);
    assert_eq!(footprint.vms[0].swap.unwrap().kib(), 200_000);
}

#[test]
fn a_virtiofsd_that_ended_meanwhile_leaves_the_guest_to_qemu() {
    let pod = Pod {
        backend: "memory-backend-memfd",
        qemu: vec![Mapping::memfd(GUEST, 77, 700_000, 700_000)],
        virtiofsd: vec![Mapping::memfd(GUEST, 77, 0, 0)],
    };
    let host = pod.node(700_000, 0, 0).process(102, |p| p.without("smaps"));
    assert_eq!(measured(&host).vms[0].guest_resident.unwrap().kib(), 700_000);
}

#[test]
fn without_a_mapping_of_its_size_there_is_no_split_and_no_tax() {
    let pod = Pod {
        backend: "memory-backend-ram",
        qemu: vec![Mapping::anonymous(GUEST - 4, 700_000)],
        virtiofsd: vec![],
    };
    let footprint = measured(&pod.node(0, 0, 0));
    assert_eq!(figures(&footprint.vms[0]), [Some(GUEST), None, None, None, None]);
    assert_eq!(
        parts(&footprint),
        [
            (Group::VmOverhead, "virt-launcher-monitor", LAUNCHER + PAGE_TABLES),
            (Group::VmOverhead, "virtiofsd", VIRTIOFSD + PAGE_TABLES),
            (Group::VmUnsplit, "qemu-kvm", QEMU + 700_000 + PAGE_TABLES),
            (Group::Unexplained, "", 0),
        ]
    );
    assert_eq!(footprint.tax.memory_kib, None);
    let notes = notes_on(footprint);
    assert!(notes.contains("The guest RAM of default/edge-vm is not known"), "{notes}");
    assert!(notes.contains("the KubeVirt tax is not given"), "{notes}");
}

#[test]
fn two_numa_nodes_of_one_file_each_are_one_guest() {
    let pod = Pod {
        backend: "memory-backend-memfd",
        qemu: vec![
            Mapping::memfd(GUEST / 2, 77, 300_000, 300_000),
            Mapping::memfd(GUEST / 2, 78, 1_000, 1_000),
        ],
        virtiofsd: vec![],
    };
    let host = pod.node(301_000, 0, 0).process(101, |p| {
        let node = |id: u32| format!("memory-backend-memfd,id=ram-node{id},share=on,size={}", GUEST << 9);
        p.cmdline(["qemu-kvm", "-name", "guest=default_edge-vm", "-object", &node(0), "-object", &node(1)])
    });
    let footprint = measured(&host);
    assert_eq!(
        figures(&footprint.vms[0]),
        [Some(GUEST), Some(301_000), Some(301_000), Some(301_000), Some(OVERHEAD)]
    );
}
