//! What is said inside of a VM: node_exporter's figures of the guest, and those of IoT Edge's modules, as plain data.
//!
//! A VM with a masquerade binding and no list of ports answers at its virt-launcher pod's address on every port, so
//! that is where its node_exporter (9100), edgeAgent (9601) and edgeHub (9602) are asked, in plain http: [`targets`]
//! says how a VM's owner or a flag names them.

#[cfg(feature = "ask")]
mod asking;
pub mod edge_agent;
#[cfg(feature = "ask")]
mod flags;
pub mod node_exporter;
pub mod targets;

#[cfg(feature = "ask")]
pub use asking::{Found, Handle, MOST_TARGETS, Settings, once, start};
#[cfg(feature = "ask")]
pub use flags::GuestFlags;

use edgebench_sampler::{Bytes, Nanos};

use crate::endpoints::Trouble;

/// A VM's guest, as the last scrapes of its targets left it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Guest {
    /// Namespace of the VMI.
    pub namespace: String,
    /// Name of the VMI.
    pub name: String,
    /// What was asked, and what became of it.
    pub targets: Vec<GuestTarget>,
    /// What of its annotation can't be used.
    pub mistake: Option<String>,
    /// node_exporter's figures; nothing where they are too old to be served.
    pub system: Option<System>,
    /// edgeAgent's figures; nothing where they are too old to be served.
    pub iot_edge: Option<IotEdge>,
}

/// One port of a guest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GuestTarget {
    /// `node_exporter`, `edgeAgent`, `edgeHub`.
    pub kind: &'static str,
    /// `address:port`; empty while no address is known, or the VM is paused.
    pub address: String,
    /// Why the last scrape gave nothing.
    pub trouble: Option<Trouble>,
    /// Unix time of the last good scrape, in seconds.
    pub read_at: Option<f64>,
    /// How long the last scrape took.
    pub duration: Nanos,
    /// Bytes of the last answer.
    pub bytes: u64,
    /// Series of the last answer, all of them.
    pub series: u64,
    /// Failed scrapes so far, by reason.
    pub failures: Vec<(Trouble, u64)>,
}

/// The guest's kernel, as node_exporter reads its `/proc`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct System {
    /// node_memory_MemTotal_bytes
    pub total: Option<Bytes>,
    /// MemTotal − MemAvailable
    pub used_available: Option<Bytes>,
    /// MemTotal − MemFree − Buffers − Cached − Slab: sar's, up to sysstat 12.7.7.
    pub used_sar: Option<Bytes>,
    /// node_cpu_seconds_total without idle, iowait and steal; user holds the guest's guests. What the vCPUs ran.
    pub cpu_busy: Option<Nanos>,
    /// Mode steal: what the vCPUs wanted to run, and the node did not let them.
    pub cpu_stolen: Option<Nanos>,
    /// CPUs with figures.
    pub cpus: u32,
    /// Unix time of the scrape, in seconds.
    pub read_at: f64,
}

/// IoT Edge's word on its modules.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IotEdge {
    /// `edge_agent_version` of edgeAgent_metadata: of the image.
    pub version: Option<String>,
    /// `Version` in its `host_information`: of aziot-edged, which measures the host.
    pub daemon_version: Option<String>,
    /// `instance_number`: another one after each start of edgeAgent.
    pub instance: Option<String>,
    /// What a module's memory holds.
    pub module_memory: Option<edge_agent::ModuleMemory>,
    /// The module `host` is the guest itself.
    pub modules: Vec<Module>,
    /// Unix time of the scrape, in seconds. The values were up to `PerformanceMetricsUpdateFrequency` (five minutes)
    /// old by then.
    pub read_at: f64,
    /// Unix time of the first scrape that gave these values: edgeAgent refreshed them between it and the one before.
    pub changed_at: f64,
}

/// A module of IoT Edge.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Module {
    /// `module_name`
    pub name: String,
    /// edgeAgent_used_memory_bytes, its unit mended for the version.
    pub memory: Option<Bytes>,
    /// edgeAgent_total_memory_bytes: of a module its limit, or all memory of the guest.
    pub total: Option<Bytes>,
    /// The median of edgeAgent_used_cpu_percent: percent of the whole guest, not of one CPU.
    pub cpu_percent: Option<f64>,
}
