//! Families of what KubeVirt's and CDI's components say of themselves and of their VMs.
//!
//! They stand beside what `/proc` says: `process_resident_memory_bytes` is field 24 of `/proc/self/stat`
//! (client_golang), virt-handler's CPU time of a VM is utime + stime of its qemu (libvirt's virProcessGetStatInfo).

#![allow(missing_docs, reason = "the help of a family says what it is")]

use super::emit::Out;
use super::vmi::{LABELS, each};
use super::{Family, Sink, Value};
use crate::view::View;
use crate::view::joined::EndpointFigures;

const BY_POD: &[&str] = &["component", "endpoint_pod"];

pub static UP: Family = Family::gauge(
    "edgebench_endpoint_up",
    BY_POD,
    "endpoint",
    "1 where the last scrape of the component's endpoint gave all, else 0.",
);
pub static DURATION: Family = Family::gauge(
    "edgebench_endpoint_scrape_duration_seconds",
    BY_POD,
    "endpoint",
    "Time that the last scrape of the component's endpoint took.",
);
pub static BYTES: Family = Family::gauge(
    "edgebench_endpoint_scrape_bytes",
    BY_POD,
    "endpoint",
    "Bytes of the last answer of the component's endpoint.",
);
pub static SERIES: Family = Family::gauge(
    "edgebench_endpoint_scrape_series",
    BY_POD,
    "endpoint",
    "Series in the last answer of the component's endpoint, of which a few are read.",
);
pub static FAILURES: Family = Family::counter(
    "edgebench_endpoint_failures_total",
    &["component", "endpoint_pod", "reason"],
    "endpoint",
    "Scrapes of the component's endpoint that gave nothing, by reason.",
);
pub static AGE: Family = Family::gauge(
    "edgebench_endpoint_age_seconds",
    BY_POD,
    "endpoint",
    "Time since the last scrape of the component's endpoint that gave all.",
);
pub static RESIDENT: Family = Family::gauge(
    "edgebench_endpoint_resident_memory_bytes",
    BY_POD,
    "endpoint",
    "RES of the component by its own word: its process_resident_memory_bytes.",
);
pub static CPU_SECONDS: Family = Family::counter(
    "edgebench_endpoint_cpu_seconds_total",
    BY_POD,
    "endpoint",
    "CPU time of the component by its own word: its process_cpu_seconds_total.",
);
pub static OPEN_FDS: Family = Family::gauge(
    "edgebench_endpoint_open_fds",
    BY_POD,
    "endpoint",
    "Open files of the component by its own word: its process_open_fds.",
);
pub static START_TIME: Family = Family::gauge(
    "edgebench_endpoint_start_time_seconds",
    BY_POD,
    "endpoint",
    "Unix time at which the component started by its own word: its process_start_time_seconds.",
);
pub static REPORTED_RESIDENT: Family = Family::gauge(
    "edgebench_vmi_reported_resident_memory_bytes",
    LABELS,
    "endpoint",
    "RES of the VM's qemu by virt-handler's word: kubevirt_vmi_memory_resident_bytes.",
);
pub static REPORTED_DOMAIN: Family = Family::gauge(
    "edgebench_vmi_reported_domain_memory_bytes",
    LABELS,
    "endpoint",
    "Memory that the balloon leaves the guest by virt-handler's word: kubevirt_vmi_memory_domain_bytes and its \
     older names.",
);
pub static REPORTED_CPU: Family = Family::counter(
    "edgebench_vmi_reported_cpu_seconds_total",
    LABELS,
    "endpoint",
    "CPU time of the VM's qemu by virt-handler's word: kubevirt_vmi_cpu_usage_seconds_total.",
);
pub static REPORTED_AGE: Family = Family::gauge(
    "edgebench_vmi_reported_age_seconds",
    LABELS,
    "endpoint",
    "Time since virt-handler was asked for what it reports of the VM; virt-launcher's figures are up to some \
     seconds older.",
);

pub(super) fn emit(view: &View, out: &mut Out<'_, impl Sink>) {
    each_pod(view, out, &UP, |endpoint| Some(u64::from(endpoint.up)));
    each_pod(view, out, &DURATION, |endpoint| Some(endpoint.duration));
    each_pod(view, out, &BYTES, |endpoint| Some(endpoint.bytes));
    each_pod(view, out, &SERIES, |endpoint| Some(endpoint.series));
    out.family(&FAILURES);
    for endpoint in &view.endpoints {
        for (reason, count) in &endpoint.failures {
            out.sample(&[&endpoint.component, &endpoint.pod, reason], *count);
        }
    }
    each_pod(view, out, &AGE, |endpoint| endpoint.age);
    each_pod(view, out, &RESIDENT, |endpoint| endpoint.resident);
    each_pod(view, out, &CPU_SECONDS, |endpoint| endpoint.cpu);
    each_pod(view, out, &OPEN_FDS, |endpoint| endpoint.open_fds);
    each_pod(view, out, &START_TIME, |endpoint| endpoint.start_time);
    each(view, out, &REPORTED_RESIDENT, |vm| vm.joined.reported?.resident);
    each(view, out, &REPORTED_DOMAIN, |vm| vm.joined.reported?.domain);
    each(view, out, &REPORTED_CPU, |vm| vm.joined.reported?.cpu);
    each(view, out, &REPORTED_AGE, |vm| Some(vm.joined.reported?.age));
}

fn each_pod<V: Into<Value>>(
    view: &View,
    out: &mut Out<'_, impl Sink>,
    family: &'static Family,
    figure: impl Fn(&EndpointFigures) -> Option<V>,
) {
    out.family(family);
    for endpoint in &view.endpoints {
        out.sample_if(&[&endpoint.component, &endpoint.pod], figure(endpoint));
    }
}
