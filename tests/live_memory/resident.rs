//! RES and %MEM are `top`'s.
//!
//! 100.25 MiB lies exactly between two printed figures: C's `%.1f` takes the even digit, 100.2.

use edgebench_tests::StandIn;

use crate::MIB;
use crate::measured::{self, Measured};
use crate::peers::top;

/// A size in the smallest unit in which it fits into the six columns that `top` has for RES.
fn as_top_scales(kib: u64) -> String {
    match kib {
        0..1_000_000 => kib.to_string(),
        1_000_000..1_024_000 => format!("{:.1}m", kib as f64 / 1024.0),
        _ => format!("{:.1}g", kib as f64 / 1024.0 / 1024.0),
    }
}

/// What `top` prints in its own units is what the row prints, and what the KiB of the capture come to.
fn assert_equals_top(measured: &Measured, name: &str, process: &StandIn) {
    let kib = measured.row(name).resident.kib();
    assert_eq!(kib, process.resident_kib(), "{name}");
    let [in_kib, in_mib] = ["k", "m"].map(|unit| top(process.pid(), unit));
    assert_eq!(in_kib.resident, as_top_scales(kib), "{name} in KiB");
    if let Some(mib) = in_mib.resident.strip_suffix('m') {
        assert_eq!(measured.printed(name, "RES MiB"), mib, "{name} in MiB");
    }
    assert_eq!(measured.printed(name, "%MEM"), in_kib.percent, "%MEM of {name}");
}

#[test]
#[ignore = "live: takes 2.6 GiB of the node's memory"]
fn resident_memory_is_that_of_top_in_every_printed_digit() {
    let dir = tempfile::tempdir().unwrap();
    let sizes = [
        ("eb-27", 27_648),
        ("eb-141", 144_212),
        ("eb-tie", 100 * MIB + 256),
        // The smallest that top prints in MiB, and one that it prints in GiB, rounded up.
        ("eb-977", 1_000_000),
        ("eb-1391", 1_424_000),
    ];
    let running = sizes.map(|(name, kib)| (name, StandIn::start(dir.path(), name, kib, 0.0, &[])));
    let measured = measured::now();
    for (name, process) in &running {
        assert_equals_top(&measured, name, process);
    }
    let tie = &running[2].1;
    assert_eq!(tie.resident_kib(), 100 * MIB + 256, "the stand-in is as large as it was told to be");
    assert_eq!(measured.printed("eb-tie", "RES MiB"), "100.2");
    let units = [2, 3, 4].map(|which| top(running[which].1.pid(), "k").resident.pop());
    assert_eq!(units, [Some('6'), Some('m'), Some('g')], "top switches its unit");
}

#[test]
#[ignore = "live: takes 150 MiB of the node's memory"]
fn runs_of_one_name_are_one_row_that_sums_them() {
    let dir = tempfile::tempdir().unwrap();
    let running = [20_000, 50_000, 80_000].map(|kib| StandIn::start(dir.path(), "eb-three", kib, 0.0, &[]));
    let measured = measured::now();
    let row = measured.row("eb-three");
    assert_eq!((row.processes, row.threads), (3, 3));
    let of_top = running.iter().map(|process| top(process.pid(), "k").resident.parse::<u64>().unwrap());
    assert_eq!(row.resident.kib(), of_top.sum::<u64>());
    assert_eq!(measured.printed("eb-three", "PROCS"), "3");
    for process in &running {
        assert_eq!(measured.memory(process.pid()).resident.kib(), process.resident_kib());
    }
}
