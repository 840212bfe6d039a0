//! What one reading found, as plain data: the exposition, the `Collector` and `--once --stats` are made from it.
//!
//! A figure that could not be read is absent (`None`), never 0, and a sum with an absent part is absent
//! itself. Totals are since whatever the kernel counts from; they never decrease between two views of one
//! exporter.

#[cfg(feature = "serve")]
pub mod example;
pub mod joined;

use edgebench_sampler::component::Stack;
use edgebench_sampler::explain::KernelPart;
use edgebench_sampler::{Bytes, BytesDelta, Nanos};

use self::joined::{DeploymentFigures, EndpointFigures, GuestTargetFigures, InstallationFigures, JoinedVm};

/// Everything one reading found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct View {
    /// When the reading was taken: Unix time, in seconds.
    pub taken: f64,
    /// CPU time of the node by mode.
    pub node_cpu: Option<NodeCpu>,
    /// Memory of the node.
    pub node_memory: Option<NodeMemory>,
    /// Pressure stall totals, where the kernel has them.
    pub pressure: Vec<PressureTotals>,
    /// One row for each component and stack that has or had a process.
    pub components: Vec<ComponentFigures>,
    /// One row for each VMI, or libvirt domain, with a process on this node.
    pub vms: Vec<VmFigures>,
    /// What runs on the cluster, as the API server says.
    pub installations: Vec<InstallationFigures>,
    /// The deployments of KubeVirt and CDI, as the API server says.
    pub deployments: Vec<DeploymentFigures>,
    /// What KubeVirt's and CDI's components say of themselves.
    pub endpoints: Vec<EndpointFigures>,
    /// What was asked inside of VMs.
    pub guest_targets: Vec<GuestTargetFigures>,
    /// How processes are found.
    pub discovery: Discovery,
    /// What proportional memory costs.
    pub pss: Option<PssCost>,
    /// Health of each step.
    pub collectors: Vec<CollectorHealth>,
    /// This process.
    pub own: OwnFigures,
}

impl View {
    /// Empties it. What its rows took stays for others.
    pub fn clear(&mut self) {
        let mut view = std::mem::take(self);
        view.pressure.clear();
        view.components.clear();
        view.vms.clear();
        view.collectors.clear();
        let View { pressure, components, vms, collectors, .. } = view;
        *self = View { pressure, components, vms, collectors, ..View::default() };
    }

    /// Whether every step of the reading failed.
    pub fn failed(&self) -> bool {
        !self.collectors.is_empty() && self.collectors.iter().all(|collector| !collector.success)
    }
}

/// CPU time of the node in sar's modes: `user` and `nice` without the guest's. Seconds of all CPUs together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeCpu {
    /// Without guest.
    pub user: Nanos,
    /// Without guest_nice.
    pub nice: Nanos,
    /// Kernel.
    pub system: Nanos,
    /// Nothing to do, a disk to wait for.
    pub iowait: Nanos,
    /// Taken by the hypervisor below.
    pub steal: Nanos,
    /// Interrupts.
    pub irq: Nanos,
    /// Deferred work of interrupts.
    pub softirq: Nanos,
    /// Virtual CPUs of guests.
    pub guest: Nanos,
    /// Virtual CPUs of niced guests.
    pub guest_nice: Nanos,
    /// Nothing to do.
    pub idle: Nanos,
}

/// Memory of the node. `used` = `anonymous` + `hugetlb_used` + `page_tables` + Σ `kernel` + `unexplained`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeMemory {
    /// MemTotal.
    pub total: Bytes,
    /// MemTotal − MemFree − Buffers − Cached − Slab: `sar -r` up to sysstat 12.7.7.
    pub used: BytesDelta,
    /// MemTotal − MemAvailable; absent before Linux 3.14.
    pub unavailable: Option<BytesDelta>,
    /// AnonPages: what processes hold.
    pub anonymous: Bytes,
    /// Hugetlb pages handed out: what processes hold.
    pub hugetlb_used: Bytes,
    /// PageTables.
    pub page_tables: Bytes,
    /// The other parts that belong to no process.
    pub kernel: Vec<(KernelPart, BytesDelta)>,
    /// What none of these holds; may be negative.
    pub unexplained: BytesDelta,
}

/// Pressure stall totals of one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PressureTotals {
    /// `cpu`, `memory` or `io`.
    pub resource: &'static str,
    /// Some task waited.
    pub waiting: Nanos,
    /// All tasks waited; absent where the kernel has no such line (CPU before Linux 5.13).
    pub stalled: Option<Nanos>,
}

/// CPU time by mode, without overlap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuByMode {
    /// User time without guest time.
    pub user: Nanos,
    /// System time.
    pub system: Nanos,
    /// Guest time.
    pub guest: Nanos,
}

/// A component of one stack.
#[derive(Clone, Debug, PartialEq)]
pub struct ComponentFigures {
    /// Its name as a label value: the table's, `kernel-threads`, or `exited`.
    pub component: &'static str,
    /// Its group.
    pub stack: Stack,
    /// CPU time, that of its processes which ended included. For `exited`: of processes that no reading saw.
    pub cpu: CpuByMode,
    /// What its processes hold now; absent for `exited`, which has none.
    pub now: Option<ComponentNow>,
}

/// What the processes of a component hold and have done.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ComponentNow {
    /// Processes.
    pub processes: u64,
    /// Their threads.
    pub threads: u64,
    /// Their open files.
    pub open_fds: Option<u64>,
    /// Unix time at which the oldest of them started, in seconds.
    pub oldest_start: Option<f64>,
    /// RES, summed: shared pages count once for each process.
    pub resident: Bytes,
    /// Anonymous memory (RssAnon).
    pub anonymous: Bytes,
    /// VmSwap.
    pub swap: Bytes,
    /// Page tables (VmPTE).
    pub page_tables: Bytes,
    /// PSS and hugetlb share, as last read.
    pub proportional: Option<Proportional>,
    /// Seconds since the oldest figure of this row was read; 0 where every reading reads it.
    pub age: f64,
    /// Major page faults.
    pub major_faults: u64,
    /// Time that threads were ready to run but had no CPU.
    pub run_queue_wait: Option<Nanos>,
    /// Times that a thread was put on a CPU.
    pub context_switches: Option<u64>,
    /// Bytes that its processes caused to be fetched from storage.
    pub read: Option<Bytes>,
    /// Bytes that its processes caused to be sent to storage.
    pub written: Option<Bytes>,
}

/// Proportional memory of several processes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Proportional {
    /// PSS with the share of hugetlb pages.
    pub pss: Bytes,
    /// Pss_Anon; absent before Linux 5.3.
    pub anonymous: Option<Bytes>,
    /// Seconds since the oldest part was read.
    pub age: f64,
}

/// A VM.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VmFigures {
    /// Name of the node.
    pub node: String,
    /// Kubernetes namespace; empty for a libvirt domain that is none of KubeVirt's.
    pub namespace: String,
    /// Name of the VMI.
    pub name: String,
    /// UID of the VMI, where a command line says it.
    pub uid: Option<String>,
    /// UID of its pod.
    pub pod_uid: Option<String>,
    /// Pods on this node that run a VMI of this name: 2 while it migrates within the node. The newest is shown.
    pub pods: u64,
    /// vCPUs at start.
    pub vcpus: Option<u64>,
    /// Guest RAM as qemu was told.
    pub guest_size: Option<Bytes>,
    /// Guest RAM as the node holds it, as last read.
    pub guest: Option<GuestFigures>,
    /// Σ PSS of the pod's processes (hugetlb shares included), as last read.
    pub pod_proportional: Option<Bytes>,
    /// `pod_proportional` − guest proportional + page tables: what the node pays beyond the guest.
    pub overhead: Option<BytesDelta>,
    /// Working set of the container `compute`.
    pub working_set: Option<Bytes>,
    /// Memory limit of the container `compute`; absent where there is none.
    pub limit: Option<Bytes>,
    /// Processes of `compute` that the kernel killed for memory.
    pub oom_kills: Option<u64>,
    /// The processes of the pod by component.
    pub components: Vec<VmComponent>,
    /// CPU time of the pod.
    pub cpu: VmCpu,
    /// The threads that run vCPUs, by number.
    pub vcpu_threads: Vec<VcpuThread>,
    /// What others say of it.
    pub joined: JoinedVm,
}

/// Guest RAM as the node holds it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct GuestFigures {
    /// Resident, hugetlb pages included.
    pub resident: Bytes,
    /// Proportional, hugetlb pages included.
    pub proportional: Bytes,
    /// Seconds since it was read.
    pub age: f64,
}

/// Processes of one component in one VM's pod.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VmComponent {
    /// Which.
    pub component: &'static str,
    /// RES, summed.
    pub resident: Bytes,
    /// RssAnon, summed.
    pub anonymous: Bytes,
    /// PSS, as last read.
    pub proportional: Option<Bytes>,
}

/// CPU time of a VM's pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VmCpu {
    /// Guest time is visible (KVM).
    Split {
        /// What vCPUs ran as guest.
        guest: Nanos,
        /// Everything else in the pod.
        overhead: Nanos,
    },
    /// Under emulation guest time can't be told from qemu's own.
    Whole(Nanos),
}

impl Default for VmCpu {
    fn default() -> VmCpu {
        VmCpu::Whole(Nanos(0))
    }
}

/// A thread of qemu that runs a vCPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VcpuThread {
    /// Number of the vCPU.
    pub vcpu: u32,
    /// CPU time.
    pub cpu: Nanos,
    /// Time it was ready to run but had no CPU.
    pub run_queue_wait: Option<Nanos>,
}

/// How processes are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Discovery {
    /// `list` or `events`.
    pub mode: &'static str,
    /// Processes there are.
    pub processes: u64,
    /// Times that `/proc` was listed.
    pub listings: u64,
    /// Times that a process was looked at to learn what it is.
    pub looks: u64,
    /// Processes with a name of KubeVirt's or CDI's that run outside of any pod: anybody can take a name.
    pub names_outside_pods: u64,
}

/// What reading proportional memory costs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PssCost {
    /// Share of one core it may use.
    pub budget: f64,
    /// CPU time it used.
    pub cpu: Nanos,
    /// Files read, by name: `smaps_rollup`, `smaps`.
    pub reads: Vec<(&'static str, u64)>,
    /// Targets that were not read though their turn had come, by reason: `budget`, `size`, `denied`.
    pub skips: Vec<(&'static str, u64)>,
}

/// Health of one step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CollectorHealth {
    /// Its name, as in `--no-collector.NAME`.
    pub collector: &'static str,
    /// Whether the last reading of it succeeded.
    pub success: bool,
    /// How long the last one took; absent where there is nothing that takes a time.
    pub duration: Option<Nanos>,
    /// What went wrong so far, by reason.
    pub errors: Vec<(&'static str, u64)>,
    /// Unix time of the last success, in seconds.
    pub last_success: Option<f64>,
}

/// This process, under the names that every client library uses.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OwnFigures {
    /// User and system.
    pub cpu: Nanos,
    /// RES.
    pub resident: Bytes,
    /// VSZ.
    pub virtual_memory: Bytes,
    /// Open files.
    pub open_fds: Option<u64>,
    /// Files it may open.
    pub max_fds: Option<u64>,
    /// Unix time at which it started, in seconds.
    pub start_time: f64,
    /// Threads.
    pub threads: u64,
}
