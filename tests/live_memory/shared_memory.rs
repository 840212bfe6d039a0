//! A memfd that two processes map: half of it is each one's PSS, and the node counts it as cache.
//!
//! Shared memory lies in `Shmem` and `Cached` of `meminfo`: outside of RAM used by sar's formula, and not
//! available. Other processes move both, so what is compared moves with neither: what no part of RAM used
//! explains, and by how much the one formula moved more than the other.

use crate::MIB;
use crate::measured::{self, Measured};
use crate::peers::{kernel_kib, pids};
use edgebench_tests::python::Python;

/// What else the node may do with its memory meanwhile: a quarter of what it must show.
const NOISE_KIB: u64 = 64 * MIB;

#[test]
#[ignore = "live: takes 256 MiB of the node's memory"]
fn a_memfd_of_two_processes_is_half_each_and_outside_of_ram_used_by_sar() {
    let shared = 256 * MIB;
    let before = measured::now();
    let _process = Python::start(
        "eb-memfd",
        "file = os.memfd_create('ram')\n\
         os.ftruncate(file, 256 * MIB)\n\
         child = children(1)\n\
         memory = mmap.mmap(file, 256 * MIB)\nfill(memory)",
    );
    let after = measured::now();

    let pids = pids("eb-memfd");
    assert_eq!(pids.len(), 2);
    for &pid in &pids {
        assert_eq!(kernel_kib(pid, "smaps_rollup", "Pss_Shmem"), shared / 2);
        let memory = after.memory(pid);
        assert_eq!(memory.shared.kib(), shared, "RES holds all of it, for each");
        let pss = memory.pss().unwrap().kib();
        assert!(pss.abs_diff(kernel_kib(pid, "smaps_rollup", "Pss")) <= 300, "{pss} KiB");
    }
    let resident = after.row("eb-memfd").resident.kib();
    assert!(resident > 2 * shared, "RES: {resident} KiB");
    let pss = after.pss_kib("eb-memfd");
    assert!((shared..shared + 20 * MIB).contains(&pss), "PSS: {pss} KiB");
    let own = |pid: &u32| kernel_kib(*pid, "smaps_rollup", "Pss_Anon") + kernel_kib(*pid, "status", "VmPTE");
    let charge = pids.iter().map(own).sum::<u64>();
    assert!(after.charge_kib("eb-memfd").abs_diff(charge as i64) <= 2, "RAM used (sar) holds none of it");

    let grown = |of: fn(&Measured) -> i64| of(&after) - of(&before);
    let shmem = grown(|m| m.node().memory.shmem.kib() as i64);
    assert!(shmem.abs_diff(shared as i64) < NOISE_KIB, "Shmem: {shmem} KiB");
    let unexplained = grown(Measured::unexplained_kib);
    assert!(unexplained.unsigned_abs() < NOISE_KIB, "{unexplained} KiB more are unexplained");
    let between = grown(|m| m.used_kib()[1] - m.used_kib()[0]);
    assert!(between.abs_diff(shared as i64) < NOISE_KIB, "not available and not used: {between} KiB");
}
