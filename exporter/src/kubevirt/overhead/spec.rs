//! What of a VMI's spec its overhead follows from.

use edgebench_sampler::Bytes;

/// The fields of a VirtualMachineInstance that the formula reads.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VmSpec {
    /// spec.domain.resources.requests.memory as it stands there. Where only `guest` is given it is empty since v1.7
    /// (1.6.2 and 1.6.4 too): then there is no term for page tables.
    pub request: Option<Bytes>,
    /// spec.domain.memory.guest
    pub guest: Option<Bytes>,
    /// spec.domain.cpu, where there is one.
    pub cpu: Option<CpuTopology>,
    /// resources.limits.cpu, else resources.requests.cpu, in whole CPUs, rounded up: counts where `cpu` is not given.
    pub cpus: Option<u64>,
    /// devices.autoattachGraphicsDevice is not false.
    pub graphics: bool,
    /// spec.architecture is arm64.
    pub arm64: bool,
    /// It has a GPU, a host device, or an SR-IOV interface.
    pub vfio: bool,
    /// It has a volume of downward metrics.
    pub downward_metrics: bool,
    /// spec.livenessProbe.exec
    pub liveness_exec: bool,
    /// spec.readinessProbe.exec
    pub readiness_exec: bool,
    /// launchSecurity.sev
    pub sev: bool,
    /// launchSecurity.snp
    pub sev_snp: bool,
    /// devices.tpm, not disabled.
    pub tpm: bool,
    /// cpu.dedicatedCpuPlacement
    pub dedicated_cpu: bool,
    /// Requests and limits of memory and CPU are given and equal.
    pub guaranteed: bool,
    /// An interface has passt and lists no ports.
    pub passt_without_ports: bool,
    /// An interface has passt.
    pub passt: bool,
    /// memory.reservedOverhead.addedOverhead
    pub added: Option<Bytes>,
    /// resources.overcommitGuestOverhead: then limits alone hold the overhead.
    pub overcommits_overhead: bool,
    /// memory.hugepages.pageSize is given: then guest RAM is requested as huge pages.
    pub hugepages: bool,
    /// Names of the network binding plugins, each once.
    pub bindings: Vec<String>,
}

/// spec.domain.cpu: 0 where it is not given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuTopology {
    /// cpu.sockets
    pub sockets: u64,
    /// cpu.cores
    pub cores: u64,
    /// cpu.threads
    pub threads: u64,
}

impl VmSpec {
    /// vCPUs at start, at least 1: a part of the topology that is not given counts as 1.
    pub fn vcpus(&self) -> u64 {
        match self.cpu {
            Some(CpuTopology { sockets, cores, threads }) => {
                [sockets, cores, threads].into_iter().map(|part| part.max(1)).fold(1, u64::saturating_mul)
            }
            None => self.cpus.unwrap_or(1).max(1),
        }
    }
}
