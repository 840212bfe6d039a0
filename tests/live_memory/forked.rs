//! Pages that several processes map: RES counts them for each, PSS and the ledger once.
//!
//! A forked child has its parent's anonymous pages until one of them writes there. What python itself holds
//! is known from the same family without the shared memory.

use edgebench_tests::StandIn;

use crate::MIB;
use crate::measured;
use crate::peers::{kernel_kib, pids, smem_pss_kib};
use edgebench_tests::python::Python;

/// How far a sum of PSS may be off: python's own pages of files are shared with others, which come and go.
const NOISE_KIB: u64 = 300;

#[test]
#[ignore = "live: takes 200 MiB of the node's memory"]
fn proportional_memory_is_the_kernels_and_that_of_smem() {
    let dir = tempfile::tempdir().unwrap();
    let sizes = [("eb-20", 20_000), ("eb-60", 60_000), ("eb-120", 120_000)];
    let running = sizes.map(|(name, kib)| (name, StandIn::start(dir.path(), name, kib, 0.0, &[])));
    let measured = measured::now();
    for (name, process) in &running {
        let rollup = |line: &str| kernel_kib(process.pid(), "smaps_rollup", line);
        let pss = measured.pss_kib(name);
        // libc and their own program are mapped by others too, who may have ended since.
        assert!(pss.abs_diff(rollup("Pss")) <= 64, "{name}: {pss}, the kernel {}", rollup("Pss"));
        let smem = smem_pss_kib(process.pid());
        assert!(pss.abs_diff(smem) <= 64 + 32, "{name}: {pss}, smem {smem}");
        // Nobody shares its anonymous memory: these are exact.
        assert_eq!(measured.memory(process.pid()).anonymous.kib(), rollup("Pss_Anon"), "{name}");
        let charge = rollup("Pss_Anon") + process.status_kib("VmPTE");
        assert_eq!(measured.charge_kib(name), charge as i64, "what RAM used holds for {name}");
    }
}

#[test]
#[ignore = "live: takes 100 MiB of the node's memory"]
fn pages_shared_after_a_fork_are_resident_eleven_times_and_charged_once() {
    let with = |mib: u64| {
        format!("memory = mmap.mmap(-1, {mib} * MIB + PAGE, flags=PRIVATE)\nfill(memory)\nchildren(10)")
    };
    let _small = Python::start("eb-fork-0", &with(0));
    let _large = Python::start("eb-fork-64", &with(64));
    let measured = measured::now();
    let shared = 64 * MIB;
    let rows = ["eb-fork-0", "eb-fork-64"].map(|name| measured.row(name));
    assert_eq!(rows.map(|row| row.processes), [11, 11]);

    let resident = rows[1].resident.kib() - rows[0].resident.kib();
    assert!(resident.abs_diff(11 * shared) <= 11 * shared / 100, "RES: {resident} KiB");
    let proportional = measured.pss_kib("eb-fork-64") - measured.pss_kib("eb-fork-0");
    assert!(proportional.abs_diff(shared) <= shared / 100 + NOISE_KIB, "PSS: {proportional} KiB");

    // Each of the eleven has page tables of its own for the pages they share.
    let page_tables = |name| pids(name).iter().map(|pid| kernel_kib(*pid, "status", "VmPTE")).sum::<u64>();
    let charge = |name| measured.charge_kib(name) as u64 - page_tables(name);
    let charged = charge("eb-fork-64") - charge("eb-fork-0");
    assert!(charged.abs_diff(shared) <= shared / 100, "charged: {charged} KiB");
}
