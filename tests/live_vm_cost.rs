//! What a real VM costs, shown whole: libvirt's domain in a pod's cgroup, the scripted API server with the real node's
//! objects, the real node's components, and a guest that speaks.
//!
//! The guest's node_exporter and edgeAgent are played: a guest of 256 MiB has no room for IoT Edge.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test program"
)]

use std::process::Command;

use edgebench_tests::edge_cluster::{EdgeCluster, NODE};
use edgebench_tests::exporter::Exporter;
use edgebench_tests::exposition::Exposition;
use edgebench_tests::fake_endpoint::Behaviour;
use edgebench_tests::libvirt::{NAME, NAMESPACE, Plan, UID};
use edgebench_tests::pod::Pod;
use edgebench_tests::{StandIn, binaries};

const MIB: u64 = 1 << 20;
const POD: &str = "5f0c2a1e-7c1d-4b57-9f0a-2b6c7d8e9f02";
const MODULES: [(&str, u64); 2] = [("edgeAgent", 31), ("edgeHub", 52)];

/// A cluster in which the VM is `POD`'s, and whose guest uses 120 of 222 MiB.
fn cluster() -> EdgeCluster {
    let cluster = EdgeCluster::new();
    cluster.is_run_by(UID, POD);
    cluster.node_exporter.becomes(Behaviour::Text(format!(
        "node_memory_MemTotal_bytes {}\nnode_memory_MemAvailable_bytes {}\n",
        222 * MIB,
        102 * MIB
    )));
    let mut agent = String::from(
        "edgeAgent_metadata{edge_agent_version=\"1.5.21\",host_information=\"{\\\"Version\\\":\\\"1.5.21\\\"}\"} 0\n",
    );
    for (module, mib) in MODULES {
        agent += &format!("edgeAgent_used_memory_bytes{{module_name=\"{module}\"}} {}\n", mib * MIB);
    }
    cluster.edge_agent.becomes(Behaviour::Text(agent));
    cluster
}

#[test]
#[ignore = "live: starts libvirtd and a VM of 256 MiB in a cgroup of a pod"]
fn the_whole_row_and_the_matryoshka_of_a_real_vm() {
    let dir = tempfile::tempdir().unwrap();
    let pod = Pod::new(POD);
    let compute = pod.container(1);
    let identity = ["--name", NAME, "--uid", UID, "--namespace", NAMESPACE];
    let launcher = StandIn::start(dir.path(), "virt-launcher", 40_000, 0.0, &identity);
    compute.add(launcher.pid());
    let handler = StandIn::start(dir.path(), "virt-handler", 30_000, 0.0, &[]);
    let mut vm = Plan::new().in_container(&compute).start();
    vm.fill(96);
    let cluster = cluster();
    let sysfs = pod.sysfs().to_str().unwrap();

    let mut flags = cluster.flags();
    flags.extend([
        format!("--path.sysfs={sysfs}"),
        format!("--guest.targets={}", cluster.guests()),
        "--pss.budget=50%".into(),
        "--pss.interval=1s".into(),
    ]);
    let flags: Vec<_> = flags.iter().map(String::as_str).collect();
    let exporter = Exporter::start(&flags);
    let row =
        ["vmi_memory_overhead_bytes", "vmi_reported_resident_memory_bytes", "guest_module_memory_bytes"];
    let whole = |shown: &Exposition| {
        row.iter().all(|family| shown.sum(&format!("edgebench_{family}"), &[]).is_some())
            && shown.sum("edgebench_vmi_guest_memory_used_bytes", &[("source", "node_exporter")]).is_some()
            && shown.sum("edgebench_vmi_pod_memory_request_bytes", &[]).is_some()
    };
    let shown = exporter.scrape_until("the whole row", whole);
    let labels = [("node", NODE), ("namespace", NAMESPACE), ("name", NAME)];
    let of = |family: &str, more: &[(&str, &str)]| {
        shown.value(&format!("edgebench_{family}"), &[labels.as_slice(), more].concat()) as u64
    };
    assert_eq!(of("vmi_info", &[("phase", "Running"), ("uid", UID), ("pod_uid", POD)]), 1);
    assert_eq!(of("vmi_guest_memory_size_bytes", &[]), 256 * MIB);
    assert!(of("vmi_guest_memory_resident_bytes", &[]) > 96 * MIB);
    assert!(of("vmi_memory_overhead_bytes", &[]) > 10 * MIB);
    assert_eq!(of("vmi_memory_overhead_reserved_bytes", &[("source", "status")]), 288 * MIB);
    assert_eq!(of("vmi_pod_memory_request_bytes", &[]), 800 * MIB);
    assert!(of("vmi_pod_working_set_bytes", &[]) > 96 * MIB);
    assert_eq!(of("vmi_guest_memory_used_bytes", &[("source", "node_exporter")]), 120 * MIB);
    for (module, mib) in MODULES {
        assert_eq!(of("guest_module_memory_bytes", &[("module", module)]), mib * MIB);
    }
    drop(exporter);

    let output = Command::new(binaries::edgebench())
        .args(["footprint", "--samples", "2", "--interval", "100ms", "--sysfs", sysfs])
        .args(cluster.footprint_flags())
        .env("COLUMNS", "110")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // What the README shows: `cargo test … -- --nocapture` prints it.
    println!("{text}");
    let line = |what: &str| {
        let found = text.lines().find(|line| line.contains(what));
        found.unwrap_or_else(|| panic!("no {what} in {text}"))
    };
    assert!(line("kubevirt  ").contains("v1.9.0-rc.2"));
    let cells: Vec<_> = line("no limit").split_ascii_whitespace().collect();
    assert_eq!(
        [cells[0], cells[1], cells[3], cells[5]],
        ["default/edge-vm", "256.0", "120.0", "288.0"],
        "{cells:?}"
    );
    line("KubeVirt reserves 288.0 MiB beyond the guest (status of the VMI)");
    line("`kubectl top pod` shows");
    for ring in
        ["RAM used", "VM pods", "around qemu", "qemu itself", "guest RAM", "==== by node exporter", "edgeHub"]
    {
        line(ring);
    }
    line("of which its modules use 83.0 MiB");
    drop(handler);
}
