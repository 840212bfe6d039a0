//! The VM table: what the owner asked for, what the node holds of it, what it costs beyond, and whether what is reserved
//! for that will hold.

use edgebench_sampler::{Bytes, BytesDelta};

use crate::cluster::VmRecord;
use crate::comparison::Comparison;
use crate::footprint::{Bound, HeadroomVerdict, VmRow};
use crate::layout::figures::{fixed, percent, size, size_with_sign};
use crate::layout::{Block, Cell, Column, Line, Table, Tone, left, right};

/// The table; nothing where there is no VM.
pub(super) fn block(comparison: &Comparison) -> Option<Block> {
    let shown = comparison.capture.shown();
    if shown.vms.is_empty() {
        return None;
    }
    let columns = Columns {
        joined: shown.vms.iter().any(|vm| vm.cluster.is_some()),
        swapped: shown.vms.iter().any(|vm| vm.swap.is_some_and(|swap| swap != Bytes::ZERO)),
    };
    let mut vms: Vec<_> = shown.vms.iter().collect();
    // The most urgent first; without a verdict they stay in the order of their names.
    vms.sort_by_key(|vm| vm.headroom.verdict.filter(|_| columns.joined));
    let mut table = Table::new(columns.columns());
    for vm in &vms {
        table.row(columns.cells(vm));
        if vm.guest_size.is_none() {
            table.span(Line::new("no qemu: this VM starts, or has stopped").tone(Tone::Faint));
        }
    }
    let mut block = Block::new("Virtual machines (MiB)");
    block.table(table);
    block.line(
        "OVERHEAD = PSS of the pod's processes - guest + their page tables: what the node pays beyond the guest. \
         POD WS is the working set of the container compute, what the kubelet counts.",
    );
    if columns.joined {
        for vm in vms {
            for line in said_of(vm) {
                block.line(line);
            }
        }
    }
    Some(block)
}

struct Columns {
    /// The cluster says something of a VM.
    joined: bool,
    /// A VM is swapped.
    swapped: bool,
}

impl Columns {
    fn columns(&self) -> Vec<Column> {
        let mut columns = vec![left("VM").flexible(), right("GUEST"), right("RESIDENT")];
        if self.joined {
            columns.push(right("USED").from(90));
        }
        columns.push(right("OVERHEAD"));
        if self.joined {
            columns.push(right("RESERVED"));
        }
        columns.push(right("POD WS"));
        if self.joined {
            columns.push(right("REQUEST").from(110));
        }
        columns.push(right("LIMIT"));
        if self.joined {
            columns.extend([right("HEADROOM").from(100), left("VERDICT")]);
        }
        if self.swapped {
            columns.push(right("SWAP"));
        }
        let wide = if self.joined { 130 } else { 90 };
        columns.extend([right("GUEST CPU %").from(wide), right("OVERHEAD CPU %").from(wide)]);
        columns
    }

    fn cells(&self, vm: &VmRow) -> Vec<Cell> {
        let mib = |bytes: Option<Bytes>| -> Cell { bytes.map(|bytes| fixed(bytes.mib(), 1)).into() };
        let difference =
            |bytes: Option<BytesDelta>| -> Cell { bytes.map(|bytes| fixed(bytes.mib(), 1)).into() };
        let limit = match &vm.compute {
            Some(figures) => figures.limit.map_or("(none)".into(), |limit| fixed(limit.mib(), 1).into()),
            None => Cell::from("-"),
        };
        let cluster = vm.cluster.as_ref();
        let mut cells = vec![Cell::from(vm.full_name()), mib(vm.guest_size), mib(vm.guest_resident)];
        if self.joined {
            cells.push(mib(cluster.and_then(|vm| vm.guest_memory()?.used)));
        }
        cells.push(difference(vm.overhead));
        if self.joined {
            cells.push(mib(cluster.and_then(|vm| Some(vm.reserved()?.bytes))));
        }
        cells.push(mib(vm.compute.map(|figures| figures.working_set)));
        if self.joined {
            cells.push(mib(cluster.and_then(|vm| vm.request)));
        }
        cells.push(limit);
        if self.joined {
            cells.push(difference(vm.headroom.now));
            cells.push(match vm.headroom.verdict {
                Some(verdict) => Cell::from(verdict.name()).tone(tone(verdict)),
                None => Cell::from("-"),
            });
        }
        if self.swapped {
            cells.push(mib(vm.swap));
        }
        cells.push(vm.cpu_guest_percent.map(|share| percent(share, 2)).into());
        cells.push(vm.cpu_overhead_percent.map(|share| percent(share, 2)).into());
        cells
    }
}

fn tone(verdict: HeadroomVerdict) -> Tone {
    match verdict {
        HeadroomVerdict::TooSmall | HeadroomVerdict::Tight => Tone::Warning,
        HeadroomVerdict::Enough => Tone::Good,
        HeadroomVerdict::TightLater | HeadroomVerdict::NoLimit => Tone::Plain,
    }
}

/// Each figure of a VM in a sentence, with what to do about it.
fn said_of(vm: &VmRow) -> Vec<Line> {
    let mut lines = vec![Line::new(format!("{}:", vm.full_name())).tone(Tone::Strong)];
    let mut say = |line: Option<String>| lines.extend(line.map(|line| Line::new(format!("  {line}"))));
    say(room(vm));
    say(vm.cluster.as_ref().and_then(|cluster| reserved(vm, cluster)));
    say(vm.cluster.as_ref().and_then(disagreement));
    say(kubectl_top(vm));
    lines
}

/// Whether what it may use will do.
fn room(vm: &VmRow) -> Option<String> {
    let room = &vm.headroom;
    let (bound, now) = room.against.zip(room.now)?;
    let later = room.touched.filter(|later| *later != now);
    let mut text = match bound {
        Bound::Limit(limit) => format!("{} to its limit of {}", size_with_sign(now.0), size(limit.0)),
        Bound::Request(_) if now.0 < 0 => format!(
            "no limit is set, so it is not killed for itself; it is {} over its request, so the kubelet evicts it \
             early when the node runs out",
            size(now.0.unsigned_abs())
        ),
        Bound::Request(_) => format!(
            "no limit is set, so it is not killed for itself; it is {} under its request, so only a full node can \
             have it evicted",
            size(now.0.unsigned_abs())
        ),
    };
    if let Some(later) = later {
        text += &format!("; {} once the guest has touched all of its RAM", size_with_sign(later.0));
    }
    match room.verdict {
        Some(HeadroomVerdict::TooSmall) => {
            text += &format!(". At the limit the kernel kills qemu and the VM dies: {}.", more(vm));
        }
        Some(HeadroomVerdict::Tight | HeadroomVerdict::TightLater) => text += &format!(": {}.", more(vm)),
        _ => text.push('.'),
    }
    Some(text)
}

/// What to set, and to how much: whole 64 Mi, so that a tenth of what is reserved is left.
fn more(vm: &VmRow) -> String {
    const STEP: u64 = 64 << 20;
    let later = vm.headroom.touched.or(vm.headroom.now).unwrap_or_default().0;
    let reserved =
        vm.cluster.as_ref().and_then(VmRecord::reserved).map_or(Bytes::ZERO, |reserved| reserved.bytes);
    let wanted = (reserved.0 / 10) as i64 - later;
    let steps = u64::try_from(wanted).unwrap_or_default().div_ceil(STEP).max(1);
    let added = steps * STEP;
    let ratio = (reserved.0 + added) as f64 / reserved.0.max(1) as f64;
    let ratio = match reserved.0 {
        0 => String::new(),
        _ => format!(
            " (before, for all VMs: additionalGuestMemoryOverheadRatio \"{:.1}\" in the KubeVirt CR)",
            (ratio * 10.0).ceil() / 10.0
        ),
    };
    format!(
        "KubeVirt >= 1.8: spec.domain.memory.reservedOverhead.addedOverhead: {}Mi, then restart it{ratio}",
        added >> 20
    )
}

/// The measured overhead, in both currencies, beside what is reserved.
fn reserved(vm: &VmRow, cluster: &VmRecord) -> Option<String> {
    let reserved = cluster.reserved()?;
    let by = match reserved.source.as_str() {
        "status" => "status of the VMI",
        "annotation" => "annotation of its pod",
        "metric" => "virt-controller",
        _ => "the formula of its version",
    };
    let mut text = format!("KubeVirt reserves {} beyond the guest ({by}", size(reserved.bytes.0));
    if reserved.source == "formula" && !cluster.formula.is_empty() {
        let terms: Vec<_> =
            cluster.formula.iter().map(|term| format!("{} {}", term.name, size(term.bytes.0))).collect();
        text += &format!(": {}", terms.join(" + "));
    }
    text.push(')');
    if let Some(node) = vm.overhead {
        let over = node - reserved.bytes.signed();
        let word = if over.0 > 0 { "above" } else { "below" };
        text += &format!(
            "; the node pays {}, {} {word} that",
            size(node.0.max(0).unsigned_abs()),
            size(over.0.unsigned_abs())
        );
    }
    if let Some(kubelet) = vm.overhead_of_kubelet() {
        text += &format!(
            "; held against its request and limit are {} (working set - guest)",
            size(kubelet.0.max(0).unsigned_abs())
        );
    }
    text.push('.');
    Some(text)
}

/// Who else says what is reserved, if it is another amount.
fn disagreement(cluster: &VmRecord) -> Option<String> {
    let best = cluster.reserved()?;
    let others: Vec<_> = cluster
        .reserved
        .iter()
        .filter(|reserved| reserved.bytes != best.bytes)
        .map(|reserved| {
            let version = match (reserved.source.as_str(), &cluster.launcher_version) {
                ("formula", Some(version)) => format!(" of {version}"),
                _ => String::new(),
            };
            format!("{}{version} says {}", reserved.source, size(reserved.bytes.0))
        })
        .collect();
    (!others.is_empty()).then(|| {
        format!(
            "Not all agree: {}. A version string need not say what a binary was built from.",
            others.join(", ")
        )
    })
}

/// Why another tool shows another number.
fn kubectl_top(vm: &VmRow) -> Option<String> {
    let working_set = vm.pod?.working_set;
    let mut text = format!(
        "`kubectl top pod` shows {}: the working set of all containers of the pod, page cache that is in use and (cgroup \
         v2) kernel memory included",
        size(working_set.0)
    );
    if let Some(proportional) = vm.pod_proportional {
        text += &format!(
            "; by PSS its processes hold {}, their share of pages that other pods use too among it",
            size(proportional.0)
        );
    }
    text.push('.');
    Some(text)
}
