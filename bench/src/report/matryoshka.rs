//! The matryoshka: node, KubeVirt stack, virt-launcher pod, qemu, guest, modules; each ring holds the next.
//!
//! Rings around the guest's RAM are in the node's currency, RAM used by sar's formula, and sum. The guest counts in
//! another: its kernel took a part of its RAM at boot, and what it has freed stays with the node. So there is a border.

use crate::cluster::VmRecord;
use crate::comparison::Comparison;
use crate::footprint::{Footprint, Group, Rings, VmRow};
use crate::layout::figures::{bar, fixed, size};
use crate::layout::rounding::{apportion_to, rounded};
use crate::layout::{Block, Cell, Line, Table, Tone, left, right};

/// VMs that are opened; the others are one ring.
const OPENED: usize = 3;
/// Width of the longest bar.
const BAR: usize = 20;

/// The view; nothing where there is no VM whose rings are known.
pub(super) fn block(comparison: &Comparison, all: bool) -> Option<Block> {
    let shown = comparison.capture.shown();
    let node = node(shown, if all { usize::MAX } else { OPENED })?;
    let mut block = Block::new("The matryoshka (MiB, formula: sar)");
    let mut table =
        Table::new([left("RING").flexible(), right("MiB"), left("").from(80), left("").from(100)]);
    let whole = node.mib;
    let (mut rows, mut has_border) = (Vec::new(), false);
    node.rows(rounded(whole, 1), "", "", &mut rows);
    for row in rows {
        let Some(mib) = row.mib else {
            has_border = true;
            // A remark on a row is indented by itself.
            let text = row.name.strip_prefix("  ").unwrap_or(&row.name).to_owned();
            table.span(Line::new(text).tone(Tone::Strong));
            continue;
        };
        let share = if whole > 0.0 { mib / whole } else { 0.0 };
        table.row([
            Cell::from(row.name),
            Cell::from(fixed(mib, 1)),
            Cell::from(bar(share, BAR)).tone(Tone::Faint),
            Cell::from(row.remark).tone(Tone::Faint),
        ]);
    }
    block.table(table);
    if has_border {
        block.line(
            "Down to guest RAM the node counts. Below the border the guest does, by its own word and at another time: \
             cache, free is what is left of what the node holds.",
        );
    }
    for vm in &shown.vms {
        if let Some(line) = sentence(vm) {
            block.line(line);
        }
    }
    Some(block)
}

/// A ring and those inside of it, which fill it.
#[derive(Clone, Debug, Default)]
struct Ring {
    name: String,
    mib: f64,
    remark: String,
    /// Inside of it another counts: who, and when.
    border: Option<String>,
    inside: Vec<Ring>,
}

struct Row {
    name: String,
    /// Nothing at a border.
    mib: Option<f64>,
    remark: String,
}

impl Ring {
    fn new(name: impl Into<String>, mib: f64, remark: impl Into<String>) -> Ring {
        Ring { name: name.into(), mib, remark: remark.into(), ..Ring::default() }
    }

    /// A ring as large as what it holds.
    fn around(name: impl Into<String>, inside: Vec<Ring>) -> Ring {
        Ring { mib: inside.iter().map(|ring| ring.mib).sum(), inside, ..Ring::new(name, 0.0, "") }
    }

    /// Its row and those inside of it. `mib` is what is printed for it: its parts add up to that.
    fn rows(&self, mib: f64, lead: &str, indent: &str, rows: &mut Vec<Row>) {
        rows.push(Row { name: format!("{lead}{}", self.name), mib: Some(mib), remark: self.remark.clone() });
        if let Some(border) = &self.border {
            let name = format!("{indent}==== {border} ====");
            rows.push(Row { name, mib: None, remark: String::new() });
        }
        let sizes: Vec<_> = self.inside.iter().map(|ring| ring.mib).collect();
        let sizes = apportion_to(&sizes, mib, 1);
        for (at, (ring, mib)) in self.inside.iter().zip(sizes).enumerate() {
            let last = at + 1 == self.inside.len();
            let (branch, rest) = if last { ("`- ", "   ") } else { ("|- ", "|  ") };
            ring.rows(mib, &format!("{indent}{branch}"), &format!("{indent}{rest}"), rows);
        }
    }
}

fn node(shown: &Footprint, opened: usize) -> Option<Ring> {
    if !shown.vms.iter().any(|vm| vm.rings.is_some()) {
        return None;
    }
    let of = |groups: &[Group]| {
        let parts = shown.memory.parts.iter().filter(|(key, _)| groups.contains(&key.group));
        parts.map(|(_, kib)| *kib).sum::<i64>() as f64 / 1024.0
    };
    let pods = of(&[Group::Guest, Group::VmOverhead, Group::VmUnsplit]);
    let kubevirt = Ring::around(
        "KubeVirt",
        vec![
            Ring::new("control plane", of(&[Group::ControlPlane]), ""),
            Ring::new("CDI", of(&[Group::Cdi]), ""),
            self::pods(shown, pods, opened),
        ],
    );
    let used = shown.memory.used_kib as f64 / 1024.0;
    let rest = Ring::new("not KubeVirt", used - kubevirt.mib, "Kubernetes, others, kernel");
    Some(Ring {
        remark: format!("of {} MiB", fixed(shown.node.memory_total.mib(), 1)),
        ..Ring::around("RAM used", vec![rest, kubevirt])
    })
}

fn pods(shown: &Footprint, mib: f64, opened: usize) -> Ring {
    let mut vms: Vec<_> = shown.vms.iter().filter_map(|vm| Some((vm, vm.rings.as_ref()?))).collect();
    vms.sort_by_key(|(_, rings)| std::cmp::Reverse(rings.total().0));
    let (open, closed) = vms.split_at(opened.min(vms.len()));
    let mut inside: Vec<_> = open.iter().map(|(vm, rings)| pod(vm, rings)).collect();
    if !closed.is_empty() {
        let sum = closed.iter().map(|(_, rings)| rings.total().mib()).sum();
        inside.push(Ring::new(format!("{} more VMs", closed.len()), sum, "--all opens them"));
    }
    // Pods of hotplugged volumes, VMs whose guest can't be told from its qemu, what an exporter does not split by VM.
    let rest = mib - inside.iter().map(|ring| ring.mib).sum::<f64>();
    if rest.abs() >= 0.05 {
        inside.push(Ring::new("not split by VM", rest, ""));
    }
    Ring { mib, inside, ..Ring::new(format!("VM pods ({})", shown.vms.len()), mib, "") }
}

fn pod(vm: &VmRow, rings: &Rings) -> Ring {
    let names = match rings.others.as_slice() {
        [] => String::new(),
        [(only, _)] => only.clone(),
        [.., _] => {
            let largest = rings.others.iter().max_by_key(|(_, bytes)| bytes.0);
            format!("{} and {} more", largest.map_or("", |(name, _)| name), rings.others.len() - 1)
        }
    };
    let others = rings.others.iter().map(|(_, bytes)| bytes.mib()).sum();
    let emulator =
        Ring::around("qemu-kvm", vec![Ring::new("qemu itself", rings.emulator.mib(), ""), guest(vm, rings)]);
    let around = Ring::new("around qemu", others, names);
    Ring::around(vm.full_name(), vec![around, emulator])
}

/// Guest RAM as the node counts it, and what the guest makes of it.
fn guest(vm: &VmRow, rings: &Rings) -> Ring {
    let mut ring = Ring::new("guest RAM", rings.guest.mib(), "");
    if rings.shared_guest.0 > 0 {
        ring.remark =
            format!("and {} MiB in shared memory, outside of RAM used", fixed(rings.shared_guest.mib(), 1));
        return ring;
    }
    let said = vm.cluster.as_ref().and_then(|cluster| Some((cluster, cluster.guest_memory()?)));
    let Some((cluster, memory)) = said else {
        ring.remark = "nobody says what for".into();
        return ring;
    };
    let used = memory.used.unwrap_or_default().mib();
    let source = memory.source.replace('_', " ");
    // The guest may use what the node has swapped out or merged: then its figures don't fit into this ring.
    if used > ring.mib {
        ring.border = Some(format!("by {source}: {} MiB used, more than the node holds", fixed(used, 1)));
        return ring;
    }
    ring.border = Some(format!("by {source}, {} s old", fixed(memory.age_seconds, 0)));
    let free = Ring::new("cache, free", ring.mib - used, "the node can't have it back");
    ring.inside = vec![free, modules(cluster, used)];
    ring
}

fn modules(cluster: &VmRecord, used: f64) -> Ring {
    let known = cluster.modules.iter().filter_map(|module| Some((module, module.memory?.mib())));
    let mut inside: Vec<_> = known.map(|(module, mib)| Ring::new(module.name.clone(), mib, "")).collect();
    let rest = used - inside.iter().map(|ring| ring.mib).sum::<f64>();
    // Modules are counted with their page cache and at another time.
    if inside.is_empty() || rest < 0.0 {
        return Ring::new("used", used, "");
    }
    inside.push(Ring::new("the rest", rest, ""));
    Ring { mib: used, inside, ..Ring::new("used", used, "") }
}

/// The answer in one sentence.
fn sentence(vm: &VmRow) -> Option<String> {
    let rings = vm.rings.as_ref()?;
    let given = size(vm.guest_size?.0);
    let pays = size((rings.total().0.max(0) as u64).saturating_add(rings.shared_guest.0));
    let cluster = vm.cluster.as_ref();
    let modules: Vec<_> =
        cluster.map(|cluster| cluster.modules.as_slice()).unwrap_or_default().iter().collect();
    let of_modules = modules.iter().filter_map(|module| Some(module.memory?.0)).sum::<u64>();
    let used = cluster.and_then(|cluster| cluster.guest_memory()?.used);
    let inner = match (of_modules, used) {
        (0, None) => String::new(),
        (0, Some(used)) => format!(", of which its guest uses {}", size(used.0)),
        (modules, _) => format!(", of which its modules use {}", size(modules)),
    };
    Some(format!("{} was given {given}{inner}; the node pays {pays} for it.", vm.full_name()))
}
