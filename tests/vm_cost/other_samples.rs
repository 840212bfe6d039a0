//! What other releases' components said, joined with processes that are as they said. The values are worked out by hand
//! from the samples.

use std::fs;

use edgebench_tests::exporter;
use edgebench_tests::exposition::Exposition;
use edgebench_tests::fake_endpoint::{Behaviour, FakeEndpoint};
use edgebench_tests::host::fixture;
use edgebench_tests::{Host, Process};

const POD: &str = "11111111-2222-3333-4444-55555555555";
const CONTAINER: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// A VM of 64,000,000 bytes.
fn vm(host: Host, number: u32, name: &str, kib: u64, cpu: (u64, u64)) -> Host {
    let pod = format!("{POD}{number}");
    let monitor = ["/usr/bin/virt-launcher-monitor", "--name", name, "--uid", "u", "--namespace", "default"];
    let qemu = format!(
        "/usr/libexec/qemu-kvm -name guest=default_{name},debug-threads=on -accel kvm -m size=62500k \
         -object {{\"qom-type\":\"memory-backend-ram\",\"id\":\"pc.ram\",\"size\":64000000}} -smp 1"
    );
    let launcher = |p: Process| p.exe(monitor[0]).cmdline(monitor).in_pod(&pod, CONTAINER);
    host.process(100 + 2 * number, launcher).process(101 + 2 * number, |p| {
        let p = p.exe("/usr/libexec/qemu-kvm").cmdline(qemu.split(' ')).in_pod(&pod, CONTAINER);
        p.anon_kib(kib).cpu_ticks(cpu.0, cpu.1)
    })
}

fn shown(host: &Host, node: &str, sample: &str) -> Exposition {
    let text = fs::read_to_string(fixture(&format!("kubevirt-metrics/{sample}"))).unwrap();
    let handler = FakeEndpoint::new(Behaviour::Text(text));
    exporter::once(&[
        "--kube=off",
        &format!("--node-name={node}"),
        &format!("--path.procfs={}", host.proc.display()),
        &format!("--kubevirt.endpoint=virt-handler={}", handler.url()),
    ])
}

#[test]
fn kubevirt_1_2_2_with_four_vms() {
    const NODE: &str = "ip-192-168-58-28.eu-west-3.compute.internal";
    // 206,589,952 and 207,474,688 bytes; 397.30 = 287.21 + 110.09 s.
    let host = vm(Host::new(), 1, "aws-kubevirt-vm-1", 201_748, (28_721, 11_009));
    let host = vm(host, 4, "aws-kubevirt-vm-4", 202_612, (20_000, 18_689));
    let host = vm(host, 5, "aws-kubevirt-vm-5", 50_000, (1, 1));
    let shown = shown(&host, NODE, "virt-handler-1.2.2.prom");
    let of = |family: &str, name: &str, more: &[(&str, &str)]| {
        let labels = [("node", NODE), ("namespace", "default"), ("name", name)];
        shown.sum(&format!("edgebench_{family}"), &[labels.as_slice(), more].concat())
    };
    let qemu = [("component", "qemu-kvm")];
    for (name, resident, cpu, usable) in [
        ("aws-kubevirt-vm-1", 206_589_952.0, 397.3, 24_768_512.0),
        ("aws-kubevirt-vm-4", 207_474_688.0, 386.89, 24_752_128.0),
    ] {
        assert_eq!(of("vmi_reported_resident_memory_bytes", name, &[]), Some(resident));
        assert_eq!(of("vmi_component_resident_memory_bytes", name, &qemu), Some(resident), "of /proc");
        assert_eq!(of("vmi_reported_cpu_seconds_total", name, &[]), Some(cpu));
        assert_eq!(of("vmi_cpu_seconds_total", name, &[("mode", "overhead")]), Some(cpu), "of /proc");
        assert_eq!(
            of("vmi_guest_memory_used_bytes", name, &[("source", "balloon")]),
            Some(45_617_152.0 - usable)
        );
        assert_eq!(of("vmi_guest_memory_total_bytes", name, &[("source", "balloon")]), Some(45_617_152.0));
        assert_eq!(of("vmi_guest_memory_size_bytes", name, &[]), Some(64e6));
        assert_eq!(of("vmi_reported_domain_memory_bytes", name, &[]), Some(64e6));
    }
    assert_eq!(of("vmi_info", "aws-kubevirt-vm-5", &[]), Some(1.0));
    assert_eq!(
        of("vmi_reported_resident_memory_bytes", "aws-kubevirt-vm-5", &[]),
        None,
        "nobody spoke of it"
    );
    assert_eq!(
        of("vmi_reported_resident_memory_bytes", "aws-kubevirt-vm-2", &[]),
        None,
        "it does not run here"
    );
    let said = shown.value("edgebench_endpoint_resident_memory_bytes", &[("component", "virt-handler")]);
    assert_eq!(said, 78_794_752.0);
    assert_eq!(shown.sum("edgebench_vmi_memory_overhead_reserved_bytes", &[]), None, "no API, so no spec");
}

#[test]
fn kubevirt_before_0_50_says_little_and_what_it_says_is_joined() {
    let host = vm(Host::new(), 1, "vm-test-01", 24_996, (10, 9));
    let shown = shown(&host, "node01", "virt-handler-legacy.prom");
    let labels = [("node", "node01"), ("namespace", "default"), ("name", "vm-test-01")];
    assert_eq!(shown.value("edgebench_vmi_reported_resident_memory_bytes", &labels), 25_595_904.0);
    for absent in
        ["vmi_reported_cpu_seconds_total", "vmi_guest_memory_used_bytes", "vmi_reported_domain_memory_bytes"]
    {
        assert_eq!(shown.sum(&format!("edgebench_{absent}"), &labels), None, "{absent}");
    }
}

#[test]
fn what_only_speaks_of_migrations_joins_nothing() {
    let host = vm(Host::new(), 1, "test", 1_000, (1, 1));
    let shown = shown(&host, "harvester-node-1", "virt-handler-migration.prom");
    assert_eq!(shown.value("edgebench_endpoint_up", &[("component", "virt-handler")]), 1.0);
    assert_eq!(shown.sum("edgebench_vmi_reported_resident_memory_bytes", &[]), None);
}
