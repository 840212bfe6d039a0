//! The CRs of KubeVirt (kubevirt.io/v1) and CDI (cdi.kubevirt.io/v1beta1). phase and the observed version are the same
//! from v0.49 and v1.44 on.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::fields::{Amount, Meta, Scalar, or_default};
use super::{Identity, Object};
use crate::cluster::Installation;

#[derive(Deserialize)]
struct Wire {
    metadata: Meta,
    #[serde(default, deserialize_with = "or_default")]
    spec: Spec,
    #[serde(default, deserialize_with = "or_default")]
    status: Status,
}

#[derive(Default, Deserialize)]
struct Spec {
    #[serde(default, deserialize_with = "or_default")]
    configuration: Configuration,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Configuration {
    #[serde(default)]
    additional_guest_memory_overhead_ratio: Scalar,
    #[serde(default, deserialize_with = "or_default")]
    network: Network,
}

#[derive(Default, Deserialize)]
struct Network {
    #[serde(default, deserialize_with = "or_default")]
    binding: BTreeMap<String, Binding>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Binding {
    #[serde(default, deserialize_with = "or_default")]
    compute_resource_overhead: Resources,
}

#[derive(Default, Deserialize)]
struct Resources {
    #[serde(default, deserialize_with = "or_default")]
    requests: Memory,
}

#[derive(Default, Deserialize)]
struct Memory {
    #[serde(default)]
    memory: Amount,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    #[serde(default, deserialize_with = "or_default")]
    phase: String,
    #[serde(default, deserialize_with = "or_default")]
    observed_kube_virt_version: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    observed_version: Option<String>,
}

pub(super) fn kubevirt(text: &str) -> serde_json::Result<(Identity, Object)> {
    decode(text, |status| status.observed_kube_virt_version.take())
}

pub(super) fn cdi(text: &str) -> serde_json::Result<(Identity, Object)> {
    decode(text, |status| status.observed_version.take())
}

fn decode(
    text: &str,
    version: impl FnOnce(&mut Status) -> Option<String>,
) -> serde_json::Result<(Identity, Object)> {
    let Wire { metadata, spec, mut status } = serde_json::from_str(text)?;
    let identity = metadata.named()?;
    let Configuration { additional_guest_memory_overhead_ratio: ratio, network } = spec.configuration;
    let overhead = |binding: &Binding| binding.compute_resource_overhead.requests.memory.bytes();
    let installation = Installation {
        namespace: identity.namespace.clone(),
        version: version(&mut status).filter(|version| !version.is_empty()),
        phase: status.phase,
        overhead_ratio: ratio.0.filter(|ratio| !ratio.is_empty()),
        bindings: network
            .binding
            .into_iter()
            .filter_map(|(name, binding)| overhead(&binding).map(|bytes| (name, bytes)))
            .collect(),
    };
    Ok((identity, Object::Installation(Box::new(installation))))
}
