//! What the API server says about a node's VMs and about KubeVirt, as plain data.
//!
//! Only what the join uses is kept of an object: a pod of a real API server has some 9 KB, of which a tenth says who
//! changed which field. [`decode`] reads an object, [`index`] keeps what the answers to lists and watches leave;
//! [`api`] asks, with the feature `kube`. Everything else here is plain data and pure functions.

#[cfg(feature = "kube")]
pub mod api;
pub mod decode;
mod handle;
pub mod health;
pub mod index;
pub mod kind;
#[cfg(any(feature = "kube", feature = "ask"))]
mod settings;

use edgebench_sampler::Bytes;

pub use self::handle::Handle;
pub use self::health::{Health, KindHealth, State};
pub use self::kind::{Kind, Scope};
#[cfg(any(feature = "kube", feature = "ask"))]
pub use self::settings::{Mode, Pace, Settings, StartError};
#[cfg(all(feature = "ask", not(feature = "kube")))]
pub use self::settings::{read_once, start};
#[cfg(feature = "kube")]
pub use api::{read_once, start};

use crate::kubevirt::overhead::VmSpec;

/// What is known of the cluster, as of the last events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cluster {
    /// `gitVersion` of `/version`.
    pub kubernetes: Option<String>,
    /// The VMIs that the API places on this node, or that migrate from or to it.
    pub vmis: Vec<Vmi>,
    /// The virt-launcher pods on this node.
    pub launchers: Vec<LauncherPod>,
    /// The pods of KubeVirt and CDI that serve metrics: those on this node, or all.
    pub components: Vec<ComponentPod>,
    /// The KubeVirt CR.
    pub kubevirt: Option<Installation>,
    /// The CDI CR.
    pub cdi: Option<Installation>,
    /// The deployments of both.
    pub deployments: Vec<Deployment>,
    /// `ca-bundle` of the ConfigMap `kubevirt-ca`: PEM.
    pub kubevirt_ca: Option<String>,
}

/// A VirtualMachineInstance (kubevirt.io/v1).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Vmi {
    /// metadata.namespace
    pub namespace: String,
    /// metadata.name
    pub name: String,
    /// metadata.uid
    pub uid: String,
    /// status.nodeName
    pub node: Option<String>,
    /// status.phase; empty before the first.
    pub phase: String,
    /// status.activePods: pod UID and node name. Two while it migrates.
    pub active_pods: Vec<(String, String)>,
    /// The condition `Paused`.
    pub paused: bool,
    /// status.migrationState of a migration that has not ended: the node it goes to.
    pub migrates_to: Option<String>,
    /// status.memory.guestCurrent (1.1+)
    pub guest_current: Option<Bytes>,
    /// status.memory.memoryOverhead (1.8+)
    pub overhead: Option<Bytes>,
    /// status.launcherContainerImageVersion: the image of the pod, by its tag.
    pub launcher_image: Option<String>,
    /// status.guestOSInfo.prettyName
    pub guest_os: Option<String>,
    /// What it boots: spec.volumes[] of its first disk, a container disk's image or the name of a DataVolume or PVC.
    pub image: Option<String>,
    /// The annotation `edgebench.io/guest-targets`.
    pub guest_targets: Option<String>,
    /// What its overhead follows from.
    pub spec: VmSpec,
}

/// A pod `virt-launcher-…`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LauncherPod {
    /// metadata.namespace
    pub namespace: String,
    /// metadata.name
    pub name: String,
    /// metadata.uid: the one in its cgroup's path.
    pub uid: String,
    /// UID of the VMI: its owner's, else the label `kubevirt.io/created-by`.
    pub vmi_uid: Option<String>,
    /// Name of the VMI: its owner's, else the annotation `kubevirt.io/domain` or the label `vm.kubevirt.io/name`.
    pub vmi_name: Option<String>,
    /// spec.nodeName
    pub node: Option<String>,
    /// status.phase
    pub phase: String,
    /// status.podIP
    pub ip: Option<String>,
    /// resources.requests.memory of the container `compute`.
    pub request: Option<Bytes>,
    /// resources.limits.memory of the container `compute`.
    pub limit: Option<Bytes>,
    /// The annotation `kubevirt.io/memory-overhead-bytes` (1.8+).
    pub overhead: Option<Bytes>,
}

/// A pod of KubeVirt's or CDI's control plane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ComponentPod {
    /// metadata.namespace
    pub namespace: String,
    /// metadata.name
    pub name: String,
    /// metadata.uid
    pub uid: String,
    /// The component by its label (`kubevirt.io`, `cdi.kubevirt.io`), under the name that its process has:
    /// `cdi-deployment` is cdi-controller.
    pub component: String,
    /// spec.nodeName
    pub node: Option<String>,
    /// status.podIP
    pub ip: Option<String>,
    /// The label `app.kubernetes.io/version`, or the tag of the image.
    pub version: Option<String>,
    /// The port named `metrics`, where the pod declares one.
    pub port: Option<u16>,
    /// Whether it runs: status.phase.
    pub running: bool,
}

/// A CR of KubeVirt or CDI.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Installation {
    /// metadata.namespace; empty for CDI's, which is cluster-wide.
    pub namespace: String,
    /// status.phase
    pub phase: String,
    /// status.observedKubeVirtVersion, status.observedVersion
    pub version: Option<String>,
    /// spec.configuration.additionalGuestMemoryOverheadRatio
    pub overhead_ratio: Option<String>,
    /// spec.configuration.network.binding.NAME.computeResourceOverhead.requests.memory, of those that have it.
    pub bindings: Vec<(String, Bytes)>,
}

/// A deployment of KubeVirt or CDI.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deployment {
    /// metadata.namespace
    pub namespace: String,
    /// metadata.name
    pub name: String,
    /// The component that it runs: see [`ComponentPod::component`].
    pub component: String,
    /// spec.replicas
    pub wanted: u64,
    /// status.readyReplicas
    pub ready: u64,
}
