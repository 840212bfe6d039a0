//! The spec of a VMI, as far as its overhead follows from it.
//!
//! Each field is read as KubeVirt's own renderer reads it (`GetMemoryOverhead` and what it calls): an empty object
//! counts as given (`sev: {}`), a graphics device and a TPM are there unless they are switched off, and a request of
//! zero is none.

use serde::Deserialize;

use super::fields::{Amount, Present, or_default};
use crate::kubevirt::overhead::{CpuTopology, VmSpec};

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Spec {
    #[serde(default, deserialize_with = "or_default")]
    architecture: String,
    #[serde(default, deserialize_with = "or_default")]
    domain: Domain,
    #[serde(default, deserialize_with = "or_default")]
    volumes: Vec<Volume>,
    #[serde(default, deserialize_with = "or_default")]
    liveness_probe: Probe,
    #[serde(default, deserialize_with = "or_default")]
    readiness_probe: Probe,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Domain {
    #[serde(default, deserialize_with = "or_default")]
    cpu: Option<Cpu>,
    #[serde(default, deserialize_with = "or_default")]
    memory: Memory,
    #[serde(default, deserialize_with = "or_default")]
    resources: Resources,
    #[serde(default, deserialize_with = "or_default")]
    devices: Devices,
    #[serde(default, deserialize_with = "or_default")]
    launch_security: LaunchSecurity,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cpu {
    #[serde(default, deserialize_with = "or_default")]
    sockets: u64,
    #[serde(default, deserialize_with = "or_default")]
    cores: u64,
    #[serde(default, deserialize_with = "or_default")]
    threads: u64,
    #[serde(default, deserialize_with = "or_default")]
    dedicated_cpu_placement: bool,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Memory {
    #[serde(default)]
    guest: Amount,
    #[serde(default)]
    hugepages: Present,
    #[serde(default, deserialize_with = "or_default")]
    reserved_overhead: ReservedOverhead,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReservedOverhead {
    #[serde(default)]
    added_overhead: Amount,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resources {
    #[serde(default, deserialize_with = "or_default")]
    requests: Amounts,
    #[serde(default, deserialize_with = "or_default")]
    limits: Amounts,
    #[serde(default, deserialize_with = "or_default")]
    overcommit_guest_overhead: bool,
}

#[derive(Default, Deserialize)]
struct Amounts {
    #[serde(default)]
    memory: Amount,
    #[serde(default)]
    cpu: Amount,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Devices {
    #[serde(default, deserialize_with = "or_default")]
    autoattach_graphics_device: Option<bool>,
    #[serde(default, deserialize_with = "or_default")]
    gpus: Vec<Present>,
    #[serde(default, deserialize_with = "or_default")]
    host_devices: Vec<Present>,
    #[serde(default, deserialize_with = "or_default")]
    interfaces: Vec<Interface>,
    #[serde(default, deserialize_with = "or_default")]
    tpm: Option<Tpm>,
    #[serde(default, deserialize_with = "or_default")]
    disks: Vec<Disk>,
}

#[derive(Default, Deserialize)]
struct Tpm {
    #[serde(default, deserialize_with = "or_default")]
    enabled: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Interface {
    #[serde(default)]
    sriov: Present,
    #[serde(default)]
    passt: Present,
    #[serde(default)]
    passt_binding: Present,
    #[serde(default, deserialize_with = "or_default")]
    binding: Option<Binding>,
    #[serde(default, deserialize_with = "or_default")]
    ports: Vec<Present>,
}

#[derive(Default, Deserialize)]
struct Binding {
    #[serde(default, deserialize_with = "or_default")]
    name: String,
}

#[derive(Default, Deserialize)]
struct LaunchSecurity {
    #[serde(default)]
    sev: Present,
    #[serde(default)]
    snp: Present,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Disk {
    #[serde(default, deserialize_with = "or_default")]
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    boot_order: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Volume {
    #[serde(default, deserialize_with = "or_default")]
    name: String,
    #[serde(default)]
    downward_metrics: Present,
    #[serde(default, deserialize_with = "or_default")]
    container_disk: ContainerDisk,
    #[serde(default, deserialize_with = "or_default")]
    data_volume: DataVolume,
    #[serde(default, deserialize_with = "or_default")]
    persistent_volume_claim: Claim,
    #[serde(default, deserialize_with = "or_default")]
    ephemeral: Ephemeral,
}

#[derive(Default, Deserialize)]
struct ContainerDisk {
    #[serde(default, deserialize_with = "or_default")]
    image: Option<String>,
}

#[derive(Default, Deserialize)]
struct DataVolume {
    #[serde(default, deserialize_with = "or_default")]
    name: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Claim {
    #[serde(default, deserialize_with = "or_default")]
    claim_name: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ephemeral {
    #[serde(default, deserialize_with = "or_default")]
    persistent_volume_claim: Claim,
}

#[derive(Default, Deserialize)]
struct Probe {
    #[serde(default)]
    exec: Present,
}

impl Spec {
    /// The image, DataVolume or PVC behind the disk that it boots: the one first in `bootOrder`, else the first.
    pub(super) fn image(&self) -> Option<String> {
        let disks = &self.domain.devices.disks;
        let boots = disks.iter().filter(|disk| disk.boot_order.is_some()).min_by_key(|disk| disk.boot_order);
        let disk = boots.or(disks.first())?;
        let volume = self.volumes.iter().find(|volume| volume.name == disk.name)?;
        let claims = [&volume.persistent_volume_claim, &volume.ephemeral.persistent_volume_claim];
        let names = [&volume.container_disk.image, &volume.data_volume.name];
        let mut names = names.into_iter().chain(claims.map(|claim| &claim.claim_name));
        names.find_map(|name| name.clone().filter(|name| !name.is_empty()))
    }
}

impl Interface {
    fn binding(&self) -> Option<&str> {
        self.binding.as_ref().map(|binding| binding.name.as_str()).filter(|name| !name.is_empty())
    }

    fn has_passt(&self) -> bool {
        self.passt.0 || self.passt_binding.0 || self.binding() == Some("passt")
    }
}

impl Resources {
    /// `WantsToHaveQOSGuaranteed`: memory and CPU are requested, and the limits are the same.
    fn guaranteed(&self) -> bool {
        let same = |request: Amount, limit: Amount| request.some().is_some() && request.0 == limit.0;
        same(self.requests.memory, self.limits.memory) && same(self.requests.cpu, self.limits.cpu)
    }
}

impl From<Spec> for VmSpec {
    fn from(spec: Spec) -> VmSpec {
        let Domain { cpu, memory, resources, devices, launch_security } = spec.domain;
        let interfaces = &devices.interfaces;
        let passt = |interface: &&Interface| interface.has_passt();
        let mut bindings: Vec<String> = Vec::new();
        for name in interfaces.iter().filter_map(Interface::binding) {
            if !bindings.iter().any(|known| known == name) {
                bindings.push(name.to_owned());
            }
        }
        VmSpec {
            request: resources.requests.memory.bytes(),
            guest: memory.guest.bytes(),
            cpus: resources.limits.cpu.0.or(resources.requests.cpu.0).map(|cpus| cpus.whole()),
            graphics: devices.autoattach_graphics_device != Some(false),
            arm64: spec.architecture == "arm64",
            vfio: !devices.gpus.is_empty()
                || !devices.host_devices.is_empty()
                || interfaces.iter().any(|interface| interface.sriov.0),
            downward_metrics: spec.volumes.iter().any(|volume| volume.downward_metrics.0),
            liveness_exec: spec.liveness_probe.exec.0,
            readiness_exec: spec.readiness_probe.exec.0,
            sev: launch_security.sev.0,
            sev_snp: launch_security.snp.0,
            tpm: devices.tpm.is_some_and(|tpm| tpm.enabled != Some(false)),
            dedicated_cpu: cpu.as_ref().is_some_and(|cpu| cpu.dedicated_cpu_placement),
            guaranteed: resources.guaranteed(),
            passt_without_ports: interfaces.iter().filter(passt).any(|interface| interface.ports.is_empty()),
            passt: interfaces.iter().any(|interface| interface.has_passt()),
            added: memory.reserved_overhead.added_overhead.bytes(),
            overcommits_overhead: resources.overcommit_guest_overhead,
            hugepages: memory.hugepages.0,
            cpu: cpu.map(|Cpu { sockets, cores, threads, .. }| CpuTopology { sockets, cores, threads }),
            bindings,
        }
    }
}
