//! Pages that kernel same-page merging has joined: once in PSS and in the ledger, as in the node's memory.
//!
//! ksmd merges a page that it has seen unchanged twice, among pages marked `MADV_MERGEABLE`. `smaps_rollup`
//! tells how much of a process is merged (`KSM`, Linux 6.6).

use crate::MIB;
use crate::measured;
use crate::peers::kernel_kib;
use edgebench_tests::python::{Python, wait};
use edgebench_tests::setting::Setting;

const KSM: &str = "/sys/kernel/mm/ksm";

#[test]
#[ignore = "live: runs kernel same-page merging for some seconds"]
fn merged_pages_count_once() {
    let merged = 32 * MIB;
    let _settings = [("pages_to_scan", 100_000), ("sleep_millisecs", 10), ("run", 1)]
        .map(|(name, value)| Setting::change(&format!("{KSM}/{name}"), value));
    let equal =
        "memory = mmap.mmap(-1, 32 * MIB, flags=PRIVATE)\nfill(memory)\nmemory.madvise(mmap.MADV_MERGEABLE)";
    let processes = ["eb-merge", "eb-merge"].map(|comm| Python::start(comm, equal));
    let rollup =
        |line: &str| processes.iter().map(|p| kernel_kib(p.pid(), "smaps_rollup", line)).sum::<u64>();
    wait(30, "32 MiB of each merged with those of the other", || rollup("KSM") == 2 * merged);
    let measured = measured::now();

    let row = measured.row("eb-merge");
    assert_eq!(row.anonymous.kib(), rollup("Anonymous"), "RssAnon counts merged pages for each");
    // Nothing else of their anonymous memory is shared: what PSS leaves out is one of the two copies.
    let charged = measured.charge_kib("eb-merge") as u64
        - processes.iter().map(|p| kernel_kib(p.pid(), "status", "VmPTE")).sum::<u64>();
    let saved = row.anonymous.kib() - charged;
    assert!(saved.abs_diff(merged) <= merged / 100, "the ledger saves {saved} KiB");
    let pss = measured.pss_kib("eb-merge");
    assert!(pss.abs_diff(rollup("Pss")) <= 300, "PSS {pss}, the kernel {} KiB", rollup("Pss"));
    assert!(row.resident.kib() - pss >= merged, "RES {} and PSS {pss} KiB", row.resident.kib());
    assert!(measured.notes().contains("KSM merges pages"), "{}", measured.notes());
}
