//! A VM outside of any pod: a libvirt host, or a test.

use edgebench_sampler::vm::Accelerator;
use edgebench_sampler::{Bytes, Pid};
use edgebench_tests::exporter::{self, Exporter};
use edgebench_tests::libvirt::{EdgeVm, NAME, Plan, UID, VCPUS};

use crate::exported::{self, NODE, vmi};
use crate::reading::Reading;
use crate::{RAM, assert_grown_by, assert_near, reading};

const FLAGS: &[&str] = &["--node-name", NODE];

#[test]
#[ignore = "live: starts libvirtd and a VM of 256 MiB"]
fn a_domain_is_a_vm_with_its_name_its_size_and_its_vcpus() {
    let vm = Plan::new().start();
    let reading = reading::now();
    assert_eq!(reading.class(vm.qemu()), ["qemu-kvm", "vm-pod"]);
    assert_eq!(reading.class(vm.libvirtd()), ["libvirtd", "vm-pod"]);
    assert!(reading.process(vm.qemu()).1.outside_pods);

    let found = reading.vm();
    assert_eq!((found.uid.as_deref(), &found.pod, found.compute), (Some(UID), &None, None));
    assert_eq!((found.emulator, &found.processes), (Some(Pid(vm.qemu())), &vec![Pid(vm.qemu())]));
    let machine = found.machine.as_ref().unwrap();
    assert_eq!((machine.memory, machine.backends.as_slice()), (Some(RAM), [RAM].as_slice()));
    assert_eq!((machine.vcpus, machine.accelerator), (Some(VCPUS), Some(Accelerator::Tcg)));

    let threads = reading.threads(vm.qemu());
    let mut vcpus: Vec<_> = threads.iter().filter_map(|thread| thread.vcpu()).collect();
    vcpus.sort_unstable();
    assert_eq!(vcpus, [0, 1]);
    assert_eq!(threads.len(), reading.process(vm.qemu()).0.threads as usize);
    for exposition in [exporter::once(FLAGS), Exporter::start(FLAGS).scrape()] {
        exported::assert_identity(&exposition, None);
        for component in ["qemu-kvm", "libvirtd"] {
            let labels = [("component", component), ("stack", "vm-pod")];
            assert!(exposition.value("edgebench_component_processes", &labels) >= 1.0);
        }
        // Outside of pods the VM is its emulator.
        assert_eq!(
            exposition.sum("edgebench_vmi_component_resident_memory_bytes", &[("component", "libvirtd")]),
            None
        );
    }
}

/// virsh reads between two readings of ours, and counters don't step back: what it says lies between them.
#[test]
#[ignore = "live: starts libvirtd and a VM of 256 MiB"]
fn cpu_time_and_resident_memory_are_those_of_virsh() {
    let mut vm = Plan::new().start();
    for _ in 0..5 {
        vm.fill(4);
        let before = reading::now();
        let threads_before = before.threads(vm.qemu());
        let stats = vm.stats();
        let after = reading::now();
        let threads_after = after.threads(vm.qemu());

        let cpu = [&before, &after].map(|reading| reading.process(vm.qemu()).0.cpu);
        let own = cpu.map(|cpu| cpu.own().0);
        assert!((own[0]..=own[1]).contains(&after.ticks(stats.cpu_ns)), "{own:?} ticks, virsh {stats:?}");
        let user = cpu.map(|cpu| cpu.user.0);
        assert!((user[0]..=user[1]).contains(&after.ticks(stats.user_ns)), "{user:?} ticks, virsh {stats:?}");
        let system = cpu.map(|cpu| cpu.system.0);
        assert!(
            (system[0]..=system[1]).contains(&after.ticks(stats.system_ns)),
            "{system:?}, virsh {stats:?}"
        );

        assert_eq!(stats.vcpu_ns.len(), 2);
        for (number, &virsh) in stats.vcpu_ns.iter().enumerate() {
            let of = |threads: &[edgebench_sampler::thread::ThreadSample]| {
                let thread = threads.iter().find(|thread| thread.vcpu() == Some(number as u32)).unwrap();
                thread.cpu.own().0
            };
            let range = of(&threads_before)..=of(&threads_after);
            assert!(range.contains(&after.ticks(virsh)), "vCPU {number}: {range:?} ticks, virsh {virsh} ns");
        }

        // KubeVirt's `memory_resident_bytes` is this figure of virsh.
        let virsh = Bytes::from_kib(stats.rss_kib);
        let resident = [&before, &after].map(|reading| reading.resident(vm.qemu()));
        let noise = before.held_back();
        let range = resident[0].min(resident[1]).saturating_sub(noise)..=resident[0].max(resident[1]) + noise;
        assert!(range.contains(&virsh), "{resident:?}, virsh {virsh:?}");
    }
}

#[test]
#[ignore = "live: starts libvirtd and a VM of 256 MiB"]
fn cpu_time_and_resident_memory_are_those_of_virsh_over_http() {
    let mut vm = Plan::new().start();
    let exporter = Exporter::start(FLAGS);
    for _ in 0..5 {
        vm.fill(4);
        let before = exporter.scrape();
        let stats = vm.stats();
        let after = exporter.scrape();
        let both = |family: &str, labels: &[(&str, &str)]| {
            [&before, &after].map(|exposition| vmi(exposition, family, labels))
        };

        // Emulation hides what of it the guest used. A figure of seconds may miss its last bit.
        let [least, most] = both("cpu_seconds_total", &[("mode", "unsplit")]);
        let virsh = stats.cpu_ns as f64 / 1e9;
        assert!((least - 1e-6..=most + 1e-6).contains(&virsh), "{least} to {most}, virsh {virsh}");

        // The exporter says nanoseconds; utime and stime are rounded down to a tick each.
        for (vcpu, virsh) in stats.vcpu_ns.iter().enumerate() {
            let [least, most] = both("vcpu_seconds_total", &[("vcpu", &vcpu.to_string())]);
            let virsh = *virsh as f64 / 1e9;
            assert!((least - 0.02..=most).contains(&virsh), "vCPU {vcpu}: {least} to {most}, virsh {virsh}");
        }

        let resident = both("component_resident_memory_bytes", &[("component", "qemu-kvm")]);
        let noise = reading::now().held_back().0 as f64;
        let range = resident[0].min(resident[1]) - noise..=resident[0].max(resident[1]) + noise;
        let virsh = (stats.rss_kib * 1024) as f64;
        assert!(range.contains(&virsh), "{resident:?}, virsh {virsh}");
    }
}

#[test]
#[ignore = "live: starts libvirtd and a VM of 256 MiB"]
fn the_guest_grows_by_what_it_fills_and_the_overhead_does_not() {
    let mut vm = Plan::new().start();
    let overhead = |reading: &Reading| {
        reading.pod_proportional().saturating_sub(reading.vm().guest.unwrap().proportional)
    };
    let (mut before, mut shown_before) = (reading::now(), exporter::once(FLAGS));
    for mib in [32, 64] {
        vm.fill(mib);
        let (after, shown) = (reading::now(), exporter::once(FLAGS));
        assert_grown_by(after.guest_resident().saturating_sub(before.guest_resident()), mib);
        let guest = after.vm().guest.unwrap();
        // Nobody shares it.
        assert_eq!([guest.proportional, guest.anonymous], [guest.resident; 2]);
        assert!(guest.resident <= RAM);
        let [old, new] = [&before, &after].map(overhead);
        let more = new.saturating_sub(old);
        assert!(more.kib() < 8 << 10, "{} KiB more overhead: code that TCG has translated", more.kib());

        for family in ["guest_memory_resident_bytes", "guest_memory_proportional_bytes"] {
            let [old, new] = [&shown_before, &shown].map(|shown| exported::bytes(shown, family, &[]));
            assert_grown_by(new.saturating_sub(old), mib);
            assert_near(new, guest.resident, family);
        }
        let pod = exported::bytes(&shown, "pod_proportional_memory_bytes", &[]);
        assert_near(pod, after.pod_proportional(), "PSS");
        exported::assert_overhead_closes(&shown, [after.page_tables(), reading::now().page_tables()]);
        (before, shown_before) = (after, shown);
    }
    // An emulator of this size, with what it has translated.
    let overhead = overhead(&before).mib();
    assert!((10.0..150.0).contains(&overhead), "{overhead} MiB");
}

/// The server reads proportional memory on a cadence of its own.
#[test]
#[ignore = "live: starts libvirtd and a VM of 256 MiB"]
fn a_server_shows_the_guest_at_its_next_reading_and_nothing_once_it_is_gone() {
    let mut vm: EdgeVm = Plan::new().start();
    let exporter = Exporter::start(&[FLAGS, &["--pss.budget", "20%", "--pss.interval", "1s"]].concat());
    let is_read = |exposition: &edgebench_tests::exposition::Exposition| {
        exposition.sum("edgebench_vmi_guest_memory_resident_bytes", &[("node", NODE)]).is_some()
    };
    let before = exporter.scrape_until("the guest is read", is_read);
    vm.fill(64);
    let wanted = reading::now().guest_resident();
    let grown = exporter.scrape_until("the guest is read again", |exposition| {
        let age = vmi(exposition, "guest_memory_age_seconds", &[]);
        age >= 0.0 && exported::bytes(exposition, "guest_memory_resident_bytes", &[]) >= wanted
    });
    let [old, new] =
        [&before, &grown].map(|shown| exported::bytes(shown, "guest_memory_resident_bytes", &[]));
    assert_grown_by(new.saturating_sub(old), 64);
    exported::assert_overhead_closes(&grown, [reading::now().page_tables(); 2]);

    drop(vm);
    let gone = exporter.scrape();
    assert_eq!(gone.sum("edgebench_vmi_info", &[("node", NODE), ("name", NAME)]), None, "at the next scrape");
    assert_eq!(
        gone.sum("edgebench_vmi_guest_memory_resident_bytes", &[("node", NODE), ("name", NAME)]),
        None
    );
}
