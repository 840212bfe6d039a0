//! VMIs: who is one, which pod is shown, and what its CPU time is made of.

use edgebench_exporter::view::VmCpu;
use edgebench_sampler::{Bytes, Nanos};
use edgebench_tests::{Host, Process};

use crate::watch::{TICK, Watch, component, processes, ticks, vmi};

const SOURCE: &str = "11111111-2222-3333-4444-555555555555";
const TARGET: &str = "66666666-7777-8888-9999-000000000000";
const CONTAINER: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn monitor(process: Process) -> Process {
    let args =
        ["/usr/bin/virt-launcher-monitor", "--name", "edge-vm", "--uid", "u-1", "--namespace", "default"];
    process.exe("/usr/bin/virt-launcher-monitor").cmdline(args)
}

fn qemu(accelerator: &str) -> impl Fn(Process) -> Process {
    let args = format!(
        "/usr/libexec/qemu-kvm -name guest=default_edge-vm,debug-threads=on -machine q35,accel={accelerator} \
         -m size=262144k -object {{\"qom-type\":\"memory-backend-ram\",\"id\":\"pc.ram\",\"size\":268435456}} -smp 2"
    );
    move |process| process.exe("/usr/libexec/qemu-kvm").cmdline(args.split(' '))
}

#[test]
fn a_launcher_pod_is_a_vmi_before_and_after_its_qemu_runs() {
    let mut watch = Watch::new(&Host::new().process(10, |p| monitor(p).in_pod(SOURCE, CONTAINER)));
    let view = watch.read();
    let vm = vmi(&view, "default", "edge-vm").unwrap();
    assert_eq!((vm.uid.as_deref(), vm.pod_uid.as_deref(), vm.guest_size), (Some("u-1"), Some(SOURCE), None));
    let view = watch.step(|h| h.process(11, |p| qemu("kvm")(p).in_pod(SOURCE, CONTAINER).started_at(9_000)));
    let vm = vmi(&view, "default", "edge-vm").unwrap();
    assert_eq!((vm.guest_size, vm.vcpus), (Some(Bytes(256 << 20)), Some(2)));
    let view = watch.step(|h| h.ended(11));
    assert_eq!(vmi(&view, "default", "edge-vm").unwrap().guest_size, None);
}

#[test]
fn a_vmi_that_is_gone_has_no_row_at_the_next_reading() {
    let host = Host::new()
        .process(10, |p| monitor(p).in_pod(SOURCE, CONTAINER))
        .process(11, |p| qemu("kvm")(p).in_pod(SOURCE, CONTAINER).cpu_ticks(50, 0));
    let mut watch = Watch::new(&host);
    assert_eq!(watch.read().vms.len(), 1);
    let view = watch.step(|h| h.ended(10).ended(11));
    assert_eq!(view.vms, []);
    assert_eq!(ticks(&view, "qemu-kvm", "vm-pod"), 50, "its CPU time stays its component's");
}

#[test]
fn a_process_that_merely_calls_itself_qemu_kvm_is_no_vm() {
    let host = Host::new()
        .process(10, |p| p.exe("/usr/libexec/qemu-kvm").cmdline(["/usr/libexec/qemu-kvm", "-m", "1024"]))
        .process(11, |p| p.exe("/tmp/x").comm("qemu-kvm"))
        .process(12, |p| p.exe("/usr/bin/qemu-img").cmdline(["qemu-img", "convert"]))
        .process(13, |p| {
            p.exe("/tmp/virt-launcher").cmdline(["virt-launcher", "--name", "a", "--namespace", "b"])
        });
    let view = Watch::new(&host).read();
    assert_eq!(view.vms, []);
    assert_eq!(processes(&view, "qemu-kvm", "vm-pod"), 0);
    assert_eq!(processes(&view, "other", "other"), 3);
}

#[test]
fn a_libvirt_domain_is_a_vm_without_a_namespace() {
    let args = [
        "qemu-system-x86_64",
        "-name",
        "guest=plain,debug-threads=on",
        "-accel",
        "kvm",
        "-m",
        "size=262144k",
    ];
    let host = Host::new().process(10, |p| p.exe("/usr/bin/qemu-system-x86_64").cmdline(args));
    let view = Watch::new(&host).read();
    let vm = vmi(&view, "", "plain").unwrap();
    assert_eq!((vm.pod_uid.as_deref(), vm.working_set), (None, None));
    assert_eq!(processes(&view, "qemu-kvm", "vm-pod"), 1);
}

#[test]
fn while_a_vmi_migrates_within_the_node_the_newest_pod_is_shown() {
    let host = Host::new().process(10, |p| monitor(p).in_pod(SOURCE, CONTAINER).started_at(100));
    let mut watch = Watch::new(&host);
    assert_eq!(watch.read().vms[0].pods, 1);
    let view = watch.step(|h| h.process(20, |p| monitor(p).in_pod(TARGET, CONTAINER).started_at(5_000)));
    let shown = |view: &edgebench_exporter::view::View| {
        assert_eq!(view.vms.len(), 1);
        (view.vms[0].pods, view.vms[0].pod_uid.clone().unwrap())
    };
    assert_eq!(shown(&view), (2, TARGET.to_owned()));
    // A process that the source starts now makes it no newer.
    let view = watch.step(|h| h.process(11, |p| qemu("kvm")(p).in_pod(SOURCE, CONTAINER).started_at(9_000)));
    assert_eq!(shown(&view), (2, TARGET.to_owned()));
    assert_eq!(shown(&watch.step(|h| h.ended(10).ended(11))), (1, TARGET.to_owned()));
}

#[test]
fn under_kvm_guest_time_stands_beside_overhead() {
    let host = Host::new()
        .process(10, |p| monitor(p).in_pod(SOURCE, CONTAINER).cpu_ticks(5, 5))
        .process(11, |p| qemu("kvm")(p).in_pod(SOURCE, CONTAINER).cpu_ticks(900, 100).guest_ticks(800));
    let mut watch = Watch::new(&host);
    let view = watch.read();
    let split = |guest: u64, overhead: u64| VmCpu::Split {
        guest: Nanos(guest * TICK),
        overhead: Nanos(overhead * TICK),
    };
    assert_eq!(view.vms[0].cpu, split(800, 210));
    let cpu = component(&view, "qemu-kvm", "vm-pod").unwrap().cpu;
    assert_eq!([cpu.user, cpu.system, cpu.guest].map(|mode| mode.0 / TICK), [100, 100, 800]);
    // What ended stays in the VMI's total, as it stays in the component's.
    let view = watch.step(|h| h.ended(11));
    assert_eq!(view.vms[0].cpu, VmCpu::Split { guest: Nanos(800 * TICK), overhead: Nanos(210 * TICK) });
}

#[test]
fn under_emulation_the_split_is_absent_not_zero() {
    let host = Host::new()
        .process(10, |p| monitor(p).in_pod(SOURCE, CONTAINER).cpu_ticks(5, 5))
        .process(11, |p| qemu("tcg")(p).in_pod(SOURCE, CONTAINER).cpu_ticks(900, 100));
    assert_eq!(Watch::new(&host).read().vms[0].cpu, VmCpu::Whole(Nanos(1_010 * TICK)));
}

#[test]
fn what_nobody_saw_in_a_vmis_pod_is_its_overhead() {
    let host = Host::new()
        .process(10, |p| monitor(p).in_pod(SOURCE, CONTAINER).cpu_ticks(10, 0))
        .process(11, |p| qemu("kvm")(p).in_pod(SOURCE, CONTAINER).cpu_ticks(100, 0).guest_ticks(90))
        .pod_cpu(SOURCE, 110 * TICK);
    let mut watch = Watch::new(&host);
    watch.read();
    let view = watch.step(|h| h.pod_cpu(SOURCE, 614 * TICK));
    assert_eq!(ticks(&view, "exited", "vm-pod"), 500);
    let (guest, overhead) = (Nanos(90 * TICK), Nanos(520 * TICK));
    assert_eq!(view.vms[0].cpu, VmCpu::Split { guest, overhead });
}

#[test]
fn guest_time_that_the_kernel_counts_ahead_of_user_time_makes_no_total_larger() {
    // utime is scaled to the exact run time, guest time is counted by ticks.
    let host = Host::new().process(11, |p| qemu("kvm")(p).cpu_ticks(1_000, 0).guest_ticks(400));
    let mut watch = Watch::new(&host);
    let mut before = watch.read();
    for (user, guest) in
        [(1_010, 430), (1_020, 420), (1_030, 1_050), (1_040, 1_030), (1_040, 1_060), (1_100, 1_060)]
    {
        let view = watch.step(|h| h.process(11, |p| p.cpu_ticks(user, 0).guest_ticks(guest)));
        assert_eq!(ticks(&view, "qemu-kvm", "vm-pod"), user, "guest is inside user time, whatever it says");
        assert_eq!(crate::watch::decreased(&before, &view), [""; 0]);
        before = view;
    }
}

#[test]
fn the_threads_that_run_vcpus_are_named() {
    let host = Host::new()
        .process(1, |p| p.exe("/sbin/init").started_at(1).cpu_ticks(100, 0))
        .process(10, |p| monitor(p).in_pod(SOURCE, CONTAINER))
        .process(11, |p| {
            let p = qemu("kvm")(p).in_pod(SOURCE, CONTAINER).cpu_ticks(100, 0).guest_ticks(50);
            p.thread(21, "CPU 0/KVM", 30, 0, 20)
                .thread(22, "CPU 1/KVM", 40, 0, 30)
                .thread(23, "worker", 1, 0, 0)
        });
    let mut watch = Watch::new(&host);
    let vcpus = |view: &edgebench_exporter::view::View| -> Vec<_> {
        view.vms[0].vcpu_threads.iter().map(|thread| (thread.vcpu, thread.cpu.0 / TICK)).collect()
    };
    assert_eq!(vcpus(&watch.read()), [(0, 30), (1, 40)]);
    let view = watch.step(|h| h.process(11, |p| p.cpu_ticks(120, 0).thread(22, "CPU 1/KVM", 60, 0, 30)));
    assert_eq!(vcpus(&view), [(0, 30), (1, 60)]);
}
