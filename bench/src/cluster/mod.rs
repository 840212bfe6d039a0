//! What the cluster says of the node that was measured: the API server, KubeVirt's components, the guests.
//!
//! `/proc` knows what a VM holds; what was reserved for it, what its guest does with its memory, and which versions
//! run, others know. All of it is one record of a capture, taken with the last reading, so that a saved capture prints
//! the same tables again.

mod ask;
pub mod flavour;

pub use ask::{Ask, Asked, Asker};

use edgebench_exporter::cluster::{Cluster, Vmi};
use edgebench_exporter::join::{self, Identity, Tables};
use edgebench_exporter::view::joined::JoinedVm;
use edgebench_sampler::Bytes;
use edgebench_sampler::vm_reading::VmReading;
use serde::{Deserialize, Serialize};

/// What is known of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClusterRecord {
    /// Version of Kubernetes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<String>,
    /// Whose Kubernetes it is: K3s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flavour: Option<String>,
    /// Version of KubeVirt by its CR.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubevirt: Option<String>,
    /// Version of CDI by its CR.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cdi: Option<String>,
    /// Replicas of the deployments of both.
    #[serde(default)]
    pub deployments: Vec<Replicas>,
    /// The VMs.
    #[serde(default)]
    pub vms: Vec<VmRecord>,
    /// What could not be learnt, and why.
    #[serde(default)]
    pub unknown: Vec<String>,
}

/// Replicas of a deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replicas {
    /// Its component.
    pub component: String,
    /// Wanted.
    pub wanted: u64,
    /// Ready.
    pub ready: u64,
}

/// What is known of a VM beside `/proc`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VmRecord {
    /// Namespace of the VMI.
    pub namespace: String,
    /// Name of the VMI.
    pub name: String,
    /// UID of its pod: two pods may run one VMI for a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_uid: Option<String>,
    /// Name of its pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    /// Phase of the VMI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// Version that rendered its pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launcher_version: Option<String>,
    /// What it boots: a container disk's image, or the name of its volume; else what its guest agent calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The memory that `compute` requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Bytes>,
    /// What KubeVirt reserves beyond the guest, by who says so, the best source first.
    #[serde(default)]
    pub reserved: Vec<Reserved>,
    /// Terms of the formula, where it was computed.
    #[serde(default)]
    pub formula: Vec<Term>,
    /// Whether guest RAM is in huge pages, which neither request nor limit of memory holds.
    #[serde(default)]
    pub hugepages: bool,
    /// RES of qemu by virt-handler's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_resident: Option<Bytes>,
    /// The guest's memory by its own word.
    #[serde(default)]
    pub guest: Vec<GuestMemory>,
    /// The modules of IoT Edge in it.
    #[serde(default)]
    pub modules: Vec<Module>,
}

/// What is reserved, and who says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reserved {
    /// `status`, `annotation`, `metric`, `formula`.
    pub source: String,
    /// How much.
    pub bytes: Bytes,
}

/// A term of the formula.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Term {
    /// What it is for.
    pub name: String,
    /// How much.
    pub bytes: Bytes,
}

/// A guest's memory by one source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GuestMemory {
    /// `balloon`, `node_exporter`, `iot_edge`.
    pub source: String,
    /// MemTotal of the guest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Bytes>,
    /// MemTotal − MemAvailable of the guest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<Bytes>,
    /// Seconds since the source was asked.
    pub age_seconds: f64,
}

/// A module of IoT Edge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Module {
    /// Its name.
    pub name: String,
    /// Its memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Bytes>,
    /// Seconds since edgeAgent was asked; its figures were up to five minutes old by then.
    pub age_seconds: f64,
}

impl ClusterRecord {
    /// What `tables` say of the node's VMs and of what runs on the cluster. `unknown` is what could not be asked.
    pub fn new(node: &str, vms: &[VmReading], tables: &Tables<'_>, unknown: Vec<String>) -> ClusterRecord {
        let Cluster { kubernetes, kubevirt, cdi, deployments, .. } = tables.cluster;
        let version = |cr: &Option<edgebench_exporter::cluster::Installation>| cr.as_ref()?.version.clone();
        let replicas = |deployment: &edgebench_exporter::cluster::Deployment| Replicas {
            component: deployment.component.clone(),
            wanted: deployment.wanted,
            ready: deployment.ready,
        };
        ClusterRecord {
            flavour: kubernetes.as_deref().and_then(flavour::of_version).map(str::to_owned),
            kubernetes: kubernetes.clone(),
            kubevirt: version(kubevirt),
            cdi: version(cdi),
            deployments: deployments.iter().map(replicas).collect(),
            vms: vms.iter().map(|vm| VmRecord::new(node, vm, tables)).collect(),
            unknown,
        }
    }

    /// What is known of a VM: by its pod, where it has one.
    pub fn vm(&self, namespace: &str, name: &str, pod_uid: Option<&str>) -> Option<&VmRecord> {
        let is_its =
            |vm: &&VmRecord| vm.namespace == namespace && vm.name == name && vm.pod_uid.as_deref() == pod_uid;
        self.vms.iter().find(is_its)
    }
}

impl VmRecord {
    fn new(node: &str, vm: &VmReading, tables: &Tables<'_>) -> VmRecord {
        let pod_uid = vm.pod.as_ref().map(|pod| pod.as_str());
        let identity = Identity {
            node,
            namespace: &vm.vm.namespace,
            name: &vm.vm.name,
            uid: vm.uid.as_deref(),
            pod_uid,
        };
        let vmi = join::vmi_of(&identity, tables);
        let formula = join::formula_of(&identity, tables).map(|overhead| overhead.terms).unwrap_or_default();
        let joined = join::vm(&identity, tables);
        let record = VmRecord {
            pod_uid: pod_uid.map(str::to_owned),
            image: vmi.and_then(|vmi| vmi.image.clone().or(vmi.guest_os.clone())),
            hugepages: vmi.is_some_and(|vmi: &Vmi| vmi.spec.hugepages),
            formula: formula
                .into_iter()
                .map(|term| Term { name: term.name.to_owned(), bytes: term.bytes })
                .collect(),
            ..VmRecord::from(joined)
        };
        VmRecord { namespace: vm.vm.namespace.clone(), name: vm.vm.name.clone(), ..record }
    }

    /// What is reserved, by the best source that says so.
    pub fn reserved(&self) -> Option<&Reserved> {
        self.reserved.first()
    }

    /// The guest's memory by the source that is closest to it.
    pub fn guest_memory(&self) -> Option<&GuestMemory> {
        let of =
            |source: &str| self.guest.iter().find(|memory| memory.source == source && memory.used.is_some());
        ["node_exporter", "balloon", "iot_edge"].into_iter().find_map(of)
    }
}

impl From<JoinedVm> for VmRecord {
    fn from(joined: JoinedVm) -> VmRecord {
        let reserved = |reserved: edgebench_exporter::view::joined::Reserved| Reserved {
            source: reserved.source.name().to_owned(),
            bytes: reserved.bytes,
        };
        let guest = |memory: edgebench_exporter::view::joined::GuestMemory| GuestMemory {
            source: memory.source.to_owned(),
            total: memory.total,
            used: memory.used,
            age_seconds: memory.age,
        };
        let module = |module: edgebench_exporter::view::joined::ModuleFigures| Module {
            name: module.module,
            memory: module.memory,
            age_seconds: module.age,
        };
        VmRecord {
            pod: joined.pod,
            phase: joined.phase,
            launcher_version: joined.launcher_version,
            request: joined.request,
            reserved: joined.reserved.into_iter().map(reserved).collect(),
            reported_resident: joined.reported.and_then(|reported| reported.resident),
            guest: joined.guest.into_iter().map(guest).collect(),
            modules: joined.modules.into_iter().map(module).collect(),
            ..VmRecord::default()
        }
    }
}
