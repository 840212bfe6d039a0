//! Pages of hugetlbfs: outside of RES and of the kernel's Pss, inside of edgebench's PSS and ledger.
//!
//! The pool is taken out of free memory as soon as it is set up, used or not: RAM used holds all of it.

use edgebench::footprint::Group;
use edgebench_sampler::process::Proportional;

use crate::MIB;
use crate::measured::{self, Measured};
use crate::peers::{kernel_kib, top};
use edgebench_tests::python::Python;
use edgebench_tests::setting::Setting;

const POOL: &str = "/proc/sys/vm/nr_hugepages";

/// What the processes use.
const USED: u64 = 64 * MIB;
/// What of the pool is left over.
const FREE: u64 = 16 * MIB;

/// Enlarges the pool by [`USED`] and [`FREE`].
fn pool() -> Setting {
    let page_kib: u64 = kernel_page_kib();
    assert!(FREE.is_multiple_of(page_kib), "huge pages of {page_kib} KiB are too large for this test");
    let wanted = Setting::number(POOL) + (USED + FREE) / page_kib;
    let setting = Setting::change(POOL, wanted);
    assert_eq!(Setting::number(POOL), wanted, "the memory is too fragmented for huge pages");
    setting
}

fn kernel_page_kib() -> u64 {
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap();
    let line = meminfo.lines().find(|line| line.starts_with("Hugepagesize:")).unwrap();
    line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
}

/// The pool's parts: free, used by no process of the capture.
fn pool_parts(measured: &Measured) -> [i64; 2] {
    ["hugetlb pool, free", "hugetlb pool, rest"].map(|name| measured.part_kib(Group::Kernel, name))
}

/// The share of huge pages that a process holds.
fn share_kib(measured: &Measured, pid: u32) -> u64 {
    match &measured.memory(pid).proportional {
        Proportional::Read { hugetlb, .. } => hugetlb.kib(),
        other => panic!("PSS of {pid} is {other:?}"),
    }
}

#[test]
#[ignore = "live: takes 80 MiB of huge pages"]
fn private_huge_pages_are_in_pss_and_in_the_ledger_and_not_in_res() {
    let before = measured::now();
    let _pool = pool();
    let process = Python::start(
        "eb-huge",
        "MAP_HUGETLB = 0x40000\n\
         memory = mmap.mmap(-1, 64 * MIB, flags=PRIVATE | MAP_HUGETLB)\nfill(memory)",
    );
    let (pid, measured) = (process.pid(), measured::now());
    let rollup = |line: &str| kernel_kib(pid, "smaps_rollup", line);
    assert_eq!(rollup("Private_Hugetlb"), USED);

    // As the kernel and top have it: without them.
    let row = measured.row("eb-huge");
    assert_eq!(row.resident.kib().to_string(), top(pid, "k").resident);
    assert!(row.resident.kib() < USED);
    // And with them.
    assert_eq!(share_kib(&measured, pid), USED);
    let pss = measured.pss_kib("eb-huge");
    assert!(pss.abs_diff(rollup("Pss") + USED) <= 300, "{pss} KiB, the kernel {}", rollup("Pss"));
    let charge = rollup("Pss_Anon") + kernel_kib(pid, "status", "VmPTE") + USED;
    assert_eq!(measured.charge_kib("eb-huge"), charge as i64);

    let [free, rest] = pool_parts(&before);
    assert_eq!(pool_parts(&measured), [free + FREE as i64, rest], "what of the pool is nobody's");
    let unexplained = measured.unexplained_kib() - before.unexplained_kib();
    assert!(unexplained.unsigned_abs() < USED / 4, "{unexplained} KiB more are unexplained");
}

#[test]
#[ignore = "live: takes 80 MiB of huge pages"]
fn huge_pages_that_two_processes_share_are_half_each() {
    let before = measured::now();
    let _pool = pool();
    let process = Python::start(
        "eb-huge-shared",
        "file = os.memfd_create('ram', os.MFD_HUGETLB)\n\
         os.ftruncate(file, 64 * MIB)\n\
         child = children(1)\n\
         memory = mmap.mmap(file, 64 * MIB)\nfill(memory)",
    );
    let measured = measured::now();
    let pids = crate::peers::pids("eb-huge-shared");
    assert_eq!(pids.len(), 2);
    for &pid in &pids {
        assert_eq!(kernel_kib(pid, "smaps_rollup", "Shared_Hugetlb"), USED, "the kernel does not divide");
        assert_eq!(share_kib(&measured, pid), USED / 2);
        assert!(measured.memory(pid).resident.kib() < USED);
    }
    let of_kernel = pids.iter().map(|pid| kernel_kib(*pid, "smaps_rollup", "Pss")).sum::<u64>();
    let pss = measured.pss_kib("eb-huge-shared");
    assert!(pss.abs_diff(of_kernel + USED) <= 300, "{pss} KiB, the kernel {of_kernel}");
    let own = |pid: &u32| kernel_kib(*pid, "smaps_rollup", "Pss_Anon") + kernel_kib(*pid, "status", "VmPTE");
    let charge = pids.iter().map(own).sum::<u64>() + USED;
    assert!(measured.charge_kib("eb-huge-shared").abs_diff(charge as i64) <= 2, "Pss_Anon is rounded");

    let [free, rest] = pool_parts(&before);
    assert_eq!(pool_parts(&measured), [free + FREE as i64, rest], "what of the pool is nobody's");
    drop(process);
}
