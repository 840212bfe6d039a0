//! What the exporter serves of the VM, by the names of its families.

use edgebench_sampler::Bytes;
use edgebench_tests::exposition::Exposition;
use edgebench_tests::libvirt::{NAME, NAMESPACE, RAM_MIB, UID, VCPUS};

/// The node's name that the exporter is given.
pub(crate) const NODE: &str = "edge-node";

/// A VMI family's value for our VM, without the prefix of its name.
pub(crate) fn vmi(exposition: &Exposition, family: &str, labels: &[(&str, &str)]) -> f64 {
    let key = [("node", NODE), ("namespace", NAMESPACE), ("name", NAME)];
    exposition.value(&format!("edgebench_vmi_{family}"), &[&key, labels].concat())
}

/// The same in bytes.
pub(crate) fn bytes(exposition: &Exposition, family: &str, labels: &[(&str, &str)]) -> Bytes {
    Bytes(vmi(exposition, family, labels) as u64)
}

/// Its name, its size and its CPUs, which don't change.
pub(crate) fn assert_identity(exposition: &Exposition, pod: Option<&str>) {
    let labels = [("uid", UID), ("pod_uid", pod.unwrap_or_default())];
    assert_eq!(vmi(exposition, "info", &labels), 1.0);
    assert_eq!(vmi(exposition, "pods", &[]), 1.0);
    assert_eq!(vmi(exposition, "vcpus", &[]), f64::from(VCPUS));
    assert_eq!(vmi(exposition, "guest_memory_size_bytes", &[]), (RAM_MIB << 20) as f64);
    for vcpu in ["0", "1"] {
        assert!(vmi(exposition, "vcpu_seconds_total", &[("vcpu", vcpu)]) > 0.0);
    }
}

/// A pod's proportional memory is its guest and its overhead, page tables aside.
pub(crate) fn assert_overhead_closes(exposition: &Exposition, page_tables: [Bytes; 2]) {
    let overhead = vmi(exposition, "memory_overhead_bytes", &[]);
    let pod = vmi(exposition, "pod_proportional_memory_bytes", &[]);
    let guest = vmi(exposition, "guest_memory_proportional_bytes", &[]);
    let left = overhead - (pod - guest);
    let [least, most] = page_tables.map(|bytes| bytes.0 as f64);
    assert!((least..=most).contains(&left), "{overhead} is {pod} - {guest} + {left}, not {page_tables:?}");
    assert!(overhead > 10e6 && overhead < 250e6, "{overhead}");
}
