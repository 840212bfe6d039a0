//! Guest RAM in huge pages: libvirt takes all of it at start, and neither RES nor the kernel's Pss holds it.

use edgebench_sampler::Bytes;
use edgebench_tests::exporter;
use edgebench_tests::libvirt::{Plan, RAM_MIB, Ram};
use edgebench_tests::setting::Setting;

use crate::exported::{self, NODE};
use crate::{RAM, assert_near, reading};

const POOL: &str = "/proc/sys/vm/nr_hugepages";

/// Enlarges the pool by the guest's memory.
fn pool() -> Setting {
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap();
    let line = meminfo.lines().find(|line| line.starts_with("Hugepagesize:")).unwrap();
    let page_kib: u64 = line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap();
    let wanted = Setting::number(POOL) + (RAM_MIB << 10).div_ceil(page_kib);
    let setting = Setting::change(POOL, wanted);
    assert_eq!(Setting::number(POOL), wanted, "the memory is too fragmented for huge pages");
    setting
}

#[test]
#[ignore = "live: starts libvirtd and a VM of 256 MiB in huge pages"]
fn a_guest_in_huge_pages_is_still_the_guest() {
    let _pool = pool();
    let vm = Plan::new().ram(Ram::HugePages).start();
    let reading = reading::now();
    let guest = reading.vm().guest.unwrap();
    assert_eq!([guest.resident, guest.proportional, guest.hugetlb], [RAM; 3]);
    assert_eq!((guest.anonymous, guest.shared_memory()), (Bytes::ZERO, Bytes::ZERO));
    assert!(reading.resident(vm.qemu()) < RAM, "RES leaves it out");
    let overhead = reading.pss(vm.qemu()).saturating_sub(guest.proportional).mib();
    assert!((10.0..150.0).contains(&overhead), "{overhead} MiB");

    let shown = exporter::once(&["--node-name", NODE]);
    for family in
        ["guest_memory_size_bytes", "guest_memory_resident_bytes", "guest_memory_proportional_bytes"]
    {
        assert_eq!(exported::bytes(&shown, family, &[]), RAM, "{family}");
    }
    let pss = exported::bytes(&shown, "pod_proportional_memory_bytes", &[]);
    assert_near(pss, reading.pod_proportional(), "PSS with huge pages");
    exported::assert_overhead_closes(&shown, [reading.page_tables(), reading::now().page_tables()]);
}
