//! A VM as KubeVirt runs it: in a pod, below a virt-launcher-monitor.

use edgebench_sampler::parse::pid_cgroup::PodUid;
use edgebench_sampler::{Bytes, Pid};
use edgebench_tests::StandIn;
use edgebench_tests::exporter;
use edgebench_tests::libvirt::{NAME, NAMESPACE, Plan, UID};
use edgebench_tests::pod::Pod;

use crate::exported::{self, NODE};
use crate::{assert_grown_by, assert_near, reading};

const POD: &str = "5f0c2a1e-7c1d-4b57-9f0a-2b6c7d8e9f01";

#[test]
#[ignore = "live: starts libvirtd and a VM of 256 MiB in a cgroup of a pod"]
fn a_pod_with_a_launcher_is_a_vm_with_all_its_processes_and_its_cgroup() {
    let dir = tempfile::tempdir().unwrap();
    let pod = Pod::new(POD);
    let compute = pod.container(1);
    let launcher = StandIn::start(
        dir.path(),
        "virt-launcher",
        40_000,
        0.0,
        &["--name", NAME, "--uid", UID, "--namespace", NAMESPACE],
    );
    compute.add(launcher.pid());
    let mut vm = Plan::new().in_container(&compute).start();
    let before = reading::with_sysfs(pod.sysfs());
    vm.fill(32);
    let reading = reading::with_sysfs(pod.sysfs());
    assert_grown_by(reading.guest_resident().saturating_sub(before.guest_resident()), 32);

    let found = reading.vm();
    assert_eq!((found.pod.as_ref().map(PodUid::as_str), found.uid.as_deref()), (Some(POD), Some(UID)));
    assert_eq!(found.emulator, Some(Pid(vm.qemu())));
    let mut all: Vec<_> = vm.processes().into_iter().chain([launcher.pid()]).map(Pid).collect();
    all.sort_unstable();
    assert_eq!(found.processes, all);
    let mut components: Vec<_> = all.iter().map(|pid| reading.class(pid.0)).collect();
    components.sort_unstable();
    let names = ["libvirtd", "qemu-kvm", "virt-launcher", "virt-launcher-monitor"];
    assert_eq!(components, names.map(|name| [name, "vm-pod"]));
    assert!(all.iter().all(|pid| !reading.process(pid.0).1.outside_pods));
    // As in KubeVirt: libvirt lets go of qemu, and the container's first process takes it over.
    let monitor = reading.process(vm.qemu()).0.parent;
    assert_eq!(reading.class(monitor.0)[0], "virt-launcher-monitor");

    // The kernel charges a page to the cgroup that touched it first, the guest's to this one.
    let figures = found.compute.unwrap();
    let guest = found.guest.unwrap().resident;
    assert!(figures.working_set > guest, "{figures:?}, guest {guest:?}");
    assert!(figures.usage.minus(usage(&compute)).0.abs() < 4 << 20, "{figures:?}");
    assert_eq!((figures.limit, figures.oom_kills), (None, Some(0)));
    let ticks = reading.process(vm.qemu()).0.cpu.own().0;
    let cpu = figures.cpu.unwrap().0;
    assert!(cpu > ticks * 9_900_000, "{cpu} ns in the cgroup, of qemu alone {ticks} ticks");

    let sysfs = pod.sysfs().to_str().unwrap();
    let shown = exporter::once(&["--node-name", NODE, "--path.sysfs", sysfs]);
    let after = reading::with_sysfs(pod.sysfs());
    exported::assert_identity(&shown, Some(POD));
    assert_near(exported::bytes(&shown, "guest_memory_resident_bytes", &[]), guest, "the guest");
    let proportional = exported::bytes(&shown, "pod_proportional_memory_bytes", &[]);
    assert_near(proportional, after.pod_proportional(), "PSS");
    exported::assert_overhead_closes(&shown, [reading.page_tables(), after.page_tables()]);
    let working_set = exported::bytes(&shown, "pod_working_set_bytes", &[]);
    assert_near(working_set, after.vm().compute.unwrap().working_set, "working set");
    for name in names {
        let own: Vec<_> = all.iter().filter(|pid| after.class(pid.0)[0] == name).collect();
        let resident = exported::bytes(&shown, "component_resident_memory_bytes", &[("component", name)]);
        assert_near(resident, own.iter().map(|pid| after.resident(pid.0)).sum(), name);
        let pss = exported::bytes(&shown, "component_proportional_memory_bytes", &[("component", name)]);
        assert_near(pss, own.iter().map(|pid| after.pss(pid.0)).sum(), name);
    }
}

fn usage(container: &edgebench_tests::pod::Container) -> Bytes {
    let name = if std::path::Path::new("/sys/fs/cgroup/cgroup.controllers").exists() {
        "memory.current"
    } else {
        "memory.usage_in_bytes"
    };
    Bytes(container.file(name).trim().parse().unwrap())
}
