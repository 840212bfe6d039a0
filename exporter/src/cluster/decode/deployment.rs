//! A deployment (apps/v1) of KubeVirt or CDI. What is not given has one replica, and one of which none is ready says
//! nothing of readiness.

use serde::Deserialize;

use super::component_pod::component_of;
use super::fields::{Meta, or_default};
use super::{Identity, Object};
use crate::cluster::Deployment;

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
    replicas: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    #[serde(default, deserialize_with = "or_default")]
    ready_replicas: u64,
}

pub(super) fn decode(text: &str) -> serde_json::Result<(Identity, Object)> {
    let Wire { metadata, spec, status } = serde_json::from_str(text)?;
    let identity = metadata.named()?;
    let deployment = Deployment {
        namespace: identity.namespace.clone(),
        name: identity.name.clone(),
        component: component_of(&metadata).unwrap_or_else(|| identity.name.clone()),
        wanted: spec.replicas.unwrap_or(1),
        ready: status.ready_replicas,
    };
    Ok((identity, Object::Deployment(Box::new(deployment))))
}
