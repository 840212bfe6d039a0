//! Guest RAM in a memfd that a second process of the pod maps, as virtiofsd and passt do.

use edgebench_sampler::Bytes;
use edgebench_tests::exporter;
use edgebench_tests::libvirt::{Plan, RAM_MIB, Ram};
use edgebench_tests::pod::Pod;
use edgebench_tests::python::Python;

use crate::exported::{self, NODE};
use crate::{assert_grown_by, assert_near, reading};

#[test]
#[ignore = "live: starts libvirtd and a VM of 256 MiB, whose memory another process maps"]
fn a_guest_that_two_processes_map_is_still_one_guest() {
    let pod = Pod::new("5f0c2a1e-7c1d-4b57-9f0a-2b6c7d8e9f02");
    let compute = pod.container(1);
    let mut vm = Plan::new().ram(Ram::Memfd).in_container(&compute).start();
    let alone = reading::with_sysfs(pod.sysfs());
    // A page that is read where the file has none would become one: only what is there is looked at.
    let other = Python::start(
        "virtiofsd",
        &format!(
            "ram = os.open('{}', os.O_RDWR)\n\
             memory = mmap.mmap(ram, {RAM_MIB} * MIB)\n\
             at = 0\n\
             try:\n    \
                 while True:\n        \
                     at = os.lseek(ram, at, os.SEEK_DATA)\n        \
                     memory[at]\n        \
                     at += PAGE\n\
             except OSError: pass",
            vm.memfd().display()
        ),
    );
    compute.add(other.pid());
    let shared = reading::with_sysfs(pod.sysfs());
    assert_eq!(shared.class(other.pid()), ["virtiofsd", "vm-pod"]);
    assert!(shared.vm().processes.iter().any(|pid| pid.0 == other.pid()));

    let [before, guest] = [&alone, &shared].map(|reading| reading.vm().guest.unwrap());
    assert_near(guest.resident, before.resident, "resident, mapped by two");
    assert_near(guest.proportional, before.proportional, "proportional, mapped by two");
    assert_eq!((guest.anonymous, guest.hugetlb), (Bytes::ZERO, Bytes::ZERO));
    // Of qemu's own Pss half has gone to the other.
    let given_away = alone.pss(vm.qemu()).saturating_sub(shared.pss(vm.qemu()));
    assert_near(given_away, Bytes(guest.resident.0 / 2), "half of the guest");
    // RES holds it for each.
    let twice = shared.resident(vm.qemu()) + shared.resident(other.pid());
    assert!(twice > guest.resident + guest.resident, "{twice:?}");

    let flags = ["--node-name", NODE, "--path.sysfs", pod.sysfs().to_str().unwrap()];
    let shown_before = exporter::once(&flags);
    vm.fill(64);
    let fuller = reading::with_sysfs(pod.sysfs());
    let shown = exporter::once(&flags);
    for family in ["guest_memory_resident_bytes", "guest_memory_proportional_bytes"] {
        let [old, new] = [&shown_before, &shown].map(|shown| exported::bytes(shown, family, &[]));
        assert_near(old, guest.resident, family);
        assert_grown_by(new.saturating_sub(old), 64);
    }
    let pss = exported::bytes(&shown, "pod_proportional_memory_bytes", &[]);
    assert_near(pss, fuller.pod_proportional(), "PSS");
    let page_tables = [fuller.page_tables(), reading::with_sysfs(pod.sysfs()).page_tables()];
    exported::assert_overhead_closes(&shown, page_tables);
    let fuller = fuller.vm().guest.unwrap();
    assert_grown_by(fuller.resident.saturating_sub(guest.resident), 64);
    assert_grown_by(fuller.proportional.saturating_sub(guest.proportional), 64);
}
