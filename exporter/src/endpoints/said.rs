//! From the text of a component to what it said.
//!
//! client_golang sorts families by name and the series of a family by their labels, so the lines of one VMI lie apart,
//! and `kubevirt_info` comes before the VMIs' figures. Neither is relied upon: a figure finds its VMI by the labels
//! `namespace`, `name` and `node`, and units are mended once all is read.
//!
//! Each figure of a VMI, and each `process_*`, may be there once: what is there twice makes the whole answer
//! unbelievable, since nobody knows which one is right.

use std::collections::HashMap;

use edgebench_sampler::{Bytes, Nanos};

use super::{Said, SaidProcess, SaidVcpu, SaidVmi};
use crate::kubevirt::metric_names::{self, Figure, NAMES, TimeUnit, time_unit};
use crate::kubevirt::version::Version;
use crate::scrape_text::{Number, Objection, Sample, Wants};

/// VMIs that are kept of one answer: virt-controller tells of those of the whole cluster.
const MOST_VMIS: usize = 10_000;

/// vCPUs that are kept of a VMI. KubeVirt's own limit is 512.
const MOST_VCPUS: usize = 1024;

/// The longest name of a namespace, of a VMI and of a node that Kubernetes has (RFC 1123 subdomains).
const LONGEST_NAME: usize = 253;

/// `process_*`, in the order of [`SaidProcess`].
const PROCESS: [&str; 4] = [
    "process_resident_memory_bytes",
    "process_cpu_seconds_total",
    "process_open_fds",
    "process_start_time_seconds",
];

/// Takes the samples of one answer.
#[derive(Debug, Default)]
pub struct Hearing {
    process: SaidProcess,
    /// Which of [`PROCESS`] were there.
    process_seen: [bool; 4],
    version: Option<String>,
    version_seen: bool,
    vmis: Vec<HeardVmi>,
    by_labels: HashMap<String, usize>,
    /// Where [`Hearing::by_labels`] is asked: kept between samples.
    key: String,
}

#[derive(Debug, Default)]
struct HeardVmi {
    vmi: SaidVmi,
    /// Which of [`NAMES`] were there, by their places.
    seen: u32,
    vcpus: Vec<HeardVcpu>,
}

#[derive(Debug, Default)]
struct HeardVcpu {
    id: u32,
    seen: u32,
    /// As stated, in billionths of whatever the unit is.
    cpu: Option<u128>,
    wait: Option<u128>,
    delay: Option<u128>,
}

impl Wants for Hearing {
    fn wants(&self, name: &str) -> bool {
        match name.as_bytes().first() {
            Some(b'k') => name == "kubevirt_info" || metric_names::place(name).is_some(),
            Some(b'p') => PROCESS.contains(&name),
            _ => false,
        }
    }

    fn take(&mut self, sample: &Sample<'_>) -> Result<(), Objection> {
        if let Some(place) = metric_names::place(sample.name) {
            return self.take_figure(place, sample);
        }
        if sample.name == "kubevirt_info" {
            if std::mem::replace(&mut self.version_seen, true) {
                return Err(Objection::Duplicate);
            }
            let version = sample.label("kubeversion").map(|version| version.text());
            self.version = version.filter(|text| text.len() <= LONGEST_NAME).map(|text| text.into_owned());
            return Ok(());
        }
        let Some(at) = PROCESS.iter().position(|name| *name == sample.name) else { return Ok(()) };
        if std::mem::replace(&mut self.process_seen[at], true) {
            return Err(Objection::Duplicate);
        }
        match at {
            0 => self.process.resident = whole(sample.value).map(Bytes),
            1 => self.process.cpu = billionths(sample.value).map(Nanos),
            2 => self.process.open_fds = whole(sample.value),
            _ => self.process.start_time = Some(sample.value.real()).filter(|time| time.is_finite()),
        }
        Ok(())
    }
}

impl Hearing {
    /// What was said. `fallback` is the version where the answer does not say it: virt-controller's does not.
    pub fn finish(self, fallback: Option<Version>) -> Said {
        let version = self.version.as_deref().and_then(Version::parse).or(fallback);
        let mut vmis: Vec<_> = self.vmis.into_iter().map(|heard| heard.finish(version)).collect();
        vmis.shrink_to_fit();
        Said { process: self.process, kubevirt_version: self.version, vmis }
    }

    fn take_figure(&mut self, place: usize, sample: &Sample<'_>) -> Result<(), Objection> {
        let value = sample.value;
        let figure = NAMES[place].figure;
        // A figure that says of whom it is in another way is none of KubeVirt's.
        let Some(vmi) = self.vmi(sample)? else { return Ok(()) };
        if matches!(figure, Figure::VcpuCpu | Figure::VcpuWait | Figure::VcpuDelay) {
            return vmi.take_vcpu(place, sample);
        }
        if vmi.seen & 1 << place != 0 {
            return Err(Objection::Duplicate);
        }
        vmi.seen |= 1 << place;
        let amount = || whole(value).map(Bytes);
        let said = &mut vmi.vmi;
        let slot = match figure {
            Figure::Resident => &mut said.resident,
            Figure::Domain => &mut said.domain,
            Figure::Available => &mut said.available,
            Figure::Usable => &mut said.usable,
            Figure::Unused => &mut said.unused,
            Figure::Cached => &mut said.cached,
            Figure::Overhead => &mut said.overhead,
            Figure::Cpu | Figure::VcpuCpu | Figure::VcpuWait | Figure::VcpuDelay => {
                said.cpu = said.cpu.or_else(|| billionths(value).map(Nanos));
                return Ok(());
            }
        };
        // Of two names for one figure the first counts; they say the same.
        *slot = slot.or_else(amount);
        Ok(())
    }

    /// The VMI of a sample's labels.
    fn vmi(&mut self, sample: &Sample<'_>) -> Result<Option<&mut HeardVmi>, Objection> {
        let (mut namespace, mut name, mut node) = (None, None, None);
        for (label, value) in sample.labels {
            match label {
                "namespace" => namespace = Some(value.text()),
                "name" => name = Some(value.text()),
                "node" => node = Some(value.text()),
                _ => {}
            }
        }
        let (Some(namespace), Some(name)) = (namespace, name) else { return Ok(None) };
        let is_long = |text: &str| text.len() > LONGEST_NAME;
        if is_long(&namespace) || is_long(&name) || node.as_deref().is_some_and(is_long) {
            return Err(Objection::Malformed("a name that is longer than Kubernetes allows".to_owned()));
        }
        self.key.clear();
        for part in [Some(&namespace), Some(&name), node.as_ref()].into_iter().flatten() {
            self.key += part;
            self.key.push('\0');
        }
        let at = match self.by_labels.get(self.key.as_str()) {
            Some(at) => *at,
            None if self.vmis.len() >= MOST_VMIS => return Err(Objection::TooMany),
            None => {
                let vmi = SaidVmi {
                    namespace: namespace.into_owned(),
                    name: name.into_owned(),
                    node: node.map(|node| node.into_owned()),
                    ..SaidVmi::default()
                };
                self.vmis.push(HeardVmi { vmi, ..HeardVmi::default() });
                self.by_labels.insert(self.key.clone(), self.vmis.len() - 1);
                self.vmis.len() - 1
            }
        };
        Ok(self.vmis.get_mut(at))
    }
}

impl HeardVmi {
    /// A vCPU is in one state at a time (`state` says in which), so it has one series for each figure.
    fn take_vcpu(&mut self, place: usize, sample: &Sample<'_>) -> Result<(), Objection> {
        let id = sample.label("id").and_then(|id| id.text().parse::<u32>().ok());
        let id = id.ok_or_else(|| Objection::Malformed("no number of a vCPU".to_owned()))?;
        let at = match self.vcpus.binary_search_by_key(&id, |vcpu| vcpu.id) {
            Ok(at) => at,
            Err(_) if self.vcpus.len() >= MOST_VCPUS => return Err(Objection::TooMany),
            Err(at) => {
                self.vcpus.insert(at, HeardVcpu { id, ..HeardVcpu::default() });
                at
            }
        };
        let vcpu = &mut self.vcpus[at];
        if vcpu.seen & 1 << place != 0 {
            return Err(Objection::Duplicate);
        }
        vcpu.seen |= 1 << place;
        let slot = match NAMES[place].figure {
            Figure::VcpuCpu => &mut vcpu.cpu,
            Figure::VcpuWait => &mut vcpu.wait,
            _ => &mut vcpu.delay,
        };
        *slot = slot.or_else(|| sample.value.scaled(9).and_then(|amount| amount.try_into().ok()));
        Ok(())
    }

    fn finish(self, version: Option<Version>) -> SaidVmi {
        let mended = |figure: Figure, stated: Option<u128>| {
            let shift = TimeUnit::Seconds.decimals() - time_unit(figure, version)?.decimals();
            u64::try_from(stated? / 10_u128.pow(shift)).ok().map(Nanos)
        };
        let vcpus = self.vcpus.iter().map(|vcpu| SaidVcpu {
            id: vcpu.id,
            cpu: mended(Figure::VcpuCpu, vcpu.cpu),
            wait: mended(Figure::VcpuWait, vcpu.wait),
            delay: mended(Figure::VcpuDelay, vcpu.delay),
        });
        SaidVmi { vcpus: vcpus.collect(), ..self.vmi }
    }
}

/// A whole number of units that is not negative.
pub(crate) fn whole(value: Number<'_>) -> Option<u64> {
    value.scaled(0).and_then(|amount| amount.try_into().ok())
}

/// Billionths: of seconds they are nanoseconds.
pub(crate) fn billionths(value: Number<'_>) -> Option<u64> {
    value.scaled(9).and_then(|amount| amount.try_into().ok())
}

#[cfg(test)]
mod tests;
