//! A VirtualMachineInstance (kubevirt.io/v1): what it is and where it runs. Its spec is in [`super::vmi_spec`].
//!
//! `status.migrationState` stays after a migration has ended: `completed`, `failed` or `endTimestamp` say that it has.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::fields::{Amount, Meta, or_default};
use super::vmi_spec::Spec;
use super::{Identity, Object};
use crate::cluster::Vmi;

/// Names the guest's targets; see [`Vmi::guest_targets`].
const GUEST_TARGETS: &str = "edgebench.io/guest-targets";

#[derive(Deserialize)]
struct Wire {
    metadata: Meta,
    #[serde(default, deserialize_with = "or_default")]
    spec: Spec,
    #[serde(default, deserialize_with = "or_default")]
    status: Status,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    #[serde(default, deserialize_with = "or_default")]
    node_name: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    phase: String,
    #[serde(default, deserialize_with = "or_default")]
    active_pods: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "or_default")]
    conditions: Vec<Condition>,
    #[serde(default, deserialize_with = "or_default")]
    migration_state: Option<Migration>,
    #[serde(default, deserialize_with = "or_default")]
    memory: Memory,
    #[serde(default, deserialize_with = "or_default")]
    launcher_container_image_version: Option<String>,
    #[serde(default, rename = "guestOSInfo", deserialize_with = "or_default")]
    guest_os_info: GuestOs,
}

#[derive(Default, Deserialize)]
struct Condition {
    #[serde(default, rename = "type", deserialize_with = "or_default")]
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    status: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Migration {
    #[serde(default, deserialize_with = "or_default")]
    target_node: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    completed: bool,
    #[serde(default, deserialize_with = "or_default")]
    failed: bool,
    #[serde(default, deserialize_with = "or_default")]
    end_timestamp: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Memory {
    #[serde(default)]
    guest_current: Amount,
    #[serde(default)]
    memory_overhead: Amount,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct GuestOs {
    #[serde(default, deserialize_with = "or_default")]
    pretty_name: Option<String>,
}

impl Migration {
    fn ended(&self) -> bool {
        self.completed || self.failed || self.end_timestamp.is_some()
    }
}

pub(super) fn decode(text: &str) -> serde_json::Result<(Identity, Object)> {
    let Wire { metadata, spec, status } = serde_json::from_str(text)?;
    let identity = metadata.named()?;
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let paused = |condition: &Condition| condition.name == "Paused" && condition.status == "True";
    let vmi = Vmi {
        namespace: identity.namespace.clone(),
        name: identity.name.clone(),
        node: given(status.node_name),
        phase: status.phase,
        active_pods: status.active_pods.into_iter().collect(),
        paused: status.conditions.iter().any(paused),
        migrates_to: given(status.migration_state.filter(|state| !state.ended()).and_then(|s| s.target_node)),
        guest_current: status.memory.guest_current.bytes(),
        overhead: status.memory.memory_overhead.bytes(),
        launcher_image: given(status.launcher_container_image_version),
        guest_os: given(status.guest_os_info.pretty_name),
        guest_targets: metadata.annotation(GUEST_TARGETS),
        image: spec.image(),
        spec: spec.into(),
        uid: metadata.uid,
    };
    Ok((identity, Object::Vmi(Box::new(vmi))))
}
