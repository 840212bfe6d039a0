//! The rings of the matryoshka: node, KubeVirt stack, virt-launcher pod, qemu, guest, modules; each holds the next.
//!
//! Rings around the guest's RAM are in the node's currency, RAM used by sar's formula, and sum. The guest counts in
//! another: its kernel took a part of its RAM at boot, and what it has freed stays with the node. So there is a border.

use crate::cluster::VmRecord;
use crate::footprint::{Footprint, Group, Rings, VmRow};
use crate::layout::figures::{fixed, size};

/// KiB in a MiB.
const KIB: f64 = 1024.0;

/// A unit of the JSON report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Of the ledger.
    Kib,
    /// Of everything else.
    Bytes,
}

impl Unit {
    /// How many of it are a MiB.
    pub(super) fn per_mib(self) -> f64 {
        match self {
            Unit::Kib => KIB,
            Unit::Bytes => KIB * KIB,
        }
    }

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Unit::Kib => "KiB",
            Unit::Bytes => "bytes",
        }
    }
}

/// A ring and those inside of it, which fill it.
#[derive(Clone, Debug)]
pub(super) struct Ring {
    /// As people read it.
    pub(super) name: String,
    /// What it holds.
    pub(super) mib: f64,
    /// What else there is to say.
    pub(super) remark: String,
    /// Whose it is; nothing for the node as a whole.
    pub(super) group: Option<Group>,
    /// Pointers into the capture in the JSON report whose sum it is; with `-` before it one that is taken off. None
    /// where it is in no single unit there.
    pub(super) json: Vec<String>,
    /// The unit of all of them.
    pub(super) unit: Unit,
    /// Inside of it another counts: who, and when.
    pub(super) border: Option<String>,
    /// From the outermost.
    pub(super) inside: Vec<Ring>,
}

impl Ring {
    fn new(name: impl Into<String>, mib: f64, group: Group) -> Ring {
        Ring {
            name: name.into(),
            mib,
            remark: String::new(),
            group: Some(group),
            json: Vec::new(),
            unit: Unit::Bytes,
            border: None,
            inside: Vec::new(),
        }
    }

    fn of_kib(self, json: Vec<String>) -> Ring {
        Ring { json, unit: Unit::Kib, ..self }
    }

    fn of_bytes(self, json: Vec<String>) -> Ring {
        Ring { json, unit: Unit::Bytes, ..self }
    }

    fn remark(self, remark: impl Into<String>) -> Ring {
        Ring { remark: remark.into(), ..self }
    }

    /// A ring as large as what it holds.
    fn around(name: impl Into<String>, group: Group, inside: Vec<Ring>) -> Ring {
        let mib = inside.iter().map(|ring| ring.mib).sum();
        let json = inside.iter().flat_map(|ring| ring.json.clone()).collect();
        let unit = inside.first().map_or(Unit::Bytes, |ring| ring.unit);
        Ring { json, unit, inside, ..Ring::new(name, mib, group) }
    }
}

/// The whole node, with `opened` VMs; nothing where there is no VM whose rings are known.
pub(super) fn node(shown: &Footprint, opened: usize) -> Option<Ring> {
    if !shown.vms.iter().any(|vm| vm.rings.is_some()) {
        return None;
    }
    let all = &[Group::Guest, Group::VmOverhead, Group::VmUnsplit];
    let kubevirt = Ring::around(
        "KubeVirt",
        Group::ControlPlane,
        vec![
            of_groups("control plane", shown, &[Group::ControlPlane]),
            of_groups("CDI", shown, &[Group::Cdi]),
            pods(shown, of_groups(format!("VM pods ({})", shown.vms.len()), shown, all), opened),
        ],
    );
    let used = shown.memory.used_kib as f64 / KIB;
    let whole = "/memory/used_kib".to_owned();
    let taken = kubevirt.json.iter().map(|pointer| format!("-{pointer}"));
    let rest = Ring::new("not KubeVirt", used - kubevirt.mib, Group::Other)
        .remark("Kubernetes, others, kernel")
        .of_kib(std::iter::once(whole.clone()).chain(taken).collect());
    let node = Ring::around("RAM used", Group::Other, vec![rest, kubevirt])
        .remark(format!("of {} MiB", fixed(shown.node.memory_total.mib(), 1)))
        .of_kib(vec![whole]);
    Some(Ring { group: None, ..node })
}

fn of_groups(name: impl Into<String>, shown: &Footprint, groups: &[Group]) -> Ring {
    let parts = || shown.memory.parts.iter().enumerate().filter(|(_, (key, _))| groups.contains(&key.group));
    let kib: i64 = parts().map(|(_, (_, kib))| *kib).sum();
    let group = groups.iter().copied().max().unwrap_or(Group::Other);
    let group = if group == Group::VmUnsplit { Group::VmOverhead } else { group };
    Ring::new(name, kib as f64 / KIB, group)
        .of_kib(parts().map(|(at, _)| format!("/memory/parts/{at}/amount")).collect())
}

fn pods(shown: &Footprint, all: Ring, opened: usize) -> Ring {
    let vms = shown.vms.iter().enumerate();
    let mut vms: Vec<_> = vms.filter_map(|(at, vm)| Some((at, vm, vm.rings.as_ref()?))).collect();
    vms.sort_by_key(|(_, _, rings)| std::cmp::Reverse(rings.total().0));
    let (open, closed) = vms.split_at(opened.min(vms.len()));
    let mut inside: Vec<_> = open.iter().map(|(at, vm, rings)| pod(*at, vm, rings)).collect();
    if !closed.is_empty() {
        let sum = closed.iter().map(|(_, _, rings)| rings.total().mib()).sum();
        let json = closed.iter().flat_map(|(at, vm, rings)| pod(*at, vm, rings).json);
        inside.push(
            Ring::new(format!("{} more VMs", closed.len()), sum, Group::VmOverhead)
                .remark("--all opens them")
                .of_bytes(json.collect()),
        );
    }
    // Pods of hotplugged volumes, VMs whose guest can't be told from its qemu, what an exporter does not split by VM.
    let rest = all.mib - inside.iter().map(|ring| ring.mib).sum::<f64>();
    if rest.abs() >= 0.05 {
        inside.push(Ring::new("not split by VM", rest, Group::VmOverhead));
    }
    Ring { inside, ..all }
}

fn pod(at: usize, vm: &VmRow, rings: &Rings) -> Ring {
    let names = match rings.others.as_slice() {
        [] => String::new(),
        [(only, _)] => only.clone(),
        [.., _] => {
            let largest = rings.others.iter().max_by_key(|(_, bytes)| bytes.0);
            format!("{} and {} more", largest.map_or("", |(name, _)| name), rings.others.len() - 1)
        }
    };
    let of_rings = |path: &str| format!("/vms/{at}/rings/{path}");
    let others = rings.others.iter().map(|(_, bytes)| bytes.mib()).sum();
    let itself = Ring::new("qemu itself", rings.emulator.mib(), Group::VmOverhead)
        .of_bytes(vec![of_rings("emulator")]);
    let emulator = Ring::around("qemu-kvm", Group::VmOverhead, vec![itself, guest(at, vm, rings)]);
    let around = Ring::new("around qemu", others, Group::VmOverhead)
        .remark(names)
        .of_bytes((0..rings.others.len()).map(|other| of_rings(&format!("others/{other}/1"))).collect());
    Ring::around(vm.full_name(), Group::VmOverhead, vec![around, emulator])
}

/// Guest RAM as the node counts it, and what the guest makes of it.
fn guest(at: usize, vm: &VmRow, rings: &Rings) -> Ring {
    let pointer = format!("/vms/{at}/rings/guest");
    let mut ring = Ring::new("guest RAM", rings.guest.mib(), Group::Guest).of_bytes(vec![pointer.clone()]);
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
    let index = cluster.guest.iter().position(|other| std::ptr::eq(other, memory)).unwrap_or_default();
    let of_used = format!("/vms/{at}/cluster/guest/{index}/used");
    let free = Ring::new("cache, free", ring.mib - used, Group::Guest)
        .remark("the node can't have it back")
        .of_bytes(vec![pointer, format!("-{of_used}")]);
    ring.inside = vec![free, modules(at, cluster, used, of_used)];
    ring
}

fn modules(at: usize, cluster: &VmRecord, used: f64, pointer: String) -> Ring {
    let whole = Ring::new("used", used, Group::Guest).of_bytes(vec![pointer.clone()]);
    let known = cluster.modules.iter().enumerate();
    let known = known.filter_map(|(index, module)| Some((index, module, module.memory?.mib())));
    let mut inside: Vec<_> = known
        .map(|(index, module, mib)| {
            let of_module = format!("/vms/{at}/cluster/modules/{index}/memory");
            Ring::new(module.name.clone(), mib, Group::Guest).of_bytes(vec![of_module])
        })
        .collect();
    let rest = used - inside.iter().map(|ring| ring.mib).sum::<f64>();
    // Modules are counted with their page cache and at another time.
    if inside.is_empty() || rest < 0.0 {
        return whole;
    }
    let taken = inside.iter().flat_map(|ring| &ring.json).map(|pointer| format!("-{pointer}"));
    let json = std::iter::once(pointer).chain(taken).collect();
    inside.push(Ring::new("the rest", rest, Group::Guest).of_bytes(json));
    Ring { inside, ..whole }
}

/// The answer in one sentence.
pub(super) fn sentence(vm: &VmRow) -> Option<String> {
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
