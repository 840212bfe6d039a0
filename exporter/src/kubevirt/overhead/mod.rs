//! What a release of KubeVirt reserves for a VM beyond its guest's memory.
//!
//! `((pagetable + fixed + 8 Mi × vCPU + 8 Mi + video + arch + options) × ratio) + network`, from
//! `pkg/virt-controller/services/template.go` (v0.49 to v0.55), `renderresources.go` beside it (v0.56 to v1.7) and
//! `pkg/hypervisor/kvm/hypervisorbackend.go` (since v1.8). What differs from release to release is data, in
//! [`release`].

mod release;
mod spec;

use edgebench_sampler::Bytes;

use self::release::{MIB, Ordering, Passt, Release};
use super::version::Version;
pub use spec::{CpuTopology, VmSpec};

/// What else decides beside the VM itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Configuration {
    /// spec.configuration.additionalGuestMemoryOverheadRatio of the KubeVirt CR.
    pub ratio: Option<f64>,
    /// spec.configuration.network.binding.NAME.computeResourceOverhead.requests.memory of the KubeVirt CR.
    pub bindings: Vec<(String, Bytes)>,
}

/// One term of the sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// What it is for.
    pub name: &'static str,
    /// How much.
    pub bytes: Bytes,
}

/// What is reserved, term by term.
#[derive(Clone, Debug, PartialEq)]
pub struct Overhead {
    /// All terms together.
    pub total: Bytes,
    /// In the order of the formula; those that are nothing are left out.
    pub terms: Vec<Term>,
    /// Whether the formula is of this version, rather than of the newest that is known.
    pub known: bool,
}

/// What `version` reserves for a VM; nothing for one before v0.49, which nobody has looked at.
pub fn predict(version: Version, spec: &VmSpec, configuration: &Configuration) -> Option<Overhead> {
    let release = Release::of(version)?;
    let mut sum = Sum::default();
    sum.add("page tables", page_tables(spec.request));
    sum.mib("processes", release.fixed);
    sum.mib("vCPUs", 8 * spec.vcpus());
    sum.mib("I/O thread", 8);
    if spec.graphics {
        sum.mib("video", release.video);
    }
    if spec.arm64 {
        sum.mib("pflash", 128);
    }
    if spec.vfio {
        sum.mib("VFIO", 1024);
    }
    if spec.downward_metrics {
        sum.mib("downward metrics", 1);
    }
    let probes = u64::from(spec.liveness_exec) + u64::from(spec.readiness_exec);
    if probes > 0 {
        sum.mib("exec probes", 10 * probes + 100);
    }
    if spec.sev || spec.sev_snp && release.sev_snp {
        sum.mib("SEV", 256);
    }
    if spec.tpm && release.tpm {
        sum.mib("TPM", 53);
    }
    if release.passt == Passt::WithoutPorts && spec.passt_without_ports {
        sum.mib("passt", 800);
    }
    let exclusive = spec.dedicated_cpu || spec.guaranteed;
    if exclusive && release.exclusive == Some(Ordering::BeforeRatio) {
        sum.mib("guaranteed resources", 100);
    }
    if release.added {
        sum.add("reservedOverhead", spec.added.unwrap_or_default());
    }
    if release.ratio {
        sum.multiply(configuration.ratio);
    }
    if exclusive && release.exclusive == Some(Ordering::AfterRatio) {
        sum.mib("guaranteed resources", 100);
    }
    if release.network {
        for binding in &spec.bindings {
            let bytes =
                configuration.bindings.iter().find(|(name, _)| name == binding).map(|(_, bytes)| *bytes);
            sum.add("network binding", bytes.unwrap_or_default());
        }
    }
    if release.passt == Passt::Any && spec.passt {
        sum.mib("passt", 250);
    }
    Some(Overhead { total: sum.total, terms: sum.terms, known: release.known(version) })
}

/// One bit for every 512 bytes of what the VM requests, as KubeVirt says; it takes a byte. Whole kB, rounded up,
/// come first (`ScaledValue(Kilo)`).
fn page_tables(request: Option<Bytes>) -> Bytes {
    Bytes(request.unwrap_or_default().0.div_ceil(1000) * 1000 / 512)
}

#[derive(Default)]
struct Sum {
    total: Bytes,
    terms: Vec<Term>,
}

impl Sum {
    fn add(&mut self, name: &'static str, bytes: Bytes) {
        if bytes == Bytes::ZERO {
            return;
        }
        self.total += bytes;
        match self.terms.iter_mut().find(|term| term.name == name) {
            Some(term) => term.bytes += bytes,
            None => self.terms.push(Term { name, bytes }),
        }
    }

    fn mib(&mut self, name: &'static str, mib: u64) {
        self.add(name, Bytes(mib * MIB));
    }

    /// `multiplyMemory`: whole kB, rounded up, times the ratio − 1, cut to whole kB.
    fn multiply(&mut self, ratio: Option<f64>) {
        let Some(ratio) = ratio.filter(|ratio| ratio.is_finite() && *ratio > 1.0) else { return };
        let kilo = self.total.0.div_ceil(1000) as f64;
        self.add("ratio", Bytes((kilo * (ratio - 1.0)) as u64 * 1000));
    }
}

#[cfg(test)]
mod tests;
