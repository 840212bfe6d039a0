//! The names of the parts that a ledger splits a total into.

use edgebench_sampler::component::Stack;
use serde::{Serialize, Serializer};

/// What a part is for. The order is that of tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// RAM that a VM's owner asked for and the guest has touched; CPU time that the guest ran.
    Guest,
    /// What runs a VM beyond its guest.
    VmOverhead,
    /// Processes of a VM whose guest part can't be told apart.
    VmUnsplit,
    /// KubeVirt's components outside of VMs.
    ControlPlane,
    /// CDI's components.
    Cdi,
    /// Kubernetes and the container runtime.
    Kubernetes,
    /// This program.
    Edgebench,
    /// Every other process.
    Other,
    /// CPU time of processes that ended.
    Ended,
    /// What `AnonPages` holds beyond the processes of the capture.
    NotInCapture,
    /// What belongs to the kernel.
    Kernel,
    /// Interrupts, waiting for I/O, and what a hypervisor took.
    Machine,
    /// The average of the run minus its last reading: the parts are of the last reading.
    DuringRun,
    /// What no part holds.
    Unexplained,
}

impl Group {
    /// The group of a component outside of the guest split.
    pub fn of(stack: Stack) -> Group {
        match stack {
            Stack::Kubevirt => Group::ControlPlane,
            Stack::Cdi => Group::Cdi,
            Stack::VmPod => Group::VmOverhead,
            Stack::Kubernetes => Group::Kubernetes,
            Stack::Edgebench => Group::Edgebench,
            Stack::Other => Group::Other,
        }
    }

    /// As people read it, in a ledger of one moment.
    pub fn name(self) -> &'static str {
        match self {
            Group::Guest => "guest",
            Group::VmOverhead => "VM overhead",
            Group::VmUnsplit => "VMs, unsplit",
            Group::ControlPlane => "control plane",
            Group::Cdi => "CDI",
            Group::Kubernetes => "Kubernetes",
            Group::Edgebench => "edgebench",
            Group::Other => "other processes",
            Group::Ended => "ended processes",
            Group::NotInCapture => "not in the capture",
            Group::Kernel => "kernel",
            Group::Machine => "machine",
            Group::DuringRun => "during the run",
            Group::Unexplained => "unexplained",
        }
    }

    /// As people read it, in a ledger of a difference that holds so much of it.
    pub fn name_of_change(self, amount: f64) -> &'static str {
        match self {
            Group::Kubernetes if amount < 0.0 => "Kubernetes shrank",
            Group::Kubernetes => "Kubernetes grew",
            group => group.name(),
        }
    }

    fn key(self) -> &'static str {
        match self {
            Group::Guest => "guest",
            Group::VmOverhead => "vm_overhead",
            Group::VmUnsplit => "vm_unsplit",
            Group::ControlPlane => "control_plane",
            Group::Cdi => "cdi",
            Group::Kubernetes => "kubernetes",
            Group::Edgebench => "edgebench",
            Group::Other => "other",
            Group::Ended => "ended",
            Group::NotInCapture => "not_in_capture",
            Group::Kernel => "kernel",
            Group::Machine => "machine",
            Group::DuringRun => "during_run",
            Group::Unexplained => "unexplained",
        }
    }
}

impl Serialize for Group {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.key())
    }
}

/// A part of a ledger: its group, and its name within it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct PartKey {
    /// What it is for.
    pub group: Group,
    /// Position within the group: the component table's, or the kernel's list.
    #[serde(skip)]
    pub order: usize,
    /// A component, a process name, a VM, or a line of `meminfo`; empty where the group says it all.
    pub name: String,
}

impl PartKey {
    /// A part of a group.
    pub fn new(group: Group, order: usize, name: impl Into<String>) -> PartKey {
        PartKey { group, order, name: name.into() }
    }

    /// A group that is one part.
    pub fn whole(group: Group) -> PartKey {
        PartKey::new(group, 0, "")
    }
}
