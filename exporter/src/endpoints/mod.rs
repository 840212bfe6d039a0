//! What KubeVirt's and CDI's components say of themselves and of their VMs, as plain data.
//!
//! Every component serves its Go process' own figures (`process_*` of client_golang, from `/proc/self/stat`);
//! virt-handler serves libvirt's figures of each VMI of its node, virt-controller the overhead that it reserves.

#[cfg(feature = "ask")]
mod asking;
#[cfg(feature = "ask")]
mod flags;
pub mod places;
pub mod said;

#[cfg(feature = "ask")]
pub use asking::{Fixed, Found, Handle, MOST_ENDPOINTS, Settings, SkipVerify, once, start};
#[cfg(feature = "ask")]
pub use flags::{EndpointFlags, SkipVerifyFlag};

use edgebench_sampler::{Bytes, Nanos};

/// What became of one endpoint.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Endpoint {
    /// The component: `virt-handler`.
    pub component: String,
    /// Name of its pod, or the address of a static target.
    pub pod: String,
    /// UID of its pod, where the API server said it.
    pub pod_uid: Option<String>,
    /// Why the last scrape gave nothing; nothing where it gave all.
    pub trouble: Option<Trouble>,
    /// What the last good scrape gave; nothing where it is older than its families are served.
    pub said: Option<Said>,
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

/// Why a scrape gave nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trouble {
    /// Nobody listens, or the connection broke.
    Connection,
    /// TLS: a certificate of another CA, an old one, no TLS at all.
    Tls,
    /// It took too long.
    Timeout,
    /// 401, 403: it wants a token, or another.
    Unauthorized,
    /// 503: virt-handler has three scrapes at work already.
    Busy,
    /// Another status than 200.
    Status,
    /// No text of Prometheus': HTML, or a broken line.
    Malformed,
    /// More bytes than are read.
    TooLarge,
    /// More series than are read.
    TooMany,
    /// The same series twice.
    Duplicate,
}

impl Trouble {
    /// As a label value.
    pub fn name(self) -> &'static str {
        match self {
            Trouble::Connection => "connection",
            Trouble::Tls => "tls",
            Trouble::Timeout => "timeout",
            Trouble::Unauthorized => "unauthorized",
            Trouble::Busy => "busy",
            Trouble::Status => "status",
            Trouble::Malformed => "malformed",
            Trouble::TooLarge => "too_large",
            Trouble::TooMany => "too_many_series",
            Trouble::Duplicate => "duplicate_series",
        }
    }
}

/// What an endpoint said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Said {
    /// Of its own process.
    pub process: SaidProcess,
    /// `kubeversion` of `kubevirt_info`, which virt-handler has.
    pub kubevirt_version: Option<String>,
    /// Of each VMI.
    pub vmis: Vec<SaidVmi>,
}

/// `process_*` of client_golang.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SaidProcess {
    /// process_resident_memory_bytes: field 24 of `/proc/self/stat`.
    pub resident: Option<Bytes>,
    /// process_cpu_seconds_total: utime + stime.
    pub cpu: Option<Nanos>,
    /// process_open_fds
    pub open_fds: Option<u64>,
    /// process_start_time_seconds
    pub start_time: Option<f64>,
}

/// What virt-handler and virt-controller say of a VMI, in today's names and units.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SaidVmi {
    /// Label `namespace`.
    pub namespace: String,
    /// Label `name`.
    pub name: String,
    /// Label `node`; virt-controller's overhead has none.
    pub node: Option<String>,
    /// kubevirt_vmi_memory_resident_bytes: RES of qemu by field 24 of its `stat`.
    pub resident: Option<Bytes>,
    /// kubevirt_vmi_memory_domain_bytes: what the balloon leaves the guest.
    pub domain: Option<Bytes>,
    /// kubevirt_vmi_memory_available_bytes: the guest's MemTotal.
    pub available: Option<Bytes>,
    /// kubevirt_vmi_memory_usable_bytes: the guest's MemAvailable.
    pub usable: Option<Bytes>,
    /// kubevirt_vmi_memory_unused_bytes: the guest's MemFree.
    pub unused: Option<Bytes>,
    /// kubevirt_vmi_memory_cached_bytes
    pub cached: Option<Bytes>,
    /// kubevirt_vmi_cpu_usage_seconds_total: utime + stime of qemu.
    pub cpu: Option<Nanos>,
    /// kubevirt_vmi_launcher_memory_overhead_bytes: what virt-controller reserves.
    pub overhead: Option<Bytes>,
    /// By number. Their times are absent where the unit is not known, as in an answer that does not say its version.
    pub vcpus: Vec<SaidVcpu>,
}

/// What virt-handler says of a vCPU, its units mended (`kubevirt::metric_names`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SaidVcpu {
    /// Label `id`.
    pub id: u32,
    /// kubevirt_vmi_vcpu_seconds_total: utime + stime of its thread; up to v1.2.0 whole seconds only.
    pub cpu: Option<Nanos>,
    /// kubevirt_vmi_vcpu_wait_seconds_total: `wait_sum` of its `sched` file; 0 where the kernel does not keep it.
    pub wait: Option<Nanos>,
    /// kubevirt_vmi_vcpu_delay_seconds_total: time in the run queue (1.1+).
    pub delay: Option<Nanos>,
}
