//! What others than `/proc` say: the API server, KubeVirt's components, the guests.

use edgebench_sampler::{Bytes, Nanos};

/// What is known beside `/proc` of one VMI. Absent throughout where nothing was joined.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JoinedVm {
    /// Name of its pod.
    pub pod: Option<String>,
    /// Phase of the VMI.
    pub phase: Option<String>,
    /// Version of the pod's image, by its tag.
    pub launcher_version: Option<String>,
    /// Whether it is paused.
    pub paused: bool,
    /// The memory that the container `compute` requests.
    pub request: Option<Bytes>,
    /// What KubeVirt reserves beyond the guest, by each source that says it, the best first.
    pub reserved: Vec<Reserved>,
    /// What virt-handler says of it.
    pub reported: Option<Reported>,
    /// What is said inside of it of its memory, by source.
    pub guest: Vec<GuestMemory>,
    /// CPU time of the guest by its own count, without idle and waiting for disks.
    pub guest_cpu: Option<Nanos>,
    /// The modules of IoT Edge in it.
    pub modules: Vec<ModuleFigures>,
}

/// What is reserved, and who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reserved {
    /// Who.
    pub source: ReservedSource,
    /// How much.
    pub bytes: Bytes,
}

/// Who says what is reserved, the best source first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReservedSource {
    /// status.memory.memoryOverhead of the VMI.
    Status,
    /// The annotation `kubevirt.io/memory-overhead-bytes` of the pod.
    Annotation,
    /// kubevirt_vmi_launcher_memory_overhead_bytes of virt-controller.
    Metric,
    /// The formula of the version that runs.
    Formula,
}

impl ReservedSource {
    /// As a label value.
    pub fn name(self) -> &'static str {
        match self {
            ReservedSource::Status => "status",
            ReservedSource::Annotation => "annotation",
            ReservedSource::Metric => "metric",
            ReservedSource::Formula => "formula",
        }
    }
}

/// virt-handler's word on a VMI.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reported {
    /// RES of qemu.
    pub resident: Option<Bytes>,
    /// What the balloon leaves the guest.
    pub domain: Option<Bytes>,
    /// CPU time of qemu.
    pub cpu: Option<Nanos>,
    /// Seconds since virt-handler was asked. Its own figures are up to some seconds older.
    pub age: f64,
}

/// A guest's memory by one source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GuestMemory {
    /// `balloon`, `node_exporter`, `iot_edge`.
    pub source: &'static str,
    /// What the guest's kernel has: its MemTotal.
    pub total: Option<Bytes>,
    /// MemTotal − MemAvailable.
    pub used: Option<Bytes>,
    /// Seconds since the source was asked.
    pub age: f64,
}

/// A module of IoT Edge.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModuleFigures {
    /// Its name.
    pub module: String,
    /// Memory used.
    pub memory: Option<Bytes>,
    /// Share of the whole guest's CPUs, 0 to 1.
    pub cpu: Option<f64>,
    /// Seconds since edgeAgent was asked.
    pub age: f64,
}

/// What became of a component's endpoint, and what it says of its own process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EndpointFigures {
    /// The component.
    pub component: String,
    /// Its pod, or the address of a static target.
    pub pod: String,
    /// Whether the last scrape gave all.
    pub up: bool,
    /// How long it took.
    pub duration: Nanos,
    /// Bytes of its answer.
    pub bytes: u64,
    /// Series of its answer.
    pub series: u64,
    /// Failed scrapes by reason.
    pub failures: Vec<(&'static str, u64)>,
    /// Seconds since the last good scrape.
    pub age: Option<f64>,
    /// Its process: process_resident_memory_bytes
    pub resident: Option<Bytes>,
    /// process_cpu_seconds_total
    pub cpu: Option<Nanos>,
    /// process_open_fds
    pub open_fds: Option<u64>,
    /// process_start_time_seconds
    pub start_time: Option<f64>,
}

/// A scrape inside of a VM.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GuestTargetFigures {
    /// Name of the node.
    pub node: String,
    /// Namespace of the VMI.
    pub namespace: String,
    /// Name of the VMI.
    pub name: String,
    /// `node_exporter`, `edgeAgent`, `edgeHub`.
    pub kind: &'static str,
    /// Whether the last scrape gave all.
    pub up: bool,
}

/// A product that runs KubeVirt's part of the cluster.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InstallationFigures {
    /// `kubernetes`, `kubevirt`, `cdi`.
    pub product: &'static str,
    /// Its version.
    pub version: String,
    /// Phase of its CR; empty for Kubernetes.
    pub phase: String,
}

/// Replicas of a deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeploymentFigures {
    /// Its component.
    pub component: String,
    /// Wanted.
    pub wanted: u64,
    /// Ready.
    pub ready: u64,
}
