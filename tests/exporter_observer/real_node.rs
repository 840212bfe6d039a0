//! The real KubeVirt node of the fixtures, read twice: what the exporter says is what the bench says.

use std::collections::BTreeMap;

use edgebench_exporter::observer::{Enabled, Settings};
use edgebench_exporter::view::{View, VmCpu};
use edgebench_sampler::classify::Trust;
use edgebench_sampler::{Bytes, BytesDelta, Nanos};
use edgebench_tests::Host;
use edgebench_tests::phases::{PHASES, footprint};

use crate::watch::{TICK, Watch, component, decreased, processes, vmi};

const POD: &str = "f626cce2-29b3-48e8-aa19-090cad4e2bf3";

/// The figures of a phase at its beginning, and a minute later at its end.
fn readings(phase: &str) -> (View, View) {
    let host = Host::unpack(&format!("node-kubevirt-1.9/{phase}/t0"));
    let mut watch = Watch::new(&host);
    let before = watch.read_after(60);
    host.go_on_to(&format!("node-kubevirt-1.9/{phase}/t1"));
    (before, watch.read_after(60))
}

/// Processes, RES, anonymous memory and CPU ticks by component and stack. What no row of the table knows is one row
/// here, and one for each name in the bench.
type Rows = BTreeMap<(String, &'static str), (u64, Bytes, Bytes, u64)>;

#[test]
fn every_component_is_what_the_bench_says() {
    for phase in PHASES {
        let mut expected = Rows::new();
        for row in footprint(phase).components {
            let name = match (row.kernel_threads, row.known) {
                (true, _) => "kernel-threads".to_owned(),
                (false, true) => row.component.clone(),
                (false, false) => "other".to_owned(),
            };
            let sum = expected.entry((name, row.stack.name())).or_default();
            sum.0 += row.processes as u64;
            sum.1 += row.resident;
            sum.2 += row.anonymous;
            sum.3 += row.cpu.user.0 + row.cpu.system.0;
        }
        let (before, after) = readings(phase);
        let cpu = |view: &View, name: &str, stack: &str| {
            component(view, name, stack).map_or(0, |row| row.cpu.user.0 + row.cpu.system.0 + row.cpu.guest.0)
        };
        let mut found = Rows::new();
        for row in &after.components {
            let Some(now) = row.now.as_ref().filter(|now| now.processes > 0) else { continue };
            let stack = row.stack.name();
            let used = cpu(&after, row.component, stack) - cpu(&before, row.component, stack);
            let figures = (now.processes, now.resident, now.anonymous, used / TICK);
            found.insert((row.component.to_owned(), stack), figures);
        }
        assert_eq!(found, expected, "{phase}");
        assert_eq!(decreased(&before, &after), [""; 0], "{phase}");
    }
}

#[test]
fn nothing_is_partial_and_no_step_fails() {
    for phase in PHASES {
        let (_, after) = readings(phase);
        for health in &after.collectors {
            assert!(health.success && health.errors.is_empty(), "{phase}: {health:?}");
        }
        let tracked = after.components.iter().filter(|row| row.stack.is_tracked());
        for now in tracked.filter_map(|row| row.now.as_ref().map(|now| (row, now))) {
            let (row, now) = now;
            assert!(now.proportional.is_some() && now.oldest_start.is_some(), "{phase}: {row:?}");
            assert!(
                now.read.is_some() && now.written.is_some() && now.open_fds.is_some(),
                "{phase}: {row:?}"
            );
            assert_eq!(now.age, 0.0, "{phase}: tracked processes are read every time");
        }
    }
}

#[test]
fn ram_used_is_the_sum_of_its_parts() {
    for phase in PHASES {
        let memory = readings(phase).1.node_memory.unwrap();
        let kernel: i64 = memory.kernel.iter().map(|(_, bytes)| bytes.0).sum();
        let held = (memory.anonymous + memory.hugetlb_used + memory.page_tables).0 as i64;
        assert_eq!(BytesDelta(held + kernel + memory.unexplained.0), memory.used, "{phase}");
    }
}

#[test]
fn the_vmi_is_known_without_the_api() {
    let (before, after) = readings("4-vm");
    let vm = vmi(&after, "default", "edge-vm").unwrap();
    assert_eq!((after.vms.len(), vm.pods, vm.node.as_str()), (1, 1, "node-1"));
    assert_eq!(vm.uid.as_deref(), Some("7764d18d-957a-4449-b066-00d4e14c9721"));
    assert_eq!(vm.pod_uid.as_deref(), Some(POD));
    assert_eq!((vm.vcpus, vm.guest_size), (Some(1), Some(Bytes::from_kib(512 << 10))));
    let names: Vec<_> = vm.components.iter().map(|part| part.component).collect();
    assert_eq!(
        names,
        ["pause", "virt-tail", "virt-launcher-monitor", "virt-launcher", "virtqemud", "qemu-kvm"]
    );

    let bench = &footprint("4-vm").vms[0];
    let guest = vm.guest.unwrap();
    assert_eq!(
        (Some(guest.resident), Some(guest.proportional)),
        (bench.guest_resident, bench.guest_proportional)
    );
    assert_eq!(vm.overhead, bench.overhead);
    let compute = bench.compute.unwrap();
    assert_eq!((vm.working_set, vm.limit), (Some(compute.working_set), compute.limit));

    // Emulation shows no guest time: the whole is all its processes used.
    let whole = |view: &View| match vmi(view, "default", "edge-vm").unwrap().cpu {
        VmCpu::Whole(cpu) => cpu,
        split => panic!("{split:?}"),
    };
    let used = |view: &View| -> u64 {
        let rows = view.components.iter().filter(|row| row.stack.name() == "vm-pod");
        rows.map(|row| row.cpu.user.0 + row.cpu.system.0 + row.cpu.guest.0).sum()
    };
    assert_eq!(whole(&before), Nanos(used(&before)));
    assert_eq!(whole(&after), Nanos(used(&after)));
}

#[test]
fn exited_is_what_the_pods_cgroup_counted_beyond_its_processes() {
    let (before, after) = readings("4-vm");
    let usage = |step: &str| -> u64 {
        let host = Host::unpack(&format!("node-kubevirt-1.9/4-vm/{step}"));
        let usage = host.read(&format!("sys/fs/cgroup/cpuacct/kubepods/burstable/pod{POD}/cpuacct.usage"));
        usage.trim().parse().unwrap()
    };
    let seen = |view: &View| -> u64 {
        let rows = view.components.iter().filter(|row| row.stack.name() == "vm-pod" && row.now.is_some());
        rows.map(|row| row.cpu.user.0 + row.cpu.system.0 + row.cpu.guest.0).sum()
    };
    let beyond = usage("t1") - usage("t0") - (seen(&after) - seen(&before));
    // Two ticks of each of its six processes may be cut off.
    let exited = component(&after, "exited", "vm-pod").unwrap().cpu;
    assert_eq!(exited.user.0, beyond - 2 * 6 * TICK);
    assert_eq!((exited.system, exited.guest), (Nanos(0), Nanos(0)));
}

#[test]
fn names_outside_of_pods_are_counted_and_can_be_distrusted() {
    let host = Host::unpack("node-kubevirt-1.9/4-vm/t0");
    let any = Watch::new(&host).read();
    assert_eq!(any.discovery.names_outside_pods, 8);
    assert_eq!(processes(&any, "virt-handler", "kubevirt"), 1);
    let strict = Watch::with(&host, |settings| Settings { trust: Trust::Pod, ..settings }).read();
    assert_eq!(strict.discovery.names_outside_pods, 8);
    let stacks: Vec<_> = strict.components.iter().map(|row| row.stack.name()).collect();
    assert!(!stacks.contains(&"kubevirt") && !stacks.contains(&"cdi") && stacks.contains(&"vm-pod"));
    assert_eq!(strict.vms, any.vms, "the VM's pod is a real one");
}

#[test]
fn a_step_that_is_switched_off_takes_its_figures_along() {
    let host = Host::unpack("node-kubevirt-1.9/4-vm/t0");
    let mut enabled = Enabled::default();
    for name in ["io", "pss", "cgroup", "memory"] {
        enabled.set(name, false);
    }
    let view = Watch::with(&host, |settings| Settings { enabled, ..settings }).read();
    let now = component(&view, "virt-handler", "kubevirt").unwrap().now.clone().unwrap();
    assert_eq!((now.read, now.open_fds, now.proportional), (None, None, None));
    assert_eq!((&view.node_memory, &view.pss), (&None, &None));
    assert_eq!(view.vms[0].working_set, None);
    let steps: Vec<_> = view.collectors.iter().map(|health| health.collector).collect();
    assert_eq!(steps, ["component", "cpu", "pressure", "thread", "vmi"]);
}
