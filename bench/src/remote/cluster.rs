//! What an exporter that joined `/proc` with the cluster says of it.
//!
//! Its families carry no more than the join: there are no terms of the formula, no image, and no word of huge pages.

use std::collections::BTreeMap;

use edgebench_exporter::scrape_text::Sample;
use edgebench_sampler::Bytes;
use edgebench_sampler::vm::VmName;

use super::exposition::{age, bytes, count, label, vm_of};
use super::names::*;
use crate::cluster::{ClusterRecord, GuestMemory, Module, Replicas, Reserved, VmRecord, flavour};

/// What was met so far.
#[derive(Debug, Default)]
pub(super) struct ClusterFamilies {
    record: ClusterRecord,
    replicas: BTreeMap<String, Replicas>,
    vms: BTreeMap<(VmName, String), VmRecord>,
    is_there: bool,
}

impl ClusterFamilies {
    /// Takes a sample, if it is of one of the families.
    pub(super) fn take(&mut self, sample: &Sample<'_>) -> Result<(), String> {
        let value = sample.value;
        match sample.name {
            INSTALLATION => {
                let (product, version) = (label(sample, PRODUCT)?, label(sample, VERSION)?);
                self.is_there = true;
                let version = Some(version).filter(|version| !version.is_empty());
                match product.as_str() {
                    "kubernetes" => {
                        self.record.flavour =
                            version.as_deref().and_then(flavour::of_version).map(str::to_owned);
                        self.record.kubernetes = version;
                    }
                    "kubevirt" => self.record.kubevirt = version,
                    "cdi" => self.record.cdi = version,
                    _ => {}
                }
            }
            REPLICAS => self.deployment(sample)?.wanted = count(value)?,
            READY_REPLICAS => self.deployment(sample)?.ready = count(value)?,
            VMI_INFO => {
                let said = |name| sample.label(name).map(|label| label.text().into_owned());
                let given = |name| said(name).filter(|text| !text.is_empty());
                let (pod_uid, pod, phase) = (given(POD_UID), given(VMI_POD), given(PHASE));
                let launcher_version = given(LAUNCHER_VERSION);
                let vm = self.vm(sample)?;
                *vm = VmRecord { pod_uid, pod, phase, launcher_version, ..std::mem::take(vm) };
            }
            VMI_REQUEST => self.vm(sample)?.request = Some(bytes(value)?),
            VMI_RESERVED => {
                let reserved = Reserved { source: label(sample, SOURCE)?, bytes: bytes(value)? };
                self.vm(sample)?.reserved.push(reserved);
            }
            VMI_REPORTED_RESIDENT => self.vm(sample)?.reported_resident = Some(bytes(value)?),
            VMI_GUEST_USED => self.guest(sample)?.used = Some(bytes(value)?),
            VMI_GUEST_TOTAL => self.guest(sample)?.total = Some(bytes(value)?),
            VMI_GUEST_REPORTED_AGE => self.guest(sample)?.age_seconds = age(value)?,
            MODULE_MEMORY => self.module(sample)?.memory = Some(bytes(value)?),
            MODULE_AGE => self.module(sample)?.age_seconds = age(value)?,
            _ => {}
        }
        Ok(())
    }

    /// All of it; nothing where the exporter knows of no cluster.
    pub(super) fn record(mut self) -> Option<ClusterRecord> {
        let is_joined = |vm: &VmRecord| vm.phase.is_some() || vm.pod.is_some() || !vm.guest.is_empty();
        if !self.is_there && !self.vms.values().any(is_joined) {
            return None;
        }
        self.record.deployments = self.replicas.into_values().collect();
        self.record.vms = self.vms.into_values().collect();
        Some(self.record)
    }

    fn deployment(&mut self, sample: &Sample<'_>) -> Result<&mut Replicas, String> {
        let component = label(sample, COMPONENT)?;
        let row = self.replicas.entry(component.clone());
        Ok(row.or_insert_with(|| Replicas { component, ..Replicas::default() }))
    }

    fn vm(&mut self, sample: &Sample<'_>) -> Result<&mut VmRecord, String> {
        let key = vm_of(sample)?;
        let VmName { namespace, name } = key.0.clone();
        Ok(self.vms.entry(key).or_insert_with(|| VmRecord { namespace, name, ..VmRecord::default() }))
    }

    fn guest(&mut self, sample: &Sample<'_>) -> Result<&mut GuestMemory, String> {
        let source = label(sample, SOURCE)?;
        let known = &mut self.vm(sample)?.guest;
        let at = known.iter().position(|memory| memory.source == source).unwrap_or_else(|| {
            known.push(GuestMemory { source, total: None, used: None, age_seconds: 0.0 });
            known.len() - 1
        });
        Ok(&mut known[at])
    }

    fn module(&mut self, sample: &Sample<'_>) -> Result<&mut Module, String> {
        let name = label(sample, MODULE)?;
        let known = &mut self.vm(sample)?.modules;
        let at = known.iter().position(|module| module.name == name).unwrap_or_else(|| {
            known.push(Module { name, memory: None::<Bytes>, age_seconds: 0.0 });
            known.len() - 1
        });
        Ok(&mut known[at])
    }
}
