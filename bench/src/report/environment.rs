//! The title, and the machine that the figures are of.

use crate::cluster::ClusterRecord;
use crate::comparison::{Baseline, Comparison, Side};
use crate::footprint::Footprint;
use crate::layout::Block;
use crate::layout::figures::{fixed, gib, size};
use crate::machine::mismatches;

/// What this is, of which node, from when.
pub(super) fn title(comparison: &Comparison) -> Block {
    let shown = comparison.capture.shown();
    let capture = &shown.capture;
    let mut block = Block::untitled();
    let repeats = match comparison.capture.captures.len() {
        1 => String::new(),
        n => format!(", last of {n} captures"),
    };
    block.line(format!(
        "edgebench {}   {}   {} sample{}, {} s apart{repeats}   {}",
        capture.version,
        shown.hostname(),
        capture.samples,
        if capture.samples == 1 { "" } else { "s" },
        plain_seconds(capture.interval_seconds),
        time(&capture.started),
    ));
    match &comparison.baseline {
        Baseline::Measured(before) => {
            block.line(format!("{}: {}", baseline_name(comparison), measured(before, shown)))
        }
        Baseline::Estimated => {
            block.line("No KubeVirt: ESTIMATED from this run, a lower bound of the difference (see Notes)")
        }
        Baseline::Nothing => block.line("No KubeVirt on this machine: one column, nothing to compare."),
    };
    block
}

fn baseline_name(comparison: &Comparison) -> &'static str {
    if super::columns(comparison).0 == "BASELINE" { "Baseline" } else { "No KubeVirt" }
}

fn measured(before: &Side, after: &Footprint) -> String {
    let first = before.shown();
    let machine =
        if mismatches(first, after).is_empty() { "same machine" } else { "not the same set-up: see Notes" };
    let repeats = match before.captures.len() {
        1 => String::new(),
        n => format!("{n} captures, the last "),
    };
    format!(
        "measured, {} ({repeats}{}, {machine}{})",
        before.name,
        minute(&first.capture.started),
        earlier(first, after)
    )
}

/// How long the baseline lies before the capture.
fn earlier(before: &Footprint, after: &Footprint) -> String {
    let moment = |footprint: &Footprint| humantime::parse_rfc3339(&footprint.capture.started).ok();
    let (Some(before), Some(after)) = (moment(before), moment(after)) else { return String::new() };
    let Ok(seconds) = after.duration_since(before).map(|duration| duration.as_secs()) else {
        return ", taken later".to_owned();
    };
    match seconds {
        0..120 => format!(", {seconds} s earlier"),
        120..7200 => format!(", {} min earlier", seconds / 60),
        7200..172_800 => format!(", {} h earlier", seconds / 3600),
        _ => format!(", {} days earlier", seconds / 86_400),
    }
}

/// `2026-11-22T09:14:03Z` as people write it.
pub(super) fn time(rfc3339: &str) -> String {
    rfc3339.replacen('T', " ", 1).replacen('Z', " UTC", 1)
}

/// The same without seconds, where it only tells one day or one hour from another.
pub(super) fn minute(rfc3339: &str) -> String {
    let time = time(rfc3339);
    time.get(..16).map_or(time.clone(), str::to_owned)
}

fn plain_seconds(seconds: f64) -> String {
    let text = fixed(seconds, 3);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The machine, its system, and what runs on it as far as `/proc` says.
pub(super) fn block(comparison: &Comparison) -> Block {
    let shown = comparison.capture.shown();
    let mut block = Block::new("Environment");
    if let Some(exporter) = &shown.capture.exporter {
        block.pair("read by", format!("edgebench-exporter {} at {}", exporter.version, exporter.url));
    }
    block.pair("hardware", hardware(shown));
    block.pair("os", system(shown));
    block.pair("memory", memory(shown));
    block.pair(
        "processes",
        format!("{} and {} kernel threads", shown.node.processes, shown.node.kernel_threads),
    );
    if let Some(cluster) = &shown.cluster {
        cluster_lines(cluster, &mut block);
    }
    if !shown.vms.is_empty() {
        block.pair("workload", workload(shown));
    }
    block
}

/// What runs on the cluster, and what could not be learnt.
fn cluster_lines(cluster: &ClusterRecord, block: &mut Block) {
    if let Some(version) = &cluster.kubernetes {
        let flavour = cluster.flavour.as_ref().map(|name| format!("{name} ")).unwrap_or_default();
        block.pair("kubernetes", format!("{flavour}{version}"));
    }
    let products = [("kubevirt", &cluster.kubevirt, "virt-"), ("cdi", &cluster.cdi, "cdi-")];
    for (name, version, prefix) in products {
        let Some(version) = version else { continue };
        let deployments = cluster.deployments.iter().filter(|row| row.component.starts_with(prefix));
        let replicas: Vec<_> = deployments
            .map(|row| match row.ready == row.wanted {
                true => format!("{} {}", row.component, row.wanted),
                false => format!("{} {} of {} ready", row.component, row.ready, row.wanted),
            })
            .collect();
        block.pair(name, format!("{version}   {}", replicas.join(", ")).trim_end());
    }
    for what in &cluster.unknown {
        block.pair("not known", what.as_str());
    }
}

fn hardware(shown: &Footprint) -> String {
    let size = gib(shown.node.memory_total.mib());
    if shown.capture.exporter.is_some() {
        // The number of CPUs is told from their time, and nothing tells their model.
        return format!("~{} vCPU, {size}", shown.node.cpus);
    }
    let unknown = "CPU model unknown".to_owned();
    let model = shown.host.cpu_model.clone().unwrap_or(unknown);
    let machine = shown.host.machine.as_ref().map(|machine| format!(" ({machine})")).unwrap_or_default();
    format!("{model}, {} vCPU, {size}{machine}", shown.node.cpus)
}

fn system(shown: &Footprint) -> String {
    let host = &shown.host;
    let mut parts = Vec::new();
    parts.extend(host.os.clone());
    parts.extend(host.kernel.as_ref().map(|kernel| format!("kernel {kernel}")));
    parts.extend(host.cgroup.map(|version| format!("cgroup {}", version.name())));
    parts.push(if host.pressure { "PSI".into() } else { "no PSI".into() });
    parts.join(", ")
}

fn memory(shown: &Footprint) -> String {
    let host = &shown.host;
    let mut parts = Vec::new();
    parts.extend(shown.node.swap_total.zip(shown.node.swap_used).map(|(total, used)| match total.0 {
        0 => "swap off".to_owned(),
        total => format!("swap {} ({} used)", size(total), size(used.0)),
    }));
    parts.extend(host.transparent_hugepages.as_ref().map(|mode| format!("THP {mode}")));
    parts.extend(host.samepage_merging.map(|runs| format!("KSM {}", if runs { "on" } else { "off" })));
    parts.push(match shown.node.hugetlb.0 {
        0 => "no hugepages".to_owned(),
        pool => format!("hugepages {}", size(pool)),
    });
    parts.join(", ")
}

fn workload(shown: &Footprint) -> String {
    /// More names than this say less than their number.
    const NAMED: usize = 3;
    let count = shown.vms.len();
    let names: Vec<_> = shown
        .vms
        .iter()
        .take(NAMED)
        .map(|vm| {
            let mut text = vm.full_name();
            text += &vm.vcpus.map(|n| format!(", {n} vCPU")).unwrap_or_default();
            text += &vm.guest_size.map(|bytes| format!(", {}", size(bytes.0))).unwrap_or_default();
            if let Some(cluster) = &vm.cluster {
                text += &cluster.image.as_ref().map(|image| format!(", {image}")).unwrap_or_default();
                let modules: Vec<_> = cluster.modules.iter().map(|module| module.name.as_str()).collect();
                if !modules.is_empty() {
                    text += &format!("; {}", modules.join(", "));
                }
            }
            text
        })
        .collect();
    let more = if count > NAMED { format!("; and {} more", count - NAMED) } else { String::new() };
    format!("{count} VM{}: {}{more}", if count == 1 { "" } else { "s" }, names.join("; "))
}
