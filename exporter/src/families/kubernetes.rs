//! Families of what the Kubernetes API says.
//!
//! KubeVirt writes what it reserves beyond the guest into the VMI's status and the pod's annotation (1.8), says it as
//! a metric (1.3), and always computes it by its formula: each source is a series, so that a disagreement shows.

#![allow(missing_docs, reason = "the help of a family says what it is")]

use super::emit::Out;
use super::vmi::{LABELS, each, identity};
use super::{Family, Sink};
use crate::view::View;

pub static INSTALLATION: Family = Family::info(
    "edgebench_installation_info",
    &["product", "version", "phase"],
    "kubernetes",
    "What runs on the cluster, as the API server says: kubernetes by /version, kubevirt and cdi by the status of \
     their CRs, with their phase.",
);
pub static REPLICAS: Family = Family::gauge(
    "edgebench_deployment_replicas",
    &["component"],
    "kubernetes",
    "Replicas that a deployment of KubeVirt or CDI wants: spec.replicas; every exporter of the cluster says the \
     same, so take the max over nodes.",
);
pub static READY_REPLICAS: Family = Family::gauge(
    "edgebench_deployment_ready_replicas",
    &["component"],
    "kubernetes",
    "Replicas of a deployment of KubeVirt or CDI that are ready: status.readyReplicas; every exporter of the \
     cluster says the same, so take the max over nodes.",
);
pub static POD_REQUEST: Family = Family::gauge(
    "edgebench_vmi_pod_memory_request_bytes",
    LABELS,
    "kubernetes",
    "Memory that the container compute of the VM's pod requests: its resources.requests.",
);
pub static RESERVED: Family = Family::gauge(
    "edgebench_vmi_memory_overhead_reserved_bytes",
    &["node", "namespace", "name", "source"],
    "kubernetes",
    "What KubeVirt reserves for the VM beyond its guest, by who says so, best first: status of the VMI, \
     annotation of the pod, metric of virt-controller, formula of the running version.",
);
pub static PAUSED: Family = Family::gauge(
    "edgebench_vmi_paused",
    LABELS,
    "kubernetes",
    "1 where the VM is paused, else 0: the condition Paused of the VMI.",
);

pub(super) fn emit(view: &View, out: &mut Out<'_, impl Sink>) {
    out.family(&INSTALLATION);
    for installed in &view.installations {
        out.sample(&[installed.product, &installed.version, &installed.phase], 1);
    }
    out.family(&REPLICAS);
    for deployment in &view.deployments {
        out.sample(&[&deployment.component], deployment.wanted);
    }
    out.family(&READY_REPLICAS);
    for deployment in &view.deployments {
        out.sample(&[&deployment.component], deployment.ready);
    }
    each(view, out, &POD_REQUEST, |vm| vm.joined.request);
    out.family(&RESERVED);
    for vm in &view.vms {
        let [node, namespace, name] = identity(vm);
        for reserved in &vm.joined.reserved {
            out.sample(&[node, namespace, name, reserved.source.name()], reserved.bytes);
        }
    }
    each(view, out, &PAUSED, |vm| vm.joined.phase.is_some().then_some(u64::from(vm.joined.paused)));
}
