//! Memory in swap: no RAM, and so a column of its own.
//!
//! `MADV_PAGEOUT` (Linux 5.4) writes a process' pages to swap at once, as `process_madvise` (5.10) does to
//! those of another process. A page stays in the swap cache until its write is done; what no process maps of
//! that is a part of RAM used. The kernel's swapon(2) refuses files in memory and on overlays.

use edgebench_tests::stand_in::Plan;

use crate::MIB;
use crate::guest_ram::qemu;
use crate::measured;
use crate::peers::kernel_kib;
use crate::swap_file::SwapFile;
use edgebench_tests::python::{Python, wait};

#[test]
#[ignore = "live: makes a swap file of 256 MiB and swaps out a process"]
fn what_is_swapped_out_leaves_res_and_ram_used_and_is_shown() {
    let _swap = SwapFile::start(256);
    let before = measured::now();
    let process = Python::start(
        "eb-swap",
        "memory = mmap.mmap(-1, 64 * MIB, flags=PRIVATE)\nfill(memory)\n\
         MADV_PAGEOUT = 21\nmemory.madvise(MADV_PAGEOUT)",
    );
    let pid = process.pid();
    let swapped = || kernel_kib(pid, "status", "VmSwap");
    wait(10, "64 MiB in swap", || swapped() >= 63 * MIB);
    let measured = measured::now();

    let row = measured.row("eb-swap");
    assert_eq!(row.swap.kib(), swapped());
    assert_eq!(measured.printed("eb-swap", "SWAP MiB"), format!("{:.1}", row.swap.mib()));
    assert!(row.resident.kib() < 30 * MIB, "RES: {} KiB", row.resident.kib());
    let charge = kernel_kib(pid, "smaps_rollup", "Pss_Anon") + kernel_kib(pid, "status", "VmPTE");
    assert_eq!(measured.charge_kib("eb-swap"), charge as i64);
    assert!(measured.footprint.node.swap_used.unwrap().kib() >= 63 * MIB);
    assert!(measured.notes().contains("swapped out: that memory is not in RAM used"), "{}", measured.notes());
    let unexplained = measured.unexplained_kib() - before.unexplained_kib();
    assert!(unexplained.unsigned_abs() < 16 * MIB, "{unexplained} KiB more are unexplained");
}

#[test]
#[ignore = "live: makes a swap file of 256 MiB and swaps out a process"]
fn a_guest_in_swap_is_not_resident_and_has_a_column() {
    let _swap = SwapFile::start(256);
    let dir = tempfile::tempdir().unwrap();
    let guest = 64 * MIB;
    let vm = Plan::new("qemu-kvm", 100_000)
        .guest_kib(guest)
        .args(qemu("default_swapped", guest))
        .start(dir.path());
    let _pusher = Python::start(
        "eb-push",
        &format!(
            "class Range(ctypes.Structure): _fields_ = [('start', ctypes.c_void_p), ('length', ctypes.c_size_t)]\n\
             PROCESS_MADVISE, MADV_PAGEOUT = 440, 21\n\
             for line in open('/proc/{pid}/maps'):\n    \
                 start, end = (int(address, 16) for address in line.split()[0].split('-'))\n    \
                 if end - start == {guest} << 10: break\n\
             else: sys.exit('no mapping of the guest')\n\
             done_so_far = ctypes.CDLL(None, use_errno=True).syscall(PROCESS_MADVISE, os.pidfd_open({pid}),\n    \
                 ctypes.byref(Range(start, end - start)), 1, MADV_PAGEOUT, 0)\n\
             if done_so_far < 0: sys.exit(os.strerror(ctypes.get_errno()))",
            pid = vm.pid(),
        ),
    );
    wait(10, "the guest in swap", || vm.status_kib("VmSwap") >= guest - MIB);
    let measured = measured::now();

    let row = measured.vm("default/swapped");
    assert_eq!(row.swap.unwrap().kib(), vm.status_kib("VmSwap"));
    assert_eq!(row.guest_size.unwrap().kib(), guest);
    let (resident, swap) = (row.guest_resident.unwrap().kib(), row.swap.unwrap().kib());
    assert!((resident + swap).abs_diff(guest) < MIB, "resident {resident} and in swap {swap} KiB");
    assert_eq!(measured.printed("default/swapped", "SWAP"), format!("{:.1}", row.swap.unwrap().mib()));
}
