//! The answer, in one block at the end: it is what stays on the screen.

use edgebench_sampler::component::OncePer;

use super::Options;
use crate::comparison::{Baseline, Comparison, Judgement, Metric};
use crate::footprint::{Group, Tax};
use crate::layout::figures::{fixed, percent};
use crate::layout::rounding::apportion;
use crate::layout::{Block, Cell, Line, Table, Tone, left, right};

/// The summary.
pub(super) fn block(comparison: &Comparison, options: &Options) -> Block {
    let mut block = Block::new("Summary");
    match &comparison.baseline {
        Baseline::Nothing => nothing(comparison, &mut block),
        _ => {
            what_it_takes(comparison, &mut block);
            tax(comparison, &mut block);
        }
    }
    if let Some(file) = &options.saved {
        block.line(format!("Saved to {file}; pass it to `edgebench compare`, or as --baseline."));
    }
    block
}

fn nothing(comparison: &Comparison, block: &mut Block) {
    let node = &comparison.capture.shown().node;
    let used = comparison.capture.memory_used_kib() / 1024.0;
    let unit = Unit::of(node.memory_total.mib());
    block.line(
        Line::new(format!(
            "This machine uses {} of {} and {} of its CPU; none of it is KubeVirt.",
            unit.say(used),
            unit.say(node.memory_total.mib()),
            percent(node.cpu_used_percent, 2),
        ))
        .tone(Tone::Strong),
    );
    block.line("See a KubeVirt node:");
    block.line("  edgebench compare bench/examples/no-kubevirt.json.gz bench/examples/kubevirt.json.gz");
}

/// Sizes of one block share a unit, so that they add up as printed.
#[derive(Clone, Copy)]
enum Unit {
    Mib,
    Gib,
}

impl Unit {
    fn of(mib: f64) -> Unit {
        if mib.abs() >= 1024.0 { Unit::Gib } else { Unit::Mib }
    }

    fn scaled(self, mib: f64) -> f64 {
        match self {
            Unit::Mib => mib,
            Unit::Gib => mib / 1024.0,
        }
    }

    fn decimals(self) -> u32 {
        match self {
            Unit::Mib => 1,
            Unit::Gib => 2,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Unit::Mib => "MiB",
            Unit::Gib => "GiB",
        }
    }

    fn say(self, mib: f64) -> String {
        format!("{} {}", fixed(self.scaled(mib), self.decimals()), self.name())
    }
}

/// The difference in a handful of lines that sum to it.
fn what_it_takes(comparison: &Comparison, block: &mut Block) {
    let vms = comparison.capture.shown().vms.len();
    let lines = lines(comparison, vms);
    let total: f64 = lines.iter().map(|line| line.mib).sum();
    let unit = Unit::of(total);
    let node = comparison.capture.shown().node.memory_total.mib().max(1.0);
    let share = percent(total.abs() * 100.0 / node, 1);
    let whole = unit.say(total.abs());
    let sizes =
        apportion(&lines.iter().map(|line| unit.scaled(line.mib)).collect::<Vec<_>>(), unit.decimals());
    let shares = apportion(&lines.iter().map(|line| line.mib * 100.0 / total).collect::<Vec<_>>(), 0);
    // Left out only once it is rounded with the others: what is not printed must not be in the sum.
    let printed: Vec<_> = lines
        .iter()
        .zip(sizes.into_iter().zip(shares))
        .filter(|(_, (size, share))| *size != 0.0 || (share.is_finite() && *share != 0.0))
        .collect();
    let end = if printed.is_empty() { '.' } else { ':' };
    let is_kubevirts = super::columns(comparison).1 == "KUBEVIRT";
    let sentence = match (is_kubevirts, matches!(comparison.baseline, Baseline::Estimated), total < 0.0) {
        (true, true, _) => format!("KubeVirt takes at least ~{whole} ({share}) of this node{end}"),
        (true, false, false) => format!("KubeVirt takes {whole} ({share}) of this node{end}"),
        (_, _, false) => {
            format!("The capture takes {whole} ({share} of the node) more than the baseline{end}")
        }
        (_, _, true) => {
            format!("The capture takes {whole} ({share} of the node) less than the baseline{end}")
        }
    };
    block.line(Line::new(sentence).tone(Tone::Strong));
    let mut table = Table::new([right(""), left(""), right(""), left("").flexible().from(80)]);
    for (line, (size, share)) in printed {
        table.row([
            Cell::from(format!("{} {}", fixed(size, unit.decimals()), unit.name())),
            line.name.as_str().into(),
            if total == 0.0 { Cell::from("-") } else { percent(share, 0).into() },
            Cell::from(line.remark.as_str()).tone(Tone::Faint),
        ]);
    }
    block.table(table);
    let row = comparison.node_row(Metric::CpuUsed);
    if let Some((cpu, row)) = row.and_then(|row| row.percent.delta.zip(Some(row))) {
        let cpus = comparison.capture.shown().node.cpus as f64;
        let mark = if matches!(comparison.baseline, Baseline::Estimated) { "~" } else { "" };
        let of_core = percent(cpu.abs() * cpus, 1);
        let word = if cpu < 0.0 { "less" } else { "more" };
        let doubt = match row.verdict {
            Some(verdict @ (Judgement::WithinNoise | Judgement::TooFewSamples)) => {
                format!("; {}", verdict.name())
            }
            _ => String::new(),
        };
        let points = fixed(cpu.abs(), 2);
        block.line(format!("and {mark}{points} points of CPU {word} ({of_core} of one core{doubt})."));
    }
}

struct SummaryLine {
    mib: f64,
    name: String,
    remark: String,
}

fn lines(comparison: &Comparison, vms: usize) -> Vec<SummaryLine> {
    let of = |groups: &[Group]| groups.iter().map(|group| comparison.memory.of(*group)).sum::<f64>() / 1024.0;
    let plural = if vms == 1 { "" } else { "s" };
    let mut lines = vec![
        (of(&[Group::Guest]), format!("RAM of {vms} VM{plural}"), "what you asked for"),
        (
            of(&[Group::VmUnsplit]),
            format!("{vms} VM{plural}, guest and qemu"),
            "not to be told apart: see Notes",
        ),
        (
            of(&[Group::VmOverhead]),
            format!("around {}", if vms == 1 { "that VM" } else { "those VMs" }),
            "per VM",
        ),
        (
            of(&[Group::ControlPlane, Group::Cdi]),
            "KubeVirt and CDI".to_owned(),
            "once per cluster, but virt-handler: per node",
        ),
    ];
    if comparison.memory.of_difference {
        let kubernetes = of(&[Group::Kubernetes]);
        let name = Group::Kubernetes.name_of_change(kubernetes);
        lines.push((kubernetes, name.to_owned(), "CRDs, watches, shims"));
        lines.push((
            of(&[
                Group::Edgebench,
                Group::Other,
                Group::NotInCapture,
                Group::Kernel,
                Group::DuringRun,
                Group::Unexplained,
            ]),
            "kernel, other, unexplained".to_owned(),
            "",
        ));
    }
    lines
        .into_iter()
        .map(|(mib, name, remark)| SummaryLine { mib, name, remark: remark.to_owned() })
        .collect()
}

/// The headline figure, guests left out, by how often it is paid for.
fn tax(comparison: &Comparison, block: &mut Block) {
    let Tax { memory_kib: Some(kib), cpu_percent, parts } = &comparison.tax else {
        block
            .line("KubeVirt tax: not known, since a VM's overhead can't be told from its guest (see Notes).");
        return;
    };
    let mib = *kib as f64 / 1024.0;
    let unit = Unit::of(mib);
    let node = comparison.capture.shown().node.memory_total.mib().max(1.0);
    let cpu = cpu_percent.map(|share| format!(" and {} of its CPU", percent(share, 2))).unwrap_or_default();
    block.line(
        Line::new(format!(
            "KubeVirt tax, guests left out: {} ({} of the node's RAM){cpu}",
            unit.say(mib),
            percent(mib * 100.0 / node, 1)
        ))
        .tone(Tone::Strong),
    );
    let scaled: Vec<_> = parts.iter().map(|part| unit.scaled(part.memory_kib as f64 / 1024.0)).collect();
    let words: Vec<_> = parts
        .iter()
        .zip(apportion(&scaled, unit.decimals()))
        .map(|(part, size)| {
            let once = match part.once_per {
                OncePer::Cluster => "once per cluster",
                OncePer::Node => "on every node",
                OncePer::Vm => "for VMs",
            };
            format!("{} {} {once}", fixed(size, unit.decimals()), unit.name())
        })
        .collect();
    block.line(format!("  = {}", words.join(" + ")));
}
