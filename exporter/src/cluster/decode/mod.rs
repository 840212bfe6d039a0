//! An object of the API server, from its JSON to plain data.
//!
//! A pod of a real API server has 14 KB of JSON, of which this keeps some 300 bytes: fields that nobody asks for, the
//! `managedFields` first of all, are skipped while they are read. Quantities may be strings or numbers
//! (`x-kubernetes-int-or-string`), and what an encoder leaves empty may be missing or `null`; a field of another shape
//! than expected is as good as missing, so that one strange object hides neither itself nor the others.

mod component_pod;
mod deployment;
mod fields;
mod installation;
mod launcher_pod;
mod vmi;
mod vmi_spec;

use serde::Deserialize;

pub use self::component_pod::{component_of_label, tag};
use self::fields::{Meta, or_default};
use super::kind::Kind;
use super::{ComponentPod, Deployment, Installation, LauncherPod, Vmi};

/// What an object is, beside what it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// metadata.namespace; empty for what is cluster-wide.
    pub namespace: String,
    /// metadata.name
    pub name: String,
    /// metadata.resourceVersion
    pub version: String,
}

/// What an object says.
#[derive(Clone, Debug, PartialEq)]
pub enum Object {
    /// A virt-launcher pod.
    Launcher(Box<LauncherPod>),
    /// A pod of the control plane.
    Component(Box<ComponentPod>),
    /// A VMI.
    Vmi(Box<Vmi>),
    /// A CR of KubeVirt or CDI.
    Installation(Box<Installation>),
    /// A deployment.
    Deployment(Box<Deployment>),
    /// `ca-bundle` of a ConfigMap; nothing where it has none.
    Authority(Option<String>),
}

/// Reads one object of `kind`.
///
/// # Errors
/// Where it is no JSON object, or has no name.
pub fn object(kind: Kind, text: &str) -> serde_json::Result<(Identity, Object)> {
    match kind {
        Kind::LauncherPods => launcher_pod::decode(text),
        Kind::KubevirtPods | Kind::CdiPods => component_pod::decode(text),
        Kind::Vmis => vmi::decode(text),
        Kind::Kubevirts => installation::kubevirt(text),
        Kind::Cdis => installation::cdi(text),
        Kind::KubevirtDeployments | Kind::CdiDeployments => deployment::decode(text),
        Kind::Authority => authority(text),
    }
}

/// Only the identity of an object, such as the object of a bookmark, which has no more than a version.
///
/// # Errors
/// Where it is no JSON object.
pub fn identity(text: &str) -> serde_json::Result<Identity> {
    #[derive(Deserialize)]
    struct Any {
        #[serde(default)]
        metadata: Meta,
    }
    Ok(serde_json::from_str::<Any>(text)?.metadata.identity())
}

/// `gitVersion` of `/version`.
pub fn kubernetes_version(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Version {
        git_version: String,
    }
    serde_json::from_str::<Version>(text).ok().map(|version| version.git_version).filter(|v| !v.is_empty())
}

fn authority(text: &str) -> serde_json::Result<(Identity, Object)> {
    #[derive(Deserialize)]
    struct ConfigMap {
        metadata: Meta,
        #[serde(default, deserialize_with = "or_default")]
        data: Data,
    }
    #[derive(Default, Deserialize)]
    struct Data {
        #[serde(rename = "ca-bundle")]
        ca_bundle: Option<String>,
    }
    let map: ConfigMap = serde_json::from_str(text)?;
    Ok((map.metadata.named()?, Object::Authority(map.data.ca_bundle)))
}

#[cfg(test)]
mod tests;
