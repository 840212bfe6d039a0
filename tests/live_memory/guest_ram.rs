//! Guest RAM of a VM, found among the mappings of its qemu.
//!
//! The stand-in holds its guest in one mapping of exactly the size that its command line names, and all of
//! it is touched.

use edgebench::footprint::Group;
use edgebench_tests::stand_in::Plan;

use crate::MIB;
use crate::measured;
use crate::peers::{kernel_kib, pids};

/// The command line that libvirt gives qemu, as far as it says what the VM is.
pub(crate) fn qemu(domain: &str, guest_kib: u64) -> Vec<String> {
    let backend =
        format!("{{\"qom-type\":\"memory-backend-ram\",\"id\":\"pc.ram\",\"size\":{}}}", guest_kib * 1024);
    [
        "-name",
        &format!("guest={domain},debug-threads=on"),
        "-accel",
        "kvm",
        "-m",
        &format!("size={guest_kib}k"),
        "-object",
        &backend,
        "-smp",
        "2,sockets=1",
    ]
    .map(String::from)
    .to_vec()
}

#[test]
#[ignore = "live: takes 400 MiB of the node's memory"]
fn the_guest_of_a_vm_is_exact_and_the_rest_of_its_qemu_is_overhead() {
    let dir = tempfile::tempdir().unwrap();
    let plans = [("default_eb-vm", 256 * MIB, 300_000), ("lab_small", 64 * MIB, 90_000)];
    let running = plans.map(|(domain, guest, resident)| {
        Plan::new("qemu-kvm", resident).guest_kib(guest).args(qemu(domain, guest)).start(dir.path())
    });
    let measured = measured::now();
    for ((domain, guest, _), process) in plans.iter().zip(&running) {
        let name = domain.replace('_', "/");
        let row = measured.vm(&name);
        assert_eq!(row.guest_size.unwrap().kib(), *guest, "{name}");
        assert_eq!(row.guest_resident.unwrap().kib(), *guest, "{name}");
        assert_eq!(row.guest_proportional.unwrap().kib(), *guest, "{name}");
        assert_eq!(measured.part_kib(Group::Guest, &name), *guest as i64, "{name}");
        let rollup = |line: &str| kernel_kib(process.pid(), "smaps_rollup", line);
        let overhead = rollup("Pss") - guest + process.status_kib("VmPTE");
        let shown = row.overhead.unwrap().kib();
        assert!(shown.abs_diff(overhead as i64) <= 64, "{name}: {shown} KiB, of the kernel {overhead}");
        assert_eq!((row.vcpus, row.processes), (Some(2), Some(1)), "{name}");
    }
    // Whatever other emulators run here.
    let charged =
        |pid: &u32| kernel_kib(*pid, "smaps_rollup", "Pss_Anon") + kernel_kib(*pid, "status", "VmPTE");
    let all: u64 = pids("qemu-kvm").iter().map(charged).sum();
    let guests: u64 = measured.footprint.vms.iter().map(|vm| vm.guest_resident.unwrap().kib()).sum();
    assert_eq!(measured.part_kib(Group::VmOverhead, "qemu-kvm"), (all - guests) as i64);
}
