//! A pod of KubeVirt's or CDI's control plane.
//!
//! KubeVirt labels its pods `kubevirt.io=COMPONENT`, CDI `cdi.kubevirt.io=NAME`, where three names are not those of
//! the program: `pkg/virt-operator/resource/generate/components` of KubeVirt, `pkg/common/common.go` of CDI.

use serde::Deserialize;

use super::fields::{Meta, or_default};
use super::{Identity, Object};
use crate::cluster::ComponentPod;

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
    image: String,
    #[serde(default, deserialize_with = "or_default")]
    ports: Vec<Port>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Port {
    #[serde(default, deserialize_with = "or_default")]
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    container_port: u16,
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
    let metrics = |container: &Container| {
        container.ports.iter().find(|port| port.name == "metrics").map(|port| port.container_port)
    };
    let serving = spec.containers.iter().find(|container| metrics(container).is_some());
    let image = serving.or(spec.containers.first()).map(|container| container.image.as_str());
    let pod = ComponentPod {
        namespace: identity.namespace.clone(),
        name: identity.name.clone(),
        component: component_of(&metadata).unwrap_or_default(),
        version: metadata
            .label("app.kubernetes.io/version")
            .or_else(|| image.and_then(tag).map(str::to_owned)),
        port: serving.and_then(metrics).filter(|port| *port != 0),
        node: spec.node_name.filter(|node| !node.is_empty()),
        ip: status.pod_ip.filter(|ip| !ip.is_empty()),
        running: status.phase == "Running",
        uid: metadata.uid,
    };
    Ok((identity, Object::Component(Box::new(pod))))
}

/// The component that a pod or a deployment with these labels runs.
pub(super) fn component_of(metadata: &Meta) -> Option<String> {
    let by_label = |name: &str| metadata.label(name).map(|value| component_of_label(&value).to_owned());
    by_label("kubevirt.io").or_else(|| by_label("cdi.kubevirt.io"))
}

/// The component behind a value of the label `kubevirt.io` or `cdi.kubevirt.io`, under its process' name.
pub fn component_of_label(value: &str) -> &str {
    match value {
        "cdi-deployment" => "cdi-controller",
        "cdi-clone-source" => "cdi-cloner",
        "cdi-upload-server" => "cdi-uploadserver",
        "importer" => "cdi-importer",
        "virt-exporter" => "virt-exportserver",
        other => other,
    }
}

/// The tag of an image: `v1.9.0` of `quay.io:443/kubevirt/virt-api:v1.9.0@sha256:…`.
pub fn tag(image: &str) -> Option<&str> {
    let name = image.split_once('@').map_or(image, |(name, _)| name);
    let last = name.rsplit_once('/').map_or(name, |(_, last)| last);
    last.split_once(':').map(|(_, tag)| tag).filter(|tag| !tag.is_empty())
}
