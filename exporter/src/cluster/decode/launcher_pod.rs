//! A pod `virt-launcher-…`.
//!
//! It names its VMI three times: as its owner, in the annotation `kubevirt.io/domain`, and in newer releases in the
//! label `vm.kubevirt.io/name`, which can't hold more than 63 characters.

use serde::Deserialize;

use super::fields::{Amount, Meta, or_default};
use super::{Identity, Object};
use crate::cluster::LauncherPod;
use crate::kubevirt::quantity::Quantity;

#[derive(Deserialize)]
struct Pod {
    metadata: Meta,
    #[serde(default, deserialize_with = "or_default")]
    spec: Spec,
    #[serde(default, deserialize_with = "or_default")]
    status: Status,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    #[serde(default, deserialize_with = "or_default")]
    node_name: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    containers: Vec<Container>,
}

#[derive(Default, Deserialize)]
struct Container {
    #[serde(default, deserialize_with = "or_default")]
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    resources: Resources,
}

#[derive(Default, Deserialize)]
struct Resources {
    #[serde(default, deserialize_with = "or_default")]
    requests: Memory,
    #[serde(default, deserialize_with = "or_default")]
    limits: Memory,
}

#[derive(Default, Deserialize)]
struct Memory {
    #[serde(default)]
    memory: Amount,
}

#[derive(Default, Deserialize)]
struct Status {
    #[serde(default, deserialize_with = "or_default")]
    phase: String,
    #[serde(default, rename = "podIP", deserialize_with = "or_default")]
    pod_ip: Option<String>,
}

pub(super) fn decode(text: &str) -> serde_json::Result<(Identity, Object)> {
    let Pod { metadata, spec, status } = serde_json::from_str(text)?;
    let identity = metadata.named()?;
    let owner = metadata.owner_references.iter().find(|owner| owner.kind == "VirtualMachineInstance");
    let compute = spec.containers.into_iter().find(|container| container.name == "compute");
    let Resources { requests, limits } = compute.map(|compute| compute.resources).unwrap_or_default();
    let overhead = metadata.annotation("kubevirt.io/memory-overhead-bytes");
    let pod = LauncherPod {
        namespace: identity.namespace.clone(),
        name: identity.name.clone(),
        vmi_uid: owner
            .map(|owner| owner.uid.clone())
            .filter(|uid| !uid.is_empty())
            .or_else(|| metadata.label("kubevirt.io/created-by")),
        vmi_name: owner
            .map(|owner| owner.name.clone())
            .filter(|name| !name.is_empty())
            .or_else(|| metadata.annotation("kubevirt.io/domain"))
            .or_else(|| metadata.label("vm.kubevirt.io/name")),
        node: spec.node_name.filter(|node| !node.is_empty()),
        phase: status.phase,
        ip: status.pod_ip.filter(|ip| !ip.is_empty()),
        request: requests.memory.bytes(),
        limit: limits.memory.bytes(),
        overhead: overhead.and_then(|text| Quantity::parse(&text)).map(Quantity::bytes),
        uid: metadata.uid,
    };
    Ok((identity, Object::Launcher(Box::new(pod))))
}
