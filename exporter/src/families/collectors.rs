//! The steps of a reading, by the names of their switches.
//!
//! node_exporter set the convention: `--collector.NAME` and `--no-collector.NAME`, and a family per step
//! that says how it did.

/// A step of a reading.
#[derive(Debug, PartialEq, Eq)]
pub struct Collector {
    /// Its name, as in `--no-collector.NAME` and in the label `collector`.
    pub name: &'static str,
    /// What it reads.
    pub reads: &'static str,
    /// What is lost without it beside its own families.
    pub also_lost: &'static str,
}

impl Collector {
    /// Whether it can be switched off.
    pub fn is_optional(&self) -> bool {
        self.name != EXPORTER
    }
}

/// The exporter's word on itself, which has no switch.
pub const EXPORTER: &str = "exporter";

/// All of them, in the order of the reference.
pub static COLLECTORS: &[Collector] = &[
    Collector { name: "cpu", reads: "`/proc/stat`", also_lost: "" },
    Collector { name: "memory", reads: "`/proc/meminfo` and `/proc/zoneinfo`", also_lost: "" },
    Collector { name: "pressure", reads: "`/proc/pressure/*`", also_lost: "" },
    Collector {
        name: "component",
        reads: "`stat`, `statm` and `status` of each process",
        also_lost: "With it go `thread`, `io`, `pss`, `vmi` and `cgroup`.",
    },
    Collector {
        name: "thread",
        reads: "`schedstat` of the threads of the stacks kubevirt, cdi, vm-pod and edgebench",
        also_lost: "",
    },
    Collector {
        name: "io",
        reads: "`io` and `fd` of the processes of the stacks kubevirt, cdi, vm-pod and edgebench; those of another \
                user take CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH",
        also_lost: "",
    },
    Collector {
        name: "pss",
        reads: "`smaps_rollup` of the processes of the stacks kubevirt, cdi, vm-pod and edgebench and `smaps` of \
                those that back guest RAM, on their own cadence within `--pss.budget`",
        also_lost: "",
    },
    Collector {
        name: "vmi",
        reads: "the command lines of virt-launcher-monitor and qemu, and what `component` reads of the processes \
                of their pods",
        also_lost: "With it go `cgroup` and the VM families of `thread` and `pss`.",
    },
    Collector {
        name: "cgroup",
        reads: "the memory files of the cgroup of each VM's container `compute`",
        also_lost: "",
    },
    Collector {
        name: "kubernetes",
        reads: "the Kubernetes API: this node's VMIs and virt-launcher pods, the CRs, deployments and pods of KubeVirt \
                and CDI; `--kube` says whether there is one",
        also_lost: "With it go the endpoints and guests that are found through it.",
    },
    Collector {
        name: "endpoint",
        reads: "the metrics of KubeVirt's and CDI's components, on their own cadence: `--kubevirt.interval`",
        also_lost: "",
    },
    Collector {
        name: "guest",
        reads: "node_exporter and IoT Edge inside of VMs that name them, on their own cadence: `--guest.interval`",
        also_lost: "",
    },
    Collector { name: EXPORTER, reads: "`/proc/self` and its own counts", also_lost: "" },
];
