//! The exporter's whole row of the VM, once and as a server.

use edgebench_tests::Host;
use edgebench_tests::exporter::{self, Exporter};
use edgebench_tests::exposition::Exposition;

use edgebench_tests::edge_cluster::{EdgeCluster, NODE};

const MIB: f64 = 1_048_576.0;
const VM: [(&str, &str); 3] = [("node", NODE), ("namespace", "default"), ("name", "edge-vm")];

fn flags(world: &EdgeCluster, host: &Host) -> Vec<String> {
    let mut flags = world.flags();
    flags.push(format!("--path.procfs={}", host.proc.display()));
    flags
}

fn assert_whole_row(shown: &Exposition) {
    let of = |family: &str, more: &[(&str, &str)]| shown.value(family, &[VM.as_slice(), more].concat());
    let reserved = |source| of("edgebench_vmi_memory_overhead_reserved_bytes", &[("source", source)]) / MIB;
    assert_eq!(
        ["status", "annotation", "metric", "formula"].map(reserved),
        [288.0, 288.0, 288.0, 268.0],
        "a version that lies"
    );
    assert_eq!(of("edgebench_vmi_pod_memory_request_bytes", &[]), 800.0 * MIB);
    assert_eq!(of("edgebench_vmi_reported_resident_memory_bytes", &[]), 52_736_000.0);
    assert_eq!(of("edgebench_vmi_reported_cpu_seconds_total", &[]), 0.59);
    assert_eq!(of("edgebench_vmi_reported_domain_memory_bytes", &[]), 512.0 * MIB);
    assert_eq!(of("edgebench_vmi_paused", &[]), 0.0);
    let info = [
        ("vmi_pod", "virt-launcher-edge-vm-4kfzr"),
        ("phase", "Running"),
        ("launcher_version", "v1.9.0-rc.2"),
    ];
    assert_eq!(of("edgebench_vmi_info", &info), 1.0);
    for (product, version) in [("kubernetes", "v1.36.2"), ("kubevirt", "v1.9.0-rc.2"), ("cdi", "v1.66.0")] {
        let labels = [("product", product), ("version", version)];
        assert_eq!(shown.value("edgebench_installation_info", &labels), 1.0);
    }
    assert_eq!(shown.value("edgebench_deployment_replicas", &[("component", "virt-api")]), 1.0);
    for component in ["virt-handler", "virt-controller"] {
        assert_eq!(shown.value("edgebench_endpoint_up", &[("component", component)]), 1.0);
    }
    // The component's word beside /proc's.
    let said = shown.value("edgebench_endpoint_resident_memory_bytes", &[("component", "virt-handler")]);
    let of_proc = shown.value("edgebench_component_resident_memory_bytes", &[("component", "virt-handler")]);
    assert!((said - of_proc).abs() < 4.0 * MIB, "{said} said, {of_proc} in /proc");
}

#[test]
fn once_asks_everybody_and_prints_the_whole_row() {
    let (world, host) = (EdgeCluster::new(), Host::unpack("node-kubevirt-1.9/4-vm/t1"));
    let flags = flags(&world, &host);
    let flags: Vec<_> = flags.iter().map(String::as_str).collect();
    assert_whole_row(&exporter::once(&flags));
}

#[test]
fn a_server_has_it_as_soon_as_everybody_has_answered_and_loses_it_with_the_vmi() {
    let (world, host) = (EdgeCluster::new(), Host::unpack("node-kubevirt-1.9/4-vm/t1"));
    let mut flags = flags(&world, &host);
    flags.extend(["--kubevirt.interval=1s".into(), "--kubevirt.timeout=1s".into()]);
    let flags: Vec<_> = flags.iter().map(String::as_str).collect();
    let exporter = Exporter::start(&flags);
    let all = |shown: &Exposition| {
        let said = |family| shown.sum(family, &[]).is_some();
        said("edgebench_vmi_reported_resident_memory_bytes")
            && shown.sum("edgebench_vmi_memory_overhead_reserved_bytes", &[("source", "metric")]).is_some()
            && said("edgebench_vmi_pod_memory_request_bytes")
            && shown.sum("edgebench_installation_info", &[]) == Some(3.0)
            && said("edgebench_deployment_replicas")
    };
    assert_whole_row(&exporter.scrape_until("everybody has answered", all));

    world.api.delete(edgebench_tests::scripted_api::VMIS, "default", "edge-vm");
    let shown = exporter.scrape_until("the VMI is gone", |shown| {
        shown.sum("edgebench_vmi_info", &[("phase", "Running")]).is_none()
    });
    assert_eq!(shown.value("edgebench_vmi_info", &VM), 1.0, "its processes are still there");
    assert_eq!(shown.sum("edgebench_vmi_memory_overhead_reserved_bytes", &[("source", "status")]), None);
}
